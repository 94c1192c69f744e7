"""Raw rows that judge a model are read by its own columns, whatever verb takes them."""

from __future__ import annotations

from pathlib import Path

import oreline as ore


def test_compress_reads_a_raw_file_by_the_columns_of_the_model(shallow_start: Path, tmp_path: Path) -> None:
    rows = {"quote": [f"a {('great', 'dull')[n % 2]} film {n}" for n in range(60)], "kind": ["good", "bad"] * 30}
    model = ore.finetune(
        str(shallow_start),
        rows,
        text="quote",
        label="kind",
        method="full",
        train={"epochs": 0.5},
        out=tmp_path / "model",
    )
    fresh = tmp_path / "fresh.csv"
    fresh.write_text("quote,kind\n" + "".join(f"a {w} plot {n},{k}\n" for n in range(10) for w, k in
                                               (("great", "good"), ("dull", "bad"))))  # fmt: skip
    small, report = ore.compress(
        model, data=fresh, split="all", options={"graphs": ["eager"]}, max_drop=0.9, out=tmp_path / "small"
    )
    assert small.manifest.runtime == "onnx"
    assert report.metrics["accuracy"].n == 20

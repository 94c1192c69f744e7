"""Wrong labels found and repaired: planted ones in agnews, real ones in cic_zh.

agnews: a fifth of the 4,000 labels are replaced by another one drawn at random; what `flag_label_errors` finds is
compared with what was planted. The labels of agnews themselves are not all right, which counts as a false alarm here.

cic_zh (118 intents, train and dev noisy, test clean, Chinese, no encoder): the same linear model of the training rows
as they are and as the operator repaired them. How it repairs is chosen by the noisy dev rows (`--repairs` are tried);
test is looked at once for each of both.

    python benchmarks/label_noise.py --data /data
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import oreline as ore
from oreline import registry
from oreline.api.operator_models import open_model
from oreline.evaluate.compare import paired_difference
from oreline.evaluate.estimates import estimates, point_values
from oreline.evaluate.table import Table, predict_table
from oreline.runtime.open import open_runtime

ENCODER = "catalog:minilm-l6-en"
FIGURES = ("macro_f1", "accuracy")
SHARE = 0.2
REPAIRS: list[dict[str, float]] = [{"drop": 0.0}, {"relabel": 0.5, "drop": 0.0}, {"relabel": 0.0}, {"relabel": 0.5}]
"""Tried on dev: drop what was found; relabel the sure ones and drop the rest; relabel all; relabel the sure ones."""


def main() -> None:
    """Measure, print a table each and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--sets", nargs="*", default=["agnews", "cic_zh"])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of what is planted")
    parser.add_argument("--rows", type=int, help="only so many training rows")
    parser.add_argument("--repairs", type=json.loads, default=REPAIRS, help="options of the operator, as JSON")
    parser.add_argument(
        "--vectors", type=Path, help="vectors of agnews, .npy: read where it is there, written where not"
    )
    given = parser.parse_args()
    found: dict[str, Any] = {"benchmark": "label_noise"}
    for name, measure in (("agnews", planted), ("cic_zh", repaired)):
        folder = Path(given.data or ".") / name
        if name not in given.sets:
            continue
        if not (folder / "train.jsonl").is_file():
            print(f"skipped: no {folder}/train.jsonl", file=sys.stderr)
            continue
        found[name] = measure(folder, given)
    print(json.dumps(found, ensure_ascii=False))


class Vectors:
    """An encoder whose vectors of one list of texts are kept in a file."""

    def __init__(self, file: Path | None, texts: Sequence[str]) -> None:
        if file is not None and file.is_file():
            self._all = np.load(file)[: len(texts)]
        else:
            self._all = open_model(ENCODER).embed(texts)
            if file is not None:
                np.save(file, self._all)
        self._row_of = {text: row for row, text in enumerate(texts)}

    def embed(self, texts: Sequence[str]) -> Any:
        """Return the vectors of some of the texts."""
        return self._all[[self._row_of[text] for text in texts]]


def planted(folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what was found of planted errors, with an encoder and without one, for each seed."""
    rows = pl.read_ndjson(folder / "train.jsonl").head(given.rows or sys.maxsize)
    vectors = Vectors(given.vectors, rows["text"].to_list())
    labels = rows["label"].unique().sort().to_list()
    truth_N = rows["label"].replace_strict(labels, np.arange(len(labels)), return_dtype=pl.Int64).to_numpy()
    measured = []
    for seed in given.seeds:
        random = np.random.default_rng(seed)
        label_N = truth_N.copy()
        wrong = random.permutation(len(truth_N))[: round(len(truth_N) * SHARE)]
        label_N[wrong] = (label_N[wrong] + random.integers(1, len(labels), len(wrong))) % len(labels)
        frame = pl.DataFrame(
            {
                "row_id": [f"agnews:{row}" for row in range(1, rows.height + 1)],
                "text": rows["text"],
                "label": [labels[code] for code in label_N],
            }
        )
        for encoder in (ENCODER, ""):
            operator = registry.create("operator", "flag_label_errors", encoder=encoder)
            operator.bind({"encoder": vectors} if encoder else {})
            found = operator.fit(frame.lazy())
            measured.append({"seed": seed, "encoder": encoder or "n-grams", **scored(found, wrong, truth_N, labels)})
            print(measured[-1], file=sys.stderr, flush=True)
    return measured


def scored(found: dict[str, Any], wrong: Any, truth_N: Any, labels: list[str]) -> dict[str, float]:
    """Return precision and recall of all that was found, and of the worst rows down to a recall of 0.7."""
    rows = np.array([int(row_id.split(":")[1]) - 1 for row_id in found["row_id"]], np.int64)
    hits = np.isin(rows, wrong)
    wanted = int(np.ceil(0.7 * len(wrong)))
    read = int(np.searchsorted(np.cumsum(hits), wanted)) + 1
    suggested = np.array([labels[truth_N[row]] == label for row, label in zip(rows, found["suggested"])])
    return {
        "found": len(rows),
        "precision": round(float(hits.mean()), 4),
        "recall": round(float(hits.sum() / len(wrong)), 4),
        "precision_at_recall_0.7": round(wanted / read, 4) if hits.sum() >= wanted else float("nan"),
        "suggestion_right_of_hits": round(float(suggested[hits].mean()), 4),
    }


def repaired(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a linear model before and after the repair of its training rows."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        source = {
            name: pl.read_ndjson(folder / f"{name}.jsonl").select("text", "label") for name in ("train", "dev", "test")
        }
        source["train"] = source["train"].head(given.rows or sys.maxsize)
        before = model_of(source, [], place / "before")
        tried = []
        for number, options in enumerate(given.repairs):
            after = model_of(source, [{"flag_label_errors": options}], place / f"after{number}")
            tried.append((figure(after, "dev", before[1]), number, options, after))
            print(f"{options}: macro-F1 on noisy dev {tried[-1][0]:.4f}", file=sys.stderr, flush=True)
        on_dev, _, options, best = max(tried, key=lambda one: one[:2])
        tables = {"before": table(before), "after": table(best)}
        difference = paired_difference(tables["before"], tables["after"], metric="macro_f1")
        found = {name: estimates(one, ["f1", "accuracy"]) for name, one in tables.items()}
        counts = best[1].manifest.counts
    return {
        **{name: {key: one.to_json() for key, one in some.items() if key in FIGURES} for name, some in found.items()},
        "difference": difference.to_json(),
        "chosen": options,
        "dev": {"before": figure(before, "dev"), "after": on_dev, "tried": [[one[2], one[0]] for one in tried]},
        "rows_dropped": counts["rows_dropped"],
    }


Model = tuple[Any, Any]
"""A trained artifact and its dataset."""


def model_of(source: dict[str, pl.DataFrame], operators: list[Any], place: Path) -> Model:
    """Refine with these operators and train the linear model; test is left as it is."""
    data = ore.refine(source, operators=operators, split={}, out=place / "data")
    options = {"longest": 3, "max_features": 40_000, "regularization": [3.0]}
    return ore.finetune(None, data, method="linear", method_options=options, out=place / "model"), data


def table(model: Model, split: str = "test", data: Any = None) -> Table:
    """Return the answers to a split."""
    return predict_table(open_runtime(model[0]), data or model[1], split, refuse_trained=False)


def figure(model: Model, split: str, data: Any = None) -> float:
    """Return the macro-F1 on a split."""
    found = table(model, split, data)
    return float(point_values(found.task, found.targets, {"scores": found.scores})["macro_f1"])


if __name__ == "__main__":
    main()

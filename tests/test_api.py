"""The library as a user of a notebook sees it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import datasets
import polars as pl
import pytest

import oreline as ore
from oreline import api


def test_every_name_is_there() -> None:
    assert ore.__all__ == sorted(ore.__all__)
    assert set(ore.__all__) <= set(dir(ore))
    for name in ore.__all__:
        assert getattr(ore, name) is not None
    with pytest.raises(AttributeError, match="refin"):
        _ = ore.refin


@pytest.mark.parametrize("verb", [*api.VERBS, "predict", "explain", "load", "promote", "rollback"])
def test_a_verb_is_the_function_before_and_after_its_package_is_imported(verb: str) -> None:
    """`oreline.evaluate` is a package too; importing it must not hide the verb."""
    before = getattr(ore, verb)
    for package in ("compress.compress", "evaluate.evaluate", "explain.explain", "monitor.monitor", "update.update"):
        __import__(f"oreline.{package}")
    assert getattr(ore, verb) is before
    assert inspect.isfunction(before)
    assert before is getattr(api, verb)


def test_every_verb_says_what_it_does() -> None:
    for verb in api.VERBS.values():
        assert inspect.getdoc(verb)


def test_importing_is_light() -> None:
    code = (
        "import sys, oreline, oreline.cli.main, oreline.api;"
        "heavy = {'torch', 'polars', 'transformers', 'sklearn', 'onnxruntime', 'matplotlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_three_lines_of_the_readme(reviews_csv: Path, tmp_path: Path, tiny_start: Path) -> None:
    data = ore.refine(reviews_csv, text="text", label="label", out=tmp_path / "data")
    model = ore.finetune(
        tiny_start, data, task="text_classification", method="full", train={"epochs": 1}, out=tmp_path / "model"
    )
    report = ore.evaluate(model, data)
    assert 0 <= report.metrics["accuracy"].value <= 1
    assert report.metrics["accuracy"].n == data.num_rows("test")
    assert "accuracy" in str(report)
    for shown in (report, data):
        assert {"<table", "<svg"} <= set(re.findall(r"<(?:table|svg)", shown._repr_html_())), "tables and pictures"
    assert str(model.path) in model._repr_html_()
    assert "accuracy" in model.manifest.metrics, "dev figures with intervals are saved with the model"


def test_refine_takes_lists_and_frames(tmp_path: Path) -> None:
    columns = {"text": [f"good film {n}" for n in range(30)], "label": ["fresh", "rotten"] * 15}
    sources = {"lists": columns, "polars": pl.DataFrame(columns), "pandas": pl.DataFrame(columns).to_pandas()}
    sources["arrow"] = pl.DataFrame(columns).to_arrow()
    sources["hugging face"] = datasets.Dataset.from_dict(columns)
    fingerprints = {ore.refine(source, out=tmp_path / name).fingerprint for name, source in sources.items()}
    assert len(fingerprints) == 1


def test_wrong_names_are_answered_with_the_right_ones(tmp_path: Path) -> None:
    lists = {"text": ["a film", "another"], "label": ["x", "y"]}
    with pytest.raises(ore.OrelineError, match="no operator named 'drop_emty'") as caught:
        ore.refine(lists, operators=["drop_emty"], out=tmp_path / "data")
    assert "did you mean 'drop_empty'" in str(caught.value)
    with pytest.raises(ore.OrelineError, match="unknown role 'texts'"):
        ore.refine(lists, roles={"texts": "text"}, out=tmp_path / "data")
    assert not (tmp_path / "data").exists()

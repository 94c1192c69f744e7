"""What every operator must do, whatever it is."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from oreline import registry
from oreline.data.refine import refine

ROWS = {
    "text": ["a fine film", "A  fine\u200b film", "dull", "", "一部好电影", "a fine film", "dull", "&lt;b&gt;"],
    "label": ["fresh", "fresh", "rotten", "rotten", "fresh", "fresh", "fresh", "rotten"],
}


def run(name: str, rows: dict[str, list[str]], out: Path):
    return refine(rows, roles={}, operators=[(name, registry.create("operator", name))], split={}, out=out)


@pytest.mark.parametrize("name", registry.names("operator"))
def test_it_defines_exactly_one_of_keep_edit_whole(name: str):
    plug = registry.get("operator", name)
    assert sum(hasattr(plug, method) for method in ("keep", "edit", "whole")) == 1


@pytest.mark.parametrize("name", registry.names("operator"))
def test_rows_balance_and_a_second_run_is_the_same(name: str, tmp_path: Path):
    first, second = run(name, ROWS, tmp_path / "a"), run(name, ROWS, tmp_path / "b")
    counts = first.manifest.counts
    assert counts["rows_in"] + counts["rows_added"] == counts["rows_out"] + counts["rows_dropped"]
    assert first.frame("all").equals(second.frame("all"))
    assert first.ledger().equals(second.ledger())
    reasons = first.ledger().filter(pl.col("action") != "added")["reason"]
    assert reasons.null_count() == 0, "every drop and change has its reason"


@pytest.mark.parametrize("name", registry.names("operator"))
def test_its_input_is_not_changed(name: str):
    frame = pl.DataFrame({"row_id": [f"x:{i}" for i in range(len(ROWS["text"]))], **ROWS})
    before = frame.clone()
    operator = registry.create("operator", name)
    for method in ("keep", "edit"):
        if hasattr(operator, method):
            for given in (frame, frame.head(1), frame.head(0)):
                assert len(getattr(operator, method)(given)) == given.height
    assert frame.equals(before)


@pytest.mark.parametrize("name", registry.names("operator"))
def test_its_options_survive_a_recipe(name: str):
    plug = registry.get("operator", name)
    defaults = {o.name: o.default for o in registry.options_of(plug) if not o.required}
    rebuilt = registry.create("operator", name, **json.loads(json.dumps(defaults)))
    assert {option: getattr(rebuilt, option, value) for option, value in defaults.items()} == defaults


@pytest.mark.parametrize("name", registry.names("operator"))
def test_one_row_survives(name: str, tmp_path: Path):
    rows = {"text": ["a film that is long enough"], "label": ["fresh"]}
    assert run(name, rows, tmp_path / "one").num_rows("all") == 1

"""What every operator keeps to. A new file in `data/operators/` is tested here without a line of its own."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline import registry
from oreline.data.chain import kind_of
from oreline.data.ledger import CHANGE_REASON
from oreline.data.refine import refine
from oreline.errors import UsageError

OPERATORS = registry.names("operator")
SCHEMA = {"row_id": pl.String, "text": pl.String, "label": pl.String, "movie": pl.String}

DIRTY = [
    "A fine film",
    "a  FINE film",
    "&amp; \u200b",
    "",
    "好",
    "这部电影很好看",
    None,
    "x" * 5000,
    "\ufeffbad\x07",
    "<b>'\"",
]
PROSE = " ".join(
    f"On day {day} we have walked to the lake with the dog, and it was warm."
    for day in ("one", "two", "three", "four", "five")
)
"""What no rule for documents drops."""
TEXTS = st.sampled_from(DIRTY) | st.text(max_size=20)
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(["1", "0"]), st.sampled_from(["m1", "m2"])), max_size=12)


def table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame([(f"a:{n}", *row) for n, row in enumerate(rows, start=1)], schema=SCHEMA, orient="row")


def applied(operator: Any, frame: pl.DataFrame) -> pl.DataFrame:
    """Return what an operator says about a frame, as a frame."""
    kind = kind_of("operator", operator)
    if kind == "keep":
        return frame.select("row_id").with_columns(operator.keep(frame).alias("reason"))
    found: pl.DataFrame = operator.edit(frame) if kind == "edit" else operator.whole(frame.lazy())
    return found


@functools.cache
def needed(name: str) -> dict[str, Any]:
    """Return options without which an operator is not built: what the user brings."""
    folder = Path(tempfile.mkdtemp())
    for file, word in (("good", "fine"), ("bad", "dull")):
        (folder / f"{file}.jsonl").write_text("".join(f'{{"text": "a {word} film, {n}"}}\n' for n in range(10)))
    (folder / "rude.txt").write_text("dull\n")
    options: dict[str, dict[str, Any]] = {
        "keep_matching": {"patterns": ["film|很"]},
        "drop_matching": {"patterns": {"case": "FINE"}},
        "keep_harmless": {"lists": {"rude": str(folder / "rude.txt")}},
        "keep_perplexity": {"bits": 12},
        "keep_classified": {"good": str(folder / "good.jsonl"), "bad": str(folder / "bad.jsonl")},
    }
    return options.get(name, {})


@functools.cache
def learnt(name: str) -> Any:
    """Return what an operator learns of rows, through JSON as it reaches other processes."""
    rows = table([(text, "1", "m1") for text in DIRTY])
    return json.loads(json.dumps(registry.create("operator", name, **needed(name)).fit(rows.lazy())))


def made(name: str) -> Any:
    """Build an operator; one that learns has learnt."""
    operator = registry.create("operator", name, **needed(name))
    if hasattr(operator, "fit"):
        operator.learnt(learnt(name))
    return operator


def test_there_are_operators() -> None:
    assert {"normalize_text", "drop_empty", "keep_length", "dedup_exact", "resolve_label_conflicts"} <= set(OPERATORS)


each = pytest.mark.parametrize("name", OPERATORS)


@each
def test_it_defines_one_method_and_has_a_summary(name: str) -> None:
    assert kind_of(name, made(name)) in ("keep", "edit", "whole")
    assert registry.summary("operator", name)


@each
@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_any_rows_are_taken_and_none_changed(name: str, rows: list[tuple[Any, ...]]) -> None:
    """Deterministic, does not change what it is given, keeps to the contract of its kind."""
    frame, before = table(rows), table(rows)
    operator = made(name)
    found = applied(operator, frame)
    assert frame.equals(before)
    assert found.equals(applied(operator, frame))
    assert found.equals(applied(made(name), before))
    kind = kind_of(name, operator)
    if kind == "whole":
        assert {"row_id", "reason", "kept_id"} <= set(found.columns)
        dropped = found["row_id"].to_list()
        assert len(set(dropped)) == len(dropped)
        assert set(dropped) <= set(frame["row_id"])
        assert set(found["kept_id"].drop_nulls()) <= set(frame["row_id"]) - set(dropped)
        assert found["reason"].null_count() == 0
    else:
        assert found["row_id"].to_list() == frame["row_id"].to_list()
    if kind == "edit":
        kept = [column for column in found.columns if column != CHANGE_REASON]
        assert set(kept) >= set(frame.columns)
        is_changed = [a != b for a, b in zip(frame.rows(), found.select(frame.columns).rows())]
        if CHANGE_REASON in found.columns:
            assert found[CHANGE_REASON].is_not_null().to_list() == is_changed


@each
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_rows_are_judged_alone_unless_it_sees_all(name: str, rows: list[tuple[Any, ...]]) -> None:
    """What `keep` and `edit` say about a row does not depend on the frame it stands in."""
    operator = made(name)
    if kind_of(name, operator) == "whole":
        return
    frame = table(rows)
    together = applied(operator, frame)
    alone = [applied(operator, part) for part in frame.iter_slices(1)]
    if alone:
        assert together.equals(pl.concat(alone))


@each
def test_empty_one_and_many_rows(name: str) -> None:
    operator = made(name)
    row = [("a fine film", "1", "m1")]
    for rows in ([], row, row * 20_000):
        frame = table(rows)
        assert applied(operator, frame).height <= frame.height


@each
def test_text_alone_suffices(name: str) -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["a fine film", "a fine film"]})
    applied(made(name), frame)


@each
def test_options_round_trip_through_a_recipe(name: str) -> None:
    """Defaults written as YAML, as in a recipe, build the same operator."""
    defaults = {option.name: option.default for option in registry.options_of(registry.get("operator", name))}
    defaults |= needed(name)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
    read = yaml.safe_load(yaml.safe_dump({name: plain}))[name]
    frame = table([(text, "1", "m1") for text in DIRTY])
    first = applied(made(name), frame)
    assert first.equals(applied(registry.create("operator", name, **read), frame))
    with pytest.raises(UsageError, match="has no option 'surprise'"):
        registry.create("operator", name, surprise=1)


@each
def test_it_works_in_a_refinery(name: str, tmp_path: Path) -> None:
    """Alone in a chain: every row is either out or in the ledger."""
    source = table([(text, "1", "m1") for text in [*DIRTY, PROSE] if text is not None]).drop("row_id")
    data = refine(source, operators=[(name, made(name))], split={}, out=tmp_path / "out")
    dropped = data.ledger().filter(pl.col("action") == "dropped")["row_id"].to_list()
    assert sorted([*dropped, *data.frame("all")["row_id"]]) == sorted(f"data:{n + 1}" for n in range(source.height))

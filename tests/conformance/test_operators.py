"""What every operator keeps to. A new file in `data/operators/` is tested here without a line of its own."""

from __future__ import annotations

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

SETTLING: list[tuple[str, dict[str, Any]]] = [
    ("convert_chinese", {"conversion": "t2s"}),
    ("convert_chinese", {"conversion": "s2twp"}),
    ("drop_boilerplate", {"lines": 2}),
    ("fix_mojibake", {}),
    ("fold_width", {"punctuation": "between"}),
    ("fold_width", {"punctuation": "all"}),
    ("normalize_text", {}),
    ("remove_stop_words", {}),
    ("replace_emoji", {"language": "zh"}),
    ("replace_emoji", {"emoji": "drop", "emoticons": "drop", "kaomoji": "drop"}),
    ("replace_links", {"mentions": "mask", "hashtags": "words"}),
    ("replace_links", {"urls": "drop", "mentions": "drop", "hashtags": "drop"}),
    ("squeeze_repeats", {"max_repeats": 2}),
    ("strip_markup", {}),
]
"""Operators that clean: what they return is clean."""
DEBRIS = (
    "<b>", "</b>", "<p>", "<", ">", "b", "[b]", "[/b]", "[", "]", "**", "*", "_", "`", "# ", "](", ")", "\\", "{", "}", "emph", "&", "lt;",
    "哈", "的", "皇后", "後", "说", "說", "ha", "a", "I", "the", "not", "😂", "👍🏽", "\u200d", "\ufe0f", "[笑哭]", ":-)", "^_^", "(", "≧▽≦",
    "@", "#", "http://", "a.com", "/x", "www.", "Ａ", "．", "ｶﾞ", "1", "Ã©", "ä½\xa0", "ÄãºÃ", "浣犲ソ", "\n", " ", ".", "。", "：", "…",
    "Home", "Read more", "责任编辑：王", "点击", "阅读全文", "|", "-",
)  # fmt: skip
"""Parts that a text is put together from, so that taking one out makes another."""

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


def test_there_are_operators() -> None:
    assert {"normalize_text", "drop_empty", "keep_length", "dedup_exact", "resolve_label_conflicts"} <= set(OPERATORS)


each = pytest.mark.parametrize("name", OPERATORS)


@each
def test_it_defines_one_method_and_has_a_summary(name: str) -> None:
    assert kind_of(name, registry.create("operator", name)) in ("keep", "edit", "whole")
    assert registry.summary("operator", name)


@each
@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_any_rows_are_taken_and_none_changed(name: str, rows: list[tuple[Any, ...]]) -> None:
    """Deterministic, does not change what it is given, keeps to the contract of its kind."""
    frame, before = table(rows), table(rows)
    operator = registry.create("operator", name)
    found = applied(operator, frame)
    assert frame.equals(before)
    assert found.equals(applied(operator, frame))
    assert found.equals(applied(registry.create("operator", name), before))
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
    operator = registry.create("operator", name)
    if kind_of(name, operator) == "whole":
        return
    frame = table(rows)
    together = applied(operator, frame)
    alone = [applied(operator, part) for part in frame.iter_slices(1)]
    if alone:
        assert together.equals(pl.concat(alone))


@pytest.mark.parametrize(
    ("name", "options"),
    SETTLING,
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.lists(st.sampled_from(DEBRIS), max_size=14).map("".join), min_size=1, max_size=8))
def test_cleaning_twice_changes_nothing_more(name: str, options: dict[str, Any], texts: list[str]) -> None:
    operator = registry.create("operator", name, **options)
    once = operator.edit(table([(text, "1", "m1") for text in texts])).drop(CHANGE_REASON)
    again = operator.edit(once)
    assert again[CHANGE_REASON].null_count() == again.height, (once["text"].to_list(), again["text"].to_list())
    assert again.drop(CHANGE_REASON).equals(once)


@pytest.mark.parametrize("name", sorted({name for name, _ in SETTLING}))
def test_cleaning_leaves_words_with_tags_and_dialogues_alone(name: str, tmp_path: Path) -> None:
    dirt = "<b>ＡＢ</b> ÄãºÃÊÀ½ç 這裡 soooooo @Ann http://a.com/x 😂 the"
    tagged = {"tokens": [dirt.split(" ")], "tags": [["O"] * 8]}
    said = [{"role": "user", "content": dirt}, {"role": "assistant", "content": dirt}]
    for number, source in enumerate((tagged, {"messages": [said]})):
        data = refine(
            source, operators=[(name, registry.create("operator", name))], split={}, out=tmp_path / str(number)
        )
        row = data.frame("all").row(0, named=True)
        assert "<b>ＡＢ</b>" in row["text"]
        assert "ÄãºÃÊÀ½ç" in row["text"]
        assert number == 0 or row["target_text"] == dirt
        assert data.ledger().is_empty()


@each
def test_empty_one_and_many_rows(name: str) -> None:
    operator = registry.create("operator", name)
    row = [("a fine film", "1", "m1")]
    for rows in ([], row, row * 20_000):
        frame = table(rows)
        assert applied(operator, frame).height <= frame.height


@each
def test_text_alone_suffices(name: str) -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["a fine film", "a fine film"]})
    applied(registry.create("operator", name), frame)


@each
def test_options_round_trip_through_a_recipe(name: str) -> None:
    """Defaults written as YAML, as in a recipe, build the same operator."""
    defaults = {option.name: option.default for option in registry.options_of(registry.get("operator", name))}
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
    read = yaml.safe_load(yaml.safe_dump({name: plain}))[name]
    frame = table([(text, "1", "m1") for text in DIRTY])
    first = applied(registry.create("operator", name), frame)
    assert first.equals(applied(registry.create("operator", name, **read), frame))
    with pytest.raises(UsageError, match="has no option 'surprise'"):
        registry.create("operator", name, surprise=1)


@each
def test_it_works_in_a_refinery(name: str, tmp_path: Path) -> None:
    """Alone in a chain: every row is either out or in the ledger."""
    source = table([(text, "1", "m1") for text in DIRTY if text is not None]).drop("row_id")
    data = refine(source, operators=[(name, registry.create("operator", name))], split={}, out=tmp_path / "out")
    dropped = data.ledger().filter(pl.col("action") == "dropped")["row_id"].to_list()
    assert sorted([*dropped, *data.frame("all")["row_id"]]) == sorted(f"data:{n + 1}" for n in range(source.height))

"""What every operator keeps to. A new file in `data/operators/` is tested here without a line of its own."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oreline import registry
from oreline.data.ledger import CHANGE_REASON, DROP_REASON, FLAG_REASON, Notes
from oreline.data.refine import Running, refine
from oreline.data.running.engine import Job
from oreline.data.running.steps import Step, kind_of, named_by
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
PROSE = " ".join(
    f"On day {day} we have walked to the lake with the dog, and it was warm."
    for day in ("one", "two", "three", "four", "five")
)
"""What no rule for documents drops."""
TEXTS = st.sampled_from(DIRTY) | st.text(max_size=20)
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(["1", "0"]), st.sampled_from(["m1", "m2"])), max_size=12)


def table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame([(f"a:{n}", *row) for n, row in enumerate(rows, start=1)], schema=SCHEMA, orient="row")


class Stand:
    """Stands for a model: what it says of a text follows from the text alone."""

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        scores = [{"0": 1 - share, "1": share} for share in (len(text) % 10 / 10 for text in texts)]
        labels = [max(score, key=lambda label: score[label]) for score in scores]
        said = {"label": labels, "scores": scores, "text": [text[::-1] for text in texts]}
        return pl.DataFrame(said, schema_overrides={"label": pl.String, "text": pl.String})

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors_ND = np.array([[len(text), text.count("a"), 1.0] for text in texts], np.float32).reshape(-1, 3)
        return vectors_ND / np.linalg.norm(vectors_ND, axis=1, keepdims=True)

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        return [[("word", 0.5), ("好", 0.3)][:top] for _ in gaps]


def ready(operator: Any, frame: pl.DataFrame) -> Any:
    """Give an operator the models that it names, and let it learn from the rows where it learns."""
    if named := getattr(operator, "models", None):
        operator.bind(dict.fromkeys(named, Stand()))
    if hasattr(operator, "fit") and frame.height:
        operator.learnt(json.loads(json.dumps(operator.fit(frame.lazy()))))
    return operator


def applied(operator: Any, frame: pl.DataFrame) -> pl.DataFrame:
    """Return what an operator says about a frame, as a frame."""
    return said_of(ready(operator, frame), frame)


def said_of(operator: Any, frame: pl.DataFrame) -> pl.DataFrame:
    """Return what an operator that is ready says about a frame."""
    kind = kind_of("operator", operator)
    if kind == "keep":
        if not frame.height and hasattr(operator, "fit"):
            return frame.select("row_id").with_columns(pl.lit(None, pl.String).alias("reason"))
        return frame.select("row_id").with_columns(operator.keep(frame).alias("reason"))
    if kind in ("edit", "add") and not frame.height and hasattr(operator, "fit"):
        return frame  # it learnt from no row, and is given none
    if kind == "whole":
        return pl.concat(named_by(operator.whole(frame.lazy())))
    found: pl.DataFrame = getattr(operator, kind)(frame)
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
        "augment_characters": {"times": 2},
        "augment_entities": {"times": 2},
        "augment_masked": {"model": "masked", "times": 2},
        "augment_translated": {"there": "there", "back": "back"},
        "augment_words": {"times": 2},
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
    assert kind_of(name, made(name)) in ("keep", "edit", "whole", "add")
    assert registry.summary("operator", name)


# Half of the texts are drawn from ten: fifteen lists of up to a dozen rows hold each of them, in company, for each operator.
@each
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_any_rows_are_taken_and_none_changed(name: str, rows: list[tuple[Any, ...]]) -> None:
    """Deterministic, does not change what it is given, keeps to the contract of its kind."""
    frame, before = table(rows), table(rows)
    operator = made(name)
    found = applied(operator, frame)
    assert frame.equals(before)
    assert found.equals(said_of(operator, frame))
    assert found.equals(applied(made(name), before))
    kind = kind_of(name, operator)
    if kind == "whole":
        assert {"row_id", "reason", "kept_id"} <= set(found.columns)
        dropped = found["row_id"].to_list()
        assert len(set(dropped)) == len(dropped)
        assert set(dropped) <= set(frame["row_id"])
        assert set(found["kept_id"].drop_nulls()) <= set(frame["row_id"]) - set(dropped)
        assert found["reason"].null_count() == 0
    elif kind == "add":
        assert set(found.columns) <= {*frame.columns, "from_id", CHANGE_REASON}
        assert not frame.height or set(found["from_id"]) <= set(frame["row_id"])
    else:
        assert found["row_id"].to_list() == frame["row_id"].to_list()
    if kind == "edit":
        kept = [column for column in found.columns if column not in (CHANGE_REASON, DROP_REASON, FLAG_REASON)]
        assert set(kept) >= set(frame.columns)
        is_changed = [a != b for a, b in zip(frame.rows(), found.select(frame.columns).rows())]
        if CHANGE_REASON in found.columns:
            assert found[CHANGE_REASON].is_not_null().to_list() == is_changed


@each
@settings(max_examples=10, deadline=None)
@given(rows=ROWS)
def test_rows_are_judged_alone_unless_it_sees_all(name: str, rows: list[tuple[Any, ...]]) -> None:
    """What `keep` and `edit` say about a row does not depend on the frame it stands in."""
    operator = made(name)
    if kind_of(name, operator) == "whole":
        return
    frame = table(rows)
    together = applied(operator, frame)
    alone = [said_of(operator, part) for part in frame.iter_slices(1)]
    if alone and kind_of(name, operator) == "add":
        key = ["from_id", *sorted(set(together.columns) - {"from_id"})]
        assert together.select(key).sort(key).equals(pl.concat(alone).select(key).sort(key))
    elif alone:
        assert together.equals(pl.concat(alone))


@pytest.mark.parametrize(
    ("name", "options"),
    SETTLING,
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
@settings(max_examples=20, deadline=None)
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
    operator = made(name)
    row = [("a fine film", "1", "m1")]
    adds = kind_of(name, operator) == "add"
    for rows in ([], row, row * (200 if adds else 9_000)):
        frame = table(rows)
        found = applied(operator, frame)
        assert found.height <= frame.height or (adds and "from_id" in found.columns)


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
def test_another_process_does_the_same(name: str) -> None:
    """Told as JSON and built again there, with what it has learnt here; signatures are worked out there, too."""
    frame = table([(text, "1", "m1") for text in DIRTY if text is not None])
    here = ready(made(name), frame)
    kind = kind_of(name, here)
    learnt = json.loads(json.dumps(here.fit(frame.lazy()))) if hasattr(here, "fit") else None
    step = Step(name, here, kind, learnt)
    if not step.is_movable:
        where = getattr(here, "models", None) or here.stays
        assert where, "only a model, or what it learnt, keeps an operator where it is"
        return
    if hasattr(here, "signatures"):
        parts = [Job.heard(Job(signer=step).told()).done((part, Notes()))[0] for part in frame.iter_slices(3)]
        found = pl.concat(named_by(here.whole(frame.lazy(), pl.concat(parts).lazy())))
        assert found.equals(said_of(here, frame))
    elif kind in ("keep", "edit"):
        notes, there = Notes(), Notes()
        rows, _ = Job((step,)).done((frame, notes))
        again, _ = Job.heard(Job((step,)).told()).done((frame, there))
        assert rows.equals(again)
        assert notes.lines().equals(there.lines())


@each
def test_it_works_in_a_refinery(name: str, tmp_path: Path) -> None:
    """Alone in a chain: every row is either out or in the ledger."""
    source = table([(text, "1", "m1") for text in [*DIRTY, PROSE] if text is not None]).drop("row_id")
    operator = made(name)
    how = Running(open_model=lambda place: Stand())
    adds = kind_of(name, operator) == "add"
    rows = {"train": source} if adds else source
    data = refine(rows, operators=[(name, operator)], split={}, out=tmp_path / "out", running=how)
    dropped = data.ledger().filter(pl.col("action") == "dropped")["row_id"].to_list()
    added = data.ledger().filter(pl.col("action") == "added")["row_id"].to_list()
    out = data.frame("train" if adds else "all")["row_id"].to_list()
    assert sorted([*dropped, *out]) == sorted([*(f"data:{n + 1}" for n in range(source.height)), *added])
    assert len(set(out)) == len(out)

"""Look at raw data before anything is decided: which column is what, which language, how balanced, how dirty."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.forms.guess import Guess, guess_task
from oreline.data.forms.roles import by_role
from oreline.data.forms.times import parsed_time
from oreline.data.sources import ROW_ID, sources
from oreline.errors import DataError

_MAX_COUNTED = 2_000_000
"""Beyond this the number of rows is estimated."""
_MAX_LABELS = 1000

_TEXT_NAMES = (
    "text", "review", "comment", "content", "sentence", "body", "message", "utterance", "question", "quote",
    "description", "title", "文本", "评论", "内容", "正文", "评价", "句子", "问题", "标题",
)  # fmt: skip
_LABEL_NAMES = (
    "label", "labels", "class", "target", "sentiment", "polarity", "intent", "category", "stars", "star", "rating",
    "score", "topic", "tag", "标签", "类别", "分类", "情感", "星级", "评分", "意图", "类型",
)  # fmt: skip
_GROUP_NAMES = (
    "group", "user", "author", "customer", "movie", "product", "item", "session", "conversation", "thread", "document",
    "doc", "patient", "shop", "store", "book", "用户", "作者", "客户", "电影", "商品", "产品", "会话", "店铺", "患者",
)  # fmt: skip
_TIME_NAMES = ("time", "timestamp", "date", "datetime", "created", "day", "published", "时间", "日期")

_ENGLISH = re.compile(
    r"(?i)(?<![a-z])(?:the|and|of|to|is|in|it|that|for|was|this|with|you|i|a|my|on|how|what|not)(?![a-z])"
)
_ISO_DATE = r"^\d{4}[-/年]\d{1,2}[-/月]\d{1,2}"
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_ASCII_LETTER = re.compile("[A-Za-z]")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column of the sample looks like."""

    name: str
    dtype: str
    num_missing: int
    num_distinct: int
    mean_characters: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a look at raw data found. Counts other than `num_rows` are of the sample."""

    source: str
    num_rows: int
    num_rows_is_exact: bool
    num_sampled: int
    columns: tuple[ColumnProfile, ...]
    task: str
    """What the rows seem to be for: the name of a task."""
    why: str
    """A sentence on what speaks for that."""
    roles: Mapping[str, str]
    """Guessed source column of each role, as far as there are such columns."""
    language: str
    """`en`, `zh` or `other`."""
    classes: Mapping[str, int]
    """Rows of each label, the most frequent first; empty without a label column."""
    num_missing_text: int
    num_missing_label: int
    num_duplicates: int
    """Rows whose folded texts occurred before."""
    num_conflicts: int
    """Texts that carry more than one label."""
    mean_characters: float
    notes: tuple[str, ...] = ()
    """What of the source could not be read, or was left out."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def profile(path: Any, *, rows: int = 20_000) -> Profile:
    """Look at about `rows` rows, evenly spaced over all of a source.

    Args:
        path: anything that `sources.frames` takes.
        rows: size of the sample; between one and two times this many rows are looked at.

    Raises:
        DataError: the source is empty or cannot be read, or no column looks like text.
    """
    parts = sources(path)
    place = ", ".join(part.place for part in parts)
    notes: list[str] = []
    rows_of = (frame for part in parts for frame in part.frames(note=notes.append))
    sample, num_rows, is_exact = even_sample(rows_of, rows)
    if not is_exact:
        lines = sum(_num_lines(part.path) for part in parts if part.path and part.path.is_file())
        num_rows = max(num_rows, lines)
    plain = sample.drop(ROW_ID)
    found = guess_task(plain) or _labelled(plain, place)
    roles = {**found.roles, **_others(plain, found.roles)}
    named = by_role(sample, roles, place)
    text = named["target_text" if found.task == "chat" else "text"].drop_nulls()
    classes = _classes(named)
    return Profile(
        source=place,
        num_rows=num_rows,
        num_rows_is_exact=is_exact,
        num_sampled=sample.height,
        task=found.task,
        why=found.why,
        columns=tuple(_column(plain[name]) for name in plain.columns),
        roles=roles,
        language=language_of(text.head(2000).to_list()),
        classes=classes,
        num_missing_text=named["text"].null_count(),
        num_missing_label=named["label"].null_count() if "label" in roles else 0,
        **_repetitions(named),
        mean_characters=_mean_characters(text),
        notes=tuple(notes),
    )


def guess_roles(frame: pl.DataFrame, place: str) -> dict[str, str]:
    """Guess which columns are text, label, group and time. Raises `DataError` when none looks like text.

    >>> guess_roles(pl.DataFrame({"quote": ["a fine film", "a dull film"], "stars": [5, 1]}), "reviews.csv")
    {'text': 'quote', 'label': 'stars'}
    """
    roles: dict[str, str] = {}
    guesses = {"text": _text_score, "time": _time_score, "label": _label_score, "group": _group_score}
    for role, score in guesses.items():
        scored = [(score(frame[name]), -place) for place, name in enumerate(frame.columns)]
        free = [entry for entry in scored if frame.columns[-entry[1]] not in roles.values() and entry[0] > 0]
        if free:
            roles[role] = frame.columns[-max(free)[1]]
        elif role == "text":
            raise DataError(
                "no column looks like text",
                where=place,
                allowed=f"columns: {', '.join(frame.columns)}",
                remedy="name one: --text COLUMN",
            )
    return {role: roles[role] for role in ("text", "label", "group", "time") if role in roles}


def _labelled(frame: pl.DataFrame, place: str) -> Guess:
    """Return the guess that each text has one label."""
    roles = guess_roles(frame, place)
    why = f"{roles['text']!r} reads like text"
    if "label" in roles:
        why += f", and {roles['label']!r} has {frame[roles['label']].drop_nulls().n_unique():,} different values"
    return Guess("text_classification", roles, why)


def _others(frame: pl.DataFrame, roles: Mapping[str, str]) -> dict[str, str]:
    """Return which of the columns without a role are group and time."""
    free = frame.drop(*roles.values(), strict=False)
    found: dict[str, str] = {}
    for role, score in (("time", _time_score), ("group", _group_score)):
        scored = [(score(free[name]), -place, name) for place, name in enumerate(free.columns)]
        if role not in roles and scored and max(scored)[0] > 0:
            found[role] = max(scored)[2]
            free = free.drop(found[role])
    return found


def language_of(texts: Sequence[str]) -> str:
    """Return `zh` where Han characters prevail, `en` where every tenth word is one of the most common English ones.

    >>> language_of(["这部电影很好看"]), language_of(["What a film this is"]), language_of(["Ein schöner Film war das"])
    ('zh', 'en', 'other')
    """
    joined = "\n".join(texts)[:1_000_000]
    num_han, num_ascii = len(_HAN.findall(joined)), len(_ASCII_LETTER.findall(joined))
    if num_han > 10 * len(_KANA_OR_HANGUL.findall(joined)) and num_han >= 0.3 * (num_han + num_ascii):
        return "zh"
    num_words = len(_WORD.findall(joined))
    return "en" if num_words and len(_ENGLISH.findall(joined)) >= 0.1 * num_words else "other"


def even_sample(frames: Iterable[pl.DataFrame], rows: int) -> tuple[pl.DataFrame, int, bool]:
    """Return evenly spaced rows: every n-th, with n doubled whenever there are too many."""
    kept: list[pl.DataFrame] = []
    step, num_rows = 1, 0
    for frame in frames:
        kept.append(frame.gather_every(step, offset=-num_rows % step))
        num_rows += frame.height
        while sum(part.height for part in kept) > 2 * rows:
            kept = [pl.concat(kept, how="diagonal_relaxed").gather_every(2)]
            step *= 2
        if num_rows >= _MAX_COUNTED:
            return pl.concat(kept, how="diagonal_relaxed"), num_rows, False
    return pl.concat(kept, how="diagonal_relaxed"), num_rows, True


def _text_score(column: pl.Series) -> float:
    if column.dtype != pl.String:
        return 0.0
    values = column.drop_nulls()
    if not len(values) or values.str.contains(r"^(?:https?://\S+|[\d.,:/+-]+)$").mean() > 0.5:  # type: ignore[operator]
        return 0.0
    variety = values.n_unique() / len(values)
    return _mean_characters(values) * variety * (3.0 if _hint(column.name, _TEXT_NAMES) else 1.0)


def _label_score(column: pl.Series) -> float:
    values = column.drop_nulls()
    num_distinct = values.n_unique()
    hint = _hint(column.name, _LABEL_NAMES)
    if not 2 <= num_distinct <= _MAX_LABELS or (num_distinct > len(values) / 3 and not hint):
        return 0.0
    if values.dtype.is_nested() or (values.dtype.is_float() and num_distinct > 20):
        return 0.0
    if _mean_characters(values.cast(pl.String)) > 60 or _hint(column.name, _GROUP_NAMES):
        return 0.0
    return 10 * hint + 1 / math.log2(2 * num_distinct)


def _group_score(column: pl.Series) -> float:
    values = column.drop_nulls()
    num_distinct = values.n_unique() if not values.dtype.is_nested() else 0
    hint = _hint(column.name, _GROUP_NAMES)
    repeats = len(values) / max(num_distinct, 1)
    return hint if hint and num_distinct >= 2 and repeats >= 1.2 else 0.0


def _time_score(column: pl.Series) -> float:
    hint = _hint(column.name, _TIME_NAMES)
    values = column.drop_nulls().head(1000)
    if values.dtype == pl.String:
        is_likely = bool(hint) or bool(values.str.contains(_ISO_DATE).all())
    else:
        is_likely = values.dtype.is_temporal() or (bool(hint) and values.dtype.is_numeric())
    if values.is_empty() or not is_likely:
        return 0.0
    try:
        times = parsed_time(values, values.cast(pl.String), column.name)
    except DataError:
        return 0.0
    return 1.0 + hint if times.n_unique() > 1 else 0.0


def _hint(name: str, known: Sequence[str]) -> float:
    """Return how clearly a column's name says what it is: up to 2 for the whole name, 1 for a word in it."""
    lowered = name.lower().strip()
    words = re.split(r"[^a-z\u4e00-\u9fff]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    for position, hint in enumerate(known):
        rank = 1 - position / (2 * len(known))
        if lowered == hint:
            return 1 + rank
        if hint in words or (not hint.isascii() and hint in lowered):
            return rank
    return 0.0


def _column(column: pl.Series) -> ColumnProfile:
    values = column.drop_nulls()
    nested = values.dtype.is_nested()
    shown = [str(value) for value in values.head(100).to_list()] if nested else values.cast(pl.String, strict=False)
    texts = pl.Series(column.name, shown, dtype=pl.String)
    examples = texts.drop_nulls().unique(maintain_order=True).head(3).to_list()
    return ColumnProfile(
        name=column.name,
        dtype=str(column.dtype),
        num_missing=column.null_count(),
        num_distinct=texts.n_unique(),
        mean_characters=_mean_characters(texts),
        examples=tuple(value[:80] for value in examples),
    )


def _classes(named: pl.DataFrame) -> dict[str, int]:
    if "label" not in named.columns:
        return {}
    counts = named["label"].drop_nulls().value_counts().sort(["count", "label"], descending=[True, False])
    return {str(label): int(rows) for label, rows in counts.iter_rows()}


def _repetitions(named: pl.DataFrame) -> dict[str, int]:
    rows = named.filter(pl.col("text").is_not_null())
    labels = rows["label"] if "label" in rows.columns else pl.Series("label", [None] * rows.height, dtype=pl.String)
    keys = wide_hashes(rows, [role for role in INPUT_ROLES if role in rows.columns]).with_columns(labels)
    groups = keys.group_by("hash_high", "hash_low").agg(rows=pl.len(), labels=pl.col("label").drop_nulls().n_unique())
    return {
        "num_duplicates": rows.height - groups.height,
        "num_conflicts": groups.filter(pl.col("labels") > 1).height,
    }


def _mean_characters(texts: pl.Series) -> float:
    mean = texts.str.len_chars().mean()
    return round(float(mean), 1) if isinstance(mean, int | float) else 0.0


def _num_lines(path: Any) -> int:
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 22), b""))

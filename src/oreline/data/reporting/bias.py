"""Bias: do labels follow what should not decide them? Length, source, language, group, and single words.

What is asked is how much a model could gain by looking at that alone. With tens of thousands of rows any difference is
significant, so an effect (`LEAST_EFFECT`, `LEAST_SIGN`), a probability (`MOST_P`) and, of what concerns one class, some
weight among all rows (`LEAST_ROWS`) are asked for (decision 049).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.fold import INPUT_ROLES
from oreline.data.reporting.association import Association, correlation, cramers_v, separation, wilson
from oreline.data.reporting.bias_text import ENGLISH, sentences
from oreline.data.reporting.sample import ADDED, SOURCE, length_of
from oreline.data.reporting.spoken import ROWS, row_languages_told
from oreline.data.reporting.telling_words import CONTENT, telling_words
from oreline.report.report import Chart, Table
from oreline.types import Estimate

LEAST_EFFECT = 0.3
"""Cohen (1988) calls a correlation of 0.3 medium; of Cliff's delta, 0.33 (Romano et al. 2006)."""
LEAST_SIGN = 0.2
"""Correlation of a class with a word, mark or number that means nothing on its own."""
MOST_P = 0.01
"""Probability, after correction for all tests of a kind, of as much by chance."""
LEAST_ROWS = 0.05
"""Share of all rows that are of the classes of such lengths, or of the class and with the word. Where classes are many,
each has words of its own: that is what they are about."""
_FEWEST_ROWS, _FEWEST_OF_VALUE, _FEWEST_OF_CLASS = 50, 20, 10
_MAX_CLASSES, _MAX_VALUES, _MAX_COLUMNS = 200, 50, 8
_SHOWN_CLASSES, _SHOWN_VALUES, _SHOWN_WORDS, _WORDS_OF_CLASS = 30, 10, 40, 8
_EXAMPLES = 3
_OTHERS = "(others)"
SUMMARY = "Bias: labels against what should not decide them"


@dataclass
class Bias:
    """What a report says of bias."""

    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    """For each thing that labels may follow: effect, p, where it is strongest, and whether it is a `bias`."""
    warnings: list[str] = field(default_factory=list)


def bias(sample: pl.DataFrame) -> Bias:
    """Return what labels follow, from a sample of rows in random order (`RowSample.rows`).

    Rows without a label and added ones do not count. Nothing is said where there is only one class, where there are as
    many as ids would be, or fewer than fifty rows.
    """
    rows = _judgeable(sample)
    if rows is None:
        return Bias()
    found: dict[str, dict[str, Any]] = {}
    tables = [_lengths(rows, role, found) for role in INPUT_ROLES if role in rows.columns]
    tables += [_by_value(rows, found)]
    tables += [_words(rows, role, found) for role in INPUT_ROLES if role in rows.columns]
    shown = [_summary(found, rows.height), *(table for table in tables if table is not None and table.rows)]
    return Bias(shown, _charts(found, rows), found, sentences(found, ENGLISH))


def _judgeable(sample: pl.DataFrame) -> pl.DataFrame | None:
    """Return the rows that count, with `classes`: the labels of each; None where there is nothing to judge."""
    if "label" not in sample.columns:
        return None
    rows = sample.filter(pl.col("label").is_not_null() & ~pl.col(ADDED))
    counts = rows["label"].value_counts(sort=True)
    if rows.height < _FEWEST_ROWS or counts.height < 2 or counts.height > max(2, rows.height // 2):
        return None
    if rows["label"].str.starts_with("[").any():
        classes = pl.Series([_classes(label) for label in rows["label"].to_list()], dtype=pl.List(pl.String))
        rows = rows.with_columns(classes.alias("classes"))
    else:
        rows = rows.with_columns(pl.concat_list("label").alias("classes"))
    return rows if len(_class_names(rows)) > 1 else None


def _classes(label: str) -> list[str]:
    """Return the labels of a row: of a list, its entries.

    >>> _classes("good"), _classes('["a", "b", "a"]'), _classes("[sic]")
    (['good'], ['a', 'b'], ['[sic]'])
    """
    if not label.startswith("["):
        return [label]
    try:
        return list(dict.fromkeys(map(str, json.loads(label))))
    except ValueError:
        return [label]


def _class_names(rows: pl.DataFrame) -> list[str]:
    """Return the classes that have rows enough to be judged, the most frequent first."""
    counts = rows["classes"].explode().drop_nulls().value_counts().filter(pl.col("count") >= _FEWEST_OF_CLASS)
    names: list[str] = counts.sort("count", "classes", descending=[True, False])["classes"].to_list()
    return names[:_MAX_CLASSES]


def _lengths(rows: pl.DataFrame, role: str, found: dict[str, dict[str, Any]]) -> Table | None:
    lengths_N = rows[length_of(role)].fill_null(0).to_numpy()
    values_B, bin_N = np.unique(lengths_N, return_inverse=True)
    all_B = np.bincount(bin_N, minlength=len(values_B))
    names = _class_names(rows)
    told: list[tuple[str, int, list[int], Association]] = []
    for name in names:
        own_N = rows["classes"].list.contains(name).to_numpy()
        own_B = np.bincount(bin_N[own_N], minlength=len(values_B))
        if not 0 < own_B.sum() < rows.height:
            continue
        middle = [_quantile(values_B, own_B, share) for share in (0.25, 0.5, 0.75)]
        found_here = separation(own_B, all_B - own_B)
        told.append((name, int(own_B.sum()), [*middle, _quantile(values_B, all_B - own_B, 0.5)], found_here))
    if not told:
        return None
    told.sort(key=lambda one: (-round(abs(one[3].effect.value), 9), -one[3].effect.value))
    p_of = {name: min(1.0, own.p * len(told)) for name, _, _, own in told}
    beyond = [one for one in told if abs(one[3].effect.value) >= LEAST_EFFECT and p_of[one[0]] < MOST_P]
    is_bias = sum(count for _, count, _, _ in beyond) >= LEAST_ROWS * rows.height
    name, _, middle, strongest = (beyond if beyond and is_bias else told)[0]
    found[_kind("length", role)] = {
        **_finding("Cliff's delta", strongest.effect, p_of[name], is_bias),
        "class": name,
        "median": middle[1],
        "median_of_others": middle[3],
        "more": max(0, len(beyond) - 1) if len(told) > 2 else 0,  # of two classes one says all
    }
    table_rows = [
        [label, count, middle[1], f"{middle[0]:,} to {middle[2]:,}", middle[3], own.effect, p_of[label]]
        for label, count, middle, own in told[:_SHOWN_CLASSES]
    ]
    columns = ["class", "rows", "median", "half of them", "median of the others", "Cliff's delta", "p, corrected"]
    note = (
        "Characters. Cliff's delta: −1 where every text of the class is shorter than all others, 0 where length says"
        f" nothing, 1 where every one is longer.{_cut(len(told), _SHOWN_CLASSES, 'classes')}"
    )
    return Table(f"{_kind('length', role).capitalize()} by class", columns, table_rows, note)


def _quantile(values_B: Any, counts_B: Any, share: float) -> int:
    return int(values_B[np.searchsorted(np.cumsum(counts_B), share * counts_B.sum())])


def _by_value(rows: pl.DataFrame, found: dict[str, dict[str, Any]]) -> Table | None:
    """Judge source, language and group, and return how often each of their values has each class."""
    some = rows.head(ROWS)
    languages = some.with_columns(row_languages_told(some))
    shown = rows["label"].value_counts(sort=True)["label"].head(_MAX_COLUMNS).to_list()
    table_rows: list[list[Any]] = []
    for kind, frame, column in (
        ("source", rows, SOURCE),
        ("language", languages, "language"),
        ("group", rows, "group"),
    ):
        if column in frame.columns:
            counted = _counted(frame, column)
            if counted is not None:
                table_rows += _judged_values(kind, counted, shown, found)
    if not table_rows:
        return None
    columns = ["what", "value", "rows", *shown]
    note = f"Share of the class among these rows; values of fewer than {_FEWEST_OF_VALUE} rows are {_OTHERS}."
    return Table("Classes by source, language and group", columns, table_rows, note)


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many rows of each value (R) have each label (C)."""

    values: list[str]
    labels: list[str]
    counts_RC: NDArray[np.int64]


def _counted(frame: pl.DataFrame, column: str) -> _Counts | None:
    """Return the rows of each value by class; None unless two values have rows enough."""
    labels = frame["label"].value_counts(sort=True).filter(pl.col("count") >= _FEWEST_OF_CLASS)["label"]
    values = frame[column].drop_nulls().value_counts().filter(pl.col("count") >= _FEWEST_OF_VALUE)
    names: list[str] = values.sort("count", column, descending=[True, False]).head(_MAX_VALUES)[column].to_list()
    if len(names) < 2:
        return None
    pair = [
        pl.when(pl.col(column).is_in(names)).then(pl.col(column)).otherwise(pl.lit(_OTHERS)).alias("value"),
        pl.when(pl.col("label").is_in(labels.head(_MAX_CLASSES).to_list()))
        .then(pl.col("label"))
        .otherwise(pl.lit(_OTHERS))
        .alias("label"),
    ]
    counts = frame.drop_nulls(column).select(pair).group_by("value", "label").len()
    rows_of, labels_of = counts["value"].unique().sort().to_list(), counts["label"].unique().sort().to_list()
    counts_RC = np.zeros((len(rows_of), len(labels_of)), np.int64)
    for value, label, rows in counts.iter_rows():
        counts_RC[rows_of.index(value), labels_of.index(label)] = rows
    return _Counts(rows_of, labels_of, counts_RC)


def _judged_values(
    kind: str, counted: _Counts, shown: Sequence[str], found: dict[str, dict[str, Any]]
) -> list[list[Any]]:
    values, labels, counts_RC = counted.values, counted.labels, counted.counts_RC
    judged = cramers_v(counts_RC)
    total, rows_R, labels_C = counts_RC.sum(), counts_RC.sum(1), counts_RC.sum(0)
    expected_RC = np.outer(rows_R, labels_C) / total
    spread_RC = np.sqrt(expected_RC * np.outer(1 - rows_R / total, 1 - labels_C / total))
    off_RC = np.divide(counts_RC - expected_RC, spread_RC, out=np.zeros_like(expected_RC), where=spread_RC > 0)
    named_R, named_C = (np.array([name != _OTHERS for name in names]) for names in (values, labels))
    surprise_RC = np.where(np.outer(named_R, named_C), off_RC.round(6), -np.inf)
    # Of two values and two classes, all four differ alike: what is nearest to always is said.
    place = np.lexsort(((counts_RC / rows_R[:, None]).ravel(), surprise_RC.ravel()))[-1]
    r, c = divmod(int(place), len(labels))
    is_bias = judged.effect.value >= LEAST_EFFECT and judged.p < MOST_P
    found[kind] = {
        **_finding("Cramér's V", judged.effect, judged.p, is_bias),
        "class": labels[c],
        "value": values[r],
        "share": wilson(int(counts_RC[r, c]), int(rows_R[r])).to_json(),
        "share_of_others": float((labels_C[c] - counts_RC[r, c]) / (total - rows_R[r])),
    }
    order = np.argsort(-np.abs(off_RC).max(1), kind="stable")[:_SHOWN_VALUES]
    shares_RC = counts_RC / rows_R[:, None]
    of_label = {label: index for index, label in enumerate(labels)}
    return [
        [kind, values[i], int(rows_R[i])]
        + [float(shares_RC[i, of_label[label]]) if label in of_label else None for label in shown]
        for i in order
    ]


def _words(rows: pl.DataFrame, role: str, found: dict[str, dict[str, Any]]) -> Table | None:
    told, num_rows = telling_words(rows[role], rows["classes"])
    told = told.filter(pl.col("label").is_in(_class_names(rows)), pl.col("p") < MOST_P)
    means_something = pl.col("kind") == CONTENT
    told = told.with_columns(
        judged=pl.when(pl.col("phi") < pl.when(means_something).then(LEAST_EFFECT).otherwise(LEAST_SIGN))
        .then(pl.lit(""))
        .when(pl.col("hits") < LEAST_ROWS * num_rows)
        .then(pl.lit(""))
        .when(means_something)
        .then(pl.lit("to look at"))
        .otherwise(pl.lit("bias"))
    )
    for kind, some in (("words", told.filter(means_something)), ("signs", told.filter(~means_something))):
        some = some.sort(pl.col("judged") != "", "phi", descending=True, maintain_order=True)
        found[_kind(kind, role)] = _strongest_words(some, num_rows)
    first = told.filter(pl.int_range(pl.len()).over("label") < _WORDS_OF_CLASS).head(_SHOWN_WORDS)
    shown = pl.concat([told.filter(pl.col("judged") != "").head(_SHOWN_WORDS), first]).unique(maintain_order=True)
    table_rows = [
        [
            one["word"], one["kind"], one["label"], wilson(one["hits"], one["n"]), one["share"], one["z"], one["phi"],
            one["p"], one["judged"],
        ]
        for one in shown.sort("z", descending=True, maintain_order=True).iter_rows(named=True)
    ]  # fmt: skip
    columns = [
        "word", "what it is", "class", "class's share of its rows", "of all rows", "z", "correlation", "p, corrected",
        "judged",
    ]  # fmt: skip
    note = (
        f"Of {num_rows:,} rows, by the first 400 characters; n: rows with the word. Whether a class is about a word"
        f" is for you to say: words are to look at from a correlation of {LEAST_EFFECT} on; function words, marks and"
        f" numbers mean nothing on their own and are bias from {LEAST_SIGN} on; both in {LEAST_ROWS:.0%} of all rows."
    )
    title = "Words that go with a class" if role == "text" else f"Words of {role} that go with a class"
    return Table(title, columns, table_rows, note)


def _strongest_words(some: pl.DataFrame, num_rows: int) -> dict[str, Any]:
    if not some.height:
        return _finding("correlation", Estimate(0.0, 0.0, 0.0, num_rows), 1.0, False)
    first = some.row(0, named=True)
    beyond = some.filter(pl.col("judged") != "")
    examples = beyond.unique("word", keep="first", maintain_order=True)
    return {
        **_finding("correlation", correlation(first["phi"], num_rows), first["p"], bool(beyond.height)),
        "class": first["label"],
        "value": first["word"],
        "share": wilson(first["hits"], first["n"]).to_json(),
        "share_of_others": (first["share"] * num_rows - first["hits"]) / (num_rows - first["n"]),
        "examples": examples.head(_EXAMPLES).select("word", "label", "hits", "n").to_dicts(),
        "more": max(0, examples.height - _EXAMPLES),
    }


def _kind(kind: str, role: str) -> str:
    return kind if role == "text" else f"{kind} of {role}"


def _finding(measure: str, effect: Estimate, p: float, is_bias: bool) -> dict[str, Any]:
    return {"measure": measure, "effect": effect.to_json(), "p": p, "is_bias": is_bias}


def _cut(number: int, shown: int, what: str) -> str:
    return f" The {shown} strongest of {number:,} {what}." if number > shown else ""


def _summary(found: dict[str, dict[str, Any]], num_rows: int) -> Table:
    rows = []
    for kind, one in found.items():
        lengths = f"{one['median']:,} against {one['median_of_others']:,} characters" if "median" in one else ""
        least = LEAST_SIGN if kind.startswith("signs") else LEAST_EFFECT
        is_rare = one["p"] < MOST_P and abs(one["effect"]["value"]) >= least
        verdict = ("to look at" if kind.startswith("words") else "bias") if one["is_bias"] else "no bias"
        verdict = "few rows" if is_rare and not one["is_bias"] else verdict
        share, others = one.get("share"), one.get("share_of_others")
        rows.append(
            [
                kind,
                one["measure"],
                one["effect"],
                one["p"],
                one.get("class"),
                one.get("value", lengths),
                share,
                others,
                verdict,
            ]
        )
    columns = ["what", "measure", "effect", "p, corrected", "class", "where", "its share there", "elsewhere", "judged"]
    note = (
        f"Of {num_rows:,} rows that came out, drawn at random. 0: the label does not follow it; 1: it decides. Bias"
        f" from an effect of {LEAST_EFFECT} on ({LEAST_SIGN} for signs: function words, marks and numbers), where p is"
        f" below {MOST_P} and {LEAST_ROWS:.0%} of all rows are concerned (else: few rows); class and where: where it is"
        " strongest. A difference may be right: then say so where the data are used."
    )
    return Table(SUMMARY, columns, rows, note)


def _charts(found: dict[str, dict[str, Any]], rows: pl.DataFrame) -> list[Chart]:
    effects = [abs(one["effect"]["value"]) for one in found.values()]
    least = [LEAST_SIGN if kind.startswith("signs") else LEAST_EFFECT for kind in found]
    data: dict[str, Any] = {"labels": list(found), "series": {"effect": effects, "bias from": least}}
    note = "0: not at all, 1: wholly. Signs: function words, marks and numbers."
    made = [Chart("How far labels follow other things", "bars", data, note)]
    names = _class_names(rows)
    if found.get("length", {}).get("is_bias") and len(names) <= 6:
        lengths = rows[length_of("text")].fill_null(0).to_numpy()
        edges = np.linspace(0, max(float(np.quantile(lengths, 0.99)), 1.0), 25)
        clipped = lengths.clip(0, edges[-1])
        own = {name: clipped[rows["classes"].list.contains(name).to_numpy()] for name in names}
        series = {name: np.histogram(values, edges)[0].tolist() for name, values in own.items()}
        data = {"edges": np.round(edges).tolist(), "series": series, "x_label": "characters"}
        made.append(Chart("Length by class", "histogram", data, "The last bar holds all longer."))
    return made

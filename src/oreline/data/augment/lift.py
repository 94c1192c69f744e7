"""Whether added rows help: a linear model trained with and without them, measured on dev.

The model is a logistic regression over TF-IDF of hashed character n-grams (1 to 4), the same for English and Chinese.
Its penalty is the same for each row, whatever their number, so that more rows do not pass for a weaker penalty. It is
quick, and no proof for another model: a pretrained one may gain less, or lose.

Shape suffixes: N rows, K classes, R resamples, F features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import held
from oreline.data.labels.confident import fitted
from oreline.data.labels.features import dense
from oreline.data.quality.classifier import FEATURE_BITS, features
from oreline.data.reporting.datacard import LIFT
from oreline.metrics.accuracy import Metric as Accuracy
from oreline.metrics.f1 import Metric as FScore
from oreline.types import Estimate

TRAIN, DEV = "train", "dev"
FEWEST_DEV = 20
MAX_CLASSES = 500
_MAX_ROWS = 2000
"""Rows of train, spread evenly, that take part with what was made of them."""
_MAX_CHARACTERS = 400
_MAX_DEV = 5000
_STRENGTH = 10.0
_MANY_CLASSES = 20
"""From here on the n-grams are compressed, or the fit takes minutes."""
_RESAMPLES = 1000
_OPERATOR = r"\+([A-Za-z_]\w*)\.\d+$"
_NONE, _ALL = "no added rows", "all added rows"
Codes = NDArray[np.int64]


class Scored(NamedTuple):
    """What metrics read of a model's answers; of scores these metrics need none."""

    labels: tuple[str, ...]
    targets: Codes
    predicted: Codes
    scores: NDArray[np.float64] = np.zeros((0, 0))
    task: None = None


class Rows(NamedTuple):
    """Rows that are trained on and measured, in the order of the features."""

    features: Any
    codes_N: Codes
    labels: tuple[str, ...]
    made_by: list[str]
    """Operator of each row of train, empty for one that was there; dev comes behind them."""


def lift(folder: Path, seed: int) -> dict[str, Any]:
    """Return tables and sentences for the report about the rows that were added to a dataset.

    Args:
        folder: a dataset with Parquet shards below `train` and `dev`.
        seed: of the resamples.
    """
    rows = _rows(folder)
    if isinstance(rows, str):
        return {"counts": {}, "alarms": [f"the lift of the added rows was not measured: {rows}"]}
    operators = sorted({name for name in rows.made_by if name})
    arms: dict[str, list[str]] = {_NONE: [""], **{name: ["", name] for name in operators}}
    if len(operators) > 1:
        arms[_ALL] = ["", *operators]
    answers = {name: _answers(rows, kept) for name, kept in arms.items()}
    return _told(rows, answers, seed)


def _rows(folder: Path) -> Rows | str:
    """Return the rows to train on and to measure; why there are none where there is nothing to measure."""
    parts = {name: sorted((folder / name).glob("*.parquet")) for name in (TRAIN, DEV)}
    if not parts[DEV]:
        return "there is no dev split"
    if not {"text", "label"} <= set(pl.read_parquet_schema(parts[TRAIN][0])):
        return "the rows have no text with a label"
    train, dev = (_scan(files) for files in parts.values())
    if (num_dev := _num_rows(dev)) < FEWEST_DEV:
        return f"dev has {num_dev} labelled rows, fewer than {FEWEST_DEV}"
    train = train.with_columns(made_by=pl.col("row_id").str.extract(_OPERATOR).fill_null(""))
    were_there = train.filter(pl.col("made_by") == "")
    step = max(1, -(-_num_rows(were_there) // _MAX_ROWS))
    given = held(were_there.with_row_index("place").filter(pl.col("place") % step == 0).drop("place"))
    origin = pl.col("row_id").str.replace(_OPERATOR, "")
    made = held(train.filter((pl.col("made_by") != "") & origin.is_in(given["row_id"].implode())))
    labels = tuple(given["label"].unique().sort().to_list())
    tested = held(dev.filter(pl.col("label").is_in(labels)).head(_MAX_DEV))
    if not 2 <= len(labels) <= min(MAX_CLASSES, given.height // 2) or made.is_empty() or tested.is_empty():
        return f"{len(labels)} classes in {given.height} rows, {made.height} made of them, {tested.height} of dev"
    together = pl.concat([given, made, tested.with_columns(made_by=pl.lit(DEV))])
    code = {label: number for number, label in enumerate(labels)}
    codes_N = np.fromiter((code[label] for label in together["label"]), np.int64, together.height)
    learnt_from = [*given["made_by"], *made["made_by"]]
    matrix = _weighted(together["text"].to_list(), given.height)
    return Rows(dense(matrix) if len(labels) > _MANY_CLASSES else matrix, codes_N, labels, learnt_from)


def _scan(files: list[Path]) -> pl.LazyFrame:
    columns = [pl.col("row_id"), pl.col("text").str.head(_MAX_CHARACTERS), pl.col("label").cast(pl.String)]
    return pl.scan_parquet(files).select(columns).drop_nulls()


def _num_rows(scan: pl.LazyFrame) -> int:
    return int(scan.select(pl.len()).collect(engine="streaming").item())


def _weighted(texts: Sequence[str], num_given: int) -> Any:
    """Return TF-IDF of n-grams in rows of length 1, the document frequencies being those of the first rows."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    rows_P, cells_P, values_P = features(texts)
    counts_F = np.bincount(cells_P[rows_P < num_given], minlength=1 << FEATURE_BITS)
    inverse_F = np.log((1 + num_given) / (1 + counts_F)) + 1
    matrix = csr_matrix((values_P * inverse_F[cells_P], (rows_P, cells_P)), shape=(len(texts), 1 << FEATURE_BITS))
    used = np.flatnonzero(np.bincount(cells_P, minlength=1 << FEATURE_BITS) > 1)
    return normalize(matrix[:, used]).astype(np.float32)


def _answers(rows: Rows, kept: Sequence[str]) -> tuple[int, Scored]:
    """Return how many rows a model was trained on, and what it says of dev."""
    num_train = len(rows.made_by)
    chosen = np.flatnonzero([name in kept for name in rows.made_by])
    num_given = rows.made_by.count("")
    model = fitted(rows.features[chosen], rows.codes_N[chosen], _STRENGTH * num_given / len(chosen))
    predicted = model.predict(rows.features[num_train:])
    return len(chosen), Scored(rows.labels, rows.codes_N[num_train:], np.asarray(predicted, np.int64))


def _told(rows: Rows, answers: Mapping[str, tuple[int, Scored]], seed: int) -> dict[str, Any]:
    num_dev = len(rows.codes_N) - len(rows.made_by)
    weights_RN = np.ones((_RESAMPLES + 1, num_dev))
    weights_RN[1:] = np.random.default_rng(seed).multinomial(num_dev, np.full(num_dev, 1 / num_dev), _RESAMPLES)
    figures = {
        name: {"accuracy": Accuracy().values(scored, weights_RN)["accuracy"],
               "macro-F1": FScore().values(scored, weights_RN)["macro_f1"]}
        for name, (_, scored) in answers.items()
    }  # fmt: skip
    base = figures[_NONE]
    lines, alarms = [], []
    for name, own in figures.items():
        changes = {what: _estimate(own[what] - base[what], num_dev) for what in own}
        shown = [None, None] if name == _NONE else list(changes.values())
        lines.append([name, answers[name][0], *(float(values_R[0]) for values_R in own.values()), *shown])
        if worse := [what for what, change in changes.items() if change.high < 0]:
            alarms.append(f"{name}: the added rows make a linear model worse on dev ({' and '.join(worse)})")
    columns = ["trained on train with", "rows", "accuracy", "macro-F1", "accuracy, change", "macro-F1, change"]
    note = (
        f"A logistic regression over character n-grams, measured on {num_dev:,} rows of dev. Changes are against no "
        "added rows, with 95 % intervals from paired resamples: where one holds 0, the rows may do nothing."
    )
    table = {"title": LIFT, "columns": columns, "rows": lines, "note": note}
    return {"counts": {}, "alarms": alarms, "tables": [table]}


def _estimate(values_R: NDArray[np.float64], num_rows: int) -> Estimate:
    """Return a figure with the percentile interval of its resamples; the first value is the figure itself."""
    low, high = np.quantile(values_R[1:], (0.025, 0.975))
    return Estimate(float(values_R[0]), float(low), float(high), num_rows)

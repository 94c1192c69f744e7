"""Find labels that are probably wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.labels.confident import (
    FilterBy,
    Found,
    RankBy,
    class_weights,
    find_errors,
    folds_of,
    judged,
    out_of_fold,
    spared,
)
from oreline.data.labels.features import Codes, Embedder, dense, nearest, row_features
from oreline.data.labels.review import NOTES, REVIEW_FILE, note, shortened, shown_texts
from oreline.data.ledger import CHANGE_REASON, DROP_REASON, FLAG_REASON
from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import DataError, UsageError
from oreline.report.report import Table

_UNSUPPORTED = {
    "tags": "tags of words",
    "answers": "answers within a text",
    "target_text": "written answers",
}
_PAIRS_SHOWN = 30
_EXAMPLES = 10
_EXAMPLE = ["row", "text", "given", "suggested", "probability"]
_ALL = f"The first of them; all are in {REVIEW_FILE}, but for those that were dropped or given another label."
_MANY = 0.3
"""Share of doubtful labels from which on the model that doubts is doubtful itself."""
_SUREST = 0.9999
"""No suggestion is certain."""
_TOO_MANY = "So many labels look wrong that the model may be too weak for these classes: read some before you repair."
ERROR, SPARED, RELABELLED = "label_error", "label_error_spared", "relabelled"
_CLASSES_NAMED = 5


class Operator:
    """Find labels that are probably wrong, by confident learning; rows are only reported unless an option says more.

    Logistic regressions over a frozen encoder's vectors (or, without an encoder, over character n-grams) say of every
    row what models that did not see it think of its label: rows of equal text or group lie in one fold. A label is
    found where it is less probable than not, by what they say, how often labels of that class are wrong and what for,
    both estimated from all rows; or by one of cleanlab's rules. Found rows are `flagged` in the ledger and stand in
    `review.jsonl` beside the dataset, the most doubtful first, with the suggested label, its probability and the
    nearest other rows with theirs: write decisions into that file and hand it to `refine --apply-review`.

    No class is emptied: where `relabel` or `drop` would leave a class fewer of its rows than `spare` says, the rows
    whose label is believed most stay with it, flagged as `label_error_spared`, and the report says so.

    One label a row. Rows with several labels, tags, answers or written targets are refused, and classes with fewer rows
    than folds are not judged. Where labels are changed or rows dropped, a test split is left alone, and must be given:
    figures would otherwise be measured against what a model said.

    Memory grows with the rows: held of each are its text, its vector (4 bytes a number, 1.5 kB at 384; without an
    encoder 1 kB, and 8 bytes for each of its n-grams) and 8 bytes for each class. Of more rows than fit, judge a part.

    Args:
        encoder: a model folder, or `catalog:` start model, whose frozen vectors are used; character n-grams when empty.
        folds: models that are fitted, each without its own share of the rows.
        filter_by: `posterior` (judges are fitted twice, the second time without believing every label), or cleanlab's
            rule: `prune_by_noise_rate`, `prune_by_class`, `both` (fewer rows, surer), or `confident_learning`.
        rank_by: what found rows are ordered by: `self_confidence` or `normalized_margin`.
        neighbours: nearest other rows that are shown of each found row.
        agree: find only rows of whose neighbours at most half bear the given label, too.
        relabel: rows get the suggested label where its probability is at least this; none do when not set.
        drop: found rows that are not given another label go where that probability is at least this; 0 drops all.
        spare: share of each class's rows that stay with their label whatever `relabel` and `drop` say, and ten rows at
            least; 0 spares none.
        weigh: every row gets a `weight`, which training honours: the probability of its label, so scaled that the rows
            of a given label count as much together as they are many, and rare classes stay. A relabelled row counts as
            the suggestion is probable, one that is not judged counts whole.
        seed: of the folds.
    """

    costly = True

    def __init__(
        self,
        *,
        encoder: str = "",
        folds: int = 5,
        filter_by: FilterBy = "posterior",
        rank_by: RankBy = "self_confidence",
        neighbours: int = 5,
        agree: bool = False,
        relabel: float | None = None,
        drop: float | None = None,
        spare: float = 0.25,
        weigh: bool = False,
        seed: int = 0,
    ) -> None:
        if folds < 2 or neighbours < 0 or (agree and not neighbours):
            raise UsageError(
                f"flag_label_errors: folds {folds}, neighbours {neighbours}",
                allowed="at least 2 folds, and neighbours where they have to agree",
            )
        for option, bound in (("relabel", relabel), ("drop", drop), ("spare", spare)):
            if bound is not None and not 0 <= bound <= 1:
                what = "share" if option == "spare" else "probability"
                raise UsageError(f"flag_label_errors: {option} is {bound}", allowed=f"a {what}, 0 to 1")
        if weigh and filter_by != "posterior":
            raise UsageError(
                f"flag_label_errors: weigh with filter_by {filter_by}",
                allowed="filter_by: posterior, which says how probable each label is",
            )
        self.models = {"encoder": encoder} if encoder else {}
        self.spares_test = relabel is not None or drop is not None or weigh
        self._folds, self._filter_by, self._rank_by, self._seed = folds, filter_by, rank_by, seed
        self._num_neighbours, self._agree, self._relabel, self._drop = neighbours, agree, relabel, drop
        self._spare, self._weigh = spare, weigh
        self._weights = pl.DataFrame(schema=_WEIGHTS)
        self._encoder: Embedder | None = None
        self._found = pl.DataFrame(schema=_SCHEMA)
        self._told: list[Mapping[str, Any]] = []

    def bind(self, models: Mapping[str, Embedder]) -> None:
        """Take the encoder."""
        self._encoder = models.get("encoder")

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Judge all rows. Raises `DataError` for rows whose target is not one label."""
        names = scan.collect_schema().names()
        if "label" not in names:
            return _nothing(0, 0)
        _refuse_unsupported(names)
        inputs = [role for role in INPUT_ROLES if role in names]
        columns = ["row_id", *inputs, "label", *(["group"] if "group" in names else [])]
        rows = scan.select(columns).filter(pl.col("label").is_not_null()).collect()
        _refuse_several(rows)
        common = rows.filter(pl.len().over("label") >= self._folds)
        labels = common["label"].unique().sort()
        if len(labels) < 2 or not inputs:
            return _nothing(0, rows.height)
        codes_N = common["label"].replace_strict(labels, np.arange(len(labels)), return_dtype=pl.Int64).to_numpy()
        copies = wide_hashes(common, inputs)["hash_high"]
        keys = common.select("label", *(["group"] if "group" in names else [])).with_columns(copies)
        folds_N = folds_of(keys, self._folds, self._seed)
        features = dense(row_features(shown_texts(common), self._encoder), seed=self._seed)
        judges = judged if self._filter_by == "posterior" else out_of_fold
        scores_NK = judges(features, codes_N, folds_N, len(labels))
        found = find_errors(codes_N, scores_NK, self._filter_by, self._rank_by)
        copies_N = copies.rank("dense").to_numpy().astype(np.int64)
        near_FJ, similarity_FJ = nearest(features, found.rows, copies_N, self._num_neighbours)
        if self._agree:
            agrees = _mostly_other(codes_N, found.rows, near_FJ)
            found = Found(*(part[agrees] for part in found))
            near_FJ, similarity_FJ = near_FJ[agrees], similarity_FJ[agrees]
        neighbours = [_shown(common, rows, alike) for rows, alike in zip(near_FJ, similarity_FJ)]
        least = min((bound for bound in (self._relabel, self._drop) if bound is not None), default=None)
        leaves = np.zeros(len(found.rows), np.bool_) if least is None else _confidence(found) >= least
        stays = spared(codes_N, found.rows, leaves, self._spare)
        learnt = _as_learnt(common, labels, found, neighbours, stays, unjudged=rows.height - common.height)
        return learnt | (_weighed(common["row_id"], codes_N, scores_NK) if self._weigh else {})

    def learnt(self, found: Mapping[str, Any]) -> None:
        """Take what `fit` found."""
        self._told = [found]
        self._found = pl.DataFrame({name: found[name] for name in _SCHEMA}, schema=_SCHEMA)
        self._weights = pl.DataFrame({name: found.get(name, []) for name in _WEIGHTS}, schema=_WEIGHTS)

    def calibration(self, frame: pl.DataFrame) -> Calibration | None:
        """Return how probable the suggested label of each found row is, and where rows go; None where none may go."""
        if self._drop is None:
            return None
        rows = frame.select("row_id").join(self._found, on="row_id", how="left", maintain_order="left")
        every = pl.Series("language", ["found"], dtype=pl.String).new_from_index(0, frame.height)
        bound = Bound("drop", "confidence", "high", self._drop)
        return Calibration(rows.select("confidence"), every, {"found": (bound,)})

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with what is known of those that were found: notes, flags, drops, other labels."""
        if "label" not in frame.columns:
            return frame
        known = frame.select("row_id", "label").join(self._found, on="row_id", how="left", maintain_order="left")
        is_found = pl.col("suggested").is_not_null()
        sure, may_leave = pl.col("confidence"), is_found & ~pl.col("spared")
        relabel = may_leave & (sure >= self._relabel) if self._relabel is not None else pl.lit(False)
        drop = may_leave & ~relabel & (sure >= self._drop) if self._drop is not None else pl.lit(False)
        stays = is_found & ~relabel & ~drop
        verdicts = known.select(
            pl.when(relabel).then("suggested").otherwise("label").alias("label"),
            pl.when(stays).then("note").alias(NOTES),
            pl.when(stays).then(pl.when("spared").then(pl.lit(SPARED)).otherwise(pl.lit(ERROR))).alias(FLAG_REASON),
            pl.when(drop).then(pl.lit(ERROR)).alias(DROP_REASON),
            pl.when(relabel).then(pl.lit(RELABELLED)).alias(CHANGE_REASON),
        )
        if self._weigh:
            frame = frame.with_columns(self._weight_of(frame, known.select(pl.when(relabel).then(sure)).to_series()))
        return frame.with_columns(verdicts.get_columns())

    def _weight_of(self, frame: pl.DataFrame, relabelled: pl.Series) -> pl.Series:
        """Return what each row counts: its own weight, 1 where it has none, times what its label is worth."""
        rows = frame.select(judged_rows="row_id").join(
            self._weights, on="judged_rows", how="left", maintain_order="left"
        )
        return (relabelled.fill_null(rows["counts"]).fill_null(1.0) * _own_weights(frame)).round(4).alias("weight")

    def findings(self) -> dict[str, Any]:
        """Return the tables of the last call, and a sentence about rows that were spared."""
        return {"counts": {}, "alarms": self._alarms(), "tables": [asdict(table) for table in self.tables()]}

    def _alarms(self) -> list[str]:
        """Say of which classes rows stayed that would have gone."""
        kept = Counter(label for found in self._told for label, stays in zip(found["given"], found["spared"]) if stays)
        if not kept:
            return []
        named = ", ".join(f"{label} ({rows})" for label, rows in kept.most_common(_CLASSES_NAMED))
        return [
            f"flag_label_errors: {kept.total():,} rows whose label looks wrong were spared, so that their classes "
            f"stay: {named}{', …' if len(kept) > _CLASSES_NAMED else ''}; read them in {REVIEW_FILE} ({SPARED})"
        ]

    def tables(self) -> list[Table]:
        """Return what the report shows: how many labels are doubtful, and which are taken for which."""
        if not (told := [found for found in self._told if found["judged"] or found["unjudged"]]):
            return []
        totals = {name: sum(found[name] for found in told) for name in ("judged", "unjudged")}
        pairs: Counter[tuple[str, str]] = Counter()
        for found in told:
            pairs.update(zip(found["given"], found["suggested"]))
        examples = [example for found in told for example in found["examples"]]
        share = pairs.total() / max(totals["judged"], 1)
        whole = [totals["judged"], totals["unjudged"], pairs.total(), round(share, 4)]
        lines = [[given, other, rows] for (given, other), rows in pairs.most_common(_PAIRS_SHOWN)]
        return [
            Table(
                "Doubtful labels",
                ["judged", "not judged", "doubtful", "share"],
                [whole],
                _TOO_MANY if share > _MANY else "",
            ),
            *([Table("Labels taken for others", ["given", "suggested", "rows"], lines)] if lines else []),
            *([Table("The most doubtful labels", _EXAMPLE, examples, _ALL)] if examples else []),
        ]


_SCHEMA = {
    "row_id": pl.String,
    "suggested": pl.String,
    "confidence": pl.Float64,
    "note": pl.String,
    "spared": pl.Boolean,
}
_WEIGHTS = {"judged_rows": pl.String, "counts": pl.Float64}
"""Row ids, and what each of them counts."""


def _nothing(judged: int, unjudged: int) -> dict[str, Any]:
    return {**{name: [] for name in _SCHEMA}, "given": [], "examples": [], "judged": judged, "unjudged": unjudged}


def _confidence(found: Found) -> Any:
    """Return how probable each suggestion is, as it is shown, (F,)."""
    return np.minimum(found.confidence, _SUREST).round(4)


def _as_learnt(
    rows: pl.DataFrame,
    labels: pl.Series,
    found: Found,
    neighbours: list[list[dict[str, Any]]],
    spared_F: Any,
    *,
    unjudged: int,
) -> dict[str, Any]:
    """Return what was found as JSON."""
    names = labels.to_list()
    suggested = [names[code] for code in found.suggested]
    confidence = _confidence(found).tolist()
    notes = [
        note(float(quality), {"suggested": label, "confidence": sure, "neighbours": near})
        for quality, label, sure, near in zip(found.quality, suggested, confidence, neighbours)
    ]
    some = rows[found.rows]
    given = some["label"].to_list()
    columns = {"row_id": some["row_id"].to_list(), "suggested": suggested, "confidence": confidence, "note": notes}
    columns["spared"] = spared_F.tolist()
    shown = [shortened(text) for text in shown_texts(some.head(_EXAMPLES))]
    examples = [list(line) for line in zip(columns["row_id"], shown, given, suggested, confidence)]
    return {**columns, "given": given, "examples": examples, "judged": rows.height, "unjudged": unjudged}


def _weighed(row_ids: pl.Series, codes_N: Codes, scores_NK: Any) -> dict[str, Any]:
    """Return what every judged row counts, as JSON: how probable its label is, on the scale of its class."""
    weights = class_weights(codes_N, scores_NK[np.arange(len(codes_N)), codes_N])
    return {"judged_rows": row_ids.to_list(), "counts": [round(float(value), 4) for value in weights]}


def _own_weights(frame: pl.DataFrame) -> pl.Series:
    """Return the weights that rows came with. Raises `DataError` for one that is no number."""
    if "weight" not in frame.columns:
        return pl.select(pl.repeat(1.0, frame.height)).to_series()
    own = frame["weight"].cast(pl.Float64, strict=False)
    if len(bad := (own.is_null() & frame["weight"].is_not_null()).arg_true()):
        raise DataError(
            f"the row's weight is {frame['weight'][bad[0]]!r}",
            where=frame["row_id"][bad[0]],
            allowed="a number from 0 on",
        )
    return own.fill_null(1.0)


def _shown(rows: pl.DataFrame, near_J: Codes, similarity_J: Any) -> list[dict[str, Any]]:
    """Return the neighbours of one row as a reviewer sees them."""
    found = []
    for row, similarity in zip(near_J.tolist(), similarity_J.tolist()):
        if row >= 0:
            other = rows[row]
            told = {"row_id": other["row_id"][0], "label": other["label"][0], "similarity": round(similarity, 3)}
            found.append({**told, "text": shortened(shown_texts(other)[0])})
    return found


def _mostly_other(codes_N: Codes, rows_F: Codes, near_FJ: Codes) -> Any:
    """Whether at most half of each row's neighbours bear its own label."""
    is_there = near_FJ >= 0
    same = (codes_N[near_FJ] == codes_N[rows_F][:, None]) & is_there
    return same.sum(axis=1) * 2 <= is_there.sum(axis=1)


def _refuse_unsupported(names: list[str]) -> None:
    if target := next((role for role in _UNSUPPORTED if role in names), None):
        raise DataError(
            f"flag_label_errors judges one label a row, and these rows have {_UNSUPPORTED[target]}",
            allowed="rows with a text and one label",
            remedy="leave the operator out",
        )


def _refuse_several(rows: pl.DataFrame) -> None:
    """Raise `DataError` for rows with several labels: a JSON list."""
    listed = rows.filter(pl.col("label").str.starts_with("["))
    for row_id, label in listed.select("row_id", "label").iter_rows():
        try:
            is_list = isinstance(json.loads(label), list)
        except ValueError:
            is_list = False
        if is_list:
            raise DataError(
                "flag_label_errors judges one label a row, and this row has several",
                where=str(row_id),
                allowed="rows with a text and one label",
                remedy="leave the operator out",
            )

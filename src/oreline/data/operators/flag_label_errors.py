"""Find labels that are probably wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from oreline.data.fold import INPUT_ROLES
from oreline.data.labels.confident import FilterBy, RankBy
from oreline.data.labels.doubts import Doubts
from oreline.data.labels.features import Embedder
from oreline.data.labels.judging import Judge
from oreline.data.labels.portions import Portions
from oreline.data.labels.review import NOTES, REVIEW_FILE, shown_texts
from oreline.data.ledger import CHANGE_REASON, DROP_REASON, FLAG_REASON
from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import DataError, UsageError
from oreline.report.report import Table

_UNSUPPORTED = {
    "tags": "tags of words",
    "answers": "answers within a text",
    "target_text": "written answers",
}
_EXAMPLE = ["row", "text", "given", "suggested", "probability"]
_ALL = f"The first of them; all are in {REVIEW_FILE}, but for those that were dropped or given another label."
_MANY = 0.3
"""Share of doubtful labels from which on the model that doubts is doubtful itself."""
_TOO_MANY = "So many labels look wrong that the model may be too weak for these classes: read some before you repair."
ERROR, SPARED, RELABELLED = "label_error", "label_error_spared", "relabelled"
_CLASSES_NAMED = 5
_CHUNK = 1 << 14


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

    Memory: a portion of rows at a time, 600 MB by estimate, 250 MB for n-grams, and up to 200 MB for what was found;
    beyond that notes and weights lie on disk. Of all rows some bits are held, and where `spare` keeps a class, 50 bytes
    for each row that would have left it. The estimate is 3.5 kB a row (with an encoder 1.5 kB and 8 bytes for each
    number of its vector), 24 bytes for each of the first 2,000 characters of a text (with an encoder 8 for every
    character) and 16 for each class: some 100,000 short rows of 20 classes are one portion. More rows are judged in
    several portions, each by itself, and the report says in how many. Copies of a text and rows of a group lie in one
    portion, unless they are more than an eighth of it. A class is spread over as many portions as give it a hundred
    rows each, so that a rare class lies in one, and a row of another portion that ought to bear its name is not found.
    `spare` holds over all rows, `weigh` in each portion. More than 20,000 classes are refused.

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
    stays = True

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
        self._encoder: Embedder | None = None
        self._doubts = self._nothing_found()
        self._told: Mapping[str, Any] = {}

    def bind(self, models: Mapping[str, Embedder]) -> None:
        """Take the encoder."""
        self._encoder = models.get("encoder")

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Judge all rows, and return what a report says of them: what was found lies on disk, for `edit`.

        Raises `DataError` for rows whose target is not one label.
        """
        self._doubts = self._nothing_found()
        names = scan.collect_schema().names()
        if "label" not in names:
            return {**self._doubts.told(), "unjudged": 0, "portions": 0}
        _refuse_unsupported(names)
        _refuse_several(scan)
        inputs = [role for role in INPUT_ROLES if role in names]
        portions = Portions(scan, inputs, folds=self._folds, width=self._width(scan, inputs))
        judge = Judge(
            self._encoder, self._folds, self._filter_by, self._rank_by, self._num_neighbours, self._agree, self._seed
        )
        for rows in portions.frames() if inputs else ():
            if (verdicts := judge.verdicts(rows)) is not None:
                self._doubts.take(verdicts)
        self._doubts.end()
        told = self._doubts.told()
        return {**told, "unjudged": portions.num_rows - told["judged"], "portions": portions.number}

    def learnt(self, found: Mapping[str, Any]) -> None:
        """Take what `fit` returned, for the report."""
        self._told = found

    def calibration(self, frame: pl.DataFrame) -> Calibration | None:
        """Return how probable the suggested label of each found row is, and where rows go; None where none may go."""
        if self._drop is None:
            return None
        every = pl.Series("language", ["found"], dtype=pl.String).new_from_index(0, frame.height)
        bound = Bound("drop", "confidence", "high", self._drop)
        return Calibration(self._doubts.of(frame["row_id"]).select("confidence"), every, {"found": (bound,)})

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with what is known of those that were found: notes, flags, drops, other labels."""
        if "label" not in frame.columns:
            return frame
        known = frame.select("row_id", "label").hstack(self._doubts.of(frame["row_id"]))
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
        counts = self._doubts.weights(frame["row_id"])
        return (relabelled.fill_null(counts).fill_null(1.0) * _own_weights(frame)).round(4).alias("weight")

    def _width(self, scan: pl.LazyFrame, inputs: list[str]) -> int:
        """Return how many numbers the encoder gives for a text; 0 without one."""
        first = scan.select(inputs).head(1).collect() if self._encoder is not None and inputs else None
        if self._encoder is None or first is None or not first.height:
            return 0
        return int(self._encoder.embed(shown_texts(first)).shape[1])

    def _nothing_found(self) -> Doubts:
        least = min((bound for bound in (self._relabel, self._drop) if bound is not None), default=None)
        return Doubts(leaves_from=least, share=self._spare, weighs=self._weigh)

    def findings(self) -> dict[str, Any]:
        """Return the tables of the last call, and a sentence about rows that were spared."""
        return {"counts": {}, "alarms": self._alarms(), "tables": [asdict(table) for table in self.tables()]}

    def _alarms(self) -> list[str]:
        """Say of which classes rows stayed that would have gone."""
        kept: Counter[str] = Counter(self._told.get("spared", {}))
        if not kept:
            return []
        named = ", ".join(f"{label} ({rows})" for label, rows in kept.most_common(_CLASSES_NAMED))
        return [
            f"flag_label_errors: {kept.total():,} rows whose label looks wrong were spared, so that their classes "
            f"stay: {named}{', …' if len(kept) > _CLASSES_NAMED else ''}; read them in {REVIEW_FILE} ({SPARED})"
        ]

    def tables(self) -> list[Table]:
        """Return what the report shows: how many labels are doubtful, and which are taken for which."""
        told = self._told
        if not told or not told["judged"] + told["unjudged"]:
            return []
        share = told["found"] / max(told["judged"], 1)
        whole = [told["judged"], told["unjudged"], told["found"], round(share, 4)]
        lines, examples = told["pairs"], told["examples"]
        said = [_TOO_MANY] if share > _MANY else []
        if told["portions"] > 1:
            said.append(f"Rows were judged in {told['portions']:,} portions, each by itself: all need too much memory.")
        return [
            Table("Doubtful labels", ["judged", "not judged", "doubtful", "share"], [whole], " ".join(said)),
            *([Table("Labels taken for others", ["given", "suggested", "rows"], lines)] if lines else []),
            *([Table("The most doubtful labels", _EXAMPLE, examples, _ALL)] if examples else []),
        ]


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


def _refuse_unsupported(names: list[str]) -> None:
    if target := next((role for role in _UNSUPPORTED if role in names), None):
        raise DataError(
            f"flag_label_errors judges one label a row, and these rows have {_UNSUPPORTED[target]}",
            allowed="rows with a text and one label",
            remedy="leave the operator out",
        )


def _refuse_several(scan: pl.LazyFrame) -> None:
    """Raise `DataError` for rows with several labels: a JSON list."""
    listed = scan.select("row_id", "label").filter(pl.col("label").str.starts_with("["))
    for frame in listed.collect_batches(chunk_size=_CHUNK):
        for row_id, label in frame.iter_rows():
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

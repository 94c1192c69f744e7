"""Label rows by rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import polars as pl

from oreline.data.columnar import frames_of
from oreline.data.labels.label_model import Floats, LabelModel, agreement, decided, fit_label_model, majority
from oreline.data.labels.rule_files import rules_in
from oreline.data.labels.rules import ABSTAIN, Jury, Voter, Votes, as_votes, models_of, read_rules
from oreline.data.ledger import CHANGE_REASON
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.report.report import Table

_FEWEST_KNOWN = 10
"""Labelled rows with a vote by which the two ways of counting votes are compared."""
_FEWEST_RULES = 3
"""Rules that must overlap for their accuracies to be told apart without any label."""
_TRUTH = "truth"
LABELLED = "labelled"


class Operator:
    """Give rows labels by the votes of rules: words, patterns, lengths, columns, models, small Python functions.

    Each rule votes for a label or says nothing. Votes become one label with a probability, by majority or by a label
    model that learns how often each rule is right from how rules agree; `label` and `weight` (the probability) are
    written. Rows that no rule votes on, or where two labels are equally likely, have no label and become the split
    `unlabelled`. A row that has a label keeps it, with the weight 1: such rows say how right the rules are, and which
    of the two ways is better. The report shows coverage, overlaps and conflicts of every rule.

    Memory: the different patterns of votes, with the labels that rows have already, are held, not the rows.

    Args:
        rules: mappings, each one rule: `{label: refund, keywords: [退款, refund]}`; see docs/how-to.md. Or the
            name of a YAML file that lists them.
        functions: labelling functions in Python, from a row (a dict) to a label or None; through the API only.
        combine: `majority`, `label_model`, or `auto`: the better one on rows that have a label and a vote, where there
            are 10; without them the label model where three rules overlap, the majority elsewhere.
        balance: share of each label where it is known; the label model learns it when not set.
        min_probability: a label that is less probable is not given.
    """

    gives_labels = True
    """Rows need no label to come this far."""

    def __init__(
        self,
        *,
        rules: str | Sequence[Mapping[str, Any]] = (),
        functions: Sequence[Callable[[dict[str, Any]], Any]] = (),
        combine: Literal["auto", "majority", "label_model"] = "auto",
        balance: Mapping[str, float] | None = None,
        min_probability: float = 0.0,
    ) -> None:
        if not 0 <= min_probability <= 1:
            raise UsageError(f"label_by_rules: min_probability is {min_probability}", allowed="0 to 1")
        if combine not in ("auto", "majority", "label_model"):
            raise UsageError(f"label_by_rules: combine is {combine!r}", allowed="auto, majority, label_model")
        if balance and (min(balance.values()) <= 0 or abs(sum(balance.values()) - 1) > 0.01):
            raise UsageError(f"label_by_rules: balance is {dict(balance)}", allowed="shares above 0 that add up to 1")
        read = read_rules(*rules_in(rules)) if isinstance(rules, str) else read_rules(rules)
        self.models = models_of(read)
        self._jury = Jury(read, functions)
        self._combine, self._min_probability = combine, min_probability
        self._balance = {str(label): share for label, share in (balance or {}).items()}
        self._classes: list[str] = []
        self._model: LabelModel | None = None
        self._told: list[Mapping[str, Any]] = []

    def bind(self, models: Mapping[str, Voter]) -> None:
        """Take the models that vote."""
        self._jury.voters = models

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Learn how the rules vote. Raises `DataError` where none votes, or a balance that lacks a label."""
        if not self._jury.names:
            return {}
        patterns = self._patterns(scan)
        votes = patterns.select(pl.exclude(_TRUTH, "rows"))
        classes = sorted({label for column in votes.iter_columns() for label in column.drop_nulls()})
        if not patterns.height:
            return {}
        if not classes:
            raise DataError("no rule votes on any row", remedy="check the rules against some of the texts")
        votes_PJ = as_votes(votes.get_columns(), classes)
        rows_P = patterns["rows"].to_numpy().astype(np.float64)
        truth_P = as_votes([patterns[_TRUTH]], classes)[:, 0]
        model = fit_label_model(votes_PJ, rows_P, len(classes), self._balance_of(classes))
        known_P = np.where(patterns[_TRUTH].is_not_null().to_numpy(), rows_P, 0.0)
        scores = {
            "majority": _accuracy(majority(votes_PJ, len(classes)), votes_PJ, truth_P, known_P),
            "label_model": _accuracy(model.probabilities(votes_PJ), votes_PJ, truth_P, known_P),
        }
        num_known = int(known_P[(votes_PJ != ABSTAIN).any(axis=1)].sum())
        return {
            "classes": classes,
            "combine": self._chosen(scores, num_known, votes_PJ),
            "model": model.to_json(),
            "rules": _table(self._jury.names, votes_PJ, rows_P, truth_P, known_P, model),
            "rows": int(rows_P.sum()),
            "covered": int(rows_P[(votes_PJ != ABSTAIN).any(axis=1)].sum()),
            "known": num_known,
            "scores": {name: round(value, 4) for name, value in scores.items()} if num_known else {},
            "idle": [name for name, votes in zip(self._jury.names, votes_PJ.T) if (votes == ABSTAIN).all()],
            "owned": sorted(patterns[_TRUTH].drop_nulls().unique()),
        }

    def learnt(self, told: Mapping[str, Any]) -> None:
        """Take what `fit` learnt."""
        if told:
            self._told = [told]
            self._classes = list(told["classes"])
            self._model = LabelModel.from_json(told["model"]) if told["combine"] == "label_model" else None

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with a label and a weight each; null where no label is given."""
        if not self._classes:
            return frame
        votes_NJ = as_votes(self._jury.labels(frame), self._classes)
        if self._model is not None:
            probabilities_NK = self._model.probabilities(votes_NJ)
        else:
            probabilities_NK = majority(votes_NJ, len(self._classes))
        class_N, sure_N = decided(probabilities_NK, votes_NJ)
        class_N = np.where(sure_N >= self._min_probability, class_N, -1)
        labels = pl.Series([self._classes[code] if code >= 0 else None for code in class_N], dtype=pl.String)
        own = frame["label"] if "label" in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
        weights = pl.DataFrame({"own": own, "new": labels, "sure": sure_N.round(4)}).select(
            pl.when(pl.col("own").is_not_null()).then(1.0).when(pl.col("new").is_not_null()).then("sure")
        )
        reasons = pl.DataFrame({"own": own, "new": labels}).select(
            pl.when(pl.col("own").is_null() & pl.col("new").is_not_null()).then(pl.lit(LABELLED))
        )
        label = own.zip_with(own.is_not_null(), labels).alias("label")
        return frame.with_columns(label, weights.to_series().alias("weight"), reasons.to_series().alias(CHANGE_REASON))

    def findings(self) -> dict[str, Any]:
        """Return the tables of the last call."""
        return {"counts": {}, "alarms": self._alarms(), "tables": [asdict(table) for table in self.tables()]}

    def _alarms(self) -> list[str]:
        """Return what is probably a mistake: rules that never vote, labels that no labelled row has."""
        found = []
        for told in self._told:
            if told["idle"]:
                found.append(f"label_by_rules: no row has a vote of {', '.join(map(repr, told['idle']))}")
            owned = told["owned"]
            for label in (label for label in told["classes"] if owned and label not in owned):
                hint = did_you_mean(label, owned)
                found.append(f"label_by_rules: rules give {label!r}, which no row that has a label bears ({hint})")
        return found

    def tables(self) -> list[Table]:
        """Return what the report shows of the rules."""
        found = []
        for told in self._told:
            covered = f"{told['covered']:,} of {told['rows']:,} rows have a vote; counted by {told['combine']}."
            scores = ", ".join(f"{name} {value}" for name, value in told["scores"].items())
            known = f" Accuracy on {told['known']:,} labelled ones: {scores}." if scores else ""
            columns = ["rule", "coverage", "overlaps", "conflicts", "accuracy (learnt)", "right", "labelled rows"]
            found.append(Table("Rules", columns, told["rules"], covered + known))
        return found

    def _patterns(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return the distinct patterns of votes, with the rows' own labels, and how many rows have each."""
        names = [str(number) for number in range(len(self._jury.names))]
        key = [*names, _TRUTH]
        found = pl.DataFrame(schema={**dict.fromkeys(key, pl.String), "rows": pl.UInt32})
        for frame in frames_of(scan):
            answers = [answer.alias(name) for name, answer in zip(names, self._jury.labels(frame))]
            own = frame["label"] if "label" in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
            counted = pl.DataFrame([*answers, own.alias(_TRUTH)]).group_by(key).len(name="rows")
            found = pl.concat([found, counted]).group_by(key).agg(pl.col("rows").sum())
        return found.sort(key)

    def _balance_of(self, classes: list[str]) -> Floats | None:
        if not self._balance:
            return None
        if set(self._balance) != set(classes):
            odd = sorted(set(self._balance) ^ set(classes))[0]
            raise DataError(
                f"the balance and the votes do not name the same labels: {odd!r}",
                allowed=did_you_mean(odd, classes),
                remedy="give the share of every label that rules vote for, and of no other",
            )
        return np.array([self._balance[label] for label in classes], np.float64)

    def _chosen(self, scores: Mapping[str, float], num_known: int, votes_PJ: Votes) -> str:
        """Return how votes are counted."""
        if self._combine != "auto":
            return self._combine
        if num_known >= _FEWEST_KNOWN:
            return "label_model" if scores["label_model"] > scores["majority"] else "majority"
        overlap = int((votes_PJ != ABSTAIN).sum(axis=1).max(initial=0))
        return "label_model" if overlap >= _FEWEST_RULES else "majority"


def _accuracy(probabilities_PK: Floats, votes_PJ: Votes, truth_P: Any, known_P: Floats) -> float:
    """Return how often labels are right, of labelled rows with a vote; a row left open counts as wrong."""
    class_P, _ = decided(probabilities_PK, votes_PJ)
    counted_P = np.where((votes_PJ != ABSTAIN).any(axis=1), known_P, 0.0)
    return float((counted_P * ((class_P == truth_P) & (class_P >= 0))).sum() / max(counted_P.sum(), 1))


def _table(
    names: Sequence[str], votes_PJ: Votes, rows_P: Floats, truth_P: Any, known_P: Floats, model: LabelModel
) -> list[list[Any]]:
    """Return a line for each rule: coverage, overlaps, conflicts, accuracy as learnt and as seen on labelled rows."""
    covered_J, overlaps_J, conflicts_J = agreement(votes_PJ, rows_P)
    learnt_J = model.accuracies()
    lines: list[list[Any]] = []
    for rule, name in enumerate(names):
        votes = votes_PJ[:, rule]
        counted_P = np.where(votes != ABSTAIN, known_P, 0.0)
        right = float((counted_P * (votes == truth_P)).sum() / counted_P.sum()) if counted_P.sum() else None
        shares = [round(float(part[rule]), 4) for part in (covered_J, overlaps_J, conflicts_J, learnt_J)]
        lines.append([name, *shares, round(right, 4) if right is not None else None, int(counted_P.sum())])
    return lines

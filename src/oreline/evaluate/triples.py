"""How well triples are found in texts, end to end, and with the true entities in place of those found.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oreline.errors import DataError
from oreline.evaluate.estimates import bootstrap_weights, interval, wilson
from oreline.evaluate.shown import MAX_WORST, shorten
from oreline.metrics.counts import ratio
from oreline.metrics.marked import Mention, mention_of
from oreline.report.report import Report
from oreline.report.report import Table as ReportTable
from oreline.runtime.triples import Triple, plausible_types, triples, triples_of
from oreline.types import Estimate, Runtime
from oreline.words import as_cell, words_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALLOWED = '[{"head": [0, 3, "PER"], "relation": "works_for", "tail": [14, 18, "ORG"]}]'


class Gold(NamedTuple):
    """A text with its true entities and triples."""

    text: str
    entities: list[Mention]
    triples: list[Triple]


class Counts(NamedTuple):
    """What was found of each row, (N,)."""

    true_N: NDArray[np.float64]
    given_N: NDArray[np.float64]
    both_N: NDArray[np.float64]


def gold_rows(rows: Sequence[Mapping[str, Any]]) -> list[Gold]:
    """Return rows with the true triples as spans of characters.

    A row has `text` (a text or a list of words), `triples`, a list of `{"head", "relation", "tail"}`, and may have
    `entities`, those without a relation included; where it has none they are the heads and tails. A head or tail
    without a type has that of the entity at its place. For the forms of an entity see
    `oreline.metrics.marked.mention_of`.

    Raises `DataError` for a row without text or triples, or an entity that is not in its text.
    """
    found = []
    for number, row in enumerate(rows, start=1):
        where = str(row.get("row_id") or row.get("id") or f"row {number}")
        lacking = next((name for name in ("text", "triples") if row.get(name) is None), None)
        if lacking is not None:
            raise DataError(
                f"the row has no {lacking!r}", where=where, allowed=ALLOWED, remedy="an empty list means none"
            )
        cell = row["text"] if isinstance(row["text"], str) else as_cell(row["text"])
        try:
            mentions = [mention_of(entity, cell) for entity in _listed(row.get("entities"))]
            told = [
                Triple(_typed(one["head"], cell, mentions), str(one["relation"]), _typed(one["tail"], cell, mentions))
                for one in _listed(row["triples"])
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"a triple cannot be read: {error}", where=where, allowed=ALLOWED) from error
        ends = [mention for one in told for mention in (one.head, one.tail)]
        found.append(Gold(words_of(cell)[0], list(dict.fromkeys([*mentions, *ends])), told))
    return found


def evaluate_triples(
    entities: Runtime, relations: Runtime, rows: Sequence[Mapping[str, Any]], *, seed: int = 0
) -> Report:
    """Score triples strictly: both spans, both types and the relation must be right.

    Figures are precision, recall and F1 over all triples, with intervals from drawing whole texts: end to end
    (`triple_…`), with the true entities (`given_entities_triple_…`), and of the entities alone (`entity_…`).

    Args:
        entities: a model for `token_classification`.
        relations: a model for `relation`.
        rows: texts with their triples, see `gold_rows`.
        seed: of the bootstrap.

    Raises:
        DataError: a row that cannot be read, or none.
        UsageError: models for other tasks.
    """
    golds = gold_rows(rows)
    if not golds:
        raise DataError("there are no rows to score")
    texts = [gold.text for gold in golds]
    answers = list(triples(entities, relations, texts))
    helped = list(triples(entities, relations, texts, given=[gold.entities for gold in golds]))
    true = [set(gold.triples) for gold in golds]
    given, with_true = ([set(triples_of(answer)) for answer in each] for each in (answers, helped))
    mentions = [{_mention(entity) for entity in answer["entities"]} for answer in answers]
    metrics: dict[str, Estimate] = {}
    for name, theirs, ours in (
        ("triple", true, given),
        ("given_entities_triple", true, with_true),
        ("entity", [set(gold.entities) for gold in golds], mentions),
    ):
        metrics.update(_figures(name, _counts(theirs, ours), seed))
    types = plausible_types(relations.artifact)
    origins = [_origins(gold, found, known, types) for gold, found, known in zip(golds, given, mentions)]
    tables = [_by_relation(true, given), _by_origin(origins), _worst(golds, given)]
    return Report(
        verb="evaluate",
        title="Triples from texts",
        subject={
            "entities": entities.artifact.id,
            "entities_path": str(entities.artifact.path),
            "relations": relations.artifact.id,
            "relations_path": str(relations.artifact.path),
            "rows": len(golds),
        },
        metrics=metrics,
        facts={"rows": len(golds), "triples": sum(map(len, true))},
        tables=tables,
    )


def _listed(given: Any) -> Sequence[Any]:
    """Return a list that may come as JSON, which is how files with nested columns are read."""
    found = json.loads(given) if isinstance(given, str) else given
    return list(found or ())


def _typed(given: Any, cell: str, mentions: Sequence[Mention]) -> Mention:
    """Return an entity of a triple, with the type of the mention at its place where it says none itself."""
    found = mention_of(given, cell)
    known = next((mention for mention in mentions if mention[:2] == found[:2]), found)
    return found if found.type else known


def _mention(entity: Mapping[str, Any]) -> Mention:
    return Mention(entity["start"], entity["end"], entity["label"])


def _counts(true: Sequence[set[Any]], given: Sequence[set[Any]]) -> Counts:
    numbers = [(len(one), len(other), len(one & other)) for one, other in zip(true, given)]
    return Counts(*np.asarray(numbers, np.float64).T)


def _figures(name: str, counts: Counts, seed: int) -> dict[str, Estimate]:
    def values(weights_RN: NDArray[np.float64]) -> dict[str, tuple[NDArray[np.float64], int]]:
        true_R, given_R, both_R = (weights_RN @ each_N for each_N in counts)
        num_true, num_given = int(counts.true_N.sum()), int(counts.given_N.sum())
        return {
            f"{name}_f1": (ratio(2 * both_R, true_R + given_R), max(num_true, num_given)),
            f"{name}_precision": (ratio(both_R, given_R), num_given),
            f"{name}_recall": (ratio(both_R, true_R), num_true),
        }

    num_rows = len(counts.true_N)
    drawn = [values(weights_RN) for weights_RN in bootstrap_weights(num_rows, 1000, seed)]
    found = {}
    for figure, (value_1, n) in values(np.ones((1, num_rows))).items():
        value = float(value_1[0])
        if np.isfinite(value) and n:
            low, high = interval(value, np.concatenate([each[figure][0] for each in drawn]), "percentile")
            if low == high and value in (0.0, 1.0):  # no draw differs: the bootstrap would claim certainty
                low, high = wilson(value, n)
            found[figure] = Estimate(value, low, high, n)
    return found


def _by_relation(true: Sequence[set[Triple]], given: Sequence[set[Triple]]) -> ReportTable:
    """One row for each relation, the weakest first."""
    counts: dict[str, Counter[str]] = {"true": Counter(), "given": Counter(), "both": Counter()}
    for theirs, ours in zip(true, given):
        for what, found in (("true", theirs), ("given", ours), ("both", theirs & ours)):
            counts[what].update(triple.relation for triple in found)
    rows: list[list[Any]] = []
    for relation in sorted({*counts["true"], *counts["given"]}):
        num_true, num_given, both = (counts[what][relation] for what in ("true", "given", "both"))
        shares = [Estimate(both / n, *wilson(both / n, n), n) if n else None for n in (num_given, num_true)]
        rows.append([relation, *shares, round(2 * both / (num_true + num_given), 4)])
    note = "95 % intervals (Wilson); n: triples given the relation (precision), having it (recall)"
    return ReportTable(
        "Per relation", ("relation", "precision", "recall", "F1"), sorted(rows, key=lambda row: row[3]), note=note
    )


ORIGINS = {
    "entity missed": "its head or tail was not found, with its span and type",
    "pair not judged": "both were found, but no row that the relation model carries has such types in a relation",
    "relation wrong": "the pair was given another relation",
    "relation missed": "the pair was said to have none",
    "made up, entity": "given for an entity that is none",
    "made up, relation": "given for two true entities that have no relation",
}


def _origins(
    gold: Gold, given: set[Triple], known: set[Mention], types: frozenset[tuple[str, str]] | None
) -> Counter[str]:
    """Count where each missing and each made-up triple of a row comes from."""
    counted: Counter[str] = Counter()
    pairs = {(triple.head, triple.tail) for triple in given}
    true_pairs = {(triple.head, triple.tail) for triple in gold.triples}
    for triple in set(gold.triples) - given:
        if not {triple.head, triple.tail} <= known:
            counted["entity missed"] += 1
        elif types is not None and (triple.head.type, triple.tail.type) not in types:
            counted["pair not judged"] += 1
        else:
            counted["relation wrong" if (triple.head, triple.tail) in pairs else "relation missed"] += 1
    for triple in given - set(gold.triples):
        if not {triple.head, triple.tail} <= set(gold.entities):
            counted["made up, entity"] += 1
        elif (triple.head, triple.tail) not in true_pairs:
            counted["made up, relation"] += 1
    return counted


def _by_origin(origins: Sequence[Counter[str]]) -> ReportTable:
    counted = sum(origins, Counter[str]())
    rows = [[name, counted[name], text] for name, text in sorted(ORIGINS.items(), key=lambda pair: -counted[pair[0]])]
    return ReportTable("Where errors come from", ("origin", "triples", "what it is"), rows)


def _worst(golds: Sequence[Gold], given: Sequence[set[Triple]]) -> ReportTable:
    """Return the texts with the most triples missed or made up."""
    wrong = [len(set(gold.triples) ^ found) for gold, found in zip(golds, given)]
    order = sorted((row for row in range(len(golds)) if wrong[row]), key=lambda row: -wrong[row])[:MAX_WORST]
    rows = [
        [
            shorten(golds[row].text),
            _told(golds[row].text, golds[row].triples),
            _told(golds[row].text, given[row]),
            wrong[row],
        ]
        for row in order
    ]
    note = f"{sum(map(bool, wrong)):,} of {len(golds):,} texts are not altogether right"
    return ReportTable("Texts with the most errors", ("text", "true", "predicted", "errors"), rows, note=note)


def _told(text: str, found: Sequence[Triple] | set[Triple]) -> str:
    shown = [f"{text[h.start : h.end]} · {relation} · {text[t.start : t.end]}" for h, relation, t in sorted(found)]
    return shorten("; ".join(shown)) or "(none)"

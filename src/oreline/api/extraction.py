"""The verb that uses two models: triples from texts, and how right they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import use
from oreline.api.extras import names_missing_extras

if TYPE_CHECKING:
    from oreline.report.report import Report


@names_missing_extras
def triples(entities: Any, relations: Any, data: Any) -> list[dict[str, Any]]:
    """Find triples in texts: `{"id", "entities", "triples": [{"head", "relation", "tail", "score"}]}` in order.

    Args:
        entities: a model for `token_classification` that finds entities, as `load` takes it.
        relations: a model for `relation`. Pairs of entities whose types have some relation in its rows are judged.
        data: texts, rows (`[{"text": …}]`), lists by column, a frame, a file, or a dataset.

    Raises:
        UsageError: a model for another task.
        DataError: a row without a text.
    """
    from oreline.errors import DataError
    from oreline.runtime.triples import triples as run

    rows = list(use.rows_of(data))
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get("text"), str):
            where = str(row.get("row_id") or f"row {number}")
            raise DataError("the row has no text", where=where, allowed='{"text": "…"}', remedy="name the column text")
    answers = run(use.load(entities), use.load(relations), [row["text"] for row in rows])
    named = [row.get("id", row.get("row_id", number)) for number, row in enumerate(rows, start=1)]
    return [{"id": name, **answer} for name, answer in zip(named, answers)]


@names_missing_extras
def evaluate_triples(
    entities: Any,
    relations: Any,
    data: Any,
    *,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
) -> Report:
    """Score triples on texts with true ones, strictly: spans, types and relation; also with the true entities given.

    Args:
        entities: a model for `token_classification` that finds entities, as `load` takes it.
        relations: a model for `relation`.
        data: rows with `text` and `triples`, and `entities` where some have no relation: see
            `oreline.evaluate.triples.gold_rows`; a list, a frame, or a file.
        out: a folder for `report.json` and `report.html`, or a file ending in `.json`.
        seed: of the intervals.

    Raises:
        UsageError: a model for another task.
        DataError: a row whose triples cannot be read.
    """
    from oreline.evaluate.triples import evaluate_triples as run

    report = run(use.load(entities), use.load(relations), list(use.rows_of(data)), seed=seed)
    if out is not None:
        use.save_report(report, out, force=force)
    return report

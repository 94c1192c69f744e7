"""The command that uses two models: triples from texts."""

from __future__ import annotations

from typing import Annotated

import typer

from oreline.cli.common import Common, call, show
from oreline.errors import UsageError


def triples(
    common: Common,
    entities: Annotated[str, typer.Argument(help="A model for token_classification that finds entities.")],
    relations: Annotated[str, typer.Argument(help="A model for relation, which judges pairs of entities.")],
    data: Annotated[str, typer.Argument(help="A file of texts; with --score, of texts and their true triples.")],
    score: Annotated[bool, typer.Option("--score", help="Score against the true triples of the rows.")] = False,
    out: Annotated[str | None, typer.Option(help="Write the report here: a folder, or a .json file.")] = None,
) -> None:
    """Find entities and their relations in texts, one JSON object a text; with --score, say how right they are."""
    if score:
        given = {"entities": entities, "relations": relations, "data": data, "out": out}
        show(common, call(common, "evaluate_triples", **given), out=out)
        return
    if out or common.force or common.seed is not None:
        raise UsageError("--out, --force and --seed belong to a report", remedy="add --score, or leave them out")
    answers = call(common, "triples", entities=entities, relations=relations, data=data)
    if common.dry_run:
        show(common, answers)
        return
    from oreline.cli.rows import write_answers

    write_answers(answers, "jsonl")

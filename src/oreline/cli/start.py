"""Commands that work from a recipe: init, run, rerun."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from oreline.cli.common import Common, show, watching

if TYPE_CHECKING:
    from oreline.report.report import Report


def init(
    common: Common,
    file: Annotated[str, typer.Argument(help="Raw data: a file, or catalog:NAME.")],
    out: Annotated[str, typer.Option(help="The recipe to write; - prints it.")] = "recipe.yaml",
) -> None:
    """Look at raw data and write a recipe for it: roles, start model, method, and how long it will take here."""
    from oreline.api.init import write_recipe

    recipe = write_recipe(file)
    is_printed = out == "-" or common.dry_run
    if not is_printed:
        recipe.save(out, force=common.force)
    if common.json_:
        show(common, {"recipe": recipe.text if is_printed else out, **recipe.found})
    else:
        typer.echo(recipe.text if is_printed else recipe.summary(out))


def run(
    common: Common,
    recipe: Annotated[str, typer.Argument(help="A recipe, such as recipes/quickstart.yaml.")],
    out: Annotated[str | None, typer.Option(help="The folder of all steps' output; overrides the recipe's.")] = None,
) -> None:
    """Execute a recipe; the same command continues an interrupted run.

    Here --set takes STEP.KEY=VALUE, such as finetune.train.epochs=3.
    """
    from oreline.api.run import plan_run
    from oreline.api.run import run as execute

    overrides = [
        *(common.set_ or []),
        *([f"out={out}"] if out else []),
        *([f"seed={common.seed}"] if common.seed is not None else []),
    ]
    if common.dry_run:
        return show(common, plan_run(recipe, overrides=overrides))
    with watching(common) as on_event:
        report = execute(recipe, overrides=overrides, force=common.force, on_event=on_event)
    show(common, report if common.json_ else _in_short(report))
    if report.facts["refused"]:
        raise SystemExit(1)
    return None


def _in_short(report: Report) -> Report:
    """The table of results and where everything lies; pictures and mistakes are on the page."""
    facts = {name: value for name, value in report.facts.items() if name != "steps_s" and value != []}
    tables = [table for table in report.tables if table.title in ("Results", "Where it lies")]
    return dataclasses.replace(report, facts=facts, tables=tables, charts=(), metrics={})


def rerun(
    common: Common,
    model: Annotated[str, typer.Argument(help="A model folder, a home, or HOME@alias.")],
    out: Annotated[str | None, typer.Option(help="The folder to write.")] = None,
) -> None:
    """Make a model again from the recipe saved in it, with the values resolved then; the same bytes come out."""
    from oreline.api import again, names
    from oreline.store import Artifact

    artifact = Artifact.open(names.model_path(model))
    if common.dry_run:
        verb, options = again.checked(artifact)
        return show(common, {"verb": verb, **options})
    with watching(common) as on_event:
        made = again.rerun(artifact, out=out, force=common.force, on_event=on_event)
    return show(common, made)

"""Commands that work from a recipe: init, run, tune, rerun."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oreline.cli.common import Common, show, watching
from oreline.errors import UsageError

if TYPE_CHECKING:
    from oreline.report.report import Report


def init(
    common: Common,
    file: Annotated[str, typer.Argument(help="Raw data: a file, or catalog:NAME.")],
    out: Annotated[str, typer.Option(help="The recipe to write; - prints it.")] = "recipe.yaml",
) -> None:
    """Look at raw data and write a recipe for it: roles, start model, method, and how long it will take here."""
    from oreline.api.init import write_recipe

    if Path(out).exists() and Path(file).exists() and Path(out).samefile(file):
        raise UsageError(f"{out} holds the rows that the recipe is for", remedy="choose another --out")
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


def tune(
    common: Common,
    recipe: Annotated[str, typer.Argument(help="A recipe with a step that fine-tunes.")],
    search: Annotated[
        list[str] | None,
        typer.Option(help="KEY=LOW..HIGH, KEY=LOW..HIGH:log or KEY=A,B,C; repeatable. Beside `tune:` in the recipe."),
    ] = None,
    step: Annotated[str | None, typer.Option(help="The fine-tuning step that is judged; the last one.")] = None,
    trials: Annotated[int, typer.Option(help="How many trials at most, earlier ones included.")] = 20,
    minutes: Annotated[float | None, typer.Option(help="Stop after so long, earlier tries included.")] = None,
    pruner: Annotated[str, typer.Option(help="What stops trials early: median, hyperband, none.")] = "median",
    out: Annotated[str | None, typer.Option(help="The folder of the search; the recipe's with -tune.")] = None,
) -> None:
    """Search values for keys of a recipe, judged on dev; the same command continues an interrupted search.

    For example: --search train.learning_rate=1e-5..5e-4:log --search method=full,lora. The best recipe is written to
    OUT/best.yaml. Here --set takes STEP.KEY=VALUE.
    """
    from oreline.api.tune import forecast
    from oreline.api.tune import tune as execute

    overrides = [*(common.set_ or []), *([f"seed={common.seed}"] if common.seed is not None else [])]
    given: dict[str, Any] = {"search": search or [], "step": step, "pruner": pruner, "overrides": overrides, "out": out}
    if common.dry_run:
        return show(common, forecast(recipe, trials=trials, minutes=minutes, **given))
    with watching(common) as on_event:
        report = execute(recipe, trials=trials, minutes=minutes, force=common.force, on_event=on_event, **given)
    return show(common, report)


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

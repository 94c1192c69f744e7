"""Commands that tell about Oreline itself: list, doctor, schema."""

from __future__ import annotations

from typing import Annotated

import typer

from oreline.cli.common import Common, print_json, show


def list_(
    common: Common,
    kind: Annotated[str | None, typer.Argument(help="A kind of plug, such as operator.")] = None,
) -> None:
    """List the kinds of plug, or the plugs of one kind."""
    from oreline import registry

    if kind is None:
        found = {name: ", ".join(registry.names(name)) for name in registry.KINDS}
    else:
        found = {name: registry.summary(kind, name) for name in registry.names(kind)}
        adapters = [name for name in registry.accepted(kind) if name not in found]
        found |= {name: f"(adapter) {registry.summary('adapter', name)}" for name in adapters}
    if common.json_:
        return print_json(found)
    width = max((len(name) for name in found), default=0)
    for name, line in found.items():
        typer.echo(f"{name:<{width}}  {line}".rstrip())
    return None


def doctor(
    common: Common,
    model: Annotated[str | None, typer.Argument(help="A model or dataset folder to check.")] = None,
) -> None:
    """Say what this machine and installation can do, or check every file of a model or dataset."""
    from oreline.api import doctor as examine

    report = examine.check_folder(model) if model is not None else examine.examine()
    show(common, report)
    if report.facts.get("damaged"):
        raise SystemExit(2)


def schema(common: Common) -> None:
    """Print the JSON Schema of recipes, for editors."""
    from oreline.api.run import STEPS
    from oreline.recipe import schema as recipe_schema

    print_json(recipe_schema(STEPS))

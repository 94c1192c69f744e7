"""Commands that move a model home's names: promote, rollback."""

from __future__ import annotations

from typing import Annotated

import typer

from oreline.cli.common import Common, show


def promote(
    common: Common,
    model: Annotated[str, typer.Argument(help="A model home (its challenger), or HOME@alias.")],
) -> None:
    """Make a version the champion of its model home; the champion so far becomes `previous`.

    Refused when the gate did not pass the version; --force promotes it all the same.
    """
    from oreline import store
    from oreline.api import promote as run

    if common.dry_run:
        home, _, alias = model.rpartition("@")
        return show(
            common, {"would become champion": store.aliases(home or model).get(alias if home else "challenger")}
        )
    return show(common, run(model, force=common.force))


def rollback(
    common: Common, home: Annotated[str, typer.Argument(help="A model home: the --out of `oreline update`.")]
) -> None:
    """Make the previous version the champion again."""
    from oreline import store
    from oreline.api import rollback as run

    if common.dry_run:
        return show(common, {"would become champion": store.aliases(home).get("previous")})
    return show(common, run(home))

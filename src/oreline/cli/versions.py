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
    from oreline.api import promote as run

    show(common, run(model, force=common.force, dry_run=common.dry_run))


def rollback(
    common: Common, home: Annotated[str, typer.Argument(help="A model home: the --out of `oreline update`.")]
) -> None:
    """Make the previous version the champion again."""
    from oreline.api import rollback as run

    show(common, run(home, dry_run=common.dry_run))

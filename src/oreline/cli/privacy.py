"""The command that puts private data back."""

from __future__ import annotations

from typing import Annotated

import typer

from oreline.cli.common import Common, show


def restore(
    common: Common,
    data: Annotated[str, typer.Argument(help="A dataset that was refined with `mask_pii: {reversible: true}`.")],
    key_file: Annotated[str, typer.Option(help="The key file of that refine.")],
    out: Annotated[str, typer.Option(help="A folder for the rows, a file of JSON Lines for each split.")],
) -> None:
    """Put the values that mask_pii replaced back into their texts, with the key file."""
    from oreline.api.privacy import restore as run

    show(common, run(data, key_file=key_file, out=out, force=common.force, dry_run=common.dry_run))

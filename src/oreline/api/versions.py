"""Promote and roll back: which version of a model home its names point at."""

from __future__ import annotations

from pathlib import Path

from oreline.api.extras import names_missing_extras


@names_missing_extras
def promote(model: str | Path, *, force: bool = False, dry_run: bool = False) -> dict[str, str]:
    """Make a version the champion of its home; the champion so far becomes `previous`. Returns the home's aliases.

    Args:
        model: a home (its `challenger`) or `HOME@alias`.
        force: promote whatever the gate said.
        dry_run: check everything and return what the aliases would become, and write nothing.

    Raises:
        GateRefusedError: the gate did not pass this version against this champion.
    """
    from oreline.update.promote import promote as run

    home, separator, alias = str(model).rpartition("@")
    if not separator or Path(model).exists():
        return run(model, force=force, dry_run=dry_run)
    return run(home, alias=alias, force=force, dry_run=dry_run)


@names_missing_extras
def rollback(home: str | Path, *, dry_run: bool = False) -> dict[str, str]:
    """Swap `champion` and `previous` of a model home. Returns its aliases; with `dry_run`, what they would become."""
    from oreline.update.promote import rollback as run

    return run(home, dry_run=dry_run)

"""Promote and roll back: who is champion in a model home, changed in one atomic replacement.

A home keeps `reports/<version>.json` for every version that went through the gate. `promote` runs nothing again:
it reads that verdict, and refuses where it did not pass or was reached against another champion.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from oreline import store
from oreline.errors import GateRefusedError, ResourceError, UsageError, did_you_mean
from oreline.report.report import Report

REPORTS = "reports"


def promote(
    home: str | Path, *, alias: str = "challenger", force: bool = False, dry_run: bool = False
) -> dict[str, str]:
    """Make a version champion, and the champion of now `previous`; returns the new aliases.

    Args:
        home: a model home.
        alias: the version to promote.
        force: promote whatever the gate said.
        dry_run: check everything and return what the aliases would become, and write nothing.

    Raises:
        UsageError: not a home, or it has no such alias.
        ArtifactError: the version to promote is damaged.
        GateRefusedError: its stored verdict is not "passed", is missing, or was reached against another champion.
    """
    folder = _home(home)
    with contextlib.nullcontext() if dry_run else locked(folder / ".lock"):
        before = store.aliases(folder)
        version = _version(folder, before, alias)
        champion = before.get("champion")
        if version == champion:
            return before
        store.Artifact.open(folder / "versions" / version)
        if not force:
            _check_verdict(folder, version, champion)
        changes = {"champion": version, **({"previous": champion} if champion else {})}
        return {**before, **changes} if dry_run else store.set_aliases(folder, changes)


def rollback(home: str | Path, *, dry_run: bool = False) -> dict[str, str]:
    """Swap `champion` and `previous`; returns the new aliases. A second roll-back undoes the first.

    With `dry_run` everything is checked and nothing is written.

    Raises:
        UsageError: not a home, or nothing was promoted in it yet.
        ArtifactError: the previous version is damaged.
    """
    folder = _home(home)
    with contextlib.nullcontext() if dry_run else locked(folder / ".lock"):
        before = store.aliases(folder)
        if "previous" not in before:
            raise UsageError(
                f"{home} has no previous version to roll back to",
                allowed=f"aliases: {', '.join(sorted(before))}",
                remedy="nothing was promoted in this home yet",
            )
        store.Artifact.open(folder / "versions" / before["previous"])
        changes = {"champion": before["previous"], "previous": before["champion"]}
        return {**before, **changes} if dry_run else store.set_aliases(folder, changes)


def stored_report(home: Path, version: str) -> Report | None:
    """Return the report that judged a version, or None where none did."""
    file = home / REPORTS / f"{version}.json"
    return Report.open(file) if file.is_file() else None


@contextlib.contextmanager
def locked(file: Path, *, wait: bool = True, busy: str = "") -> Iterator[None]:
    """Hold a lock file; the kernel frees it when the process ends, however it ends.

    Raises `ResourceError` with `busy` when another process holds it and `wait` is not set.
    """
    with store.translating(file), file.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise ResourceError(busy, where=str(file), remedy="wait for it to end, then try again") from None
        yield


def _home(path: str | Path) -> Path:
    if not store.is_home(path):
        raise UsageError(
            f"{str(path)!r} is not a model home: it has no aliases.json",
            remedy="give the folder that `oreline update … --out` wrote",
        )
    return Path(path)


def _version(home: Path, known: dict[str, str], alias: str) -> str:
    if alias not in known:
        raise UsageError(f"{home} has no alias {alias!r}", allowed=did_you_mean(alias, known))
    return known[alias]


def _check_verdict(home: Path, version: str, champion: str | None) -> None:
    report = stored_report(home, version)
    force = "look at it, then: oreline promote --force"
    if report is None:
        raise GateRefusedError(f"version {version} never went through the gate", where=str(home), remedy=force)
    if report.facts.get("decision") != "passed":
        raise GateRefusedError(
            f"the gate said {report.facts.get('decision')!r} of version {version}: {report.facts.get('verdict', '')}",
            where=str(home / REPORTS / f"{version}.html"),
            remedy=force,
        )
    if report.facts.get("champion") != champion:
        raise GateRefusedError(
            f"version {version} passed against {report.facts.get('champion')}, but the champion is now {champion}",
            where=str(home),
            remedy="update again from the champion, or: oreline promote --force",
        )

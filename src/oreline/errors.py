"""Every error that Oreline raises for a user's sake.

The tree (exit code of the command line in brackets)::

    OrelineError              [1] the work failed
      UsageError              [2] a wrong option, recipe key or plug name
        MissingExtraError     [2] an optional dependency is not installed
      DataError               [2] wrong input: a file, a row, a column, a label
      ArtifactError           [2] a model or dataset folder that is damaged, foreign or too new
      GateRefusedError        [1] the gate refused a model
      ResourceError           [1] disk, memory, permission, port

A message has up to four parts: what was wrong (with the offending value), where (file and row), what would
be allowed, and what to do next. The parts stay separate so that the server can return them as JSON.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OrelineError(Exception):
    """The work failed; the base of every error in this package.

    >>> print(DataError("no column 'txt'", where="reviews.csv", allowed="text, label", remedy="use --text text"))
    no column 'txt'
      where:   reviews.csv
      allowed: text, label
      do:      use --text text
    """

    exit_code = 1

    row: int | None = None
    """Which of the rows at hand is wrong, from 0, where whoever found it knows no name for the row."""

    def __init__(
        self, what: str, *, where: str = "", allowed: str = "", remedy: str = "", row: int | None = None
    ) -> None:
        self.what, self.where, self.allowed, self.remedy, self.row = what, where, allowed, remedy, row
        super().__init__(what)

    def __str__(self) -> str:
        parts = [("where:   ", self.where), ("allowed: ", self.allowed), ("do:      ", self.remedy)]
        return "\n".join([self.what, *(f"  {name}{text}" for name, text in parts if text)])


class UsageError(OrelineError):
    """A wrong option, recipe key or name."""

    exit_code = 2


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            remedy=f"pip install 'oreline[{extra}]'",
        )
        self.package, self.extra = package, extra


class DataError(OrelineError):
    """The input is wrong: a file, a row, a column or a label."""

    exit_code = 2


class ArtifactError(OrelineError):
    """A model or dataset folder is damaged, not ours, or of a newer format."""

    exit_code = 2


class GateRefusedError(OrelineError):
    """A model did not pass the gate; nothing was promoted."""


class ResourceError(OrelineError):
    """The machine refused: a full disk, missing permission, a port in use, memory."""


def amount(number: int, one: str, many: str = "") -> str:
    """Return how many there are of something, for a message.

    >>> amount(1, "tag"), amount(1_200, "tag"), amount(0, "class", "classes")
    ('1 tag', '1,200 tags', '0 classes')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


_MAX_LISTED = 50
"""Known names that a message lists."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Name the nearest known names, for the `allowed` part of an error.

    >>> did_you_mean("lable", ["label", "text"])
    "did you mean 'label'? known: label, text"
    >>> did_you_mean("zzz", ["label", "text"])
    'known: label, text'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    more = f" and {len(names) - _MAX_LISTED:,} more" if len(names) > _MAX_LISTED else ""
    listed = "known: " + (", ".join(names[:_MAX_LISTED]) if names else "none") + more
    return f"did you mean {close[0]!r}? {listed}" if close else listed

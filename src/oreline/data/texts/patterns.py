"""Regular expressions that users give: run by RE2, whose time grows with the text alone, whatever the pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from oreline.errors import MissingExtraError, UsageError

_SHOWN = 60
_MAX_PATTERN = 10_000


class Patterns:
    """Several regular expressions that are looked for together.

    Args:
        patterns: an expression in RE2's syntax, or several; or named ones, `{name: expression}`.
        owner: who they are for, in errors.
        ignore_case: whether case counts as the same.

    Raises `UsageError` for one that RE2 does not know: it has no look-around and no back-references, which is why no
    text can keep it busy for ever. `\\b` there stands between ASCII letters and all else, Chinese too.
    """

    def __init__(self, patterns: Sequence[str] | Mapping[str, str], *, owner: str, ignore_case: bool = False) -> None:
        given = (patterns,) if isinstance(patterns, str) else patterns
        named = given if isinstance(given, Mapping) else {_short(pattern): pattern for pattern in given}
        self.names = tuple(named)
        self._set = _compiled(named, owner, ignore_case) if named else None

    def first(self, texts: Sequence[str | None]) -> list[str | None]:
        """Return the name of the first expression (in the order given) that is found in each text, None for none.

        >>> Patterns({"phone": r"1[3-9][0-9]{9}", "shout": "!!+"}, owner="test").first(["电话13812345678", "b"])
        ['phone', None]
        """
        if self._set is None:
            return [None] * len(texts)
        found = [self._set.Match(text) if text else [] for text in texts]
        return [self.names[min(numbers)] if numbers else None for numbers in found]

    def reasons(self, frame: pl.DataFrame, column: str, reason: Callable[[str | None], str | None]) -> pl.Series:
        """Return what `reason` makes of the name found in each text of a column; nulls without the column."""
        names = self.first(frame[column].to_list()) if column in frame.columns else None
        given = [None] * frame.height if names is None else [reason(name) for name in names]
        return pl.Series("reason", given, dtype=pl.String)


def _compiled(named: Mapping[str, str], owner: str, ignore_case: bool) -> Any:
    try:
        import re2
    except ModuleNotFoundError as error:
        raise MissingExtraError("google-re2", "data", "regular expressions of your own") from error
    options = re2.Options()
    options.case_sensitive, options.log_errors = not ignore_case, False
    together = re2.Set.SearchSet(options)
    for name, pattern in named.items():
        if not isinstance(pattern, str) or not pattern or len(pattern) > _MAX_PATTERN:
            raise UsageError(
                f"{owner}: the pattern {name!r} is {str(pattern)[:_SHOWN]!r}",
                allowed=f"a regular expression of 1 to {_MAX_PATTERN:,} characters",
            )
        try:
            re2.compile(pattern, options)
        except re2.error as error:
            raise UsageError(
                f"{owner}: RE2 does not know the pattern {_short(pattern)!r}: {_said(error)}",
                allowed="RE2's syntax: no look-around ((?=…), (?<!…)) and no back-references (\\1)",
                remedy="https://github.com/google/re2/wiki/Syntax",
            ) from error
        together.Add(pattern)
    try:
        together.Compile()
    except re2.error as error:
        raise UsageError(
            f"{owner}: the patterns are too large together: {_said(error)}", remedy="shorten repetitions such as {1000}"
        ) from error
    return together


def _said(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def _short(pattern: str) -> str:
    return pattern if len(pattern) <= _SHOWN else f"{pattern[: _SHOWN - 1]}…"

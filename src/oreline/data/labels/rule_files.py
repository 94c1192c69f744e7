"""Rules in a file of their own: a YAML list of mappings, or a mapping with the key `rules`; errors name the line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from oreline.errors import DataError, UsageError

_MAX_BYTES = 4 << 20
_EXAMPLE = "- {label: refund, keywords: [退款, refund]}"


def rules_in(file: str | Path) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the rules of a file and the place of each (`rules.yaml:12`).

    Raises:
        DataError: the file is not there, too large, or no text.
        UsageError: it is not YAML, no list of mappings, or a rule has a key twice; with the line.
    """
    path = Path(file).expanduser()
    text = _text(path)
    try:
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise UsageError(
            f"the rules are not YAML: {getattr(error, 'problem', None) or error}",
            where=f"{path}:{mark.line + 1}" if mark else str(path),
            remedy=f"correct that line; a rule is a line such as {_EXAMPLE}",
        ) from error
    if isinstance(content, dict) and set(content) == {"rules"}:
        root, content = root.value[0][1], content["rules"]
    if not isinstance(content, list) or not content:
        what = "no list of rules" if content else "no rule"
        raise UsageError(f"the file holds {what}", where=str(path), allowed=f"a YAML list: {_EXAMPLE}")
    places = [f"{path}:{node.start_mark.line + 1}" for node in root.value]
    for entry, node, place in zip(content, root.value, places):
        if not isinstance(entry, dict):
            raise UsageError(f"a rule is {str(entry)[:80]!r}", where=place, allowed=f"a mapping: {_EXAMPLE}")
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise UsageError(f"the rule has {twice!r} twice", where=place, remedy="join the two, or take one out")
    return content, places


def _text(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"there is no file of rules {str(path)!r}", remedy="check the path")
    if path.stat().st_size > _MAX_BYTES:
        raise DataError("the file of rules is too large", where=str(path), allowed=f"up to {_MAX_BYTES >> 20} MB")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the file of rules is not UTF-8: byte 0x{error.object[error.start]:02x} at offset {error.start}",
            where=str(path),
            remedy="save it as UTF-8",
        ) from error

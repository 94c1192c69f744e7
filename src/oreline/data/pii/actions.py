"""What is done to a value that was found, by its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from oreline.data.pii.keyed import Key
from oreline.data.pii.pseudonyms import pseudonym, said
from oreline.data.pii.spans import Kind, Span
from oreline.errors import UsageError
from oreline.words import kind_of

Action = Literal["mask", "hash", "pseudonym", "drop", "flag"]
ACTIONS: tuple[Action, ...] = get_args(Action)
KEYED = ("hash", "pseudonym")
"""Actions that need a key."""
Language = Literal["auto", "zh", "en"]
_HASH_HEX = 16


class Substitutes:
    """What stands in the place of values.

    Args:
        kinds: what may be found.
        actions: what is done, by kind.
        key: for `hash`, `pseudonym` and `reversible`.
        language: of masks; by the text's own letters with `auto`.
        reversible: values are sealed with the key.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        actions: Mapping[str, Action],
        *,
        key: Key | None,
        language: Language,
        reversible: bool,
    ) -> None:
        if key is None and (reversible or any(action in KEYED for action in actions.values())):
            needing = sorted({str(action) for action in actions.values() if action in KEYED}) or ["reversible"]
            raise UsageError(
                f"{needing[0]} needs a key", remedy="give the option key_file; mask, drop and flag need none"
            )
        self._labels = {kind.name: (kind.zh, kind.en) for kind in kinds}
        self._actions, self._key = actions, key
        self._language, self._reversible = language, reversible

    def action(self, kind: str) -> Action:
        """Return what is done to a kind."""
        return self._actions[kind]

    def put(self, span: Span, text: str) -> str:
        """Return what stands in the place of a span; the value itself where rows are dropped or only flagged."""
        value, action = text[span.start : span.end], self._actions[span.kind]
        is_chinese = self._language == "zh" or (self._language == "auto" and is_chinese_text(text))
        label = self._labels[span.kind][0 if is_chinese else 1]
        if action == "mask":
            return f"[{label}]"
        if action in KEYED and self._key is not None:
            if action == "pseudonym":
                return pseudonym(span.kind, value, self._key, is_chinese=is_chinese)
            return f"[{label}:{hash_of(span.kind, value, self._key)}]"
        return value

    def sealed(self, span: Span, text: str) -> str | None:
        """Return the value, sealed; None where nothing is to be read again, or nothing was replaced."""
        if not self._reversible or self._key is None or self._actions[span.kind] in ("drop", "flag"):
            return None
        return self._key.seal(text[span.start : span.end], span.kind)


def hash_of(kind: str, value: str, key: Key) -> str:
    """Return 16 hexadecimal digits for a value, however it is written."""
    return key.digest(kind, said(kind, value)).hex()[:_HASH_HEX]


def is_chinese_text(text: str) -> bool:
    """Whether a text is Chinese rather than anything else: a Chinese character says as much as three letters.

    >>> is_chinese_text("请联系 ann@example.com 谢谢你们"), is_chinese_text("He said 好 and left the room")
    (True, False)
    """
    han = sum(not character.isascii() and kind_of(character) == "han" for character in text)
    letters = sum(character.isascii() and character.isalpha() for character in text)
    return han * 3 > letters or han >= 10

"""Keep, drop or put into words: emoji, emoticons of platforms, faces made of letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

from oreline.data.fold import changed_where
from oreline.data.texts.edits import READ_COLUMNS, Change, edited, on_matches
from oreline.data.texts.emoji import EMOJI, KAOMOJI_SIGNS, emoticon_pattern, named, without_kaomoji
from oreline.errors import UsageError


class Operator:
    """Put emoji into words that a vocabulary knows, or drop them; likewise `[哈哈]` and `^_^`.

    In words `😂` is `[笑哭]` in Chinese and `:face_with_tears_of_joy:` (Unicode's name) elsewhere. Emoji often carry
    the mood of a text: drop them only where they are noise. `★`, `✓`, `©` and `™` are no emoji.

    The reasons: `emoji`, `emoticon`, `kaomoji`.

    Args:
        emoji: `words`, `drop` or `keep`.
        language: of the words: `zh`, `en`, or `auto`, Chinese for texts with Chinese characters.
        emoticons: `keep` or `drop` what platforms write for their pictures (`[哈哈]`, `[doge]`); other brackets stay.
        kaomoji: `keep` or `drop` faces made of letters and marks (`:-)`, `^_^`, `(≧▽≦)`).
        columns: text columns that are changed, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["太好笑了😂😂", "so good 👍🏽"]})
    >>> Operator().edit(frame)["text"].to_list()
    ['太好笑了[笑哭][笑哭]', 'so good :thumbs_up_sign:']
    """

    def __init__(
        self,
        *,
        emoji: Literal["words", "drop", "keep"] = "words",
        language: Literal["auto", "en", "zh"] = "auto",
        emoticons: Literal["keep", "drop"] = "keep",
        kaomoji: Literal["keep", "drop"] = "keep",
        columns: Sequence[str] = READ_COLUMNS,
    ) -> None:
        if emoji == emoticons == kaomoji == "keep":
            raise UsageError("replace_emoji: everything is kept", allowed="drop or words for one of them")
        if emoji == "words" and emoticons == "drop" and language != "en":
            raise UsageError(
                "replace_emoji: emoji would become what emoticons are, and those are dropped",
                allowed="emoji: drop, emoticons: keep, or language: en",
            )
        self._language: Literal["auto", "en", "zh"] = language
        self._columns = tuple(columns)
        self._changes: dict[str, Change] = {}
        if emoji != "keep":
            self._changes["emoji"] = _dropping(EMOJI) if emoji == "drop" else self._in_words
        if emoticons == "drop":
            self._changes["emoticon"] = _dropping(emoticon_pattern())
        if kaomoji == "drop":
            self._changes["kaomoji"] = on_matches(KAOMOJI_SIGNS, without_kaomoji)

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the changed rows."""
        return edited(frame, self._columns, self._changes, rounds=8)

    def _in_words(self, text: pl.Series) -> pl.Series:
        return changed_where(text, text.str.contains(EMOJI), self._named)

    def _named(self, text: pl.Series) -> pl.Series:
        is_chinese = text.str.contains(r"\p{Han}").to_list() if self._language == "auto" else None
        found = text.str.extract_all(EMOJI).to_list()
        named_texts = []
        for place, (value, emoji) in enumerate(zip(text.to_list(), found)):
            chinese = is_chinese[place] if is_chinese else self._language == "zh"
            for one in sorted(set(emoji), key=len, reverse=True):
                value = value.replace(one, named(one, "zh" if chinese else "en"))
            named_texts.append(value)
        return pl.Series(text.name, named_texts, dtype=pl.String)


def _dropping(pattern: str) -> Change:
    return lambda text: changed_where(text, text.str.contains(pattern), lambda some: some.str.replace_all(pattern, ""))

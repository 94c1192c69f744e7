"""Take out words that say little."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from oreline.data.texts.edits import READ_COLUMNS, Change, edited, on_matches
from oreline.data.texts.stopping import Language, stop_words, without_chinese, without_english
from oreline.errors import UsageError


class Operator:
    """Take stop words out of texts: English ones by the word, Chinese ones as jieba cuts them.

    Not in the default chain: encoders read every word, and n-gram models weigh them by themselves. It helps counts,
    topics and searches. The lists lie in the package (`data/texts/lists/`), are written for it, and leave out what
    turns a sentence round (`not`, `no`, `but`, `不`, `没有`, `但是`). A text that holds nothing else stays as it is.

    The reasons: `stop_words_en`, `stop_words_zh`.

    Args:
        languages: whose words are taken out: `en`, `zh`.
        also: more words to take out, of either language.
        keep: words that stay though a list has them.
        columns: text columns that are changed, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["This is not the best film", "我们的目的是学习"]})
    >>> Operator().edit(frame)["text"].to_list()
    ['not best film', '目的学习']
    """

    def __init__(
        self,
        *,
        languages: Sequence[Language] = ("en", "zh"),
        also: Sequence[str] = (),
        keep: Sequence[str] = (),
        columns: Sequence[str] = READ_COLUMNS,
    ) -> None:
        if not languages or set(languages) - {"en", "zh"}:
            raise UsageError(f"remove_stop_words: languages {list(languages)}", allowed="en, zh")
        self._columns = tuple(columns)
        added, kept = frozenset(map(str.lower, also)), frozenset(map(str.lower, keep))
        self._changes: dict[str, Change] = {}
        if "en" in languages:
            english = (stop_words("en") | added) - kept
            self._changes["stop_words_en"] = on_matches("[A-Za-z]", lambda text: without_english(text, english) or text)
        if "zh" in languages:
            chinese = (stop_words("zh") | added) - kept
            self._changes["stop_words_zh"] = on_matches(r"\p{Han}", lambda text: without_chinese(text, chinese) or text)

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows without stop words."""
        return edited(frame, self._columns, self._changes, rounds=8)

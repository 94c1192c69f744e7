"""Take menus, torn lines and notices out of documents, by C4's rules for lines."""

from __future__ import annotations

import polars as pl

from oreline.data.ledger import CHANGE_REASON
from oreline.data.quality.c4 import LineRules
from oreline.data.quality.languages import OTHER, row_languages
from oreline.errors import UsageError


class Operator:
    """Take out lines that are no sentences: C4's rules for lines, with Chinese counterparts.

    A line stays when it ends as a sentence does (. ? ! or a quote, 。！？ in Chinese; not with an ellipsis), has enough
    words, none of them above 1,000 characters, and is about neither JavaScript nor cookies, terms or privacy.
    `keep_c4` after it drops what is left too short. A Chinese line of an English row is judged as Chinese, and rows in
    other scripts are not touched.
    Source: Raffel et al. 2020 (arXiv 1910.10683, section 2.2).

    Args:
        min_words: fewest words of a line.
        min_characters: fewest characters of a Chinese line, in place of words.
        needs_end: whether a line must end as a sentence does; FineWeb leaves this rule out.
        citations: take out `[1]`, `[edit]`, `[来源请求]`.
        column: the column with the text.

    The ledger says what went: `no_sentence_end`, `few_words`, `long_word`, `javascript`, `policy`, `citation`.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["首页 登录\\n今天下了一场大雨。"]})
    >>> Operator().edit(frame).row(0)
    ('a:1', '今天下了一场大雨。', 'no_sentence_end')
    """

    def __init__(
        self,
        *,
        min_words: int = 3,
        min_characters: int = 5,
        needs_end: bool = True,
        citations: bool = True,
        column: str = "text",
    ) -> None:
        if min_words < 0 or min_characters < 0:
            raise UsageError(
                f"trim_c4_lines: min_words {min_words}, min_characters {min_characters}", allowed="0 or more"
            )
        self._rules = LineRules(min_words, min_characters, needs_end, citations)
        self._column = column

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the lines that stay, and what was done in `change_reason`."""
        if self._column not in frame.columns:
            return frame
        texts: list[str | None] = []
        reasons: list[str | None] = []
        for text, language in zip(frame[self._column].to_list(), row_languages(frame, self._column).to_list()):
            done: list[str] = []
            if text is not None and language != OTHER:
                text, done = self._rules.trimmed(text, language)
            texts.append(text)
            reasons.append(", ".join(done) or None)
        return frame.with_columns(
            pl.Series(self._column, texts, dtype=pl.String), pl.Series(CHANGE_REASON, reasons, dtype=pl.String)
        )

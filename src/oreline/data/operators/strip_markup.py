"""Take markup out of texts and keep what is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import polars as pl

from oreline.data.fold import changed_where
from oreline.data.texts.edits import COLUMNS, Change, each, edited
from oreline.data.texts.markup import (
    BBCODE_SIGNS,
    HTML_SIGNS,
    LATEX_SIGNS,
    MARKDOWN_SIGNS,
    without_bbcode,
    without_html,
    without_latex,
    without_markdown,
)
from oreline.errors import UsageError

Format = Literal["html", "markdown", "bbcode", "latex"]
_FORMATS: dict[str, tuple[str, Callable[[str], str]]] = {
    "html": (HTML_SIGNS, without_html),
    "bbcode": (BBCODE_SIGNS, without_bbcode),
    "markdown": (MARKDOWN_SIGNS, without_markdown),
    "latex": (LATEX_SIGNS, without_latex),
}


class Operator:
    """Take HTML, Markdown, BBCode and LaTeX out of texts: debris of pages, forums and papers.

    What a reader sees stays: link texts, table cells, code, formulas, bullets; scripts, styles, comments and addresses
    of pictures go. The end of a block becomes the end of a line. `a < b`, `<unk>`, `[1]`, `f**k`, and the marks of the
    task `relation` stay. Nothing is parsed, executed or fetched. Put `normalize_text` before it, which decodes `&lt;`.

    The reasons: `html`, `bbcode`, `markdown`, `latex`.

    Args:
        formats: which are taken out.
        columns: text columns that are changed, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["<p>A <b>fine</b> film<br />[b]so[/b] **good**</p>"]})
    >>> Operator().edit(frame).row(0)
    ('a:1', 'A fine film\\nso good', 'html, bbcode, markdown')
    """

    def __init__(
        self,
        *,
        formats: Sequence[Format] = ("html", "markdown", "bbcode", "latex"),
        columns: Sequence[str] = COLUMNS,
    ) -> None:
        if not formats or set(formats) - set(_FORMATS):
            raise UsageError(f"strip_markup: formats {list(formats)}", allowed=", ".join(_FORMATS))
        self._columns = tuple(columns)
        self._changes = {name: _stripping(*_FORMATS[name]) for name in _FORMATS if name in formats}

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows without markup."""
        return edited(frame, self._columns, self._changes, rounds=8)


def _stripping(signs: str, strip: Callable[[str], str]) -> Change:
    def stripped(text: str) -> str:
        found = strip(text)
        # Where blocks ended there may be several line ends; a text that was not changed keeps its own.
        return text if found == text else "\n".join(filter(None, map(str.strip, found.split("\n"))))

    return lambda text: changed_where(text, text.str.contains(signs), each(stripped))

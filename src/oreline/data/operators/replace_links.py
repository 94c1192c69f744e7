"""Keep, mask or drop addresses, mentions and hashtags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

from oreline.data.fold import changed_where
from oreline.data.texts.edits import READ_COLUMNS, Change, edited, replacing
from oreline.errors import UsageError

Policy = Literal["keep", "mask", "drop"]

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+"
_BRACKETS = r"\([A-Za-z0-9_.,\-]*\)"
_REST = rf"(?:[A-Za-z0-9/_~%#=&+@:.,;!?$'*\-]|{_BRACKETS})*(?:[A-Za-z0-9/_~%#=&+\-]|{_BRACKETS})"
"""A path ends before punctuation and before the first character that is not ASCII: Chinese follows without a space."""
_URL = (
    rf"(?i)(?:(?:https?|ftp)://|(?-u:\b)www\.){_REST}"
    rf"|(?-u:\b){_HOST}/{_REST}"
)
_MAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_MENTION = r"(^|[^A-Za-z0-9._%+@/-])[@＠](?:[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*|[\p{Han}A-Za-z0-9_-]{2,30})"
_HASHTAG = r"(^|[^A-Za-z0-9_&/#])(?:[#＃]([^\s#＃]{1,60})[#＃]|#([\p{L}_][\p{L}\p{N}_]{1,60}))"
"""`#话题#` as Weibo has them, or `#topic`; neither `#1` nor `&#39;` nor the end of an address."""


class Operator:
    """Keep, mask or drop web addresses, mentions (`@name`) and hashtags (`#topic`, `#话题#`).

    An address ends at Chinese characters: none stands before them but a space. What stands for one is `[URL]`,
    `[USER]`, `[TAG]`. E-mail addresses are the work of `mask_pii`; their `@` makes no mention.

    The reasons: `url`, `mention`, `hashtag`.

    Args:
        urls: `mask`, `drop` or `keep`; with `http`, `www`, or a path after the host; names (`Amazon.com`) stay.
        mentions: `keep`, `mask` or `drop`.
        hashtags: `keep`, `mask`, `drop`, or `words`: the topic stays without its marks.
        columns: text columns that are changed, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["看https://t.cn/A6x，谢谢@小王 #电影#好看 see www.a.com."]})
    >>> Operator(mentions="drop", hashtags="words").edit(frame)["text"][0]
    '看[URL]，谢谢 电影好看 see [URL].'
    """

    def __init__(
        self,
        *,
        urls: Policy = "mask",
        mentions: Policy = "keep",
        hashtags: Literal["keep", "mask", "drop", "words"] = "keep",
        columns: Sequence[str] = READ_COLUMNS,
    ) -> None:
        if urls == mentions == hashtags == "keep":
            raise UsageError(
                "replace_links: everything is kept", allowed="mask or drop for one of urls, mentions, hashtags"
            )
        self._columns = tuple(columns)
        self._changes: dict[str, Change] = {}
        if urls != "keep":
            self._changes["url"] = _urls("[URL]" if urls == "mask" else "")
        if mentions != "keep":
            shown = "[USER]" if mentions == "mask" else ""
            self._changes["mention"] = _where("[@＠]", replacing(_MENTION, f"${{1}}{shown}"))
        if hashtags != "keep":
            shown = {"mask": "[TAG]", "drop": "", "words": "${2}${3}"}[hashtags]
            self._changes["hashtag"] = _where("[#＃]", replacing(_HASHTAG, f"${{1}}{shown}"))

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the changed rows."""
        return edited(frame, self._columns, self._changes, rounds=8)


def _urls(shown: str) -> Change:
    # An e-mail address is matched first and put back, so that its host is not taken for a link.
    change = replacing(rf"({_MAIL})|{_URL}", "${1}\ue000")
    return _where(
        r"(?i)://|www\.|[a-z]\.[a-z]",
        lambda text: (
            change(text).str.replace_all(f"({_MAIL})\ue000", "${1}").str.replace_all("\ue000", shown, literal=True)
        ),
    )


def _where(pattern: str, change: Change) -> Change:
    return lambda text: changed_where(text, text.str.contains(pattern), change)

"""Which lines of a text are not its own: those that read like a page's furniture, and those that stand in many texts.

The patterns lie in `lists/boilerplate.txt`, written for Oreline, for English and Chinese pages alike.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from oreline.data.columnar import held

MAX_CHARACTERS = 200
"""Longer lines are never taken for furniture."""
_FEWEST_CHARACTERS = 2
_SAMPLE = 20_000
"""Texts that are learnt from, evenly spaced: a line in one of a hundred texts stands in 200 of these."""
_SAMPLE_BYTES = 128 << 20
"""Fewer, where they are longer than 6.7 kB in the mean."""
_MOST_LEARNT = 2_000

_EDITOR = "责任编辑|責任編輯|责编|本文编辑|值班编辑"
_CREDIT = f"{_EDITOR}|编辑|編輯|校对|图片来源|图源|文章来源|本文来源|来源|稿源|原标题|原題"
_ARROWS = r"(?:\s*(?:>+|»|→|\.{3}|…+))?"
BYLINE_SIGNS = f"(?i){_CREDIT}|全文|原文|更多|详情|内容|剩余|read|full story"
BYLINE = (
    rf"(?i)\s*(?:[（(【\[]\s*(?:{_CREDIT})\s*[:：][^()（）【】\[\]\n]{{1,40}}[)）】\]]"
    rf"|(?:{_EDITOR})\s*[:：]\s*[\p{{L}}·_]{{2,10}}(?:[、 ][\p{{L}}·]{{2,8}})*"
    rf"|(?:点击|點擊|查看|阅读|閱讀|展开)(?:查看|阅读|閱讀|继续|更多|剩余|全文|原文|详情|内容)+{_ARROWS}"
    r"|(?P<end>\.{3}|…+|[.。!?！？”\"]) ?"
    rf"[\[(（]?(?:read more|continue reading|read the full (?:story|article)|full story)[\])）]?{_ARROWS})[.。]?\s*$"
)
"""What stands after the last sentence of a text on its last line."""


@functools.cache
def pattern() -> str:
    """Return one pattern of Rust's regular expressions for lines that read like a page's furniture.

    >>> lines = pl.Series(["Read more »", "责任编辑：王小明", "Home | About us", "Read more books, he said."])
    >>> lines.str.contains(pattern()).to_list()
    [True, True, True, False]
    """
    text = (Path(__file__).parent / "lists" / "boilerplate.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("# ")]
    return rf"(?i)^\s*(?:{'|'.join(lines)})\s*$"


def repeated_lines(scan: pl.LazyFrame, columns: Sequence[str], *, share: float, num: int, lines: int) -> list[str]:
    """Return the lines that stand in at least `share` of the texts with so many lines, and in `num` of them at least.

    Repeated texts count once. Memory: that of 20,000 texts at most, or of as many as come to 128 MB, evenly spaced.
    """
    known = scan.collect_schema()
    found = []
    for column in columns:
        if known.get(column) != pl.String:
            continue
        sizes = scan.select(pl.len(), pl.col(column).str.len_bytes().cast(pl.UInt64).sum())
        total, size = sizes.collect(engine="streaming").row(0)
        most = min(_SAMPLE, max(1, _SAMPLE_BYTES * total // max(size, 1)))
        texts = scan.select(pl.col(column).alias("text")).gather_every(max(1, -(-total // most)))
        sample = held(texts.filter(pl.col("text").str.count_matches("\n") >= lines - 1)).unique()
        least = max(num, share * sample.height)
        counts = (
            sample.lazy()
            .select(pl.col("text").str.split("\n").list.eval(pl.element().str.strip_chars()).list.unique())
            .explode("text")
            .filter(pl.col("text").str.len_chars().is_between(_FEWEST_CHARACTERS, MAX_CHARACTERS))
            .group_by("text")
            .agg(pl.len().alias("num"))
            .filter(pl.col("num") >= least)
            .sort(["num", "text"], descending=[True, False])
            .collect()
        )
        found += counts["text"].head(_MOST_LEARNT).to_list()
    return list(dict.fromkeys(found))


def without_lines(text: pl.Series, is_furniture: pl.Expr, *, lines: int) -> pl.Series:
    """Return texts without the lines for which an expression over the column `line` holds.

    Only of texts with at least so many lines; a text that is nothing else stays whole.
    """
    several = text.str.count_matches("\n").fill_null(0) >= lines - 1
    rows = pl.DataFrame([text.alias("line"), pl.Series("row", range(len(text)), dtype=pl.UInt32)]).filter(several)
    cut = rows.with_columns(pl.col("line").str.split("\n")).explode("line")
    stripped = cut.with_columns(pl.col("line").str.strip_chars().alias("stripped"))
    is_short = pl.col("stripped").str.len_chars().is_between(_FEWEST_CHARACTERS, MAX_CHARACTERS)
    gone = stripped.select((is_short & is_furniture).alias("gone"))["gone"]
    touched = cut.filter(gone)["row"].unique()
    if not len(touched):
        return text
    kept = cut.filter(~gone).join(touched.to_frame(), on="row", how="semi", maintain_order="left")
    joined = kept.group_by("row", maintain_order=True).agg(pl.col("line").str.join("\n").str.strip_chars("\n"))
    joined = joined.filter(pl.col("line").str.contains(r"\S"))
    return text.clone().scatter(joined["row"], joined["line"])

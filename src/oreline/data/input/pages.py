"""Web pages: the encoding that a page declares, its main text, its title and its date."""

from __future__ import annotations

import codecs
import contextlib
import datetime
import functools
import logging
import re
from configparser import ConfigParser
from typing import Any, NamedTuple

from oreline.data.input.decoding import MAX_ROW_BYTES

MAX_PAGE_BYTES = MAX_ROW_BYTES
_HEAD_BYTES = 4096
_DECLARED = re.compile(
    rb"""(?i)<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,200}?encoding=["']([\w.:-]{2,40})"""
)
_CHARSET = re.compile(r"""(?i)charset\s*=\s*["']?\s*([\w.:-]{2,40})""")
_STANDS_FOR = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "latin-1": "cp1252", "ascii": "cp1252",
               "us-ascii": "cp1252", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "shift_jis": "cp932"}  # fmt: skip
"""What browsers take these names for (https://encoding.spec.whatwg.org)."""
_BLOCKS = ("p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "pre", "table")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_UNSHOWN, _SHOWN_AGAIN = re.compile(r"(?i)<(?:script|style)\b"), re.compile(r"(?i)</(?:script|style)\b")
_TAG, _LATIN = re.compile(r"<[^<>]*>"), re.compile("[A-Za-z]")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_ANNOUNCED = re.compile(
    r"(?i)(?:发布|发表|发文|刊登|更新|时间|日期|發布|發表|時間|published|posted|updated|last modified)[^0-9]{0,40}?"
    r"(?:((?:19|20)\d\d) ?[-年/.] ?(\d{1,2}) ?[-月/.] ?(\d{1,2})(?!\d)"
    rf"|\b{_MONTH} (\d{{1,2}}),? ((?:19|20)\d\d)|\b(\d{{1,2}}) {_MONTH} ((?:19|20)\d\d))"
)
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Page(NamedTuple):
    """What is taken of a page; None for what it does not have."""

    text: str | None
    title: str | None
    date: str | None
    """As `2026-01-31`."""


def decoded(data: bytes, content_type: str = "") -> str:
    """Return the characters of a page: by its mark, what the server says, what the page says, or what fits.

    Bytes that are none in that encoding become U+FFFD, as in a browser.

    >>> decoded('<meta charset="gbk">好'.encode("gbk"))
    '<meta charset="gbk">好'
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace")
    told = _CHARSET.search(content_type)
    declared = _DECLARED.search(data[:_HEAD_BYTES])
    names = [told[1]] if told else []
    names += [(declared[1] or declared[2]).decode("ascii", "replace")] if declared else []
    for name in names:
        with contextlib.suppress(LookupError, ValueError):
            return data.decode(_STANDS_FOR.get(name.lower(), name), "replace")
    for codec in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(codec)
    return data.decode("utf-8", "replace")


def without_broken_tag(html: str) -> str:
    """Return what a page that breaks off says before the tag that it breaks off in.

    >>> without_broken_tag("<p>One</p><p>Two</")
    '<p>One</p><p>Two'
    """
    begins = html.rfind("<")
    return html[:begins] if begins > html.rfind(">") else html


def page_of(html: str, url: str | None = None) -> Page:
    """Return the main text, the title and the date of a page; without a main text, none."""
    import trafilatura

    html = _UNUSABLE.sub(" ", html)
    if not html.strip():
        return Page(None, None, None)
    _quiet()
    try:
        found = trafilatura.bare_extraction(
            html,
            url=url,
            with_metadata=True,
            include_comments=False,
            config=_config(_is_dense(html)),
            date_extraction_params={"extensive_search": False},  # a year anywhere, as in a copyright, is no date
        )
    except Exception:  # whatever trips over a hostile page: it has no main text then
        return Page(None, None, None)
    if found is None:
        return Page(None, _title(html), None)
    return Page(_text(found.text), _text(found.title) or _title(html), _text(found.date) or _announced_date(html))


def plain_text(html: str) -> str:
    """Return all text of a piece of HTML, such as the body of a letter; what it quotes as lines that begin with `>`.

    >>> plain_text("<p>Yes.</p><blockquote><p>Is it open?</p></blockquote><p>Bye</p>")
    'Yes.\\n> Is it open?\\nBye'
    """
    import lxml.etree
    import lxml.html

    try:
        tree = lxml.html.fromstring(_UNUSABLE.sub(" ", html).encode("utf-8", "replace"), parser=_parser())
        lxml.etree.strip_elements(tree, "script", "style", "head", lxml.etree.Comment, with_tail=False)
        for element in tree.iter(*_BLOCKS):
            element.tail = "\n" + (element.tail or "")
        for quote in list(tree.iter("blockquote"))[::-1]:  # the inner ones first
            lines = [line.strip() for line in str(quote.text_content()).splitlines() if line.strip()]
            tail = quote.tail
            quote.clear()
            quote.text = "".join(f"\n{line}" if line.startswith(">") else f"\n> {line}" for line in lines)
            quote.tail = tail
        return re.sub(r"\s*\n\s*", "\n", _text(tree.text_content()) or "")
    except Exception:  # no tree, no text
        return ""


def links_of(html: str) -> list[str]:
    """Return the targets of a page's links, in order, as they are written; none where the page asks not to follow."""
    import lxml.html

    try:
        tree = lxml.html.fromstring(_UNUSABLE.sub(" ", html).encode("utf-8", "replace"), parser=_parser())
    except Exception:  # no tree, no links
        return []
    robots = " ".join(tree.xpath("//meta[translate(@name, 'ROBTS', 'robts') = 'robots']/@content")).lower()
    if "nofollow" in robots or "none" in robots:
        return []
    return [str(target).strip() for target in tree.xpath("//a[not(contains(@rel, 'nofollow'))]/@href")]


@functools.cache
def _config(is_dense: bool) -> ConfigParser:
    """Return trafilatura's settings. Below a length it takes all text of a page for the main text, menus too.

    Its 250 characters are 45 English words, which Chinese says with 80.
    """
    from trafilatura.settings import use_config

    config: ConfigParser = use_config()
    if is_dense:
        config.set("DEFAULT", "MIN_EXTRACTED_SIZE", "80")
    return config


def _is_dense(html: str) -> bool:
    """Whether a page is written mostly in characters that stand for a syllable or a word each."""
    first, *others = _UNSHOWN.split(html)
    shown = _TAG.sub(" ", " ".join([first, *(_SHOWN_AGAIN.split(part, maxsplit=1)[-1] for part in others)]))
    return 3 * len(_DENSE.findall(shown)) > len(_LATIN.findall(shown))


def _announced_date(html: str) -> str | None:
    """Return the date that words announce (`发布时间：2026年1月31日`, `Posted on 31 May 2026`); None where none do."""
    found = _ANNOUNCED.search(html[:500_000])
    if found is None:
        return None
    year, month, day, named, its_day, its_year, first_day, then_named, then_year = found.groups()
    number = month or _MONTHS.index((named or then_named).lower()) + 1
    with contextlib.suppress(ValueError):
        when = datetime.date(int(year or its_year or then_year), int(number), int(day or its_day or first_day))
        return when.isoformat()
    return None


def _parser() -> Any:
    import lxml.html

    return lxml.html.HTMLParser(encoding="utf-8", no_network=True)


def _title(html: str) -> str | None:
    found = re.search(r"(?is)<title[^>]{0,200}>([^<]{0,1000})", html[:200_000])
    return _text(re.sub(r"\s+", " ", found[1])) if found else None


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.encode("utf-8", "replace").decode().strip()
    return text or None


def _quiet() -> None:
    """Keep what the library says of single pages out of the command line's output."""
    for name in ("trafilatura", "htmldate", "courlan", "charset_normalizer"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

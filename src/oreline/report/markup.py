"""HTML and SVG elements in which text is escaped by construction: only `Markup` passes unescaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from oreline.report import formatting

_EMPTY_ELEMENTS = {"meta", "br", "rect", "path", "line", "circle"}


class Markup(str):
    """Text that is markup already. Nothing but this module and constants should make one."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: str | float | None) -> Markup:
    """Return an element; children that are not `Markup` are cleaned and escaped.

    Attribute names lose a trailing `_` (`class_`) and their other `_` become `-`; None leaves an attribute out.

    >>> tag("td", "<b>", class_="text", data_n=3.10)
    '<td class="text" data-n="3.1">&lt;b&gt;</td>'
    >>> tag("rect", x=1 / 3, y=None)
    '<rect x="0.33"/>'
    """
    head = name + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY_ELEMENTS:
        return Markup(f"<{head}/>")
    return Markup(f"<{head}>{join(children)}</{name}>")


def join(children: Iterable[object]) -> Markup:
    """Join children into one piece of markup, escaping those that are not."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))


def escape(text: object) -> Markup:
    """Return cleaned, escaped text."""
    return Markup(html.escape(formatting.clean(text)))


def _attribute(value: str | float) -> str:
    if not isinstance(value, float):
        return escape(value)
    # Hundredths of a unit are finer than any screen shows, and keep the page small.
    return f"{round(value, 2) + 0.0:g}" if abs(value) < 10_000 else f"{value:.0f}"

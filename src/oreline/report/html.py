"""Reports as one self-contained HTML page: no script, no external resource, light and dark, fit for print.

All text from data goes through `markup.tag`, which escapes it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from oreline.report import formatting
from oreline.report.charts.axes import Scale, ticks
from oreline.report.charts.figure import figure
from oreline.report.html_table import table
from oreline.report.markup import Markup, join, tag

MAX_CARDS = 10
"""More estimates than this go into a table under the cards."""
VERDICT_FACTS = ("verdict", "decision", "gate")
_OF_A_HUNDRED = ("bleu", "chrf", "rouge")
"""What begins the names of figures that go up to 100."""
_SIGNS = {"good": "✓", "unsure": "?", "bad": "✕"}


def page(document: Mapping[str, Any]) -> str:
    """Return a report as a complete page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{document['title']} · Oreline"),
        tag("style", _style()),
    )
    body = tag("body", tag("main", *_parts(document), class_="oreline"), class_="oreline-page")
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def fragment(document: Mapping[str, Any]) -> str:
    """Return a report for a notebook; its styles reach nothing outside of it."""
    return tag("div", tag("style", _style()), *_parts(document), class_="oreline oreline-notebook")


@functools.cache
def _style() -> Markup:
    # A constant of this package, and free of "<": nothing from data enters it.
    css = resources.files("oreline.report").joinpath("report.css").read_text(encoding="utf-8")
    return Markup(re.sub(r"/\*.*?\*/|\s*\n\s*", "", css, flags=re.DOTALL))


def _parts(document: Mapping[str, Any]) -> list[Markup]:
    facts, verdict, sentence = _split_verdict(document["facts"])
    return [
        _header(document),
        _warnings(document["warnings"]),
        _verdict(verdict, sentence),
        _metrics(document["metrics"], str(document["subject"].get("split", ""))),
        _facts(facts),
        _section("Charts", tag("div", *map(figure, document["charts"]), class_="charts"), bool(document["charts"])),
        _section("Tables", join(map(table, document["tables"])), bool(document["tables"])),
        _footer(document),
    ]


def _header(document: Mapping[str, Any]) -> Markup:
    chips = [
        tag("span", tag("b", fact.name), " ", _value(fact.value)) for fact in formatting.facts(document["subject"])
    ]
    return tag(
        "header",
        tag("p", document["verb"], class_="verb"),
        tag("h1", document["title"], dir="auto"),
        tag("p", *chips, class_="subject") if chips else Markup(""),
    )


def _warnings(warnings: Sequence[str]) -> Markup:
    if not warnings:
        return Markup("")
    name = "Warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    items = tag("ul", *(tag("li", warning, dir="auto") for warning in warnings))
    return tag("section", tag("h2", name), items, class_="warnings", role="note")


def _split_verdict(facts: Mapping[str, Any]) -> tuple[dict[str, Any], str, str]:
    """Take a verdict that reports know, and the sentence that explains it, out of the facts."""
    rest = dict(facts)
    name = next((name for name in VERDICT_FACTS if facts.get(name) in formatting.VERDICTS), None)
    if name is None:
        return rest, "", str(rest.pop("sentence", ""))
    verdict = str(rest.pop(name))
    # The gate's sentence may bear either name.
    spoken = next((other for other in ("sentence", *VERDICT_FACTS) if isinstance(rest.get(other), str)), None)
    sentence = str(rest.pop(spoken)) if spoken else ""
    # The gate's sentence begins with its verdict, which stands beside it already.
    return rest, verdict, sentence.removeprefix(f"{verdict}: ")


def _verdict(verdict: str, sentence: str) -> Markup:
    if not verdict:
        return tag("p", sentence, class_="sentence") if sentence else Markup("")
    look = formatting.VERDICTS[verdict]
    badge = tag("strong", tag("span", _SIGNS[look], aria_hidden="true"), verdict)
    return tag("section", badge, tag("p", sentence, dir="auto"), class_=f"verdict {look}")


def _metrics(metrics: Mapping[str, Any], split: str) -> Markup:
    if not metrics:
        return Markup("")
    entries = list(metrics.items())
    cards = tag("div", *(_card(name, entry) for name, entry in entries[:MAX_CARDS]), class_="cards")
    rows = [[formatting.title(name), entry] for name, entry in entries[MAX_CARDS:]]
    more = table({"title": "More estimates", "columns": ["", "estimate"], "rows": rows, "note": ""}) if rows else ""
    note = tag("p", "Brackets and bars: 95 % intervals. n: rows behind the figure.", class_="note")
    return _section(f"Estimates on {split}" if split else "Estimates", join([cards, more, note]), True)


def _card(name: str, entry: Mapping[str, Any]) -> Markup:
    value, interval, n = formatting.estimate(entry)
    return tag(
        "div",
        tag("h3", formatting.title(name)),
        tag("p", value, class_="figure"),
        _range(name, entry),
        tag("p", tag("span", interval), " ", tag("span", n), class_="interval"),
        class_="card",
    )


def _range(name: str, entry: Mapping[str, Any]) -> Markup:
    """Draw an interval on its scale, 0 to 1 or 0 to 100; differences, and what is larger, as far as needed."""
    low, value, high = (entry[key] for key in ("low", "value", "high"))
    if None in (low, value, high):
        return Markup("")
    signed = low < 0 or "difference" in name or name.endswith("change")
    most = max(abs(low), abs(high), abs(value))
    whole = 100.0 if name.startswith(_OF_A_HUNDRED) else 1.0
    end = whole if most <= whole and not signed else ticks(0.0, most)[-1]
    scale = Scale(-end if signed else 0.0, end, 1.0, 199.0)
    marks = [
        tag("rect", x=1, y=5, width=198, height=2, class_="rail"),
        tag("rect", x=scale(low), y=3, width=max(scale(high) - scale(low), 1.0), height=6, rx=2, class_="band"),
        tag("rect", x=scale(value) - 1.0, y=0, width=2, height=12, class_="point"),
        tag("line", x1=scale(0), x2=scale(0), y1=0, y2=12, class_="zero") if signed else "",
    ]
    ends = [formatting.number(bound) for bound in (scale.low, scale.high)]
    rail = tag("svg", *marks, viewBox="0 0 200 12", preserveAspectRatio="none", aria_hidden="true")
    return tag("div", tag("span", ends[0]), rail, tag("span", ends[1]), class_="range", aria_hidden="true")


def _facts(facts: Mapping[str, Any]) -> Markup:
    pairs = [tag("div", tag("dt", fact.name), tag("dd", _value(fact.value))) for fact in formatting.facts(facts)]
    return _section("Facts", tag("dl", *pairs, class_="facts"), bool(pairs))


def _value(text: str) -> Markup:
    if (digits := formatting.short(text)) != text:
        return tag("code", digits, title=text)
    return tag("bdi", formatting.clean(text, limit=600))


def _section(title: str, content: Markup, filled: bool) -> Markup:
    return tag("section", tag("h2", title), content) if filled else Markup("")


def _footer(document: Mapping[str, Any]) -> Markup:
    return tag("footer", f"oreline {document['verb']} · the same figures, unrounded, are in the JSON beside this page")

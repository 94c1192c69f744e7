"""Realistic and hostile reports, and a reader of their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import pytest

from oreline.report.report import Chart, Report, Table
from oreline.types import Estimate

HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil","x")',
    "\ud800 lone",
    "\u202egnp.exe\u202c שלום",
    "A" * 500,
    "\x1b[31mred\x00",
    "&lt;img src=x onerror=alert(1)>",
    "]]></style><svg onload=alert(1)>",
    "\" onmouseover='x' `",
)
VOID = {"meta", "br", "rect", "path", "line", "circle"}


@dataclass
class Element:
    """An element of a parsed page."""

    name: str
    attributes: dict[str, str | None]
    parent: Element | None = None
    children: list[Element] = field(default_factory=list)
    own_text: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Return all descendants of a name."""
        return [element for element in self.walk() if element.name == name]

    def walk(self) -> Iterator[Element]:
        """Yield all descendants, in order."""
        for child in self.children:
            yield child
            yield from child.walk()

    @property
    def text(self) -> str:
        """Own text and that of all descendants."""
        return " ".join([*self.own_text, *(child.text for child in self.children)])


class StrictParser(HTMLParser):
    """Builds a tree and fails on any element that is not closed, or closed twice."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root", {})
        self.current = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice: {attrs}"
        element = Element(tag, dict(attrs), self.current)
        self.current.children.append(element)
        if tag not in VOID:
            self.current = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, f"<{tag}/> is not an empty element"
        self.current.children.append(Element(tag, dict(attrs), self.current))

    def handle_endtag(self, tag: str) -> None:
        assert self.current.name == tag, f"</{tag}> closes <{self.current.name}>"
        assert self.current.parent is not None
        self.current = self.current.parent

    def handle_data(self, data: str) -> None:
        self.current.own_text.append(data)


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Element]:
    """Parse markup strictly."""

    def parse_markup(markup: str) -> Element:
        parser = StrictParser()
        parser.feed(markup)
        parser.close()
        assert parser.current is parser.root, f"<{parser.current.name}> is never closed"
        return parser.root

    return parse_markup


def estimate(value: float, half: float, n: int) -> Estimate:
    return Estimate(value, value - half, value + half, n)


def confusion(num_classes: int, *, dense: bool = False, seed: int = 0) -> list[list[int]]:
    source = np.random.default_rng(seed)
    matrix = source.poisson(3.0 if dense else 0.05, (num_classes, num_classes)) + np.diag(
        source.integers(5, 90, num_classes)
    )
    return [[int(cell) for cell in row] for row in matrix]


def evaluation(labels: tuple[str, ...], texts: tuple[str, ...]) -> Report:
    """An evaluate report, as full as they get."""
    return Report(
        verb="evaluate",
        title=f"Evaluation of {labels[0]} and others",
        subject={"model": "3f9a1c77d2b84e5f" * 4, "dataset": "7f65ed43cb21aa09" * 4, "split": "test"},
        metrics={
            "accuracy": estimate(0.8385, 0.0185, 1542),
            "macro_f1": estimate(0.8337, 0.019, 1542),
            "log_loss": estimate(1.3712, 0.128, 1542),
            "accuracy_difference": Estimate(0.0042, -0.0031, 0.0115, 1499),
        },
        facts={"num_rows": 1542, "rows_per_s": 508.2, "size_bytes": 22_713_216, "roles": {"text": "quote"}},
        tables=[
            Table(
                "Per class",
                ["label", "precision", "f1"],
                [[label, estimate(0.8, 0.02, 60 + i), estimate(0.75, 0.03, 60 + i)] for i, label in enumerate(labels)],
            ),
            Table(
                "Worst errors",
                ["row", "true", "confidence", "text"],
                [[f"reviews.csv:{i}", labels[0], 0.99 - i / 1000, text] for i, text in enumerate(texts)],
                note="Wrong with the highest confidence.",
            ),
        ],
        charts=[
            Chart("Confusion", "matrix", {"labels": labels, "values": confusion(len(labels))}),
            Chart(
                "Reliability", "reliability", {"confidence": [0.55, 0.9], "accuracy": [0.5, 0.88], "count": [90, 700]}
            ),
            Chart("Class balance", "bars", {"labels": labels, "series": {"train": list(range(len(labels)))}}),
            Chart("Lengths", "histogram", {"edges": [0, 4, 8, 12], "series": {"train": [5, 9, 2], "dev": [1, 3, 1]}}),
            Chart(
                "Learning curve",
                "lines",
                {"x": {"loss": [1, 2, 3]}, "y": {"loss": [0.7, None, 0.4]}, "x_label": "step", "y_label": "loss"},
            ),
        ],
        warnings=["2 texts were cut at 256 tokens"],
    )


@pytest.fixture(scope="session")
def english() -> Report:
    """Two classes, English texts."""
    return evaluation(("fresh", "rotten"), ("A dull, lifeless retread of what came before it.", "Not bad."))


@pytest.fixture(scope="session")
def chinese() -> Report:
    """Three classes, Chinese texts."""
    return evaluation(("正面", "负面", "与产品无关的讨论"), ("物流很快,但是电池不耐用,用了两天就没电了。" * 4, "好"))


@pytest.fixture(scope="session")
def many() -> Report:
    """150 classes."""
    return evaluation(tuple(f"intent_{i:03d}_lost_or_stolen_phone" for i in range(150)), ("one",))


@pytest.fixture(scope="session")
def hostile() -> Report:
    """Hostile text in every place that text can have."""
    return Report(
        verb=HOSTILE[0],
        title=HOSTILE[0] + HOSTILE[2],
        subject={HOSTILE[8]: HOSTILE[7], "split": HOSTILE[0]},
        metrics={HOSTILE[0]: estimate(0.5, 0.1, 10), "nan": Estimate(float("nan"), float("nan"), float("nan"), 0)},
        facts={
            HOSTILE[8]: HOSTILE[1],
            "nested": {HOSTILE[0]: [1, HOSTILE[7]]},
            "decision": "passed",
            "sentence": HOSTILE[0],
        },
        tables=[Table(HOSTILE[0], [HOSTILE[8], "n"], [[text, i] for i, text in enumerate(HOSTILE)], note=HOSTILE[7])],
        charts=[
            Chart(
                HOSTILE[0],
                "bars",
                {"labels": HOSTILE, "series": {text: [1] * len(HOSTILE) for text in HOSTILE[:2]}},
                note=HOSTILE[7],
            ),
            Chart(HOSTILE[7], "matrix", {"labels": HOSTILE, "values": confusion(len(HOSTILE))}),
            Chart(
                HOSTILE[8],
                "lines",
                {
                    "x": {HOSTILE[0]: [1, 2]},
                    "y": {HOSTILE[0]: [1, 2]},
                    "x_label": HOSTILE[7],
                    "y_label": HOSTILE[0],
                },
            ),
            Chart(HOSTILE[8], "histogram", {"edges": [0, 1], "series": {HOSTILE[0]: [1], HOSTILE[7]: [2]}}),
        ],
        warnings=list(HOSTILE),
    )


@pytest.fixture(scope="session")
def empty() -> Report:
    """Nothing but a title."""
    return Report("evaluate", "Nothing")


@pytest.fixture(scope="session", params=["english", "chinese", "many", "hostile", "empty"])
def report(request: pytest.FixtureRequest) -> Report:
    """Each of the reports in turn."""
    return request.getfixturevalue(request.param)

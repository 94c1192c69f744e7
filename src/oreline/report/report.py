"""A report: estimates, tables and pictures of one verb's work, as JSON, on the terminal and as one HTML page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from oreline.report import formatting, html, terminal
from oreline.store import translating, write_json
from oreline.types import Estimate

ChartKind = Literal["bars", "histogram", "lines", "matrix", "reliability", "scatter", "words"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; cells are text, numbers, None or `Estimate`s."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Data of one picture; the renderer draws it.

    * bars: `{"labels": [...], "series": {"train": [...], …}}`
    * histogram: `{"edges": [n+1], "series": {"train": [n], …}}`, and `x_label` if wanted; `marks` are lines at a
      place with a name, `[{"x": 0.3, "label": "at most 0.3"}]`
    * lines: `{"x": {"dev loss": [...]}, "y": {"dev loss": [...]}, "x_label": "step", "y_label": "loss"}`
    * scatter: as lines, with `x_log`, `x_names` for named places 0, 1, …, and `lines`: series drawn as steps
    * matrix: `{"labels": [...], "values": [[...], …]}`, rows are true, columns are predicted
    * reliability: `{"confidence": [...], "accuracy": [...], "count": [...]}`, one entry for each bin
    * words: `{"texts": [{"name": "text", "text": …, "words": [{"start", "end", "weight"}], "span": [start, end]}]}`:
      texts whose words have weights; `span` is where an answer stands, or null
    """

    title: str
    kind: ChartKind
    data: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one verb did and found. No metric without n and an interval."""

    verb: str
    title: str
    subject: Mapping[str, Any] = field(default_factory=dict)
    """What it is about: artifact id, dataset fingerprint, split."""
    metrics: Mapping[str, Estimate] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Counts, sizes and verdicts that are not estimates. Names carry units (`size_bytes`, `train_s`), which the page
    and the terminal write out; a `verdict`, `decision` or `gate` of `formatting.VERDICTS` is shown above all else,
    with the fact `sentence` beside it; a mapping of mappings is for programs and not shown."""
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    warnings: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; the renderers work from it too. NaN becomes null, NumPy's numbers Python's."""
        document = {
            "verb": self.verb,
            "title": self.title,
            "subject": self.subject,
            "metrics": self.metrics,
            "facts": self.facts,
            "tables": [{"title": t.title, "columns": t.columns, "rows": t.rows, "note": t.note} for t in self.tables],
            "charts": [{"title": c.title, "kind": c.kind, "data": c.data, "note": c.note} for c in self.charts],
            "warnings": self.warnings,
        }
        return {name: formatting.plain(value) for name, value in document.items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Report:
        """Rebuild a report from its JSON form."""
        return cls(
            verb=document["verb"],
            title=document["title"],
            subject=document["subject"],
            metrics={name: Estimate(**entry) for name, entry in document["metrics"].items()},
            facts=document["facts"],
            tables=[Table(**entry) for entry in document["tables"]],
            charts=[Chart(**entry) for entry in document["charts"]],
            warnings=document["warnings"],
        )

    @classmethod
    def open(cls, file: str | Path) -> Report:
        """Read `report.json`."""
        return cls.from_json(json.loads(Path(file).read_text(encoding="utf-8")))

    def save(self, folder: str | Path, *, name: str = "report") -> None:
        """Write `<name>.json` and the self-contained page `<name>.html` into an existing folder."""
        document = self.to_json()
        write_json(Path(folder) / f"{name}.json", document, sort_keys=False)
        page = Path(folder) / f"{name}.html"
        with translating(page):
            page.write_text(html.page(document), encoding="utf-8")

    def __str__(self) -> str:
        return terminal.text(self.to_json())

    def __repr__(self) -> str:
        """Return one line: verbs that return a model and a report show both so in a notebook."""
        return f"<Report of {self.verb}: {self.title}>"

    def _repr_html_(self) -> str:
        return html.fragment(self.to_json())

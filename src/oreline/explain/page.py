"""Explanations as a report: the texts with their words in colour, and the weights as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oreline.report.report import Chart, Report, Table

_SHOWN = 60
"""Characters of an answer in a heading."""


def report_of(answers: Sequence[Mapping[str, Any]], *, model: str, method: str) -> Report:
    """Return the report of what an explainer said of some rows.

    Args:
        answers: one for each row, as `explain` returns them.
        model: id of the model that was explained.
        method: name of the explainer.
    """
    headings = [_heading(number, answer) for number, answer in enumerate(answers, start=1)]
    return Report(
        verb="explain",
        title="Which words an answer rests on" if len(answers) == 1 else "Which words answers rest on",
        subject={"model": model, "method": method, "rows": len(answers)},
        charts=[Chart(name, "words", _texts(answer), answer["note"]) for name, answer in zip(headings, answers)],
        tables=[_table(name, answer) for name, answer in zip(headings, answers)],
    )


def _heading(number: int, answer: Mapping[str, Any]) -> str:
    label = answer["label"]
    shown = label if len(label) <= _SHOWN else f"{label[: _SHOWN - 1]}…"
    return f"{number}. {shown}: {answer['number']} {answer['score']:.3f}"


def _texts(answer: Mapping[str, Any]) -> dict[str, Any]:
    span = answer["span"] or {"input": None}
    texts = [
        {
            "name": role,
            "text": text,
            "words": [
                {name: word[name] for name in ("start", "end", "weight")}
                for word in answer["words"]
                if word["input"] == role
            ],
            "span": [span["start"], span["end"]] if span["input"] == role else None,
        }
        for role, text in answer["texts"].items()
    ]
    return {"texts": texts}


def _table(heading: str, answer: Mapping[str, Any]) -> Table:
    strongest = sorted(answer["words"], key=lambda word: -abs(word["weight"]))
    rows = [(word["word"], word["weight"], word["input"]) for word in strongest]
    note = "What the number loses when the word is left out; strongest first."
    return Table(f"Words of {heading}", ("word", "weight", "input"), rows, note if rows else "")

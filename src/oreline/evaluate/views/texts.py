"""Answers that are texts: how they are measured, how they end, their lengths, the worst ones.

Shape suffixes: N rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.evaluate.estimates import estimates, wilson
from oreline.evaluate.shown import flagged, shorten, worst_rows
from oreline.evaluate.table import Table
from oreline.metrics.bleu import MAX_ORDER, TOKENIZERS
from oreline.metrics.texts import script_of, words
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_SHOWN = 5
_MAX_BARS = 12


class View:
    """A text for each row."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return what the answers are like, figures by length of the truth, some answers, and the worst ones."""
        credit = [round(float(value), 4) for value in table.credit_N]
        wrong = np.flatnonzero(~table.right_N)
        order = wrong[np.argsort(table.credit_N[wrong], kind="stable")]
        note = f"chrF of single rows, 0 to 1; {len(wrong):,} of {table.num_rows:,} answers differ from the truth"
        worst = worst_rows(table, order, ("chrF", credit), f"Answers furthest from the truth, split {split!r}", note)
        return [_answers(table, split), _by_length(table, split, seed), _first_rows(table, split), worst]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return how long answers are, in truth and by the model."""
        bands = table.task.outcomes(table.targets), table.task.outcomes(table.predicted)
        names = _in_order({*bands[0], *bands[1]})[:_MAX_BARS]
        series = {name: [found.count(band) for band in names] for name, found in zip(("true", "written"), bands)}
        return [Chart(f"Length of the answers, split {split!r}", "bars", {"labels": names, "series": series})]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say when answers are empty, all the same, or longer than asked for."""
        if not table.num_rows:
            return
        if num_empty := sum(not text for text in table.predicted):
            yield f"{num_empty:,} of {table.num_rows:,} answers are empty"
        if max(len(words(text)) for text in table.targets) < MAX_ORDER:
            yield f"no true answer has {MAX_ORDER} words: BLEU, which counts {MAX_ORDER} in a row, says nothing here"
        if table.num_rows > 1 and len(set(table.predicted)) == 1:
            yield f"all {table.num_rows:,} answers are the same: the model does not look at what it reads"


def _answers(table: Table, split: str) -> ReportTable:
    """Say how many answers are right to the letter, or empty, how long they are, and how the figures were made."""
    given_N, true_N = (
        np.asarray([len(words(text)) for text in texts], float) for texts in (table.predicted, table.targets)
    )
    rows: list[list[Any]] = [
        ["the very text of the truth", _share(table.predicted == table.targets)],
        ["empty", _share(np.asarray([not text for text in table.predicted], dtype=bool))],
        [
            "the text that was read, unchanged",
            _share(np.asarray(table.predicted == np.asarray(table.texts, dtype=object))),
        ],
    ]
    tokenizer = TOKENIZERS[script_of(table.targets.tolist())]
    sacrebleu = version("sacrebleu")
    note = (
        f"mean length in words: {given_N.mean():.1f} written, {true_N.mean():.1f} true; "
        f"BLEU: sacrebleu {sacrebleu}, nrefs:1|case:mixed|"
        f"eff:no|tok:{tokenizer}|smooth:exp; chrF: nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no; "
        "ROUGE: F1 without stemming, Chinese by character; words: as ROUGE counts them"
    )
    return ReportTable(f"Answers, split {split!r}", ("answers", "share of the rows"), rows, note=note)


def _by_length(table: Table, split: str, seed: int) -> ReportTable:
    bands_N = np.asarray(table.task.outcomes(table.targets), dtype=object)
    rows, counts = [], []
    for band in _in_order(set(bands_N)):
        part = table.take(np.flatnonzero(bands_N == band))
        found = estimates(part, ["chrf"], resamples=500, seed=seed)
        ratio = sum(len(words(text)) for text in part.predicted) / max(
            sum(len(words(text)) for text in part.targets), 1
        )
        rows.append([band, part.num_rows, found.get("chrf"), round(ratio, 3)])
        counts.append(part.num_rows)
    columns, rows, flag = flagged(("true length", "rows", "chrF", "written words per true word"), rows, counts)
    return ReportTable(f"By length of the truth, split {split!r}", columns, rows, note=f"95 % intervals{flag}")


def _first_rows(table: Table, split: str) -> ReportTable:
    """Show some answers that nobody has chosen."""
    rows = [
        [table.row_ids[row], shorten(table.texts[row]), shorten(table.targets[row]), shorten(table.predicted[row])]
        for row in range(min(NUM_SHOWN, table.num_rows))
    ]
    return ReportTable(
        f"First answers, split {split!r}",
        ("row_id", "read", "true", "written"),
        rows,
        note="not chosen: the first rows",
    )


def _share(is_so_N: NDArray[np.bool_]) -> Estimate | None:
    count, n = int(is_so_N.sum()), len(is_so_N)
    return Estimate(count / n, *wilson(count / n, n), n) if n else None


def _in_order(bands: set[str]) -> list[str]:
    """Sort bands of lengths by the numbers in them.

    >>> _in_order({"9 to 16 words", "over 512 words", "empty", "1 to 2 words"})
    ['empty', '1 to 2 words', '9 to 16 words', 'over 512 words']
    """
    return sorted(bands, key=lambda band: (max(map(int, re.findall(r"\d+", band)), default=0), band.startswith("over")))

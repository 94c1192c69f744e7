"""What a calibration shows of statistics: distributions with the bounds in them, examples, bounds from the data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from oreline.data.quality.languages import CHINESE
from oreline.data.quality.rules import Bound, Calibration
from oreline.report.report import Chart, Table

Measured = Sequence[tuple[str, Calibration]]
_NUM_BINS = 30
_EXAMPLES = 2
_TEXT = 160
_COUNTS = ("num_words", "num_sentences", "stop_words", "characters", "curly_brackets", "lorem_ipsum")
_CHOSEN = ("min_score", "threshold", "drop")
"""Bounds that say what a row has to be, not how far from the others it may lie: the data propose none."""
_SIDES = {"low": "from", "high": "to"}
_MARKS = (0.01, 0.05, 0.5, 0.95, 0.99)


def statistics(measured: Measured) -> Table:
    """Return quantiles of each statistic beside its bounds, by language."""
    rows = []
    for operator, language, statistic, values, bounds in _each(measured):
        limits = " ".join(f"{'≥' if bound.side == 'low' else '≤'} {bound.value:g}" for bound in bounds)
        beyond = sum(int(_is_beyond(bound, values).sum()) for bound in bounds)
        marks = [values.quantile(mark) for mark in _MARKS]
        rows.append([operator, statistic, language, limits, beyond / max(len(values), 1), *marks])
    columns = ["operator", "statistic", "rows in", "bound", "beyond", *(f"{mark:.0%}" for mark in _MARKS)]
    return Table("Statistics and bounds", columns, rows, "Columns of percent: the value below which so many rows lie.")


def charts(measured: Measured) -> list[Chart]:
    """Return a histogram of each statistic, a series for each language, with the bounds drawn in.

    Where values of two languages do not compare, each language has a histogram of its own.
    """
    found = []
    for operator, calibration in measured:
        for statistic in calibration.values.columns:
            of_statistic = [one for one in _each([(operator, calibration)]) if one[2] == statistic]
            together = [[one] for one in of_statistic] if calibration.apart else [of_statistic]
            for shown in together:
                series = {language: values for _, language, _, values, _ in shown}
                marks: list[dict[str, object]] = [
                    {"x": bound.value, "label": f"{_SIDES[bound.side]} {bound.value:g} ({language})"}
                    for _, language, _, _, bounds in shown
                    for bound in bounds
                ]
                title = f"{operator}: {statistic}" + (f" ({shown[0][1]})" if calibration.apart else "")
                if marks and any(values.n_unique() > 1 for values in series.values()):
                    found.append(_chart(title, series, marks))
    return found


def examples(measured: Measured, sample: pl.DataFrame) -> Table:
    """Return the rows that lie nearest to each bound, on both of its sides."""
    rows = []
    for operator, calibration in measured:
        for language, bounds in calibration.bounds.items():
            for bound in bounds:
                for side, found in _nearest(calibration, language, bound, sample):
                    rows += [[operator, bound.statistic, f"{language} {bound.value:g}", side, *row] for row in found]
    columns = ["operator", "statistic", "bound", "side", "value", "row", "text"]
    return Table("Just inside and just outside", columns, rows)


def bounds_of_the_data(measured: Measured, tail: float) -> list[Table]:
    """Return bounds that the data themselves suggest, as lines for a recipe, in two ways.

    FineWeb-2 takes no bound over from English: each language gets its own from the distribution of the statistic in it
    (Penedo et al. 2025, section 4). `tail` leaves a share of the rows beyond each bound; `mean ± 2 sd` what lies two
    standard deviations out.
    """
    ways = {f"tail {tail:g}": {"low": tail, "high": 1 - tail}, "mean ± 2 sd": {"low": -2.0, "high": 2.0}}
    rows = []
    for way, places in ways.items():
        for operator, calibration in measured:
            if line := _line(operator, calibration, places, is_tail=way.startswith("tail")):
                rows.append([way, line])
    note = "A line goes into a recipe's operators, or behind --set operators=[…]. Rules that are off stay off."
    return [Table("Bounds from these data", ["way", "operator"], rows, note)] if rows else []


def _line(operator: str, calibration: Calibration, places: dict[str, float], *, is_tail: bool) -> str:
    options: dict[str, float] = {}
    chinese: dict[str, float] = {}
    for _, language, statistic, values, bounds in _each([(operator, calibration)]):
        for bound in bounds:
            if bound.option.endswith("percentile") or bound.option in _CHOSEN or len(values) < 20:
                continue
            at = places[bound.side]
            mean, spread = float(np.mean(values.to_numpy())), float(np.std(values.to_numpy()))
            value = float(values.quantile(at) or 0.0) if is_tail else mean + at * spread
            is_whole = statistic in _COUNTS
            own = chinese if language == CHINESE else options
            own[bound.option] = max(0, round(value)) if is_whole else max(0.0, float(f"{value:.3g}"))
    options, chinese = _gathered(options), _gathered(chinese)
    given = {**options, **({"chinese": chinese} if chinese else {})}
    return f"{operator}: {json.dumps(given)}" if given else ""


def _gathered(options: dict[str, float]) -> dict[str, float]:
    """Put the bounds of n-grams into the lists that `keep_gopher_repetition` takes."""
    found: dict[str, object] = {name: value for name, value in options.items() if not name.endswith("_gram")}
    for kind, sizes in (("top", range(2, 5)), ("dup", range(5, 11))):
        names = [f"max_{kind}_{size}_gram" for size in sizes]
        if any(name in options for name in names):
            found[f"max_{kind}_gram"] = [options.get(name) for name in names]
    return found  # type: ignore[return-value]


def _each(measured: Measured) -> Iterator[tuple[str, str, str, pl.Series, list[Bound]]]:
    """Yield operator, language, statistic, its values and its bounds, where there are any."""
    for operator, calibration in measured:
        for language, bounds in calibration.bounds.items():
            of_language = calibration.values.filter(calibration.languages == language)
            for statistic in calibration.values.columns:
                own = [bound for bound in bounds if bound.statistic == statistic]
                values = of_language[statistic].drop_nulls()
                if own and len(values):
                    yield operator, language, statistic, values, own


def _is_beyond(bound: Bound, values: pl.Series) -> pl.Series:
    return values < bound.value if bound.side == "low" else values > bound.value


def _chart(title: str, series: dict[str, pl.Series], marks: list[dict[str, object]]) -> Chart:
    together = np.concatenate([values.to_numpy() for values in series.values()])
    places = [float(str(mark["x"])) for mark in marks]
    highest = float(np.quantile(together, 0.995))
    # A bound far from all rows would leave them one bar; it stands at the edge then.
    highest = max([highest, *(place for place in places if place <= 3 * highest)])
    lowest = min(float(together.min()), highest)
    edges = np.linspace(lowest, highest if highest > lowest else lowest + 1.0, _NUM_BINS + 1)
    counts = {
        language: np.histogram(np.clip(values.to_numpy(), edges[0], edges[-1]), edges)[0].tolist()
        for language, values in series.items()
    }
    data = {"edges": edges.tolist(), "series": counts, "x_label": title.partition(": ")[2], "marks": marks}
    return Chart(title, "histogram", data, "The last bar holds all rows beyond.")


def _nearest(
    calibration: Calibration, language: str, bound: Bound, sample: pl.DataFrame
) -> Iterator[tuple[str, list[list[object]]]]:
    rows = sample.select("row_id", "text").with_columns(value=calibration.values[bound.statistic])
    rows = rows.filter((calibration.languages == language) & pl.col("value").is_not_null())
    beyond = _is_beyond(bound, rows["value"])
    if not beyond.any():
        return
    distance = (pl.col("value") - bound.value).abs()
    for side, chosen in (("inside", ~beyond), ("outside", beyond)):
        nearest = rows.filter(chosen).sort(distance, maintain_order=True).unique("text", maintain_order=True)
        shown = nearest.head(_EXAMPLES).select(
            "value", "row_id", pl.col("text").str.head(_TEXT).str.replace_all("\n", " ⏎ ")
        )
        yield side, [list(row) for row in shown.iter_rows()]

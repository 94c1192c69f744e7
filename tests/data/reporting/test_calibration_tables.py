"""Tables and pictures of statistics with their bounds; `test_calibrate.py` has whole reports."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from oreline.data.quality.rules import Bound, Calibration
from oreline.data.reporting.calibration_tables import bounds_of_the_data, charts, examples, statistics

VALUES = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] * 5
BOUNDS = {"en": (Bound("max_hash_ratio", "hash_ratio", "high", 0.45),)}
CALIBRATION = Calibration(pl.DataFrame({"hash_ratio": VALUES}), pl.Series(["en"] * 49 + ["zh"]), BOUNDS)
BOTH = Calibration(
    pl.DataFrame({"perplexity": [value + 300 * (n % 2) for n, value in enumerate(VALUES)]}),
    pl.Series(["en", "zh"] * 25),
    {"en": (Bound("max", "perplexity", "high", 0.7),), "zh": (Bound("max", "perplexity", "high", 300.7),)},
)
SAMPLE = pl.DataFrame({"row_id": [f"a:{n}" for n in range(50)], "text": [f"text\n{n}" for n in range(50)]})


def test_shares_beyond_and_quantiles():
    (row,) = statistics([("op", CALIBRATION)]).rows
    assert row[:4] == ["op", "hash_ratio", "en", "≤ 0.45"]
    assert row[4] == 24 / 49
    assert row[7] == 0.4


def test_the_nearest_rows_on_both_sides():
    rows = examples([("op", CALIBRATION)], SAMPLE).rows
    assert [(row[3], row[4]) for row in rows] == [("inside", 0.4)] * 2 + [("outside", 0.5)] * 2
    assert rows[0][6] == "text ⏎ 4"


def test_bounds_from_the_data():
    (table,) = bounds_of_the_data([("op", CALIBRATION)], 0.1)
    assert [list(row) for row in table.rows] == [
        ["tail 0.1", 'op: {"max_hash_ratio": 0.8}'],
        ["mean ± 2 sd", 'op: {"max_hash_ratio": 1.01}'],
    ]


def test_a_picture_of_what_varies_only():
    assert charts([("op", CALIBRATION)])[0].data["marks"] == [{"x": 0.45, "label": "to 0.45 (en)"}]
    assert [chart.title for chart in charts([("op", BOTH)])] == ["op: perplexity"]
    same = Calibration(pl.DataFrame({"hash_ratio": [0.0] * 50}), CALIBRATION.languages, BOUNDS)
    assert charts([("op", same)]) == []


def test_languages_whose_values_do_not_compare_have_a_picture_each():
    english, chinese = charts([("op", replace(BOTH, apart=True))])
    assert [english.title, chinese.title] == ["op: perplexity (en)", "op: perplexity (zh)"]
    assert english.data["marks"] == [{"x": 0.7, "label": "to 0.7 (en)"}]
    assert english.data["edges"][-1] < 1 < 300 <= chinese.data["edges"][0]
    assert [list(chart.data["series"]) for chart in (english, chinese)] == [["en"], ["zh"]]
    assert sum(bar > 0 for bar in english.data["series"]["en"]) > 1, "its rows are no single bar"

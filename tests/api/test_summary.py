from __future__ import annotations

import pytest

from oreline.api import summary
from oreline.api.run import STEPS
from oreline.report.report import Report, Table
from oreline.types import Estimate


def test_every_verb_of_a_recipe_has_its_lines() -> None:
    assert summary._LINES.keys() == STEPS.keys()


def test_leaks_are_summed() -> None:
    leaks = [
        {"same_text": 1, "same_group": 2, "near": 3, "near_tested": 10},
        {"same_text": 4, "same_group": 0, "near": None, "near_tested": 0},
    ]
    assert summary._leaks(leaks) == "5 texts, 2 rows by group, 3 near-duplicates of 10 rows tested"
    assert summary._leaks([{**leaks[0], "same_group": None}]).startswith("1 texts, 3 near")


def test_a_comparison_is_one_line(tmp_path) -> None:
    report = Report(
        "evaluate",
        "x",
        subject={"split": "test"},
        metrics={"accuracy": Estimate(0.84, 0.82, 0.86, 1200), "ece": Estimate(0.02, 0.01, 0.03, 1200)},
        tables=[
            Table(
                "Against the baseline, split 'test'",
                ("figure", "this model", "baseline", "difference"),
                [
                    (
                        "accuracy",
                        Estimate(0.84, 0.82, 0.86, 1200),
                        Estimate(0.78, 0.76, 0.8, 1200),
                        Estimate(0.06, 0.04, 0.08, 1200),
                    )
                ],
            )
        ],
    )
    report.save(tmp_path)
    for each in (report, Report.open(tmp_path / "report.json")):
        assert list(summary._evaluate(each, tmp_path)) == [
            ("accuracy on test", "0.8400 [0.8200, 0.8600] n=1200"),
            (
                "accuracy of the baseline",
                "0.7800 [0.7600, 0.8000], difference +0.0600 [+0.0400, +0.0800] n=1200",
            ),
        ]


def test_drift_is_told_with_its_size(tmp_path) -> None:
    metrics = {"embedding_shift_auc": Estimate(0.512, 0.481, 0.543, 300)}
    for verdict, word in (("drift", "drift"), ("no drift", "none")):
        report = Report("monitor", "x", facts={"verdict": verdict}, metrics=metrics)
        [(what, value)] = summary._monitor(report, tmp_path)
        assert (what, value) == ("drift", f"{word} (embedding shift AUC 0.512 [0.481, 0.543])")


def test_several_tasks_have_their_gain_or_harm(tmp_path) -> None:
    difference = Estimate(0.02, 0.01, 0.03, 500)
    rows = [("mood", "gain", "accuracy", difference, Estimate(0.8, 0.7, 0.9, 500), Estimate(0.78, 0.7, 0.9, 500))]
    judged = Table("Gain or harm", ("task", "so", "figure", "together minus alone", "together", "alone"), rows)
    report = Report(
        verb="multitask", title="", metrics={"mood accuracy": Estimate(0.8, 0.7, 0.9, 500)}, tables=[judged]
    )
    lines = dict(summary._multitask(report, tmp_path))
    assert lines["mood accuracy"].startswith("0.8000 [0.7000")
    assert lines["mood, together minus alone"] == "gain: accuracy +0.0200 [+0.0100, +0.0300] n=500"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"method": "full"}, "full"),
        ({"method": "adapter", "method_options": {"adapter": "dora", "adapter_options": {"rank": 2}}}, "dora"),
        ({"method": "adapter", "method_options": {}}, "lora"),
        ({"method": "adapter"}, "lora"),
    ],
)
def test_an_adapter_is_the_method_that_users_name(options: dict[str, object], name: str) -> None:
    assert summary._method(options) == name

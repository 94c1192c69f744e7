"""The journal: what it holds, and that a search goes on from it as if nothing had happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna")

from oreline.api import study
from oreline.api.search_space import Dimension
from oreline.errors import DataError, ResourceError, UsageError

SPACE = [
    Dimension("f.method", values=("full", None, 3)),
    Dimension("f.rate", 1e-5, 1e-2, log=True),
    Dimension("f.epochs", 1, 4),
    Dimension("f.rank", 2, 8, when={"f.method": ("full",)}),
]


def opened(folder: Path, **changed: Any) -> study.Search:
    given = {"maximize": True, "pruner": "median", "seed": 3, **changed}
    return study.open_search(folder, SPACE, {"space": [d.to_json() for d in SPACE], "step": "f"}, **given)


def figure(values: dict[str, Any]) -> float:
    return -abs(values["f.rate"] - 1e-3) + 0.1 * (values["f.method"] == "full")


def run(found: study.Search, number: int) -> list[dict[str, Any]]:
    tried = []
    for _ in range(number):
        trial, values = found.next()
        found.end(trial, "complete", figure(values))
        tried.append(values)
    return tried


def test_a_search_that_is_opened_again_goes_on_like_one_that_is_not(tmp_path: Path) -> None:
    whole = run(opened(tmp_path / "whole"), 12)
    first = run(opened(tmp_path / "parts"), 7)
    trial, values = opened(tmp_path / "parts").next()  # killed while this one was in training
    again = opened(tmp_path / "parts")
    continued, same = again.next()
    assert (continued.number, same) == (trial.number, values)
    again.end(continued, "complete", figure(same))
    assert [*first, same, *run(opened(tmp_path / "parts"), 4)] == whole
    assert len({json.dumps(values) for values in whole}) == 12


def test_values_are_of_the_space(tmp_path: Path) -> None:
    found = opened(tmp_path)
    for values in run(found, 12):
        assert values["f.method"] in SPACE[0].values
        assert 1e-5 <= values["f.rate"] <= 1e-2
        assert values["f.epochs"] in (1, 2, 3, 4)
        assert ("f.rank" in values) == (values["f.method"] == "full")
    best = found.best()
    assert best is not None
    assert figure(found.values_of(best)) == max(trial.value for trial in found.trials)


def test_the_best_of_equal_trials_is_the_first_and_less_can_be_better(tmp_path: Path) -> None:
    found = opened(tmp_path, maximize=False)
    assert found.best() is None
    for value in (2.0, 1.0, 1.0):
        trial, _ = found.next()
        found.end(trial, "complete", value)
    trial, _ = found.next()
    found.end(trial, "fail")
    best = found.best()
    assert best is not None
    assert best.number == 1


def test_importance_finds_the_key_that_decides(tmp_path: Path) -> None:
    found = opened(tmp_path)
    for _ in range(2 * study.NUM_RANDOM):
        assert found.importance() == {}, "too few trials"
        trial, values = found.next()
        found.end(trial, "complete", float(values["f.epochs"]))
    importance = found.importance()
    assert max(importance, key=importance.__getitem__) == "f.epochs"
    assert sum(importance.values()) == pytest.approx(1.0)
    assert "f.rank" not in importance, "not every trial has it"


def test_the_journal_is_json_and_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    found = opened(tmp_path)
    found.note("given", {"estimate": {"value": 0.5}})
    run(found, 2)
    journal = tmp_path / study.JOURNAL
    assert all(json.loads(line) for line in journal.read_text().splitlines())
    assert {file.name for file in tmp_path.iterdir()} == {study.JOURNAL}, "nothing else, no pickle"
    with journal.open("a") as stream:
        stream.write('{"op_code":8,"work')  # killed while it wrote
    (tmp_path / f"{study.JOURNAL}.lock").symlink_to(journal)
    again = opened(tmp_path)
    assert again.facts["given"] == {"estimate": {"value": 0.5}}
    run(again, 1)
    assert len(opened(tmp_path).trials) == 3


def test_another_search_is_refused(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(UsageError, match="its step differs"):
        study.open_search(
            tmp_path,
            SPACE,
            {"space": [d.to_json() for d in SPACE], "step": "g"},
            maximize=True,
            pruner="none",
            seed=3,
        )


def test_a_damaged_journal_is_said(tmp_path: Path) -> None:
    opened(tmp_path)
    journal = tmp_path / study.JOURNAL
    journal.write_text("no journal\n" + journal.read_text())
    with pytest.raises(DataError, match="journal of this search cannot be read"):
        opened(tmp_path)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        study.claimed(tmp_path),
        pytest.raises(ResourceError, match="another process is searching here"),
        study.claimed(tmp_path),
    ):
        pass
    with study.claimed(tmp_path):
        pass


@pytest.mark.parametrize("pruner", study.PRUNERS)
def test_a_trial_that_is_far_behind_is_stopped_by_each_pruner_but_none(tmp_path: Path, pruner: str) -> None:
    found = opened(tmp_path, pruner=pruner)
    stopped = []
    for number in range(12):
        trial, _ = found.next()
        level = 0.1 if number >= 6 else 0.9
        for place in range(1, 10):
            trial.report(level + place / 1000, place)
            if trial.should_prune():
                stopped.append(number)
                found.end(trial, "pruned")
                break
        else:
            found.end(trial, "complete", level)
    assert bool(stopped) == (pruner != "none")
    if pruner == "median":
        assert stopped == [6, 7, 8, 9, 10, 11]

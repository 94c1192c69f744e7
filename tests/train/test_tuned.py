"""What is chosen on dev, and labels of which no row is: said, or refused before the first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import oreline as ore
from oreline.errors import DataError
from oreline.report.report import Report
from oreline.train.tuned import MOST_NAMED, absent_sentence

WORDS = {"en": ("great", "dull", "long"), "zh": ("好看", "难看", "冗长")}
ONE_STEP = {"epochs": 1, "threads": 1, "precision": "fp32"}


def rows(kinds: tuple[str, ...], third: int, num: int = 24) -> dict[str, Any]:
    """Return rows of the first two labels, of which every `third`-th has the last one too (0: none)."""
    labels = [[kinds[n % 2], *([kinds[2]] if third and n % third == 0 else [])] for n in range(num)]
    return {"text": [f"{'、'.join(named)} {n} of {num}" for n, named in enumerate(labels)], "label": labels}


def split(kinds: tuple[str, ...], out: Path, *, train: int, dev: int) -> ore.Dataset:
    given = {"train": rows(kinds, train), "dev": rows(kinds, dev, 30), "test": rows(kinds, 3, 6)}
    return ore.refine(given, split={}, operators=[], out=out)


@pytest.mark.parametrize("language", WORDS)
def test_a_label_of_no_dev_row_is_named_with_the_threshold_that_it_gets(language: str, tmp_path: Path) -> None:
    kinds = WORDS[language]
    for dev, name in ((0, "without"), (3, "with")):
        said: list[str] = []
        data = split(kinds, tmp_path / name, train=3, dev=dev)
        model = ore.finetune(
            None, data, task="multilabel", method="linear", out=tmp_path / f"m-{name}",
            on_event=lambda event, said=said: said.append(event.message),
        )  # fmt: skip
        warned = [line for line in said if line.startswith("warning: no dev row")]
        assert bool(warned) == (dev == 0)
        assert len(Report.open(model.path / "report.json").warnings) == len(warned)
        if warned:
            options = model.manifest.task_options
            threshold = options["thresholds"][options["labels"].index(kinds[2])]
            assert f"the label {kinds[2]!r}" in warned[0]
            assert f"{threshold:.2f}" in warned[0]


def test_a_label_that_the_start_model_knows_and_no_row_has_is_refused_and_said_of_an_update(
    tiny_start: Path, tmp_path: Path
) -> None:
    kinds = WORDS["en"]
    full = {"task": "multilabel", "method": "full", "train": ONE_STEP}
    first = ore.finetune(str(tiny_start), split(kinds, tmp_path / "a", train=3, dev=3), out=tmp_path / "first", **full)
    without = split(kinds, tmp_path / "b", train=0, dev=0)
    said: list[str] = []
    given = {**full, "out": tmp_path / "second", "on_event": lambda event: said.append(event.message)}
    with pytest.raises(DataError, match=f"no training row has the label '{kinds[2]}'") as told:
        ore.finetune(first, without, **given)
    assert "oreline update" in told.value.remedy
    assert not any("steps over" in line for line in said)
    assert not (tmp_path / "second").exists()
    with pytest.raises(DataError, match="no training row has the label 'odd'"):
        ore.finetune(None, without, task="multilabel", method="linear", out=tmp_path / "second",
                     task_options={"labels": [*kinds[:2], "odd"]})  # fmt: skip


def test_several_tasks_say_the_same_with_their_names(tiny_start: Path, tmp_path: Path) -> None:
    kinds = WORDS["en"]
    said: list[str] = []
    tasks = {
        "tags": {"data": split(kinds, tmp_path / "tags", train=3, dev=0), "task": "multilabel"},
        "other": {"data": split(kinds, tmp_path / "other", train=3, dev=3), "task": "multilabel"},
    }
    ore.multitask(tasks, start=str(tiny_start), alone=False, train=ONE_STEP, out=tmp_path / "m",
                  on_event=lambda event: said.append(event.message))  # fmt: skip
    warned = [line for line in said if "no dev row" in line]
    assert [line.startswith("warning: tags: no dev row has the label 'long'") for line in warned] == [True]


def test_many_labels_are_counted() -> None:
    class Absent:
        @staticmethod
        def absent(_: object) -> list[str]:
            return [f"l{n}" for n in range(MOST_NAMED + 2)]

    class Rows:
        targets = None

    said = absent_sentence(Absent(), Rows())  # type: ignore[arg-type]
    assert "'l4' and 2 more" in said
    assert "l5" not in said
    assert absent_sentence(object(), Rows()) == ""  # type: ignore[arg-type]

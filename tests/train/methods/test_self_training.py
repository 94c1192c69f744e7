"""Rows without labels: which are used, which never, and what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.killed import interrupted

import oreline as ore
from oreline.data.fold import row_hashes
from oreline.errors import DataError, UsageError
from oreline.store import TRAIN_ROWS
from oreline.train.inner import Inner
from oreline.types import Event

GOOD, BAD = ["great", "superb", "warm", "clever"], ["awful", "dull", "weak", "silly"]


def rows(number: int, words: int, part: str) -> dict[str, list[str]]:
    """Return labelled rows that say it with the first of the words."""
    texts = [f"a {(GOOD if n % 2 else BAD)[n // 2 % words]} film {part} {n}" for n in range(number)]
    return {"text": texts, "label": ["good" if n % 2 else "bad" for n in range(number)]}


PARTS = {"train": rows(12, 2, "x"), "dev": rows(60, 2, "y"), "test": rows(40, 4, "z")}


def unlabelled() -> list[str]:
    """Return 200 texts with a word that is known beside one that is not; and some of dev, test and train."""
    texts = [
        f"a {(GOOD if n % 2 else BAD)[n // 2 % 2]} {(GOOD if n % 2 else BAD)[2 + n // 4 % 2]} film {n}"
        for n in range(200)
    ]
    texts += [text for part in PARTS.values() for text in part["text"][:5]]
    return [*texts, texts[0].upper()]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ore.Dataset:
    """A dozen labelled rows that say it with two words, dev and test rows, and more without labels in a source of theirs."""
    parts = {**PARTS, "unlabelled": {"text": unlabelled()}}
    return ore.refine(parts, split={}, operators=[], out=tmp_path_factory.mktemp("self") / "d")


def options(**changed: Any) -> dict[str, Any]:
    given = {"method": "linear", "precision": 0.9}
    return {"method": "self_training", "method_options": {**given, **changed}}


def test_pseudo_labels_help_and_no_row_of_any_split_is_among_them(data: ore.Dataset, tmp_path: Path) -> None:
    said: list[str] = []
    made = ore.finetune(
        None, data, **options(rounds=2), out=tmp_path / "a", on_event=lambda event: said.append(event.message)
    )
    assert any("216 rows without labels: 200 are used, 16 repeat" in message for message in said)
    assert any("pseudo-labels, temperature" in message for message in said)
    measured = made.measurements()
    assert measured["unlabelled"] == 200
    trained = set(np.fromfile(made.file(TRAIN_ROWS), dtype="<u8").tolist())
    for split in ("dev", "test"):
        assert not trained & set(row_hashes(data.frame(split), ["text"]).tolist())
    assert len(trained) == data.num_rows("train") + measured["pseudo_labels"]
    plain = ore.finetune(None, data, method="linear", out=tmp_path / "b")
    first, second = (ore.evaluate(model, data, baseline="none").metrics["accuracy"].value for model in (plain, made))
    dev = [ore.evaluate(model, data, split="dev", baseline="none").metrics["accuracy"].value for model in (plain, made)]
    assert dev[1] >= dev[0], "the round that is best on dev is kept"
    assert measured["kept_round"] == 0 or second >= first
    again = ore.finetune(None, data, **options(rounds=2), out=tmp_path / "c")
    assert again.manifest.files == made.manifest.files


def test_soft_labels_of_an_encoder(data: ore.Dataset, tiny_start: Path, tmp_path: Path) -> None:
    given = options(method="full", soft=True, precision=0.3, most=20)
    said: list[Event] = []
    made = ore.finetune(
        tiny_start, data, **given, train={"epochs": 1, "threads": 1}, out=tmp_path / "a", on_event=said.append
    )
    assert made.measurements()["pseudo_labels"] <= 40
    assert {"round-0"} <= {*made.manifest.recipe["resolved"]["inner"]}
    again = ore.rerun(made, out=tmp_path / "again")
    assert again.manifest.files == made.manifest.files


@pytest.mark.parametrize("seed", [0, 1])
def test_an_interrupted_training_ends_in_the_same_bytes(
    seed: int, data: ore.Dataset, tiny_start: Path, tmp_path: Path
) -> None:
    """In the first round, or in the next ones with what the model before has labelled."""
    given = options(method="full", soft=True, precision=0.3, most=20, rounds=2)
    train = {"epochs": 1, "threads": 1, "rows_per_step": 4, "dropout": 0.1, "checkpoint_every_s": 1e-9}
    whole, killed, said = interrupted(
        lambda name, told: ore.finetune(tiny_start, data, **given, train=train, out=tmp_path / name, on_event=told),
        seed,
    )
    assert any("continuing at step" in message for message in said)
    assert killed.manifest.files == whole.manifest.files
    assert killed.measurements()["kept_round"] == whole.measurements()["kept_round"]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"soft": True}, UsageError, "cannot be learnt by 'linear'"),
        ({"method": "zero_shot"}, UsageError, "cannot train by 'zero_shot'"),
        ({"precision": 0}, UsageError, "precision=0"),
    ],
)
def test_what_is_wrong_is_said(
    changed: dict[str, Any], error: type[Exception], message: str, data: ore.Dataset, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        ore.finetune(None, data, **options(**changed), out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_without_dev_or_new_rows(tmp_path: Path) -> None:
    def refused(error: type[Exception], message: str, parts: dict[str, Any]) -> None:
        made = ore.refine(parts, split={}, operators=[], out=tmp_path / message[:8])
        with pytest.raises(error, match=message):
            ore.finetune(None, made, **options(), out=tmp_path / "x")

    known = {"unlabelled": {"text": PARTS["test"]["text"]}}
    refused(UsageError, "needs dev rows", {name: PARTS[name] for name in ("train", "test")} | known)
    refused(DataError, "no unlabelled row is left", PARTS | known)
    refused(UsageError, "needs rows without labels", PARTS)


def test_rows_without_labels_of_a_raw_file_are_kept_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labelled = rows(120, 2, "x")
    texts = [*labelled["text"], *unlabelled()]
    raw = {"text": texts, "label": [*labelled["label"], *[None] * (len(texts) - 120)]}
    made = ore.finetune(None, raw, **options(), out=tmp_path / "a")
    assert made.measurements()["unlabelled"] == 200 + 5 + 5, "those of dev and test are new to this data"
    fresh = {"text": [f"{text} indeed" for text in labelled["text"]], "label": labelled["label"]}
    new, _ = ore.update(made, fresh, gate=rows(40, 2, "w"), out=tmp_path / "home")
    assert new.manifest.recipe["options"]["method"] == "linear", "an update has labelled rows only"


def test_labelled_rows_keep_their_weight_and_pseudo_labels_count_as_the_mean_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = {**PARTS["train"], "weight": [1, 1, 1, 1, 4, 4, 4, 4, 1, 1, 1, 1]}
    parts = {**PARTS, "train": train, "unlabelled": {"text": unlabelled()}}
    data = ore.refine(parts, split={}, operators=[], out=tmp_path / "data")
    seen: list[Any] = []
    plain = Inner.train
    monkeypatch.setattr(
        Inner, "train", lambda self, rows, place, **more: seen.append(rows) or plain(self, rows, place, **more)
    )
    ore.finetune(None, data, **options(rounds=1), out=tmp_path / "model")
    first, second = seen
    assert first.weights_N.tolist() == [0.5, 0.5, 0.5, 0.5, 2, 2, 2, 2, 0.5, 0.5, 0.5, 0.5]
    assert second.weights_N.tolist() == [*first.weights_N, *[1.0] * (len(second) - len(first))]
    assert len(second) > len(first)

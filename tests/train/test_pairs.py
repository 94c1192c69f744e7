"""Training on pairs: it learns, mines, continues to the same bytes, and refuses what it cannot learn from."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.hungry import Hunger

import oreline as ore
from oreline.data.dataset import Dataset
from oreline.errors import DataError, ResourceError, UsageError
from oreline.models.pairs import PairLoss
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.train.resources import forecast
from oreline.types import Event

ASKED = ["great", "wonderful", "moving", "funny", "brilliant", "charming"]
FOUND = ["awful", "boring", "dull", "terrible", "clumsy", "tedious"]
FILLER = ["the", "film", "a", "movie", "story", "plot", "with"]
QUICK = {"epochs": 2, "learning_rate": 5e-3, "threads": 1, "rows_per_step": 16, "patience": 30}


def pairs(seed: int = 0) -> dict[str, list[Any]]:
    """Two words of a query each stand for a word of its text."""
    source = random.Random(seed)
    rows: dict[str, list[Any]] = {"text": [], "text_pair": []}
    for i, j in itertools.permutations(range(len(ASKED)), 2):
        for _ in range(3):
            rows["text"].append(" ".join([*source.choices(FILLER, k=2), ASKED[i], ASKED[j], source.choice(FILLER)]))
            rows["text_pair"].append(f"{FOUND[i]} {FOUND[j]}")
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return ore.refine(pairs(), split={"train": 0.7, "dev": 0.3}, out=tmp_path_factory.mktemp("pairs") / "data")


def train(start: Path, data: Any, out: Path, method: dict[str, Any] | None = None, **given: Any) -> Artifact:
    """Fine-tune on pairs."""
    quick = {**QUICK, **given.pop("train", {})}
    return ore.finetune(str(start), data, task="embedding", method_options=method, train=quick, out=out, **given)


def weights(artifact: Artifact) -> str:
    """The hash of the weights."""
    return str(artifact.manifest.files["model.safetensors"]["sha256"])


def test_it_learns_whole_and_cut_to_sizes(data: Dataset, tiny_start: Path, tmp_path: Path):
    options = {"sizes": [32, 8], "symmetric": True}
    made = train(tiny_start, data, tmp_path / "m", options, train={"epochs": 5})
    assert made.manifest.metrics["ndcg_at_10"]["value"] > 0.7
    report = ore.evaluate(made, data, split="dev", baseline="none")
    [by_size] = [table for table in report.tables if table.title.startswith("By size")]
    assert [row[0] for row in by_size.rows] == ["32", "8"]
    assert by_size.rows[0][1] == report.metrics["ndcg_at_10"]
    assert by_size.rows[1][1].value > 0.5
    vectors = open_runtime(made).predict({"text": ["a great film", "x " * 300]}).outputs["scores"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_killed_run_continues_to_the_same_bytes(data: Dataset, tiny_start: Path, tmp_path: Path):
    options = {"mine": "epoch", "gradient_cache": True}
    given = {"train": {"checkpoint_every_s": 1e-9, "token_budget": 64}}
    whole = train(tiny_start, data, tmp_path / "whole", options, **given)

    def stop(event: Event) -> None:
        if event.stage == "train" and event.step == 8:  # in the middle of the second epoch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_start, data, tmp_path / "killed", options, on_event=stop, **given)
    said: list[str] = []
    continued = train(
        tiny_start, data, tmp_path / "killed", options, on_event=lambda event: said.append(event.message), **given
    )
    assert any(message.startswith("continuing at step") for message in said)
    assert weights(continued) == weights(whole)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_step_that_runs_out_of_memory_goes_on_through_cached_gradients(
    dropout: float, data: Dataset, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = {"train": {"dropout": dropout, "precision": "fp32", "learning_rate": 1e-3}}
    plain = Hunger(monkeypatch, PairLoss, "__call__", fails_in=1 << 30, limit=0)
    train(tiny_start, data, tmp_path / "whole", on_event=plain.watch, **given)
    monkeypatch.undo()
    hungry = Hunger(monkeypatch, PairLoss, "__call__", fails_in=3, limit=60)
    made = train(tiny_start, data, tmp_path / "halved", on_event=hungry.watch, **given)
    monkeypatch.undo()
    resolved = made.manifest.recipe["resolved"]
    assert resolved["token_budget"] == 2048
    assert min(map(int, resolved["token_budget_halved"])) == 3
    assert any("step 4 ran out of memory" in message for message in hungry.said)
    assert 1 < len(hungry.tokens) / (len(hungry.losses) - 3) < 20, "several passes a step"
    assert hungry.losses.keys() == plain.losses.keys()
    if not dropout:  # each step has the loss that it has in one pass; dropped units depend on the passes
        assert hungry.losses == pytest.approx(plain.losses, rel=1e-4)
    assert {step: hungry.losses[step] for step in (1, 2, 3)} == {step: plain.losses[step] for step in (1, 2, 3)}
    assert ore.rerun(made, out=tmp_path / "again").manifest.files == made.manifest.files


def test_a_halved_run_that_is_interrupted_continues_to_the_same_bytes(
    data: Dataset, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = {"train": {"checkpoint_every_s": 1e-9, "dropout": 0.1}}
    hungry = Hunger(monkeypatch, PairLoss, "__call__", fails_in=2, limit=60)
    whole = train(tiny_start, data, tmp_path / "whole", on_event=hungry.watch, **given)
    monkeypatch.undo()
    hungry = Hunger(monkeypatch, PairLoss, "__call__", fails_in=2, limit=60)

    def stop(event: Event) -> None:
        hungry.watch(event)
        if event.stage == "train" and event.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_start, data, tmp_path / "killed", on_event=stop, **given)
    monkeypatch.undo()
    continued = train(tiny_start, data, tmp_path / "killed", **given)
    assert weights(continued) == weights(whole)


@pytest.mark.parametrize(
    ("method", "options"),
    [({"gradient_cache": False}, {}), ({}, {"regularizers": ["fgm"]}), ({}, {"regularizers": ["awp"]})],
)
def test_what_cannot_be_cached_is_an_error_where_memory_runs_out(
    method, options, data: Dataset, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hungry = Hunger(monkeypatch, PairLoss, "__call__", fails_in=2, limit=60)
    with pytest.raises(ResourceError, match=r"a step of 16 rows"):
        train(tiny_start, data, tmp_path / "m", method, train=options, on_event=hungry.watch)


def test_mined_negatives_are_told_of_and_used(data: Dataset, tiny_start: Path, tmp_path: Path):
    said: list[str] = []
    plain = train(tiny_start, data, tmp_path / "plain", on_event=lambda event: said.append(event.message))
    assert not any("hard negatives" in message for message in said)
    mined = train(
        tiny_start, data, tmp_path / "once", {"mine": "once"}, on_event=lambda event: said.append(event.message)
    )
    assert sum("hard negatives found for" in message for message in said) == 1
    assert weights(plain) != weights(mined)


def test_grades_are_learnt_as_an_order(tiny_start: Path, tmp_path: Path):
    source = random.Random(1)
    rows: dict[str, list[Any]] = {"text": [], "text_pair": [], "label": []}
    for i, j in itertools.product(range(6), repeat=2):
        for _ in range(4):
            rows["text"].append(f"{source.choice(FILLER)} {ASKED[i]} {source.choice(FILLER)}")
            rows["text_pair"].append(f"{source.choice(FILLER)} {FOUND[j]}")
            rows["label"].append(5 - abs(i - j))
    data = ore.refine(rows, split={"train": 0.7, "dev": 0.3}, out=tmp_path / "data")
    made = train(tiny_start, data, tmp_path / "m", train={"epochs": 8})
    assert made.manifest.metrics["spearman"]["value"] > 0.5
    report = ore.evaluate(made, data, split="dev", baseline="none")
    assert report.metrics["spearman"].value > 0.5
    assert "ndcg_at_10" not in report.metrics


@pytest.mark.parametrize(
    ("method", "options", "error", "said"),
    [
        ({"sizes": [64, 8]}, {}, UsageError, "64 is more than the model's vectors have"),
        ({}, {"rows_per_step": 1}, UsageError, "rows_per_step is 1"),
        ({"mine": "often"}, {}, UsageError, "mine is 'often'"),
        ({"scale": 0}, {}, UsageError, "scale=0"),
        ({"mine": "once", "negatives": 0}, {}, UsageError, "negatives is 0"),
        ({}, {"label_smoothing": 0.1}, UsageError, "label_smoothing"),
        ({"gradient_cache": True}, {"regularizers": ["fgm"], "token_budget": 64}, UsageError, "gradients are cached"),
        ({"gradient_cache": True}, {"regularizers": ["awp"], "token_budget": 64}, UsageError, "gradients are cached"),
        ({}, {"regularizers": ["r_drop"]}, UsageError, "r_drop"),
    ],
)
def test_what_cannot_be_is_refused(method, options, error, said, data: Dataset, tiny_start: Path, tmp_path: Path):
    with pytest.raises(error, match=said):
        train(tiny_start, data, tmp_path / "m", method, train=options)
    assert not (tmp_path / "m").exists()


def test_wrong_rows_are_named(tiny_start: Path, tmp_path: Path):
    rows = {"text": ["one thing", "two things", "three"], "text_pair": ["a b", "c d", "e f"], "label": ["1", "0", "no"]}
    with pytest.raises(DataError, match="'no' is not a number") as caught:
        train(tiny_start, ore.refine(rows, operators=[], split={}, out=tmp_path / "data"), tmp_path / "m")
    assert caught.value.where.endswith(":3")
    alone = ore.refine({"text": ["one thing", "two things"]}, operators=[], split={}, out=tmp_path / "alone")
    with pytest.raises(DataError, match="no column with the role 'text_pair'") as caught:
        train(tiny_start, alone, tmp_path / "m")
    assert "--role text_pair=COLUMN" in caught.value.remedy


def test_the_forecast_is_an_event_of_the_gradients_that_training_has(data, tiny_start, tmp_path, monkeypatch):
    monkeypatch.setattr("oreline.train.optimizers.adamw._LARGE_TABLE_ROWS", 1)
    sparse: list[bool] = []

    def measured(model: Any, *given: Any, **options: Any) -> Any:
        sparse.append(model.encoder.get_input_embeddings().sparse)
        return forecast(model, *given, **options)

    monkeypatch.setattr("oreline.train.pairs.forecast", measured)
    seen: list[Event] = []
    train(tiny_start, data, tmp_path / "m", on_event=seen.append, train={"epochs": 1})
    [told] = [event for event in seen if event.stage == "forecast"]
    assert sparse == [True]
    assert told.values["whole_s"] > told.values["end_s"] > 1

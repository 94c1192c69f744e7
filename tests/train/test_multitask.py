"""Several tasks in one model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

import oreline as ore
from oreline import registry
from oreline.data.dataset import Dataset
from oreline.errors import UsageError
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.tasks.reading import reading
from oreline.train.combine import Way, combine
from oreline.train.multitask import TaskRows, Together, _Training, multitask, share_encoder, shares_of, turns
from oreline.train.rows import dev_rows


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TaskRows]:
    """A class for each text, another class for some of the texts, and a tag for each word."""
    source, folder = random.Random(0), tmp_path_factory.mktemp("tasks")
    rows = [(source.choice(["great", "dull"]), source.choice(["film", "story"])) for _ in range(120)]
    texts = [f"the {what} is {how} {number}" for number, (how, what) in enumerate(rows)]
    columns: dict[str, dict[str, Any]] = {
        "mood": {"text": texts, "label": [how for how, _ in rows]},
        "topic": {"text": texts[:60], "label": [what for _, what in rows[:60]]},
        "parts": {"text": texts, "tags": [["O", "B-WHAT", "O", "B-HOW", "O"] for _ in rows]},
    }
    kinds = dict.fromkeys(("mood", "topic"), "text_classification") | {"parts": "token_classification"}
    made = {name: ore.refine(given, operators=[], out=folder / name).path for name, given in columns.items()}
    return {name: TaskRows(Dataset.open(path), kinds[name]) for name, path in made.items()}


def trained(start: Path, tasks: dict[str, TaskRows], out: Path, **given: Any) -> dict[str, Artifact]:
    """Train few steps."""
    train = {"threads": 1, "epochs": 1, "rows_per_step": 16, "dropout": 0.1, **given.pop("train", {})}
    together = given.pop("together", Together())
    return multitask(
        start, tasks, together=together, options=TrainOptions(**train), out=out, score=point_values, **given
    )


def encoder_of(model: Artifact) -> dict[str, torch.Tensor]:
    """Return the encoder's weights by their names within it."""
    weights = load_file(model.path / "model.safetensors")
    return {name.removeprefix("bert."): tensor for name, tensor in weights.items() if "classifier" not in name}


def test_every_task_has_the_same_encoder_and_answers(
    tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path
) -> None:
    said: list[str] = []
    models = trained(tiny_start, tasks, tmp_path / "out", on_event=lambda event: said.append(event.message))
    encoders = {name: encoder_of(model) for name, model in models.items()}
    before = load_file(tiny_start / "model.safetensors")
    for name, weights in encoders.items():
        assert weights.keys() == encoders["mood"].keys()
        assert all(torch.equal(weights[key], encoders["mood"][key]) for key in weights), name
    assert any(not torch.equal(encoders["mood"][key], before[key]) for key in encoders["mood"])
    assert any(message.startswith("shares of the steps: mood 40%, parts 40%, topic 20%") for message in said)
    steps = [models[name].measurements()["own_steps"] for name in models]
    assert sum(steps) == models["mood"].measurements()["steps"]
    for name, model in models.items():
        runtime = open_runtime(model)
        golden = model.manifest.golden[0]
        answered = runtime.predict({"text": [golden["inputs"]["text"]]}).outputs["scores"]
        assert len(answered) == 1
        assert list(model.manifest.recipe["options"]["tasks"]) == ["mood", "parts", "topic"]
        assert model.manifest.task == tasks[name].task


def test_a_task_whose_texts_the_start_model_hardly_reads_is_named(tiny_start: Path, tmp_path: Path) -> None:
    given = {}
    for name, text in (("films", "the great film"), ("rooms", "这家店的房间很干净")):
        rows = {"text": [f"{text} {number}" for number in range(40)], "label": ["a", "b"] * 20}
        made = ore.refine(rows, operators=[], out=tmp_path / name)
        given[name] = TaskRows(Dataset.open(made.path), "text_classification")
    said: list[str] = []
    trained(tiny_start, given, tmp_path / "out", on_event=lambda event: said.append(event.message))
    [warned] = [message for message in said if "hardly reads" in message]
    assert warned.startswith("warning: rooms: the start model hardly reads these texts")


class Stopped(Exception):
    """The run is interrupted here."""


def test_an_interrupted_run_continues_to_the_same_bytes(
    tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path
) -> None:
    def stop(event: Any) -> None:
        if event.step == 9 and "loss" in event.values:
            raise Stopped

    given = {"train": {"checkpoint_every_s": 1e-6}, "together": Together(temperature=3.0)}
    whole = trained(tiny_start, tasks, tmp_path / "whole", **given)
    with pytest.raises(Stopped):
        trained(tiny_start, tasks, tmp_path / "killed", **given, on_event=stop)
    said: list[str] = []
    killed = trained(tiny_start, tasks, tmp_path / "killed", **given, on_event=lambda event: said.append(event.message))
    assert any("continuing at step" in message for message in said)
    for name in tasks:
        for file in killed[name].manifest.files:
            if file.endswith(".safetensors"):
                assert killed[name].manifest.files[file] == whole[name].manifest.files[file], (name, file)


def test_rows_count_by_their_weight_in_the_steps_of_their_task(
    tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"text": [f"a film {n}" for n in range(32)], "label": ["dull", "great"] * 16}
    weighted = {"heavy": {**columns, "weight": [1, 3] * 16}, "plain": columns}
    rows = {
        name: TaskRows(ore.refine({"train": one}, operators=[], split={}, out=tmp_path / name), "text_classification")
        for name, one in weighted.items()
    }
    seen: dict[str, Any] = {}
    loss = _Training._loss
    monkeypatch.setattr(
        _Training, "_loss", lambda self, model, batch: loss(self, model, seen.setdefault(batch.task, batch))
    )
    said: list[str] = []
    trained(tiny_start, rows, tmp_path / "out", on_event=lambda event: said.append(event.message))
    assert seen["plain"].row_weights_B is None
    assert torch.equal(seen["heavy"].row_weights_B, seen["heavy"].targets + 0.5)
    assert any(message.startswith("heavy: rows count by the column 'weight'") for message in said)


def test_a_step_moves_the_head_of_its_task_alone(tiny_start: Path) -> None:
    torch.manual_seed(0)
    kinds = ("sequence_classification", "sequence_classification", "token_classification")
    heads = [registry.create("head", kind, num_labels=3, pooling="mean") for kind in kinds]
    models = [head.module(tiny_start) for head in heads]
    shared = share_encoder(models)
    assert models[0].encoder is models[1].encoder is models[2].base_model
    names = [name for name, _ in shared.named_parameters()]
    assert len([name for name in names if "word_embeddings" in name]) == 1
    assert sum("classifier.weight" in name for name in names) == 3
    before = {name: weight.detach().clone() for name, weight in shared.named_parameters()}
    optimizer = torch.optim.AdamW(shared.parameters(), lr=1e-2)
    models[1](input_ids=torch.tensor([[2, 7, 3]])).logits.square().sum().backward()
    optimizer.step()
    moved = {name for name, weight in shared.named_parameters() if not torch.equal(weight, before[name])}
    assert {name for name in moved if "classifier" in name} == {"1.classifier.weight", "1.classifier.bias"}
    assert any("word_embeddings" in name for name in moved)


@given(
    rows=st.lists(st.integers(1, 10_000), min_size=2, max_size=6),
    num_steps=st.integers(1, 500),
    temperature=st.floats(1, 20),
)
def test_each_task_has_its_share_of_the_steps(rows: list[int], num_steps: int, temperature: float) -> None:
    shares = shares_of(rows, temperature)
    assert sum(shares) == pytest.approx(1)
    drawn = turns(rows, num_steps, temperature=temperature, seed=1)
    counts = np.bincount(drawn, minlength=len(rows))
    assert len(drawn) == num_steps
    assert np.abs(counts - np.asarray(shares) * num_steps).max() <= 1
    assert np.array_equal(drawn, turns(rows, num_steps, temperature=temperature, seed=1))
    assert shares_of(rows, 1e9) == pytest.approx([1 / len(rows)] * len(rows), rel=1e-3)


def test_what_makes_no_sense_is_refused(tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path) -> None:
    for wrong in ({"temperature": 0.5}, {"temperature": float("nan")}, {"pooling": "first"}):
        with pytest.raises(UsageError):
            Together(**wrong)
    with pytest.raises(UsageError, match="'wide' is embedding, which shares no encoder"):
        trained(tiny_start, {**tasks, "wide": TaskRows(tasks["mood"].data, "embedding")}, tmp_path / "out")
    with pytest.raises(UsageError, match=r"train\.reject is fitted to one classifier"):
        trained(tiny_start, tasks, tmp_path / "out", train={"reject": "energy"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(UsageError, match="exists already"):
        trained(tiny_start, tasks, tmp_path / "out")


def test_questions_are_judged_with_their_contexts_at_hand(
    tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path
) -> None:
    numbers = range(120)
    contexts = [f"the film is {'great' if number % 3 else 'a story'} {number}" for number in numbers]
    answers = [["great"] if number % 3 else [] for number in numbers]
    asked = {"text": ["how is it"] * 120, "text_pair": contexts, "answers": answers}
    data = ore.refine(asked, operators=[], out=tmp_path / "data")
    both = {"mood": tasks["mood"], "asked": TaskRows(data, "question_answering")}
    model = trained(tiny_start, both, tmp_path / "out")["asked"]
    for made in (model, combine([model, model], way=Way(), dev=data, out=tmp_path / "merged")):
        runtime = open_runtime(made)
        rows = dev_rows(data, runtime.task)
        assert rows is not None
        task = reading(runtime.task, rows.columns)
        tuned = task.tuned(rows.targets, runtime.predict(rows.columns).outputs["scores"])
        assert made.manifest.task_options["threshold"] == pytest.approx(tuned.options["threshold"], abs=1e-3)

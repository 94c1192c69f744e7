"""Several tasks in one model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.hungry import Hunger

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
from oreline.train.forecasts import Forecast
from oreline.train.multitask import TaskRows, Together, _Training, multitask, share_encoder
from oreline.train.rows import dev_rows
from oreline.types import Event


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


def test_a_step_that_runs_out_of_memory_is_made_in_smaller_passes_of_its_task(
    tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"train": {"dropout": 0.0, "precision": "fp32"}}
    plain = Hunger(monkeypatch, _Training, "_loss", fails_in=1 << 30, limit=0)
    trained(tiny_start, tasks, tmp_path / "whole", on_event=plain.watch, **given)
    monkeypatch.undo()
    hungry = Hunger(monkeypatch, _Training, "_loss", fails_in=5, limit=40)
    made = trained(tiny_start, tasks, tmp_path / "halved", on_event=hungry.watch, **given)
    monkeypatch.undo()
    resolved = made["mood"].manifest.recipe["resolved"]
    assert min(map(int, resolved["token_budget_halved"])) == 5
    assert resolved["token_budget_halved"] == made["parts"].manifest.recipe["resolved"]["token_budget_halved"]
    assert any("step 6 ran out of memory" in message for message in hungry.said)
    assert len(hungry.tokens) > len(hungry.losses) - 5, "several passes a step"
    assert hungry.losses == pytest.approx(plain.losses, rel=1e-4)
    given["resolved"] = resolved
    again = trained(tiny_start, tasks, tmp_path / "again", **given)
    assert all(again[name].manifest.files == made[name].manifest.files for name in tasks)


def test_the_forecast_is_an_event_before_the_first_step_and_leaves_no_trace(
    tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path
) -> None:
    seen: list[Event] = []
    whole = trained(tiny_start, tasks, tmp_path / "out", on_event=seen.append)
    [told] = [number for number, event in enumerate(seen) if event.stage == "forecast"]
    [first, *_] = [number for number, event in enumerate(seen) if "loss" in event.values]
    assert told < first
    values = seen[told].values
    assert values["rows"] == sum(one.data.num_rows("train") for one in tasks.values())
    assert values["steps"] == whole["mood"].measurements()["steps"]
    assert values["memory_bytes"] > 1 << 27  # torch alone takes that
    assert values["whole_s"] > values["end_s"] > len(tasks), "the files of each task are written"
    again = trained(tiny_start, tasks, tmp_path / "again", resolved=whole["mood"].manifest.recipe["resolved"])
    assert all(again[name].manifest.files == whole[name].manifest.files for name in tasks)


def test_the_forecast_weighs_steps_by_their_shares_and_adds_what_each_task_scores(
    tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter(
        [
            Forecast(1.0, 300, scoring_s=10.0, end_s=5.0),
            Forecast(2.0, 500, scoring_s=20.0, end_s=6.0),
            Forecast(4.0, 400),
        ]
    )
    monkeypatch.setattr("oreline.train.multitask.measured_steps", lambda *_, **__: next(told))
    seen: list[Event] = []
    options = {"epochs": 2, "evaluations_per_epoch": 2}
    made = trained(tiny_start, tasks, tmp_path / "out", train=options, on_event=seen.append)
    [values] = [event.values for event in seen if event.stage == "forecast"]
    steps, scorings = made["mood"].measurements()["steps"], 4
    assert values["whole_s"] == pytest.approx(steps * (0.4 * 1 + 0.4 * 2 + 0.2 * 4) + scorings * 30 + 11)
    assert (values["steps"], values["memory_bytes"]) == (steps, 500)
    assert sum("dev_mood_accuracy" in event.values for event in seen) == scorings


def test_minutes_bound_the_steps(tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path) -> None:
    made = trained(tiny_start, tasks, tmp_path / "out", train={"minutes": 1e-6})
    assert {name: model.measurements()["steps"] for name, model in made.items()} == dict.fromkeys(tasks, 1)


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


def test_a_task_among_others_is_merged_with_the_same_one_alone(
    tiny_start: Path, tasks: dict[str, TaskRows], tmp_path: Path
) -> None:
    """Beside tags the encoder has no pooler, which one trained alone still has, and neither reads."""
    among = trained(tiny_start, {"mood": tasks["mood"], "parts": tasks["parts"]}, tmp_path / "both")["mood"]
    given = {"method": "full", "train": {"threads": 1, "epochs": 1}}
    first = ore.finetune(tiny_start, tasks["mood"].data, **given, out=tmp_path / "first")
    with pytest.raises(UsageError, match="by the pooling 'mean', and by their first token") as caught:
        ore.merge(among, others=[first], out=tmp_path / "refused")
    assert caught.value.remedy.endswith("--set method_options.pooling=mean")
    given["method_options"] = {"pooling": "mean"}
    alone = ore.finetune(tiny_start, tasks["mood"].data, **given, out=tmp_path / "alone")
    for order in ([among, alone], [alone, among]):
        merged = ore.merge(order[0], others=order[1:], out=tmp_path / f"merged-{order[0].version}")
        weights = [load_file(model.path / "model.safetensors") for model in (merged, among, alone)]
        assert weights[0].keys() == weights[1].keys() < weights[2].keys()
        key = "encoder.layer.1.output.dense.bias"
        torch.testing.assert_close(weights[0][key], (weights[1][key] + weights[2][key]) / 2)

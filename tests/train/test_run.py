"""Between the steps: early stopping, the best weights, checkpoints, the learning curve."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from oreline.errors import OrelineError
from oreline.models.batch import Batch
from oreline.recipe import TrainOptions
from oreline.train import checkpoint
from oreline.train.run import Plan, run
from oreline.train.workspace import Workspace
from oreline.types import Event

STEPS = 8


class Model(torch.nn.Module):
    """Counts its steps: its one weight falls by the learning rate in each."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))


def loss(model: Model, batch: Batch) -> torch.Tensor:
    return model.weight.sum() * batch.weight


def steps(first: int, stop: int) -> Iterator[Sequence[Batch]]:
    for _ in range(first, stop):
        yield [Batch(torch.zeros(2, 3, dtype=torch.long), None, num_tokens=6, weight=2.0)]


def plan_of(model: Model, scores: Sequence[float] = (), losses: Sequence[float] = (), **changes: Any) -> Plan:
    given, told = iter(scores), iter(losses)
    described = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=1.0),
        "loss": loss,
        "steps": steps,
        "num_steps": STEPS,
        "learning_rate": 1.0,
        "precision": "fp32",
        "flops_per_token": 1e9,
        "peak_gflops": 1.0,
        "evaluate": (lambda: ((v := next(given), *(-next(told) for _ in losses[:1])), {"accuracy": v}))
        if scores
        else None,
        "evaluate_every": 2,
    }
    return Plan(**(described | changes))


def weight_after(num_steps: int) -> float:
    """Where the weight stands: the gradient is 1, and the rate falls linearly from 1 to 0."""
    return -sum((STEPS - step) / STEPS for step in range(num_steps))


OPTIONS = TrainOptions(warmup=0, patience=2)


def test_the_best_weights_are_restored(tmp_path: Path):
    model, heard = Model(), []
    progress = run(plan_of(model, [0.5, 0.9, 0.7, 0.8]), OPTIONS, Workspace(tmp_path), heard.append, {})
    assert (progress.best_step, progress.step) == (4, STEPS)
    assert model.weight.item() == pytest.approx(weight_after(4))
    assert any("step 4, the best on dev" in event.message for event in heard)


def test_it_stops_when_dev_gains_no_more(tmp_path: Path):
    model = Model()
    progress = run(plan_of(model, [0.9, 0.7, 0.9]), OPTIONS, Workspace(tmp_path), lambda event: None, {})
    assert progress.stopped  # an equal score is no gain
    assert (progress.best_step, progress.step) == (2, 6)
    assert model.weight.item() == pytest.approx(weight_after(2))


def test_it_goes_on_while_the_loss_on_dev_falls(tmp_path: Path):
    """Entities are all wrong for long: a chance figure of the first steps must not end the run."""
    model = Model()
    plan = plan_of(model, [0.1, 0.0, 0.0, 0.3], losses=[1.0, 0.9, 0.8, 0.7])
    progress = run(plan, OPTIONS, Workspace(tmp_path), lambda event: None, {})
    assert (progress.stopped, progress.best_step, progress.step) == (False, STEPS, STEPS)
    assert model.weight.item() == pytest.approx(weight_after(STEPS))


def test_it_stops_where_neither_the_figure_nor_the_loss_gains(tmp_path: Path):
    plan = plan_of(Model(), [0.5, 0.4, 0.4], losses=[0.8, 0.8, 0.9])
    progress = run(plan, OPTIONS, Workspace(tmp_path), lambda event: None, {})
    assert (progress.stopped, progress.best_step, progress.step) == (True, 2, 6)


def test_of_equal_figures_the_lower_loss_is_kept(tmp_path: Path):
    plan = plan_of(Model(), [0.0, 0.0, 0.0, 0.0], losses=[0.9, 0.7, 0.8, 0.8])
    assert run(plan, OPTIONS, Workspace(tmp_path), lambda event: None, {}).best_step == 4


def test_the_last_weights_are_kept_when_they_are_the_best_or_nothing_is_scored(tmp_path: Path):
    for name, scores in (("rising", [0.1, 0.2, 0.3, 0.4]), ("unscored", [])):
        model = Model()
        (tmp_path / name).mkdir()
        progress = run(plan_of(model, scores), OPTIONS, Workspace(tmp_path / name), lambda event: None, {})
        assert progress.step == STEPS
        assert model.weight.item() == pytest.approx(weight_after(STEPS))


def test_it_continues_from_its_checkpoint_with_what_it_remembered(tmp_path: Path):
    options = OPTIONS.model_copy(update={"checkpoint_every_s": 1e-9})

    class Killed(Exception):
        pass

    def die(event: Event) -> None:
        if event.step == 6:
            raise Killed

    work = Workspace(tmp_path)
    with pytest.raises(Killed):
        run(plan_of(Model(), [0.5, 0.9, 0.7, 0.8], logs=tmp_path), options, work, die, {})
    model, heard = Model(), []
    # The checkpoint of step 5 remembers the scores of steps 2 and 4; those of 6 and 8 are made again.
    progress = run(plan_of(model, [0.7, 0.8], logs=tmp_path), options, work, heard.append, {})
    assert heard[0].message == "continuing at step 5 of 8"
    assert (progress.best_step, progress.stopped) == (4, True)
    assert model.weight.item() == pytest.approx(weight_after(4))
    assert [point["step"] for point in progress.history] == list(range(1, STEPS + 1))
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line.get("step") for line in lines] == [None, *range(1, STEPS + 1)]


@pytest.mark.parametrize(("every_s", "saved"), [(25.0, [3, 6]), (10.0, [1, 2, 3, 4, 5, 6, 7]), (1000.0, [])])
def test_a_checkpoint_is_written_every_so_many_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_s: float, saved: list[int]
):
    """Each step takes ten seconds here; behind the last one there is nothing to continue."""
    clock = [0.0]
    monkeypatch.setattr("oreline.train.run.time", SimpleNamespace(monotonic=lambda: clock[0]))
    written: list[int] = []

    def save(work: Workspace, model: Model, optimizer: Any, progress: dict[str, Any], **_: Any) -> None:
        written.append(progress["step"])

    monkeypatch.setattr(checkpoint, "save", save)

    def on_event(event: Event) -> None:
        clock[0] += 10.0 if event.step else 0.0

    options = OPTIONS.model_copy(update={"checkpoint_every_s": every_s})
    run(plan_of(Model()), options, Workspace(tmp_path), on_event, {})
    assert written == saved


def test_progress_tells_loss_speed_time_left_and_the_share_of_the_peak(tmp_path: Path):
    heard: list[Event] = []
    run(plan_of(Model()), OPTIONS, Workspace(tmp_path), heard.append, {})
    assert [event.step for event in heard] == list(range(1, STEPS + 1))
    assert all(event.total == STEPS for event in heard)
    values = heard[3].values
    assert values["loss"] == pytest.approx(weight_after(3))  # the mean, whatever the batch's weight
    assert values["tokens_per_s"] == pytest.approx(3 * values["rows_per_s"])
    # One token costs the whole of one second's peak here.
    assert values["gemm_share"] == pytest.approx(values["tokens_per_s"])
    assert heard[-1].values["left_s"] == 0


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path, value: str):
    """Weights that it spoilt were written as a model, where no dev figure spoke against them."""
    losses = iter([1.0, float(value), 1.0])

    def breaks(model: Model, batch: Batch) -> torch.Tensor:
        return model.weight.sum() * 0 + next(losses) * batch.weight

    with pytest.raises(OrelineError, match=f"training diverged: the loss is {value} at step 2") as caught:
        run(plan_of(Model(), loss=breaks), OPTIONS, Workspace(tmp_path), lambda _: None, {})
    assert "train.learning_rate" in caught.value.remedy


def test_the_first_steps_gradients_are_watched_and_nothing_is_updated_by_then(tmp_path: Path):
    model, seen = Model(), []

    @contextlib.contextmanager
    def watch() -> Iterator[None]:
        assert model.weight.grad is None
        yield
        seen.append((model.weight.grad.item(), model.weight.item()))

    run(plan_of(model, watch=watch()), OPTIONS, Workspace(tmp_path), lambda event: seen.append(event.step), {})
    assert seen == [(1.0, 0.0), *range(1, STEPS + 1)]

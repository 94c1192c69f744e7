"""The stack of regularizers, and the averages of weights: by hand, around an evaluation, and after a kill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.batch import Batch
from oreline.recipe import TrainOptions
from oreline.train.regularize import Average, Plain, regularized, regularizers
from oreline.train.run import Plan, run
from oreline.train.workspace import Workspace
from oreline.types import Event

STEPS = 8
AVERAGES = [name for name in registry.names("regularizer") if issubclass(registry.get("regularizer", name), Average)]


class Half(Average):
    """Gives the newest weights half of the average, from the second step on."""

    def share(self, step: int, num_steps: int) -> float:
        return 0.5 if step > 1 else 0.0


class Model(torch.nn.Module):
    """Its one trained weight falls by 1 in each step; the other is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.frozen = torch.nn.Parameter(torch.ones(1), requires_grad=False)


def steps(first: int, stop: int) -> Iterator[Sequence[Batch]]:
    for _ in range(first, stop):
        yield [Batch(torch.zeros(2, 3, dtype=torch.long), None, num_tokens=6, weight=2.0)]


def plan_of(model: Model, average: Average | None, seen: list[float], **changes: Any) -> Plan:
    def evaluate() -> tuple[tuple[float, ...], dict[str, float]]:
        seen.append(model.weight.item())
        return (-seen[-1],), {}

    described = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=1.0),
        "loss": lambda m, batch: m.weight.sum() * batch.weight,
        "steps": steps,
        "num_steps": STEPS,
        "learning_rate": 1.0,
        "precision": "fp32",
        "flops_per_token": 1e9,
        "peak_gflops": 1.0,
        "evaluate": evaluate,
        "evaluate_every": 3,
        "average": average,
    }
    return Plan(**(described | changes))


OPTIONS = TrainOptions(warmup=0, schedule="constant", checkpoint_every_s=1e-9)


def test_dev_and_the_end_see_the_average_and_training_does_not(tmp_path: Path):
    model, average, seen = Model(), Half(), []
    run(plan_of(model, average, seen), OPTIONS, Workspace(tmp_path), lambda event: None, {})
    by_hand, expected = -2.0, {}
    for step in range(3, STEPS + 1):
        by_hand = (by_hand - step) / 2
        expected[step] = by_hand
    assert seen == [expected[3], expected[6], expected[8]]
    assert model.weight.item() == expected[8]
    assert average.weights.keys() == {"weight"}  # what is not trained does not move
    assert average.weights["weight"].item() == -STEPS  # the weights themselves


def test_the_kept_weights_are_the_average_at_their_step(tmp_path: Path):
    model, seen = Model(), []
    plan = plan_of(model, Half(), seen, evaluate=lambda: (seen.append(model.weight.item()), ((-len(seen),), {}))[1])
    progress = run(plan, OPTIONS, Workspace(tmp_path), lambda event: None, {})
    assert progress.best_step == 3
    assert model.weight.item() == seen[0]


@pytest.mark.parametrize("killed_after", [1, 2, 5, 7])
@pytest.mark.parametrize("name", [*AVERAGES, "half"])
def test_a_killed_run_continues_to_the_same_bits(name: str, killed_after: int, tmp_path: Path):
    def average() -> Average:
        return Half() if name == "half" else registry.create("regularizer", name)

    class Killed(Exception):
        pass

    def die(event: Event) -> None:
        if event.step == killed_after + 1:
            raise Killed

    options = OPTIONS.model_copy(update={"schedule": "cosine"})
    (tmp_path / "whole").mkdir()
    whole, seen = Model(), []
    run(plan_of(whole, average(), seen), options, Workspace(tmp_path / "whole"), lambda event: None, {})
    work = Workspace(tmp_path)
    with pytest.raises(Killed):
        run(plan_of(Model(), average(), []), options, work, die, {})
    model, again = Model(), []
    run(plan_of(model, average(), again), options, work, lambda event: None, {})
    assert torch.equal(model.weight, whole.weight)
    assert again == seen[len(seen) - len(again) :]


def test_an_evaluation_that_fails_leaves_the_weights_in_place():
    model, average = Model(), Half()
    average.weights = {"weight": torch.full((1,), 7.0)}
    with pytest.raises(KeyError), average.in_place(model):
        assert model.weight.item() == 7
        raise KeyError
    assert model.weight.item() == 0


class Times(Plain):
    """Multiplies the loss, then adds."""

    cost, passes, copies = 2.0, 3, 4

    def __init__(self, factor: float, added: float) -> None:
        self.factor, self.added = factor, added

    def wrap(self, loss: Any, head: Any) -> Any:
        return lambda model, batch: self.factor * loss(model, batch) + self.added


def test_the_first_regularizer_is_innermost(monkeypatch: pytest.MonkeyPatch):
    head = SimpleNamespace(loss=lambda _model, _batch: torch.tensor(1.0))
    assert regularized([], head).loss is head.loss
    made = {"a": Times(2, 1), "b": Times(10, 0), "c": Half()}
    monkeypatch.setattr(registry, "create", lambda _kind, name: made[name])
    found = regularized(["a", "b", "c"], head)
    assert float(found.loss(None, None)) == 30
    assert (found.cost, found.passes, found.copies, found.average) == (4.0, 9, 9, made["c"])


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (["ema", {"swa": {}}], "ema and swa both average"),
        (["fgm", {"fgm": {"epsilon": 0.5}}], "fgm is named twice"),
        (["r_dorp"], "no regularizer named 'r_dorp'"),
        ([{"fgm": {"eps": 1}}], "has no option 'eps'"),
        ([{"fgm": {"epsilon": "long"}}], "option 'epsilon' of the regularizer 'fgm' is 'long'"),
        ([{"ema": 0.9}], "options of the regularizer 'ema' are 0.9"),
        ([{"ema": None, "swa": None}], "not one name"),
    ],
)
def test_wrong_entries_are_refused(entries: list[Any], said: str):
    with pytest.raises(UsageError, match=said):
        regularizers(entries)

"""The token budget: found by trying, halved when a step runs out of memory, and told to whoever trains the same again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import oreline as ore
from oreline.errors import ResourceError
from oreline.models.batch import Batch, make_batch
from oreline.models.cached import StepBatch, step_batches
from oreline.train import budget as budgets
from oreline.train.budget import Budget, does_not_fit, largest_that_fits


@pytest.fixture(autouse=True)
def without_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collecting garbage takes a quarter of a second beside torch and transformers, and each try does it."""
    monkeypatch.setattr(budgets, "release_memory", lambda device: None)


def rows(number: int, tokens: int) -> Batch:
    return make_batch([np.arange(tokens, dtype=np.int32)] * number, 0)


def test_it_halves_what_made_the_step_fail_and_records_it():
    kept: list[Any] = []
    resolved: dict[str, Any] = {"token_budget": 4096}
    budget = Budget(resolved, lambda found: kept.append(dict(found)))
    assert budget.halve(5, [(4, 100), (2, 100)]) == 200  # 2,048 would cut none of them
    assert budget.halve(5, [(2, 100), (2, 100)]) == 100
    assert [budget.at(step) for step in (0, 4, 5, 6)] == [4096, 4096, 100, 100]
    assert resolved == {"token_budget": 4096, "token_budget_halved": {"5": 100}} == kept[-1]
    again = Budget(kept[-1], kept.append)
    assert [again.at(step) for step in (4, 5)] == [4096, 100]


def test_rows_that_do_not_fit_alone_are_an_error_that_says_what_to_do():
    budget = Budget({"token_budget": 4096}, lambda found: None)
    assert budget.halve(0, [(1, 900), (2, 100)]) == 100  # the long row may fit when the others do not lie there
    with pytest.raises(ResourceError, match="one row of 900 tokens") as told:
        budget.halve(0, [(1, 900), (1, 100)])
    assert "gradient_checkpointing" in told.value.remedy
    assert told.value.exit_code == 1


class Hungry(torch.nn.Module):
    """Runs out of memory above a number of padded tokens."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.weight, self.limit, self.seen = torch.nn.Parameter(torch.ones(1)), limit, []

    def loss(self, _: Any, batch: Batch) -> torch.Tensor:
        self.seen.append(batch.ids_BT.numel())
        if batch.ids_BT.numel() > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return (self.weight * 2).sum()


def probed(model: Hungry, *, upper: int = 8192, reserved_bytes: int = 0, longest: int = 64) -> int:
    return largest_that_fits(
        model,
        lambda budget: rows(max(budget // longest, 1), longest),
        model.loss,
        upper=upper,
        reserved_bytes=reserved_bytes,
        bf16=False,
    )


def test_the_fastest_of_the_largest_that_fit_is_taken(monkeypatch: pytest.MonkeyPatch):
    speeds = {2048: 100.0, 1024: 102.0, 512: 104.0}
    model = Hungry(limit=2048)

    def measured(_model: Any, batch: Batch, *_: Any) -> float | None:
        return speeds.get(batch.ids_BT.numel())

    monkeypatch.setattr(budgets, "_tokens_per_s", measured)
    assert probed(model) == 512  # 4 % more than the largest; 2 % would not be worth it
    speeds[512] = 90.0
    assert probed(model) == 2048


def test_what_runs_out_of_memory_is_passed_over_and_leaves_no_gradient():
    model = Hungry(limit=2048)
    assert probed(model) <= 2048
    assert max(model.seen) == 8192
    assert model.weight.grad is None


def test_there_is_room_for_what_comes_later(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(budgets, "free_bytes", lambda device: 1 << 40)
    assert probed(Hungry(limit=1 << 30), reserved_bytes=1 << 39)
    with pytest.raises(ResourceError, match="one row of 64 tokens"):
        probed(Hungry(limit=1 << 30), reserved_bytes=1 << 41)


def test_another_failure_is_no_lack_of_memory():
    model = Hungry(limit=1 << 30)
    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits(
            model,
            lambda budget: rows(1, 4),
            lambda *_: (_ for _ in ()).throw(RuntimeError("shapes do not fit")),
            upper=64,
            reserved_bytes=0,
            bf16=False,
        )
    assert "method lora" in does_not_fit("it").remedy


def step(lengths: list[int], *, cached: bool) -> list[StepBatch]:
    """Texts that are compared, two in a pass."""
    parts = [rows(2, tokens) for tokens in lengths]
    return step_batches(StepBatch, parts, cached=cached, weight=1.0, rows=2 * len(parts))


def test_a_step_whose_texts_are_compared_is_halved_as_it_lay_in_memory():
    budget = Budget({"token_budget": 4096}, lambda found: None)
    assert not budget.is_halved(9)
    assert budget.halve_compared(7, step([100, 50], cached=False), may_cache=True) == 150  # both lay there, 300 tokens
    assert [budget.is_halved(number) for number in (6, 7, 8)] == [False, True, True]
    assert budget.halve_compared(7, step([60, 50], cached=True), may_cache=True) == 60  # the largest did, 120 tokens
    with pytest.raises(ResourceError, match="one row of 60 tokens"):
        alone = [rows(1, tokens) for tokens in (60, 50)]
        budget.halve_compared(7, step_batches(StepBatch, alone, cached=True, weight=1.0, rows=2), may_cache=True)
    with pytest.raises(ValueError, match="not compared"):
        budget.halve_compared(7, [rows(2, 60)], may_cache=True)


def test_a_step_whose_gradients_cannot_be_cached_is_refused_with_a_remedy_that_fits():
    budget = Budget({"token_budget": 4096}, lambda found: None)
    with pytest.raises(ResourceError, match="a step of 4 rows") as caught:
        budget.halve_compared(7, step([100, 50], cached=False), may_cache=False)
    assert "train.rows_per_step" in caught.value.remedy


@pytest.mark.parametrize(
    ("module", "given"),
    [("pairs", {"task": "embedding"}), ("methods.contrastive", {"method": "contrastive"})],
)
def test_a_trial_that_runs_out_of_memory_is_made_smaller_until_nothing_is(
    module: str, given: dict, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def out_of_memory(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(f"oreline.train.{module}.forecast", out_of_memory)
    monkeypatch.setattr("oreline.train.foretell.release_memory", lambda device: None)
    texts = [f"a great film number {number}" for number in range(40)]
    rows = {"text": texts, "text_pair": texts[::-1]} if "task" in given else {"text": texts, "label": ["a", "b"] * 20}
    train = {"epochs": 100}  # the forecast of a shorter run is that of its first step
    said: list[str] = []
    with pytest.raises(ResourceError, match=r"one row of \d+ tokens"):
        ore.finetune(
            str(tiny_start),
            rows,
            train=train,
            out=tmp_path / "model",
            on_event=lambda event: said.append(event.message),
            **given,
        )
    assert sum("a trial ran out of memory" in message for message in said) > 2

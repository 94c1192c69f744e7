"""What a run asks of its device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from oreline.train import device


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            True,
        ),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("not enough memory"), False),
    ],
)
def test_a_lack_of_memory_is_told_from_other_failures(error: Exception, is_memory: bool):
    assert device.is_out_of_memory(error) == is_memory


def test_a_real_lack_of_memory_is_one():
    with pytest.raises(RuntimeError) as told:
        torch.empty(1 << 60)
    assert device.is_out_of_memory(told.value)


def test_the_random_state_is_set_back():
    state = device.random_state()
    drawn = torch.rand(3)
    device.set_random_state(state)
    assert torch.equal(torch.rand(3), drawn)


def test_memory_is_counted():
    assert device.held_bytes("cpu") > 0
    assert device.free_bytes("cpu") > 0
    can_count = device.peak_anew("cpu")
    before = device.peak_since("cpu")
    held = np.ones(before + (32 << 20), dtype=np.uint8)
    assert device.peak_since("cpu") >= before + (16 << 20) or not can_count
    device.release_memory("cpu")
    device.synchronize("cpu")
    assert held[0]


def test_what_runs_out_of_memory_returns_nothing_and_another_failure_is_raised():
    def failing(error: Exception) -> Callable[[], int]:
        def run() -> int:
            raise error

        return run

    assert device.unless_memory_runs_out(lambda: 3) == 3
    assert device.unless_memory_runs_out(failing(torch.OutOfMemoryError("CUDA out of memory"))) is None
    assert device.unless_memory_runs_out(failing(MemoryError())) is None
    with pytest.raises(RuntimeError, match="shapes"):
        device.unless_memory_runs_out(failing(RuntimeError("shapes do not fit")))

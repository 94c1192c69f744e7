"""What a run asks of the device it trains on: its memory, its random numbers, to be waited for."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from oreline import memory

Found = TypeVar("Found")


class RandomState(NamedTuple):
    """Where torch's random generators stand."""

    cpu: Tensor
    cuda: Tensor | None


def random_state() -> RandomState:
    """Return the state of the generators of the CPU and, where there is one, of the GPU."""
    return RandomState(torch.get_rng_state(), torch.cuda.get_rng_state() if torch.cuda.is_available() else None)


def set_random_state(state: RandomState) -> None:
    """Set the generators back to a state."""
    torch.set_rng_state(state.cpu)
    if state.cuda is not None:
        torch.cuda.set_rng_state(state.cuda)


def synchronize(device: str) -> None:
    """Wait until a device has done what it was told, so that a clock can be read."""
    if device == "cuda":
        torch.cuda.synchronize()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that an allocation failed, on a GPU or on the CPU.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."))
    True
    >>> is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    False
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and any(
        part in said for part in ("not enough memory", "can't allocate memory", "CUDA out of memory")
    )


def unless_memory_runs_out(run: Callable[[], Found]) -> Found | None:
    """Return what `run` returns; None where memory ran out inside, and what was computed so far is gone."""
    try:
        return run()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return None  # the error holds what was computed so far: it must be gone before the next try


def release_memory(device: str) -> None:
    """Give what is no longer held back to the device, so that the next try finds it whole."""
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def held_bytes(device: str) -> int:
    """Return the bytes that are held now: by torch on a GPU, by this process on a CPU."""
    return torch.cuda.memory_allocated() if device == "cuda" else memory.held_bytes()


def peak_anew(device: str) -> bool:
    """Count the peak of the memory from now on; returns whether the system can."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return True
    return memory.peak_anew()


def peak_since(device: str) -> int:
    """Return the most bytes held since `peak_anew`: by torch on a GPU, by this process on a CPU."""
    return torch.cuda.max_memory_allocated() if device == "cuda" else memory.peak_since()


def free_bytes(device: str) -> int:
    """Return the bytes that can still be taken, 0 where the system does not tell; on a GPU, with what torch keeps."""
    if device != "cuda":
        return memory.free_bytes()
    free, _ = torch.cuda.mem_get_info()
    return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()

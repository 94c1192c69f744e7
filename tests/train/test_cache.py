"""States that are kept are the states that are computed, whatever happens to the file."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.models.batch import Batch, make_batch
from oreline.models.heads.sequence_classification import Head
from oreline.models.prefix import Prefix, prefix_of
from oreline.train import cache
from oreline.train.cache import States
from oreline.types import Encoded

LENGTHS = (5, 9, 5, 12, 7, 9)
ALL = np.arange(6)


def prefix_in(start: Path) -> Prefix:
    model = Head(num_labels=2, pooling="mean").module(start)
    model.requires_grad_(False)
    found = prefix_of(model, 1)
    assert found is not None
    return found


@pytest.fixture
def prefix(tiny_start: Path) -> Prefix:
    return prefix_in(tiny_start)


def encoded(first: int = 2) -> Encoded:
    ids = [np.arange(first, first + length, dtype=np.int32) for length in LENGTHS]
    return Encoded(ids, np.zeros(len(ids), bool))


def make(rows: Encoded, chosen) -> Batch:
    return make_batch([rows.ids[row] for row in chosen], 0)


class Counting:
    """Makes batches and remembers how many rows of those that are wanted were in each: fillers hold zeros."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.shapes: set[tuple[int, int]] = set()

    def __call__(self, rows: Encoded, chosen) -> Batch:
        self.made.append(sum(int(rows.ids[row].any()) for row in chosen))
        batch = make(rows, chosen)
        self.shapes.add(tuple(batch.ids_BT.shape))
        return batch


def kept(prefix: Prefix, folder: Path, made: Counting, *, half: bool = True, rows: Encoded | None = None) -> States:
    states = States(prefix, rows or encoded(), made, half=half)
    states.keep(folder, "train", pytest.fail)
    return states


@pytest.mark.parametrize("half", [True, False])
def test_a_row_is_computed_once(prefix: Prefix, tmp_path: Path, half: bool):
    made = Counting()
    states = kept(prefix, tmp_path, made, half=half)
    first = states.states(np.array([4, 1]), 9)
    assert made.made == [1, 1]  # as wide as 8 and as 12 tokens
    others = states.states(np.array([1, 3, 0]), 16)
    assert made.made == [1, 1, 1, 1]
    assert torch.equal(states.states(np.array([4, 1]), 9), first)
    assert len(made.made) == 4
    assert made.shapes == {(512 // 8 + 2, 8), (512 // 12 + 2, 12)}  # 12 is the longest row; two rows see to the shape
    direct = prefix.states(make(encoded(), [4, 1]))
    direct = direct.bfloat16().float() if half else direct
    np.testing.assert_allclose(first[1], direct[1], atol=2e-2 if half else 1e-5)
    assert torch.equal(others[0, :9], first[1])
    assert others.shape == (3, 16, 32)
    assert not others[2, 5:].any()


@pytest.mark.parametrize("bf16", [True, False])
def test_a_row_has_the_same_bits_in_any_company(prefix: Prefix, tmp_path: Path, bf16: bool):
    """So training is the same with and without the cache."""
    source = np.random.default_rng(0)
    lengths = source.integers(2, 60, 80)
    ids = [source.integers(5, 60, length).astype(np.int32) for length in lengths]
    rows = Encoded(ids, np.zeros(len(ids), bool))
    whole = States(prefix, rows, make, half=False, bf16=bf16)
    whole.keep(tmp_path, "train", pytest.fail)
    everything = whole.states(np.arange(80), 60)
    alone = States(prefix, rows, make, half=False, bf16=bf16)
    for _ in range(10):
        chosen = source.choice(80, source.integers(1, 20), replace=False)
        [[step]] = alone.ahead([[chosen]])
        assert torch.equal(alone.states(step, 60), everything[chosen])


def test_states_of_several_steps_are_computed_together(prefix: Prefix):
    made = Counting()
    states = States(prefix, encoded(), made, half=True)
    steps = [[np.array([0, 2])], [np.array([4]), np.array([1])], [np.array([5, 3])]]
    for number, step in enumerate(states.ahead(steps)):
        assert made.made == [3, 3]
        assert step is steps[number]
        states.given(make(encoded(), step[0]), step[0])
    assert made.made == [3, 3]


def test_memory_holds_the_steps_at_hand_only(prefix: Prefix, monkeypatch):
    monkeypatch.setattr(cache, "_PASSES_AHEAD", 1 / 128)
    made = Counting()
    states = States(prefix, encoded(), made, half=True)
    for step in states.ahead([[np.array([0])], [np.array([3])], [np.array([0])]]):
        states.states(step[0], 12)
    assert made.made == [1, 1, 1]


def test_what_was_kept_is_found_again_and_what_was_damaged_is_computed_again(prefix: Prefix, tmp_path: Path):
    before = kept(prefix, tmp_path, Counting()).states(ALL, 12)
    made = Counting()
    assert torch.equal(kept(prefix, tmp_path, made).states(ALL, 12), before)
    assert made.made == []
    [file] = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1  # of the last row
    file.write_bytes(content)
    assert torch.equal(kept(prefix, tmp_path, made).states(ALL, 12), before)
    assert made.made == [1]
    file.write_bytes(content[:100])
    assert torch.equal(kept(prefix, tmp_path, made).states(ALL, 12), before)
    assert made.made == [1, 3, 3]
    file.unlink()
    assert torch.equal(kept(prefix, tmp_path, made).states(ALL, 12), before)


def test_a_write_that_was_cut_off_is_not_believed(prefix: Prefix, tmp_path: Path, monkeypatch):
    before = kept(prefix, tmp_path, Counting()).states(ALL, 12)
    [file] = tmp_path.iterdir()
    file.unlink()
    monkeypatch.setattr(cache, "_checksum", lambda states_TD: 77)  # the checksum arrives, the states do not
    kept(prefix, tmp_path, Counting()).states(ALL, 12)
    monkeypatch.undo()
    made = Counting()
    assert torch.equal(kept(prefix, tmp_path, made).states(ALL, 12), before)
    assert made.made == [3, 3]


@pytest.mark.parametrize("change", ["weights", "rows", "precision"])
def test_states_of_another_origin_are_removed(prefix: Prefix, tmp_path: Path, change: str):
    kept(prefix, tmp_path, Counting()).states(ALL, 12)
    [old] = tmp_path.iterdir()
    (tmp_path / "dev-1.states").touch()
    if change == "weights":
        next(value for name, value in prefix.tensors() if name.endswith("query.weight")).data.add_(0.1)
    made = Counting()
    rows = encoded(3) if change == "rows" else encoded()
    kept(prefix, tmp_path, made, half=change != "precision", rows=rows).states(ALL, 12)
    assert made.made == [3, 3]
    assert not old.exists()
    assert len(list(tmp_path.glob("train-*"))) == 1
    assert (tmp_path / "dev-1.states").exists()


def test_a_disk_that_fills_up_ends_the_keeping_and_not_the_run(prefix: Prefix, tmp_path: Path, monkeypatch):
    said: list[str] = []
    made = Counting()
    states = States(prefix, encoded(), made, half=True)
    states.keep(tmp_path, "train", said.append)
    first = states.states(np.array([0, 2]), 5)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache._File, "put", refuse)
    other = states.states(np.array([3, 5]), 12)
    assert other.shape == (2, 12, 32)
    assert torch.equal(states.states(np.array([0, 2]), 5), first)
    assert said == ["warning: No space left on device: the frozen layers are computed in every step from here on"]
    assert list(tmp_path.iterdir()) == []
    assert made.made == [2, 2, 2]


def test_a_folder_that_cannot_be_written_is_said(prefix: Prefix, tmp_path: Path):
    said: list[str] = []
    states = States(prefix, encoded(), make, half=True)
    states.keep(tmp_path / "missing", "train", said.append)
    assert len(said) == 1
    assert states.states(np.array([1]), 9).shape == (1, 9, 32)


def test_operations_are_counted_where_they_are_made(prefix: Prefix, tmp_path: Path):
    states = kept(prefix, tmp_path, Counting())
    assert prefix.num_weights == 4 * 32 * 32 + 2 * 32 * 64
    for _ in range(2):
        states.states(np.array([0, 2]), 5)
        assert states.flops == 2 * prefix.num_weights * 10
    assert states.num_bytes == sum(LENGTHS) * 32 * 2
    [file] = tmp_path.iterdir()
    assert file.stat().st_size == states.num_bytes + 4 * len(LENGTHS)

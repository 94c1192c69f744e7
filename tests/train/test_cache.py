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
COMPANY = [np.array([0, 2]), np.array([4, 1]), np.array([5, 3])]


def prefix_in(start: Path) -> Prefix:
    model = Head(num_labels=2, pooling="mean").module(start)
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
    """Makes batches and remembers of which rows."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []

    def __call__(self, rows: Encoded, chosen) -> Batch:
        self.made.append(list(map(int, chosen)))
        return make(rows, chosen)


def kept(prefix: Prefix, folder: Path, made: Counting, *, half: bool = True, rows: Encoded | None = None) -> States:
    states = States(prefix, rows or encoded(), made, half=half)
    states.keep(folder, "train", COMPANY, pytest.fail)
    return states


@pytest.mark.parametrize("half", [True, False])
def test_a_row_is_computed_once_in_the_company_of_the_first_epoch(prefix: Prefix, tmp_path: Path, half: bool):
    made = Counting()
    states = kept(prefix, tmp_path, made, half=half)
    first = states.states(np.array([4, 1]))
    assert made.made == [[4, 1]]
    others = states.states(np.array([1, 3, 0]))
    assert made.made == [[4, 1], [0, 2], [5, 3]]
    again = states.states(np.array([4, 1]))
    assert len(made.made) == 3
    assert torch.equal(first, again)
    direct = prefix.states(make(encoded(), [4, 1]))
    direct = direct.bfloat16().float() if half else direct
    assert torch.equal(first[1], direct[1])
    assert torch.equal(first[0, :7], direct[0, :7])
    assert torch.equal(others[0, :9], direct[1])
    assert others.shape == (3, 12, 32)
    assert not others[2, 5:].any()


@pytest.mark.parametrize("half", [True, False])
def test_nothing_is_kept_unless_asked_for_and_nothing_changes(prefix: Prefix, tmp_path: Path, half: bool):
    made = Counting()
    plain = States(prefix, encoded(), made, half=half)
    rows = np.array([5, 3])
    once, twice = plain.states(rows), plain.states(rows)
    assert made.made == [[5, 3]] * 2
    held = kept(prefix, tmp_path, Counting(), half=half).states(rows)
    for place, length in enumerate((9, 12)):
        assert torch.equal(once[place, :length], held[place, :length])
    assert torch.equal(once, twice)


def test_what_was_kept_is_found_again_and_what_was_damaged_is_computed_again(prefix: Prefix, tmp_path: Path):
    before = kept(prefix, tmp_path, Counting()).states(np.arange(6))
    made = Counting()
    assert torch.equal(kept(prefix, tmp_path, made).states(np.arange(6)), before)
    assert made.made == []
    [file] = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1  # of the last batch
    file.write_bytes(content)
    assert torch.equal(kept(prefix, tmp_path, made).states(np.arange(6)), before)
    assert made.made == [[5, 3]]
    file.write_bytes(content[:100])
    assert torch.equal(kept(prefix, tmp_path, made).states(np.arange(6)), before)
    assert made.made == [[5, 3], [0, 2], [4, 1], [5, 3]]
    file.unlink()
    assert torch.equal(kept(prefix, tmp_path, made).states(np.arange(6)), before)


def test_a_write_that_was_cut_off_is_not_believed(prefix: Prefix, tmp_path: Path, monkeypatch):
    before = kept(prefix, tmp_path, Counting()).states(np.arange(6))
    [file] = tmp_path.iterdir()
    file.unlink()
    monkeypatch.setattr(cache, "_checksum", lambda states_SD: 77)  # the checksum arrives, the states do not
    kept(prefix, tmp_path, Counting()).states(np.arange(6))
    monkeypatch.undo()
    made = Counting()
    assert torch.equal(kept(prefix, tmp_path, made).states(np.arange(6)), before)
    assert len(made.made) == 3


@pytest.mark.parametrize("change", ["weights", "rows", "precision"])
def test_states_of_another_origin_are_removed(prefix: Prefix, tmp_path: Path, change: str):
    kept(prefix, tmp_path, Counting()).states(np.arange(6))
    [old] = tmp_path.iterdir()
    (tmp_path / "dev-1.states").touch()
    if change == "weights":
        next(value for name, value in prefix.tensors() if name.endswith("query.weight")).data.add_(0.1)
    made = Counting()
    rows = encoded(3) if change == "rows" else encoded()
    kept(prefix, tmp_path, made, half=change != "precision", rows=rows).states(np.arange(6))
    assert len(made.made) == 3
    assert not old.exists()
    assert len(list(tmp_path.glob("train-*"))) == 1
    assert (tmp_path / "dev-1.states").exists()


def test_a_disk_that_fills_up_ends_the_keeping_and_not_the_run(prefix: Prefix, tmp_path: Path, monkeypatch):
    said: list[str] = []
    made = Counting()
    states = States(prefix, encoded(), made, half=True)
    states.keep(tmp_path, "train", COMPANY, said.append)
    first = states.states(np.array([0, 2]))

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache._File, "write", refuse)
    other = states.states(np.array([3, 5]))
    assert other.shape == (2, 12, 32)
    assert torch.equal(states.states(np.array([0, 2])), first)
    assert said == ["warning: No space left on device: the frozen layers are computed in every step from here on"]
    assert list(tmp_path.iterdir()) == []
    assert made.made[-1] == [0, 2]


def test_a_folder_that_cannot_be_written_is_said(prefix: Prefix, tmp_path: Path):
    said: list[str] = []
    states = States(prefix, encoded(), make, half=True)
    states.keep(tmp_path / "missing", "train", COMPANY, said.append)
    assert len(said) == 1
    assert states.states(np.array([1])).shape == (1, 9, 32)


def test_operations_are_counted_where_they_are_made(prefix: Prefix, tmp_path: Path):
    states = kept(prefix, tmp_path, Counting())
    assert prefix.num_weights == 4 * 32 * 32 + 2 * 32 * 64
    for _ in range(2):
        states.states(np.array([0, 2]))
        assert states.flops == 2 * prefix.num_weights * 10
    assert states.num_bytes == sum(LENGTHS) * 32 * 2
    [file] = tmp_path.iterdir()
    assert file.stat().st_size == states.num_bytes + 4 * len(COMPANY)

"""What the operating system tells of memory."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from oreline import memory

SLACK = 16 << 20  # the system counts pages in batches: two looks at the same peak differ a little


def test_the_peak_is_this_processs_own() -> None:
    # A process of its own: one that ran other tests may have given back more than it can be asked to hold again.
    script = (
        "from oreline import memory; before = memory.peak_bytes(); held = bytearray(b'x') * (128 << 20); del held\n"
        "print(before, memory.peak_bytes())"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    before, after = map(int, said.split())
    assert 0 < before < 64 << 20
    assert abs(after - before - (128 << 20)) < SLACK


def test_a_peak_can_be_counted_anew_and_the_highest_is_not_forgotten() -> None:
    held = bytearray(os.urandom(1)) * (memory.held_bytes() + (64 << 20))
    highest = memory.peak_bytes()
    del held
    if not memory.peak_anew():
        pytest.skip("this system keeps one peak")
    assert memory.peak_since() < highest - SLACK
    assert highest <= memory.peak_bytes() + SLACK


def test_what_is_free_is_less_than_there_is() -> None:
    total = int(dict(memory.lines("/proc/meminfo"))["MemTotal"].split()[0]) * 1024
    assert 0 < memory.free_bytes() <= total


def test_a_container_may_allow_less(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 100\n")
    assert memory._left_in_container(tmp_path) == 400  # pages of files give way
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._left_in_container(tmp_path) > 1 << 50
    assert memory.lines(str(tmp_path / "none")) == []


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator has these thresholds")
def test_freed_memory_stays_with_the_process_until_the_end_of_the_block():
    size, blocks = 1 << 24, 16
    with memory.freed_memory_kept():
        before = memory.held_bytes()
        held = [bytearray(b"x") * size for _ in range(blocks)]
        assert memory.held_bytes() - before > 0.9 * size * blocks
        held.clear()
        assert memory.held_bytes() - before > 0.9 * size * blocks
    assert memory.held_bytes() - before < 0.5 * size * blocks


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator has these thresholds")
def test_holes_are_closed_where_they_are_large(monkeypatch: pytest.MonkeyPatch):
    size, blocks = 1 << 20, 128
    with memory.freed_memory_kept():
        holes = memory.Holes()
        held = [bytearray(b"x") * size for _ in range(blocks // 2)]
        holes.close_large()  # what the first pass holds is what a pass needs
        held += [bytearray(b"x") * size for _ in range(blocks)]
        before = memory.held_bytes()
        del held[::2]  # holes, with something that is used above the last one
        monkeypatch.setattr(memory, "_LEAST_GROWTH", 2 * size * blocks)
        holes.close_large()
        assert memory.held_bytes() > before - size * blocks // 4, "not worth the time"
        monkeypatch.setattr(memory, "_GROWTH", 0.0)
        monkeypatch.setattr(memory, "_LEAST_GROWTH", 8 * size)  # what else the process does may move a little
        holes.close_large()
        assert memory.held_bytes() < before - size * blocks // 4
        assert len(held) == blocks * 3 // 4
        given_back = memory.held_bytes()
        held += [bytearray(b"x") * size for _ in range(2 * blocks)]
        holes.close_large()  # the first pass since is what a pass needs, from now on
        del held[-2 * blocks :: 2]
        holes.close_large()
        assert memory.held_bytes() > given_back + 1.5 * size * blocks


def test_without_glibc_the_block_runs_as_usual(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    with memory.freed_memory_kept():
        memory.Holes().close_large()
        assert memory.held_bytes() > 0
    assert memory.hole_bytes(1 << 30) == 0

"""The probe: a plausible peak, cached per machine, and the choice it leads to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from oreline.train.precision import Probe, probe, training_on, using_threads


def test_it_measures_once_and_then_reads(tmp_path: Path, monkeypatch):
    cache = tmp_path / "probe.json"
    first = probe(64, 128, threads=1, cache=cache)
    assert first.fp32_gflops > 0.1
    monkeypatch.setattr("oreline.train.precision._gflops", lambda *_: pytest.fail("measured again"))
    monkeypatch.setattr("oreline.train.precision._time", lambda *_, **__: 0.0)
    assert probe(64, 128, threads=1, cache=cache) == first


def test_another_processor_is_measured_anew(tmp_path: Path, monkeypatch):
    """A cache in a home that several machines share, or on a disk that moved: what is known is of one processor."""
    cache = tmp_path / "probe.json"
    speeds = iter([(100.0, 400.0), (150.0, 1.2)])

    def measure(width: int, inner: int, threads: int, device: str) -> Probe:
        return Probe(device, threads, *next(speeds))

    monkeypatch.setattr("oreline.train.precision._measure", measure)
    monkeypatch.setattr("oreline.train.precision._time", lambda *_, **__: 0.0)
    here = probe(64, 128, threads=1, cache=cache)
    assert here.best_precision == "bf16"
    assert probe(64, 128, threads=1, cache=cache) == here
    monkeypatch.setattr("oreline.train.precision._processor", lambda: "another processor")
    there = probe(64, 128, threads=1, cache=cache)
    assert there.best_precision == "fp32"
    assert len(json.loads(cache.read_text())) == 2
    monkeypatch.undo()
    monkeypatch.setattr("oreline.train.precision._time", lambda *_, **__: 0.0)
    monkeypatch.setattr("oreline.train.precision._measure", lambda *_: pytest.fail("measured again"))
    assert probe(64, 128, threads=1, cache=cache).bf16_gflops == 400.0, "the first one is still known"


def test_a_peak_measured_under_load_is_not_kept_for_ever(tmp_path: Path):
    cache = tmp_path / "probe.json"
    probe(64, 128, threads=1, cache=cache)
    known = json.loads(cache.read_text())
    for entry in known.values():
        entry.update(fp32_gflops=0.001, bf16_gflops=0.0)
    cache.write_text(json.dumps(known))
    assert probe(64, 128, threads=1, cache=cache).fp32_gflops > 0.1
    assert all(entry["fp32_gflops"] > 0.1 for entry in json.loads(cache.read_text()).values())


def test_a_cache_that_cannot_be_written_is_no_obstacle():
    assert probe(32, 64, threads=1, cache=Path("/proc/nowhere/probe.json")).fp32_gflops > 0


@pytest.mark.parametrize(("fp32", "bf16", "best"), [(130, 1.2, "fp32"), (160, 420, "bf16"), (100, 120, "fp32")])
def test_bf16_only_where_it_is_faster_by_a_margin(fp32: float, bf16: float, best: str):
    measured = Probe("cpu", 2, fp32, bf16)
    assert measured.best_precision == best
    assert measured.gflops("bf16") == bf16


@pytest.mark.parametrize("context", [using_threads, training_on])
def test_threads_are_given_back(context):
    before = torch.get_num_threads()
    with context(1) as threads:
        assert threads == torch.get_num_threads() == 1
    assert torch.get_num_threads() == before

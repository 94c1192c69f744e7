from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline.api import rehearse
from oreline.errors import OrelineError, ResourceError
from oreline.monitor.log import PredictionLog


def test_the_real_server_answers_and_drains(linear_model, dataset, tmp_path: Path) -> None:
    report = rehearse.serve(linear_model, rehearse=f"{dataset.path}#test", requests=20, out=tmp_path / "serve")
    rows = sum(rehearse._sizes(20))
    assert rows == 16 * 1 + 4 * rehearse.ROWS_OF_MANY
    assert report.facts["requests"] == 20
    assert report.facts["rows"] == report.facts["feedback"] == rows
    assert report.facts["lost"] == 0
    assert report.metrics["latency_p50_ms"].n == 20
    assert report.metrics["latency_p50_ms"].value <= report.metrics["latency_p99_ms"].value
    offline = ore.evaluate(linear_model, f"{dataset.path}#test").metrics["accuracy"].value
    assert abs(report.metrics["accuracy"].value - offline) < 0.25, "the same rows, some of them more than once"
    assert (tmp_path / "serve" / "report.html").is_file()
    log = PredictionLog(str(tmp_path / "serve" / "predictions.sqlite"))
    assert log.count() == rows
    log.close()
    watched = ore.monitor(linear_model, tmp_path / "serve", detectors=["label_shift"])
    assert watched.facts["rows_live"] == rows


def test_a_server_that_does_not_start_is_reported(linear_model, dataset, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"did not start: .*no setting 'max_row'"):
        rehearse.serve(
            linear_model, rehearse=f"{dataset.path}#test", requests=1, settings={"max_row": 1}, out=tmp_path / "serve"
        )


def test_a_refused_request_ends_the_rehearsal(linear_model, dataset, tmp_path: Path) -> None:
    with pytest.raises(OrelineError, match="answered 422"):
        rehearse.serve(
            linear_model, rehearse=f"{dataset.path}#test", requests=5, settings={"max_rows": 2}, out=tmp_path / "serve"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # no server is left behind that would hold the machine


def test_quantiles_against_numpy() -> None:
    values = np.random.default_rng(0).exponential(size=999)
    for share in (0.0, 0.5, 0.99, 1.0):
        found = rehearse.quantile(values, share)
        assert found.value == pytest.approx(np.quantile(values, share))
        assert found.low <= found.value <= found.high


def test_the_quantiles_interval_holds_the_true_median_nineteen_times_in_twenty() -> None:
    source = np.random.default_rng(1)
    intervals = [rehearse.quantile(source.normal(size=100), 0.5) for _ in range(1000)]
    assert 0.92 <= np.mean([found.low <= 0 <= found.high for found in intervals]) <= 0.98

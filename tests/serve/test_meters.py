"""The meters: named, described, and one registry for each server."""

from __future__ import annotations

from oreline.serve.meters import CONTENT_TYPE, Meters


def test_every_meter_is_named_described_and_given_out() -> None:
    meters = Meters()
    text = meters.text().decode()
    for name in (
        "requests", "request_seconds", "refused", "rows", "rows_cut", "rows_dropped", "queue_rows", "queue_seconds",
        "forward_seconds", "batch_rows", "tokens", "log_written", "log_dropped", "log_queue_rows", "log_up", "feedback",
        "model", "models_loaded", "model_swaps", "model_load_failures", "model_load_failed", "draining",
    ):  # fmt: skip
        assert f"# HELP oreline_{name}" in text
    assert "version=0.0.4" in CONTENT_TYPE


def test_counts_appear_with_their_labels() -> None:
    meters = Meters()
    meters.requests.labels("/predict", 200).inc()
    meters.refused.labels("overloaded").inc(2)
    meters.batch_rows.observe(3)
    meters.queue_rows.set_function(lambda: 7)
    lines = meters.text().decode().splitlines()
    assert 'oreline_requests_total{route="/predict",status="200"} 1.0' in lines
    assert 'oreline_refused_total{reason="overloaded"} 2.0' in lines
    assert 'oreline_batch_rows_bucket{le="2.0"} 0.0' in lines
    assert 'oreline_batch_rows_bucket{le="4.0"} 1.0' in lines
    assert "oreline_queue_rows 7.0" in lines


def test_two_servers_in_one_process_count_apart() -> None:
    first, second = Meters(), Meters()
    first.feedback.inc()
    assert first.registry.get_sample_value("oreline_feedback_total") == 1
    assert second.registry.get_sample_value("oreline_feedback_total") == 0

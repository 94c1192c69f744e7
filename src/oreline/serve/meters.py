"""What the server counts, for Prometheus. One registry for each server, so that two can live in one process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Meters:
    """All meters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests by route and status", "route", "status")
        self.request_seconds = self._histogram("request_seconds", "Time to answer", _SECONDS, "route")
        self.refused = self._counter("refused", "Requests refused, by reason", "reason")
        self.rows = self._counter("rows", "Rows predicted, by label", "label")
        self.rows_cut = self._counter("rows_cut", "Rows longer than the model takes, cut")
        self.rows_dropped = self._counter("rows_dropped", "Rows dropped before they were computed", "reason")
        self.queue_rows = self._gauge("queue_rows", "Rows waiting or being computed")
        self.queue_seconds = self._histogram("queue_seconds", "Time from acceptance to computing", _SECONDS)
        self.forward_seconds = self._histogram("forward_seconds", "Time of one batch in the model", _SECONDS)
        self.batch_rows = self._histogram("batch_rows", "Rows in one batch", _ROWS)
        self.tokens = self._counter("tokens", "Tokens computed, by kind: real or padding", "kind")
        self.log_written = self._counter("log_written", "Predictions written to the log")
        self.log_dropped = self._counter("log_dropped", "Predictions that could not be logged")
        self.log_queue_rows = self._gauge("log_queue_rows", "Predictions waiting to be logged")
        self.log_up = self._gauge("log_up", "Whether the log could be written the last time")
        self.feedback = self._counter("feedback", "True labels received")
        self.model = self._gauge("model", "The model in place", "id", "version", "precision", "task")
        self.models_loaded = self._gauge("models_loaded", "Models in memory: two while one replaces the other")
        self.swaps = self._counter("model_swaps", "Models put in place while serving")
        self.load_failures = self._counter("model_load_failures", "New versions that could not be put in place")
        self.load_failed = self._gauge("model_load_failed", "1 while the newest version could not be put in place")
        self.draining = self._gauge("draining", "1 while the server is going away")

    def text(self) -> bytes:
        """Return all figures in Prometheus' text form."""
        return generate_latest(self.registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"oreline_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"oreline_{name}", about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"oreline_{name}", about, labels, buckets=buckets, registry=self.registry)

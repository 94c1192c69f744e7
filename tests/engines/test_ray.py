"""The Ray engine, on two local workers: the same bytes as this process."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data import columnar
from oreline.data.ledger import Notes
from oreline.data.refine import Running, refine
from oreline.data.running.engine import Item, Job
from oreline.data.running.steps import Step
from oreline.engines.ray import Ray
from oreline.errors import DataError, ResourceError, UsageError

SOURCE = {
    "text": [
        f"{text} {n % 9}{'!' * n}"
        for n in range(12)
        for text in ("A  fine film", "a fine film", "好  片", f"so &amp; so, {'as they say in every one of them ' * 3}")
    ],
    "label": ["a", "b"] * 24,
}
SHARES = {"train": 0.8, "test": 0.2}


def items(*texts: str) -> Iterator[Item]:
    for number, text in enumerate(texts, start=1):
        yield pl.DataFrame({"row_id": [f"a:{number}"], "text": [text]}), Notes()


@pytest.mark.slow
@pytest.mark.usefixtures("plugs")
def test_a_cluster_gives_the_bytes_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators that learn, that have signatures, near-duplicates, and errors; one cluster for all, it starts slowly."""
    pytest.importorskip("ray")
    monkeypatch.setattr(columnar, "FRAME_BYTES", 300)

    def chain(**here: Any) -> Any:
        names = [("normalize_text", {}), ("rare", {}), ("dedup_exact", {}), ("repeats", here), ("keep_length", {})]
        names += [("dedup_near", {}), ("mask_pii", {})]
        return [(name, registry.create("operator", name, **options)) for name, options in names]

    one = refine(SOURCE, operators=chain(here=True), split=SHARES, out=tmp_path / "one")
    with Ray(workers=2) as engine:
        many = refine(SOURCE, operators=chain(), split=SHARES, out=tmp_path / "many", running=Running(engine=engine))
        for split in one.splits:
            name = f"{split}/00000.parquet"
            assert (one.path / name).read_bytes() == (many.path / name).read_bytes()
        assert (one.path / "ledger.parquet").read_bytes() == (many.path / "ledger.parquet").read_bytes()
        assert {"near_duplicate", "length"} <= set(many.ledger()["reason"])
        assert many.report().facts == one.report().facts, "leaks are searched for there, too"
        refusing = Job((Step("breaks", registry.create("operator", "breaks", how="refuse"), "keep"),))
        with pytest.raises(DataError, match="no such text") as refused:
            list(engine.map(items("x", "refuse", "y"), refusing))
        assert refused.value.where == "a:2"
        dying = Job((Step("breaks", registry.create("operator", "breaks", how="die"), "keep"),))
        with pytest.raises(ResourceError, match="a Ray task ended without an answer") as died:
            list(engine.map(items("x", "die"), dying))
        assert died.value.where == "rows a:2 to a:2"
    import ray

    assert not ray.is_initialized()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://localhost:{}", "[::1]:{}"])
def test_a_cluster_that_is_not_there_is_not_waited_for(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would ask again for minutes."""
    ray = pytest.importorskip("ray")
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = form.format(taken.getsockname()[1])
        monkeypatch.setenv("RAY_ADDRESS", address)
        monkeypatch.setattr(ray, "init", lambda **_: pytest.fail("Ray was asked"))
        with pytest.raises(ResourceError, match="no Ray cluster answers") as told:
            list(Ray().map(items("x"), Job(())))
    assert told.value.where == f"RAY_ADDRESS={address}"
    assert "ray start --head" in told.value.remedy


@pytest.mark.parametrize("address", ["head", "http:/head:6379", "ray://head", "head:port", "a..b:6379"])
def test_an_address_that_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match="RAY_ADDRESS is") as told:
        list(Ray().map(items("x"), Job(())))
    assert "HOST:PORT" in told.value.allowed


def test_less_than_one_worker_is_refused() -> None:
    with pytest.raises(UsageError, match="workers is 0"):
        Ray(workers=0)

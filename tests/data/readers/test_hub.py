"""A hub, played by a server of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from tests.data.served import Answer, served

from oreline.data.refine import _parts
from oreline.data.sources import frames, given_splits, sources
from oreline.errors import DataError, ResourceError, UsageError

FILES = {
    "data/train-0.csv": b"text,label\na,1\n",
    "data/test-0.csv": b"text,label\nb,2\n",
    "README.md": b"# readme",
    "../evil.csv": b"text\nx\n",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[list[str], list[str | None]]]:
    tokens: list[str | None] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        tokens.append(headers.get("authorization"))
        if path.startswith("/api/datasets/ann/reviews/tree/main?"):
            listed = [{"type": "file", "path": name, "size": len(data)} for name, data in FILES.items()]
            part = listed[2:] if "cursor" in path else listed[:2]
            link = {} if "cursor" in path else {"Link": '</api/datasets/ann/reviews/tree/main?cursor=2>; rel="next"'}
            return 200, link, json.dumps([*part, {"type": "directory", "path": "data"}]).encode()
        if path.startswith("/datasets/ann/reviews/resolve/main/"):
            return 302, {"Location": path.replace("/datasets", "/store")}, b""
        if path.startswith("/store/ann/reviews/resolve/main/"):
            return 200, {}, FILES[path.removeprefix("/store/ann/reviews/resolve/main/")]
        return (401, {}, b"") if "secret" in path else (404, {}, b"")

    monkeypatch.setenv("ORELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_geheim")
    with served(answer) as (url, asked):
        monkeypatch.setenv("HF_ENDPOINT", url)
        yield asked, tokens


def read(place: object) -> pl.DataFrame:
    return pl.concat(frames(place))


def test_files_are_fetched_once_and_read(hub: tuple[list[str], list[str | None]], tmp_path: Path) -> None:
    asked, tokens = hub
    frame = read("hf://datasets/ann/reviews")
    assert frame.rows() == [
        ("ann/reviews:1", "b", "2", "data/test-0.csv"),
        ("ann/reviews:2", "a", "1", "data/train-0.csv"),
    ]
    assert set(tokens) == {"Bearer hf_geheim"}
    before = len(asked)
    assert read("hf://datasets/ann/reviews").equals(frame)
    assert len(asked) == before + 2, "the list of files only"
    assert not list(tmp_path.rglob("*evil*"))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.name.startswith(".")]


def test_a_pattern_says_which_files(hub: object) -> None:
    assert read("hf://datasets/ann/reviews/data/train-*.csv")["text"].to_list() == ["a"]
    assert read({"hub": "datasets/ann/reviews", "pattern": "data/test*"})["text"].to_list() == ["b"]
    with pytest.raises(DataError, match="no such files") as caught:
        read("hf://datasets/ann/reviews/*.parquet")
    assert "data/train-0.csv" in caught.value.allowed


def test_what_is_not_there_or_not_allowed(hub: object) -> None:
    with pytest.raises(DataError, match="is not there"):
        read("hf://datasets/ann/none")
    with pytest.raises(DataError, match="needs a token") as caught:
        read("hf://datasets/ann/secret")
    assert "geheim" not in str(caught.value)
    for place in ("hf://datasets/ann", "hf://models/a/b", "hf://datasets/../x", "hf://datasets/a/b@../c"):
        with pytest.raises(UsageError, match="no data set of a hub"):
            sources(place)


def test_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ResourceError, match="HF_HUB_OFFLINE is set"):
        read("hf://datasets/ann/reviews")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ResourceError, match="cannot be reached") as caught:
        read("hf://datasets/ann/reviews")
    assert "HF_ENDPOINT" in caught.value.remedy


def test_files_that_are_named_so_are_given_splits(hub: object) -> None:
    for place in ("hf://datasets/ann/reviews", {"hub": "datasets/ann/reviews", "columns": {"text": "text"}}):
        found = given_splits(place)
        assert found is not None
        assert list(found) == ["train", "test"]
        assert {name: read(part)["text"].to_list() for name, part in found.items()} == {"train": ["a"], "test": ["b"]}
    assert given_splits("hf://datasets/ann/reviews/data/train-*.csv") is None
    assert given_splits({"hub": "datasets/ann/reviews", "pattern": "data/test*"}) is None
    parts = _parts("hf://datasets/ann/reviews")
    assert {name: part[0].name for name, part in parts.items()} == {
        "train": "train/ann/reviews",
        "test": "test/ann/reviews",
    }

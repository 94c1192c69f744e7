"""The real command line, in this process: its exit code, what it printed, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import oreline as ore
from oreline.cli.main import main
from oreline.store import Artifact


class Result(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests here: no catalog entry in it, and the machine's speed is measured once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cli(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in an empty folder, without a connection."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ORELINE_RUNS", str(folder / "runs"))
    monkeypatch.setenv("ORELINE_CACHE", str(cache))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "no index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    def run(*arguments: str | Path) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Result(int(end.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def data_folder(reviews_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 reviews, refined."""
    out = tmp_path_factory.mktemp("cli") / "reviews"
    ore.refine(reviews_csv, group="movie", out=out)
    return out


@pytest.fixture(scope="session")
def model_folder(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Character n-grams trained on them."""
    out = tmp_path_factory.mktemp("cli") / "model"
    return Artifact.open(ore.finetune(None, data_folder, method="linear", out=out).path).path

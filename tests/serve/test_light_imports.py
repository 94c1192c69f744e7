"""An ONNX or linear artifact is served, logged and predicted without torch, transformers, polars or pyarrow.

The quick tests forbid these imports in a process of their own; the last test makes a real environment that lacks them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEAVY = ("torch", "transformers", "polars", "pyarrow", "sklearn", "matplotlib", "pandas", "datasets", "peft", "scipy")
DRIVE = """
import importlib.abc, json, sys, threading, urllib.request

forbidden, model, log = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in forbidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())

from oreline.serve.app import create_app
from oreline.serve.server import run
from oreline.serve.settings import Settings

def ask(method, url, body=None):
    request = urllib.request.Request(url, method=method, data=body and json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())

found = {}

def drive(event):
    url = event.message.split(" on ")[1].split(",")[0]
    def talk():
        import os, signal
        try:
            found["ready"] = ask("GET", url + "/health/ready")["status"]
            found["predict"] = ask("POST", url + "/predict", {"text": "a great film"})
            found["explain"] = ask("POST", url + "/explain", {"text": "a great film"})["words"]
            found["feedback"] = ask("POST", url + "/feedback", {"id": found["predict"]["id"], "label": "fresh"})["done"]
        finally:
            os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=talk).start()

run(create_app(model, settings=Settings(log_url=log)), "127.0.0.1", 0, on_event=drive)

from oreline.runtime.open import open_runtime
from oreline.runtime.stream import predict_stream

found["stream"] = list(predict_stream(open_runtime(model), [{"text": "a great film"}]))
found["loaded"] = sorted(name for name in forbidden if name in sys.modules)
print(json.dumps(found))
"""


def _drive(python: list[str], model: Path, log: Path, forbidden: tuple[str, ...]) -> dict:
    command = [*python, "-c", DRIVE, json.dumps(forbidden), str(model), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict = json.loads(done.stdout.splitlines()[-1])
    return found


def _check(found: dict, label: str | None) -> None:
    assert found["ready"] == "ready"
    assert found["feedback"] == "label recorded"
    assert found["explain"]
    assert label in (None, found["predict"]["label"])
    assert found["stream"][0]["scores"] == pytest.approx(found["predict"]["scores"], abs=1e-5)
    assert found["loaded"] == []


def test_a_linear_model_is_served_where_heavy_packages_are_missing(model: Path, tmp_path: Path) -> None:
    _check(_drive([sys.executable], model, tmp_path / "log.sqlite", (*HEAVY, "onnxruntime")), "fresh")


def test_an_onnx_model_is_served_where_heavy_packages_are_missing(onnx_model: Path, tmp_path: Path) -> None:
    _check(_drive([sys.executable], onnx_model, tmp_path / "log.sqlite", HEAVY), None)


def test_the_forbidden_really_are_forbidden(tmp_path: Path) -> None:
    """The test above can fail: what needs a heavy package does not run."""
    code = DRIVE.split("from oreline.serve.app")[0] + "import oreline.runtime.samples"
    command = [sys.executable, "-c", code, json.dumps(HEAVY), "", ""]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "No module named 'polars'" in done.stderr


def _needed(distribution: Distribution, extras: frozenset[str], found: dict[str, Distribution]) -> None:
    """Add the distributions that one needs, and what these need in turn, as pip would install them."""
    for line in distribution.requires or []:
        asked = Requirement(line)
        if asked.marker and not any(asked.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
            continue
        if (name := canonicalize_name(asked.name)) not in found:
            found[name] = Distribution.from_name(name)
            _needed(found[name], frozenset(asked.extras), found)


def test_an_environment_with_only_the_serve_extra_serves(onnx_model: Path, model: Path, tmp_path: Path) -> None:
    """Oreline as a wheel brings it, beside links to what the extra names: what another extra names is not there."""
    root = Path(__file__).parents[2]
    venv.create(tmp_path / "venv", symlinks=True)
    [site] = (tmp_path / "venv").glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--no-deps", "--target", str(site), str(root)]
    subprocess.run(pip, check=True, timeout=280)
    [wheel] = site.glob("oreline-*.dist-info")
    needed: dict[str, Distribution] = {}
    _needed(Distribution.at(wheel), frozenset({"serve"}), needed)
    assert not needed.keys() & {"torch", "transformers", "polars", "pyarrow", "scikit-learn"}
    for distribution in needed.values():
        for file in distribution.files or []:
            if ".." not in file.parts and distribution.locate_file(file).exists():
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                (site / file).symlink_to(distribution.locate_file(file))
    python = str(tmp_path / "venv" / "bin" / "python")
    for number, folder in enumerate((onnx_model, model)):
        _check(_drive([python, "-IB"], folder, tmp_path / f"log{number}.sqlite", ()), None)

"""The documentation cannot lie: its code runs, its pages equal what the program prints, nothing is left out."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from oreline import registry
from oreline.recipe import TrainOptions
from oreline.serve.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RUNNING_PAGES = ["README.md", "README.zh-CN.md", "docs/tutorial.md", "docs/how-to.md"]
PLUGS = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]


def _generator():
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _blocks(page: str) -> list[tuple[str, str]]:
    """Return `(language, code)` of each fenced block that is to run."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"(<!-- not run: [^\n]+ -->\n)?```(bash|python)\n(.*?)```", text, flags=re.DOTALL)
    return [(language, code) for skipped, language, code in found if not skipped]


def test_cli_page_equals_the_live_help():
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == _generator().cli_page(), "run `make docs`"


def test_plugs_page_equals_the_docstrings():
    assert (DOCS / "plugs.md").read_text(encoding="utf-8") == _generator().plugs_page(), "run `make docs`"


@pytest.mark.parametrize(("kind", "name"), PLUGS, ids=[f"{kind}-{name}" for kind, name in PLUGS])
def test_every_option_of_every_plug_is_described(kind: str, name: str):
    plug = registry.get(kind, name)
    described = f"{plug.__doc__ or ''} {plug.__init__.__doc__ or ''}"
    assert plug.__doc__, f"{kind} {name} has no docstring"
    if kind in {"runtime", "tracker"}:
        return  # built by the frame, their arguments are the frame's own
    for option in registry.options_of(plug):
        assert re.search(rf"\b{option.name}\b", described), f"{kind} {name}: option {option.name!r} is not described"


def test_settings_page_equals_the_code():
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == _generator().settings_page(), "run `make docs`"


@pytest.mark.parametrize("model", [TrainOptions, Settings])
def test_every_training_option_and_setting_is_described(model: type[BaseModel]):
    for name, field in model.model_fields.items():
        assert field.description, name


def test_both_readmes_link_to_each_other():
    assert "README.zh-CN.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "README.md" in (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", *sorted(p.name for p in DOCS.glob("*.md"))])
def test_links_lead_somewhere(page: str):
    file = ROOT / page if page.startswith("README") else DOCS / page
    for target in re.findall(r"\]\(([^)#\s]+)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), f"{page} links to {target}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", RUNNING_PAGES)
def test_code_blocks_run(page: str, tmp_path: Path, reviews_csv: Path):
    """All blocks of a page run in order, in one folder that has the page's `reviews.csv`."""
    blocks = _blocks(page)
    assert blocks, f"{page} shows no code that runs"
    shutil.copy(reviews_csv, tmp_path / "reviews.csv")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for language, code in blocks:
        command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{page}:\n{code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

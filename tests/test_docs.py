"""The documentation cannot lie: its code runs, its pages equal what the program prints, nothing is left out."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from oreline import registry
from oreline.cli.common import HEEDED
from oreline.data.dataset import Dataset
from oreline.generation import Generation
from oreline.recipe import TrainOptions
from oreline.serve.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RUNNING_PAGES = ["README.md", "README.zh-CN.md", "docs/tutorial.md", "docs/how-to.md"]
# Blocks that do not run, by page and first command, each with its reason; this list may only shrink.
NOT_RUN = {
    ("README.md", "make quickstart"): "minutes long, and the suite itself; tests/test_quickstart.py runs its recipe",
    ("README.md", "pip install 'oreline[data,train,export,serve]'"): "it would change the environment that runs it",
    ("README.zh-CN.md", "make quickstart"): "the same block as in README.md",
    ("README.zh-CN.md", "pip install 'oreline[data,train,export,serve]'"): "the same block as in README.md",
    ("docs/tutorial.md", "oreline serve model-int8 --port 8080"): "it serves until it is stopped",
    ("docs/tutorial.md", "oreline monitor model-int8 --live model-int8.predictions.sqlite"): "it needs a server's log",
    ("docs/how-to.md", "oreline run recipes/quickstart.yaml --set finetune.train.epochs=2"): "it takes minutes",
    ("docs/how-to.md", "oreline finetune data --task text_classification --start catalog:minilm-l6-en "
     "--set 'train.track=[tensorboard]' --out model"): "tests/train/test_finetune.py tracks a small model instead",
    ("docs/how-to.md", "oreline finetune reviews.csv --text text --label label --start catalog:minilm-l6-en --method "
     "lora --set method_options.rank=8 --out small"): "tests/cli/test_build.py trains and merges a small one",
    ("docs/how-to.md", "oreline finetune data --task text_classification --start catalog:minilm-l6-en --method full "
     "--set method_options.freeze_layers=4 --set train.epochs=5 --out model"): "tests/train/test_frozen.py trains so",
    ("docs/how-to.md", "oreline merge model-a model-b --by slerp --weight 0.7 --weight 0.3 --out merged"): "it needs "
    "start models; tests/cli/test_build.py and tests/train/test_combine.py merge small ones",
    ("docs/how-to.md", "oreline update home fresh.csv --gate data --merge slerp --merge-weight 0.5"): "it needs "
    "a served encoder; tests/update/test_merge.py merges a small one",
    ("docs/how-to.md", "oreline finetune texts.csv --method zero_shot --out first \\"): "they need start models; "
     "tests/train/methods has each on a small one",
    ("docs/how-to.md", "oreline refine train-v2.0.json --out questions"): "it needs SQuAD and a start model; tests/conformance trains on a small one",
    ("docs/how-to.md", "oreline refine pages.jsonl --set 'operators=[{keep_classified: {good: good.jsonl, bad: bad.jsonl, "
     "precision: 0.95}}]' --out good"): "it needs files of good and bad rows; tests/data/operators/test_keep_classified.py has them",
    ("docs/how-to.md", "oreline refine reviews.csv --report-encoder catalog:minilm-l6-en --out seen"): "it fetches a model; "
    "tests/api/test_operator_models.py has models for operators",
    ("docs/how-to.md", "oreline finetune marked --task relation --set 'task_options={negative: no_relation}' "
     "--out relations"): "it needs two trained models; tests/cli/test_triples.py has small ones",
}  # fmt: skip
PLUGS = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]


def _generator():
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fenced(page: str) -> list[tuple[str, str, str]]:
    """Return `(mark, language, code)` of each fenced block; the mark says why it is not run, and is mostly empty."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"(<!-- not run: [^\n]+ -->\n)?```(bash|python)\n(.*?)```", text, flags=re.DOTALL)


def _blocks(page: str) -> list[tuple[str, str]]:
    """Return `(language, code)` of each fenced block that is to run."""
    return [(language, code) for mark, language, code in _fenced(page) if not mark]


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


@pytest.mark.parametrize("model", [TrainOptions, Settings, Generation])
def test_every_training_option_and_setting_is_described(model: type[BaseModel]):
    for name, field in model.model_fields.items():
        assert field.description, name


def test_both_readmes_link_to_each_other():
    assert "README.zh-CN.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "README.md" in (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(str(p.relative_to(ROOT)) for p in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))))
def test_links_lead_somewhere(page: str):
    file = ROOT / page
    for target in re.findall(r"\]\(([^)#\s]+)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), f"{page} links to {target}"


def test_blocks_that_do_not_run_are_named():
    """An example cannot slip out of the tests by a comment above it."""
    marked = {
        (page, re.split(r"\s+#", code, maxsplit=1)[0].partition("\n")[0])
        for page in RUNNING_PAGES
        for mark, _, code in _fenced(page)
        if mark
    }
    assert marked == NOT_RUN.keys()
    assert all(len(reason) > 10 for reason in NOT_RUN.values())


def test_how_to_names_the_commands_that_take_set():
    text = (DOCS / "how-to.md").read_text(encoding="utf-8")
    section = text.split("## … set any option", 1)[1].split("```", 1)[0]
    listed = re.search(r"((?:`\w+`(?:,|\s|and)+)+)take it", section)[1]
    assert set(re.findall(r"`(\w+)`", listed)) == HEEDED["--set"]


# --- CONTRIBUTING.md ------------------------------------------------------------------------------------------


def _sample() -> tuple[str, str]:
    """Return the path and the text of the operator that CONTRIBUTING.md shows."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    path, code = re.search(r"Write `(src/oreline/[\w/]+\.py)`:\n\n```python\n(.*?)```", text, flags=re.DOTALL).groups()
    return path, code


@pytest.fixture(scope="module")
def with_sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which Oreline is a copy of its source, bytecode too, with the sample operator in it."""
    path, code = _sample()
    root = tmp_path_factory.mktemp("with sample")
    shutil.copytree(ROOT / "src", root / "src")
    assert not (root / path).exists()
    (root / path).write_text(code, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(root / "src")}


def test_contributing_begins_with_an_operator_in_one_file():
    headings = re.findall(r"^## (.+)$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings[0] == "Add an operator in one file"
    lines = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80, "one page"


def test_contributings_operator_works_as_it_says(with_sample: dict[str, str], tmp_path: Path):
    """Written where it says: it is listed, runs with its option from a recipe, and its drops are in the ledger."""
    name = Path(_sample()[0]).stem
    rows = [("A FINE FILM", "fresh"), ("a fine film", "fresh"), ("A DULL plot", "rotten"), ("DULL", "rotten")]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(",".join(row) for row in rows))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    entry = re.search(r"`operators: (\[.+\])`", text)[1]
    (tmp_path / "r.yaml").write_text(
        f"out: out\nsteps:\n  - refine: {{data: a.csv, split: {{}}, operators: {entry}}}\n"
    )

    def oreline(*arguments: str) -> str:
        command = [sys.executable, "-m", "oreline", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=with_sample, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert f"{name} " in oreline("list", "operator")
    assert name not in registry.names("operator"), "this process has the code without it"
    oreline("refine", "a.csv", "--operator", name, "--set", "split={}", "--out", "data")
    kept = Dataset.open(tmp_path / "data")
    assert kept.frame("all")["text"].to_list() == ["a fine film", "A DULL plot"], "0.8 of the letters is the bound"
    assert kept.ledger().select("operator", "action", "reason").unique().rows() == [(name, "dropped", "upper_case")]
    assert "upper_case" in (tmp_path / "data" / "report.html").read_text(encoding="utf-8")
    oreline("run", "r.yaml")
    assert Dataset.open(tmp_path / "out" / "refine").num_rows("all") == 3, "the bound of the recipe is higher"


def test_contributings_operator_is_tested_without_a_line_of_its_own(with_sample: dict[str, str]):
    name = Path(_sample()[0]).stem
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/conformance/test_operators.py"]
    done = subprocess.run(
        [*command, "-k", name], cwd=ROOT, env=with_sample, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 6, done.stdout


def _commands(code: str) -> str:
    """Return a block without its comments: what README.zh-CN.md has in common with README.md."""
    return re.sub(r"\s+#[^\n]*", "", code)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", RUNNING_PAGES)
def test_code_blocks_run(page: str, tmp_path: Path, reviews_csv: Path, warm: list[str]):
    """All blocks of a page run in order, in one folder that has the page's `reviews.csv`.

    The commands of README.md start as a user's do; the Python of all pages, and each `oreline` of the others, find torch
    imported already. What README.zh-CN.md has word for word from README.md is not run twice.
    """
    before = {_commands(code) for _, code in _blocks("README.md")} if page == "README.zh-CN.md" else set()
    blocks = [(language, code) for language, code in _blocks(page) if _commands(code) not in before]
    assert blocks, f"{page} shows no code that runs"
    rows = reviews_csv.read_text(encoding="utf-8").splitlines(keepends=True)[:161]  # MiniLM reads them several times
    (tmp_path / "reviews.csv").write_text("".join(rows), encoding="utf-8")
    programs = Path(sys.executable).parent
    if page != "README.md":
        programs = tmp_path / "bin"
        programs.mkdir()
        (programs / "oreline").write_text(f'#!/bin/sh\nexec {shlex.join(warm)} -m oreline "$@"\n')
        (programs / "oreline").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for language, code in blocks:
        command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [*warm, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{page}:\n{code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

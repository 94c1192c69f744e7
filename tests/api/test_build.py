from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline.errors import ArtifactError, DataError, UsageError
from oreline.evaluate.estimates import point_values, task_estimates
from oreline.types import Event


def test_finetune_refines_raw_files_and_says_which_method_and_why(reviews_csv: Path, tmp_path: Path) -> None:
    said: list[Event] = []
    chinese = tmp_path / "chinese.csv"
    rows = [f"很好的电影第{n}部,好" for n in range(40)] + [f"太差的电影第{n}部,差" for n in range(40)]
    chinese.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    model = ore.finetune(None, chinese, out=tmp_path / "model", on_event=said.append)
    assert model.manifest.runtime == "linear"
    assert any(event.message.startswith("method linear: the texts are Chinese") for event in said)
    assert set(model.manifest.task_options["labels"]) == {"好", "差"}
    assert model.manifest.metrics["accuracy"]["n"] == 8


def test_a_model_says_what_it_began_from_and_its_licence(
    dataset, tiny_start: Path, tmp_path: Path, monkeypatch
) -> None:
    from oreline.catalog import minilm_l6_en

    monkeypatch.setattr(minilm_l6_en.Entry, "folder", lambda self: tiny_start)
    options = {"epochs": 1, "precision": "fp32"}
    first = ore.finetune("catalog:minilm-l6-en", dataset, method="full", train=options, out=tmp_path / "a")
    second = ore.finetune(first, dataset, method="full", train=options, out=tmp_path / "b")
    for model in (first, second):
        begun = model.manifest.lineage[-1]
        assert (begun["verb"], begun["name"]) == ("start", "catalog:minilm-l6-en")
        assert begun["license"].startswith("Apache-2.0")


def test_finetune_without_data() -> None:
    with pytest.raises(UsageError, match="no data given"):
        ore.finetune("catalog:minilm-l6-en")


def test_dev_figures_agree_with_those_that_training_watches(linear_model) -> None:
    from oreline.runtime.open import open_task

    task = open_task(linear_model)
    source = np.random.default_rng(0)
    scores = source.dirichlet([1, 1], size=50)
    targets = source.integers(2, size=50)
    points = point_values(task, targets, {"scores": scores})
    estimates = task_estimates(task, targets, {"scores": scores})
    for name, value in points.items():
        assert estimates[name].value == pytest.approx(value)
        assert estimates[name].n == 50


def test_a_network_is_made_from_the_training_rows_and_says_so(dataset, tmp_path: Path) -> None:
    options = {"filters": 4, "embedding_width": 8, "vocabulary": 100}
    made = ore.finetune("new:textcnn", dataset, start_options=options, train={"epochs": 1}, out=tmp_path / "model")
    recorded = made.manifest.recipe["options"]
    assert (recorded["start"], recorded["network"], recorded["network_options"]) == (None, "textcnn", options)
    card = made.file("README.md").read_text(encoding="utf-8")
    assert "none, trained from nothing" in card
    assert "`network`: `textcnn`" in card
    assert "`network_options.filters`: `4`" in card


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"start": "new:bilsm"}, "no network 'new:bilsm'"),
        ({"start": "new:bilstm", "start_options": {"widht": 2}}, "no option 'widht'"),
        ({"start": "new:bilstm", "start_options": {"width": 3}}, "even number"),
        ({"start": "new:bilstm", "method": "lora"}, "the method 'lora' builds on what a start model knows"),
        ({"start": "new:bilstm", "method": "head"}, "the method 'head' builds on what a start model knows"),
        ({"start": "catalog:minilm-l6-en", "start_options": {"width": 2}}, "options of a network without pretraining"),
    ],
)
def test_what_makes_no_sense_for_a_network_is_said_before_anything_is_read(given, what: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=what):
        ore.finetune(data=str(tmp_path / "none.csv"), out=tmp_path / "model", **given)


def test_task_options_stand_above_what_the_rows_say_and_are_kept(tmp_path: Path) -> None:
    rows = {
        "text": [f"<e1>a</e1> {word} {n} <e2>b</e2>" for n in range(40) for word in ("owns", "knows")],
        "label": ["owns", "other"] * 40,
    }
    data = ore.refine(rows, out=tmp_path / "data")
    made = {"task": "relation", "method": "linear"}
    assert ore.finetune(None, data, **made, out=tmp_path / "a").manifest.task_options["negative"] == "other"
    options = {"negative": "owns"}
    model = ore.finetune(None, data, **made, task_options=options, out=tmp_path / "b")
    assert model.manifest.task_options["negative"] == "owns"
    assert ore.rerun(model, out=tmp_path / "c").manifest.task_options == model.manifest.task_options
    with pytest.raises(DataError, match="no row has the label 'nix'"):
        ore.finetune(None, data, **made, task_options={"negative": "nix"}, out=tmp_path / "d")
    with pytest.raises(UsageError, match="negativ"):
        ore.finetune(None, data, **made, task_options={"negativ": "owns"}, out=tmp_path / "d")
    unmarked = {"text": [f"plain {n}" for n in range(40)], "label": ["owns", "other"] * 20}
    with pytest.raises(DataError, match="no relation can be told") as caught:
        ore.finetune(None, unmarked, **made, out=tmp_path / "e")
    assert caught.value.where


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"start": "no-such-folder"}, "there is no start model 'no-such-folder'"),
        ({"start": "no-such-folder", "method": "lora"}, "there is no start model 'no-such-folder'"),
        ({"start": "catalog:minilm"}, "the catalog has no 'catalog:minilm'"),
        ({"method": "linear", "train": {"epoch": 2}}, "unknown training option 'epoch'"),
        ({"method": "linear", "train": {"optimizer": "adamx"}}, "no optimizer"),
        ({"method": "full", "task": "embedding"}, "the task 'embedding' is not taught by the method 'full'"),
        ({"method": "linear", "task": "seq2seq"}, "the task 'seq2seq' writes texts"),
        ({"method": "prompt", "task": "pair"}, "the method 'prompt' reads one plain text a row"),
        ({"method": "prompt"}, "the method 'prompt' needs the option 'pattern'"),
    ],
)
def test_what_needs_no_row_is_refused_before_rows_are_refined(
    reviews_csv: Path, tmp_path: Path, monkeypatch, given: dict[str, object], what: str
) -> None:
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    with pytest.raises(UsageError) as caught:
        ore.finetune(data=reviews_csv, out=tmp_path / "model", **given)
    assert what in str(caught.value)
    assert not list(tmp_path.glob("runs/*"))


def test_a_start_model_that_a_method_does_not_use_is_said(dataset, tiny_start: Path, tmp_path: Path) -> None:
    said: list[str] = []
    given = {"out": tmp_path / "m", "on_event": lambda event: said.append(event.message)}
    ore.finetune(tiny_start, dataset, method="linear", **given)
    assert any("is not used: linear begins from nothing" in line for line in said)


def test_an_adapter_whose_base_is_another_one_is_refused_before_rows_are_refined(
    dataset, reviews_csv: Path, tiny_start: Path, tmp_path: Path, monkeypatch
) -> None:
    base = Path(shutil.copytree(tiny_start, tmp_path / "base"))
    adapter = ore.finetune(base, dataset, method="lora", train={"epochs": 0.1}, out=tmp_path / "adapter")
    (base / "config.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    with pytest.raises(ArtifactError, match="another one by now"):
        ore.finetune(adapter, reviews_csv, method="lora", out=tmp_path / "model")
    assert not list(tmp_path.glob("runs/*"))

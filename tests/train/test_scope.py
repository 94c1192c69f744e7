"""Rejection and calibration through the whole chain, and what is refused before the first step."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import oreline as ore
from oreline.data.dataset import Dataset
from oreline.errors import DataError, UsageError
from oreline.runtime.open import open_runtime
from oreline.serve.app import create_app
from oreline.serve.settings import settings_from
from oreline.train.scope import logits

GOOD, BAD = ["great", "wonderful", "moving", "funny"], ["awful", "boring", "dull", "terrible"]
FILLER = ["the", "film", "a", "movie", "story", "plot", "with", "of", "in", "its"]


def rows(num_rows: int, seed: int = 0, outside: str = "oos") -> dict[str, list[str]]:
    """Rows whose words decide the class; a third say nothing of either, and have the label `outside`."""
    source = random.Random(seed)
    made: dict[str, list[str]] = {"text": [], "label": []}
    for number in range(num_rows):
        label = source.choice(["fresh", "rotten", outside])
        words = source.choices({"fresh": GOOD, "rotten": BAD}.get(label, FILLER), k=3) + source.choices(FILLER, k=4)
        made["text"].append(f"{' '.join(words)} {number}")
        made["label"].append(label)
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return ore.refine(rows(400), out=tmp_path_factory.mktemp("scope") / "data")


@pytest.fixture(scope="module")
def model(data: Dataset, shallow_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small encoder that measures distances, so that the most has to be saved."""
    said: list[str] = []
    trained = ore.finetune(
        str(shallow_start),
        data,
        method="full",
        method_options={"pooling": "mean"},
        train={"epochs": 4, "learning_rate": 5e-3, "threads": 1, "reject": {"distance": {"max_loss": 0.1}}},
        out=tmp_path_factory.mktemp("scope") / "model",
        on_event=lambda event: said.append(event.message),
    )
    assert any("distance keeps" in message for message in said)
    return trained


def test_it_is_saved_and_evaluated(model: Any, data: Dataset, tmp_path: Path):
    assert (model.path / "task.safetensors").is_file()
    saved = model.manifest.task_options["reject"]
    assert saved["options"] == {"max_loss": 0.1, "label": "oos"}
    assert saved["threshold"] > 0
    assert model.manifest.metrics["out_of_scope_recall"]["n"] > 5
    report = ore.evaluate(model, data, baseline="none", out=tmp_path / "report")
    assert report.metrics["in_scope_accuracy"].value > 0.7
    assert report.metrics["out_of_scope_recall"].value > 0.7
    assert report.metrics["out_of_scope_auroc"].value > 0.8
    [trade] = [table for table in report.tables if table.title.startswith("In scope and out of scope")]
    assert trade.rows[0][2].value == pytest.approx(report.metrics["in_scope_accuracy"].value)
    assert trade.rows[0][3].value == pytest.approx(report.metrics["out_of_scope_recall"].value)
    assert report.charts[0].title.startswith("How far outside rows lie")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "out-of-scope recall" in page
    assert "`oos`" in (model.path / "README.md").read_text(encoding="utf-8")


def test_it_answers_explains_and_gives_its_logits(model: Any):
    inside, outside = "great wonderful moving film", "the of in with its 7"
    answers = ore.predict(model, [{"text": inside}, {"text": outside}])
    assert [answer["label"] for answer in answers] == ["fresh", "oos"]
    assert answers[1]["scores"]["oos"] == max(answers[1]["scores"].values())
    assert ore.explain(model, outside)[0]["label"] == "oos"
    opened = open_runtime(model)
    logits_NK, embedding_ND = logits(opened, {"text": [inside]}, embeddings=True)
    scores_NK = opened.predict({"text": [inside]}).outputs["scores"]
    np.testing.assert_allclose(opened.task.activate(logits_NK, embedding_ND), scores_NK, rtol=1e-4)


def test_it_is_compressed_served_and_updated(model: Any, data: Dataset, tmp_path: Path):
    small, _ = ore.compress(model, data=data, options={"graphs": ["eager"]}, max_drop=0.3, out=tmp_path / "int8")
    assert small.has("task.safetensors")
    texts = data.frame("test")["text"].to_list()
    large, little = ([row["label"] for row in ore.predict(which, texts)] for which in (model, small))
    assert np.mean([one == other for one, other in zip(large, little, strict=True)]) > 0.9
    with TestClient(create_app(small.path, settings=settings_from({}))) as client:
        assert client.post("/predict", json={"text": "the of in with its 7"}).json()["label"] == "oos"
    options = {"epochs": 1, "threads": 1}
    updated, report = ore.update(model, rows(120, seed=1), gate=data, out=tmp_path / "home", train=options)
    assert report.facts["decision"] in {"passed", "refused", "undecided"}
    assert updated.manifest.task_options["reject"]["threshold"] > 0
    assert updated.has("task.safetensors")


def test_a_linear_model_rejects_and_calibrates_too(data: Dataset, tmp_path: Path):
    for reject in ("energy", "distance"):
        made = ore.finetune(None, data, method="linear", train={"reject": reject}, out=tmp_path / reject)
        assert ore.evaluate(made, data, baseline="none").metrics["out_of_scope_auroc"].value > 0.7
    made = rows(300)
    made["label"] = ["fresh" if row % 5 == 0 else label for row, label in enumerate(made["label"])]  # some are wrong
    noisy = ore.refine(made, out=tmp_path / "noisy")
    plain = ore.finetune(None, noisy, method="linear", out=tmp_path / "plain")
    calibrated = ore.finetune(None, noisy, method="linear", train={"calibrate": True}, out=tmp_path / "calibrated")
    assert calibrated.manifest.task_options["temperature"] != 1
    assert "reject" not in calibrated.manifest.task_options
    losses = [made.manifest.metrics["log_loss"]["value"] for made in (plain, calibrated)]
    assert losses[1] <= losses[0]
    same = [[row["label"] for row in ore.predict(made, ["great film", "dull film"])] for made in (plain, calibrated)]
    assert same[0] == same[1]


def test_an_adapter_that_rejects_is_merged(data: Dataset, shallow_start: Path, tmp_path: Path):
    options = {"epochs": 1, "threads": 1, "reject": "distance"}
    given = {"method": "lora", "method_options": {"rank": 2}, "train": options}
    adapted = ore.finetune(str(shallow_start), data, **given, out=tmp_path / "adapted")
    merged = ore.merge(adapted, out=tmp_path / "merged")
    texts = data.frame("test")["text"].to_list()
    one, other = (open_runtime(made).predict({"text": texts}).outputs["scores"] for made in (adapted, merged))
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_model_without_such_a_label_learns_it(data: Dataset, shallow_start: Path, tmp_path: Path):
    made = rows(200)
    inside = [row for row, label in enumerate(made["label"]) if label != "oos"]
    two = {name: [values[row] for row in inside] for name, values in made.items()}
    given = {"method": "full", "train": {"epochs": 1, "threads": 1}}
    first = ore.finetune(str(shallow_start), two, **given, out=tmp_path / "first")
    options = {**given["train"], "reject": "energy"}
    second = ore.finetune(first, data, method="full", train=options, out=tmp_path / "second")
    assert second.manifest.task_options["labels"] == ["fresh", "oos", "rotten"]
    third = ore.finetune(second, data, **given, out=tmp_path / "third")
    assert third.manifest.task_options["reject"]["rejector"] == "energy"


def test_without_such_rows_a_share_is_kept(tmp_path: Path):
    made = rows(300)
    inside = [row for row, label in enumerate(made["label"]) if label != "oos"]
    data = ore.refine({name: [values[row] for row in inside] for name, values in made.items()}, out=tmp_path / "data")
    said: list[str] = []
    trained = ore.finetune(
        None,
        data,
        method="linear",
        train={"reject": {"softmax": {"keep": 0.9}}},
        out=tmp_path / "model",
        on_event=lambda event: said.append(event.message),
    )
    saved = trained.manifest.task_options
    assert saved["labels"] == ["fresh", "rotten", "oos"]
    assert 0.9 <= saved["reject"]["kept"] < 1
    assert any("dev has no row labelled 'oos'" in message for message in said)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"reject": "enrgy"}, UsageError, "no rejector named 'enrgy'"),
        ({"reject": {"energy": {"keep": 2}}}, UsageError, "keep is 2"),
        ({"reject": {"energy": {"thresh": 2}}}, UsageError, "no option 'thresh'"),
        ({"reject": {"energy": {"label": "ooss"}}}, DataError, "no row of train or dev has the label 'ooss'"),
        ({"reject": {"energy": {}, "trained": {}}}, UsageError, "not one name"),
    ],
)
def test_wrong_options_are_refused_before_the_first_step(data, tmp_path, options, error, match):
    with pytest.raises(error, match=match):
        ore.finetune(None, data, method="linear", train=options, out=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_other_tasks_methods_and_data_without_dev_are_refused(data: Dataset, shallow_start: Path, tmp_path: Path):
    other = rows(60, outside="fresh")
    numbers = {"text": other["text"], "label": [str(len(text)) for text in other["text"]]}
    with pytest.raises(UsageError, match="one class a row"):
        ore.finetune(None, numbers, task="regression", method="linear", train={"reject": "energy"}, out=tmp_path / "a")
    with pytest.raises(UsageError, match="one class a row"):
        ore.finetune(None, numbers, task="regression", method="linear", train={"calibrate": True}, out=tmp_path / "b")
    with pytest.raises(DataError, match="learns from rows of the label 'oos', and train has none"):
        two = {"train": other, "dev": rows(40)}
        refined = ore.refine(two, out=tmp_path / "two")
        ore.finetune(None, refined, method="linear", train={"reject": "trained"}, out=tmp_path / "c")
    with pytest.raises(UsageError, match="needs a method that learns from rows"):
        ore.finetune(str(shallow_start), data, method="zero_shot", train={"reject": "energy"}, out=tmp_path / "e")
    whole = ore.refine(rows(60), split={}, out=tmp_path / "whole")
    for options in ({"reject": "energy"}, {"calibrate": True}):
        with pytest.raises(DataError, match="no labelled dev rows"):
            ore.finetune(None, whole, method="linear", train=options, out=tmp_path / "d")

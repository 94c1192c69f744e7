"""Every task goes through the whole chain without a line of its own: train, evaluate, explain, compress, serve, update.

A new file in `tasks/` is tested here as soon as `EXAMPLES` has a target for its view.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.film_words import FILLER

import oreline as ore
from oreline import registry
from oreline.compress.export import BY_TOKEN
from oreline.data.dataset import Dataset
from oreline.errors import UsageError
from oreline.runtime.open import open_runtime
from oreline.serve.app import create_app
from oreline.serve.settings import settings_from
from oreline.store import Artifact
from oreline.words import units

TASKS = registry.names("task")
GREAT = " great but dull "
GOOD, BAD = ["great", "moving", "superb"], ["dull", "awful", "tedious"]


def target(view: str, good: bool, bad: bool, text: str) -> Any:
    """Return what a row with a good and a bad word is labelled with."""
    if view == "classes":
        return "mixed" if good and bad else "fresh" if good else "rotten" if bad else "plain"
    if view == "labels":
        return [*(["good"] if good else []), *(["bad"] if bad else [])]
    if view == "numbers":
        return 3.0 + good - 2 * bad
    if view == "texts":
        return f"a {target('classes', good, bad, '')} film"
    if view == "retrieval":  # a text that belongs to the row: its words the other way round
        return " ".join(reversed(text.split()))
    if view == "answers":  # the first word of its kind that stands in the context
        return [word for word in text.split() if word in GOOD][:1]
    kinds = {**dict.fromkeys(GOOD, "B-GOOD"), **dict.fromkeys(BAD, "B-BAD")}
    return [kinds.get(word, "O") for word, _, _ in units(text)]


def targets_of(task: Any) -> tuple[str, ...]:
    """The columns that hold what a row is labelled with."""
    return ("label", "tags") if task.view == "frames" else (task.target,)


def rows(task: Any, num_rows: int, seed: int = 0) -> dict[str, list[Any]]:
    """Return rows for a task, learnable from single words."""
    source = random.Random(seed)
    made: dict[str, list[Any]] = {role: [] for role in (*task.inputs, *targets_of(task))}
    for number in range(num_rows):
        good, bad = source.random() < 0.5, source.random() < 0.5
        words = [*source.choices(FILLER[:15], k=5), *([source.choice(GOOD)] * good), *([source.choice(BAD)] * bad)]
        source.shuffle(words)
        for part, role in enumerate(task.inputs):  # of two texts, each has its share of the words
            made[role].append(" ".join([*words[part :: len(task.inputs)], str(number), str(seed)]))
        if hasattr(task, "fault"):  # a task that reads texts in which two entities are marked
            made["text"][-1] = f"<e1>film</e1> {made['text'][-1]} <e2>plot</e2>"
        if task.view == "frames":
            made["label"].append(target("classes", good, bad, ""))
        made[targets_of(task)[-1]].append(target(task.view, good, bad, made[task.inputs[-1]][-1]))
    return made


EPOCHS = {"frames": 15, "texts": 4}
"""A frame has two things to learn at once; a text of three words is hardly more than a class. Two texts take longer."""
STARTS = {"seq2seq": "tiny_t5", "causal": "tiny_llama"}
"""Fixtures of the start models that write, by their head; all others begin with an encoder."""


@pytest.fixture(scope="module", params=TASKS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A task's dataset, and a small model trained for it."""
    folder, task = tmp_path_factory.mktemp(request.param), registry.get("task", request.param)
    # With one layer a model of two things at once still takes a word beside an entity for one.
    encoder = "tiny_start" if task.view == "frames" else "shallow_start"
    start = request.getfixturevalue(STARTS.get(task.head, encoder))
    data = ore.refine(rows(task, 400 if task.view == "texts" else 800), out=folder / "data")
    train = {
        "epochs": EPOCHS.get(task.view, 6 if len(task.inputs) == 1 else 10),
        "learning_rate": 5e-3,
        "threads": 1,
        "patience": 30,
    }
    options = {"pooling": getattr(task, "pooling", "mean")}
    method = getattr(registry.get("task", request.param), "method", "full")
    model = ore.finetune(
        str(start), data, task=request.param, method=method, method_options=options, train=train, out=folder / "m"
    )
    return data, model


def test_it_learns_and_is_evaluated(trained: tuple[Dataset, Artifact], tmp_path: Path) -> None:
    data, model = trained
    report = ore.evaluate(model, data, out=tmp_path / "report")
    main = open_runtime(model).task.metrics[0]
    assert report.metrics[main].value > 0.5
    assert report.metrics[main].n > 0
    assert main in model.manifest.metrics
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert len(report.tables) >= 2
    compared = ore.evaluate(model, data, compare=model)
    [table] = [table for table in compared.tables if table.title.startswith("Against the compared model")]
    assert all(row[3].value == 0 for row in table.rows)


def test_its_card_says_how_to_use_it(trained: tuple[Dataset, Artifact]) -> None:
    _, model = trained
    card = (model.path / "README.md").read_text(encoding="utf-8")
    assert model.manifest.task in card
    assert "import oreline" in card


def test_it_answers_rows_in_order_and_explains_single_texts(trained: tuple[Dataset, Artifact]) -> None:
    data, model = trained
    task = open_runtime(model).task
    frame = data.frame("test")
    answers = ore.predict(model, frame)
    assert [answer["id"] for answer in answers] == list(range(1, frame.height + 1)) or len(answers) == frame.height
    assert json.loads(json.dumps(answers)) == answers
    if task.inputs == ("text",):
        label = "a dull film" if task.view == "retrieval" else None  # vectors are explained beside another text's
        marked = hasattr(task, "fault")
        text = f"<e1>a</e1>{GREAT}<e2>film</e2>" if marked else f"a{GREAT}film"
        [explained] = ore.explain(model, text, label=label)
        shown = [word["word"] for word in explained["words"]]
        assert shown == ["a", "great", "but", "dull", "film"]
        kinds = [tag.partition("-")[2] for tag in task.labels] if task.view == "tags" else task.labels
        assert explained["label"] in (*kinds, label) or task.view == "texts"
    if task.view in ("tags", "frames"):
        assert all(answer["tags"] for answer in answers)
        long = ore.predict(model, [{"text": "a great film " * 200}])[0]  # many times what the model reads at once
        assert {entity["text"] for entity in long["entities"]} == {"great"}
        assert 195 <= len(long["entities"]) <= 200


def test_the_head_alone_learns_too(trained: tuple[Dataset, Artifact], shallow_start: Path, tmp_path: Path) -> None:
    data, model = trained
    if only := getattr(open_runtime(model).task, "method", None):
        with pytest.raises(UsageError, match="not taught by the method 'head'") as caught:
            ore.finetune(str(shallow_start), data, task=model.manifest.task, method="head", out=tmp_path / "head")
        assert caught.value.allowed == only
        return
    view = open_runtime(model).task.view
    if view in ("tags", "frames", "answers"):
        with pytest.raises(UsageError, match="answers whole texts"):
            ore.finetune(data=data, task=model.manifest.task, method="linear", out=tmp_path / "linear")
    if view == "answers":
        with pytest.raises(UsageError, match="answers whole texts") as caught:
            ore.finetune(str(shallow_start), data, task=model.manifest.task, method="head", out=tmp_path / "head")
        assert caught.value.allowed == "--method full"
        return
    if view == "texts":
        with pytest.raises(UsageError, match="chooses among known answers"):
            ore.finetune(str(shallow_start), data, task=model.manifest.task, method="head", out=tmp_path / "head")
        return
    head = ore.finetune(str(shallow_start), data, task=model.manifest.task, method="head", out=tmp_path / "head")
    main = open_runtime(head).task.metrics[0]
    assert head.manifest.metrics[main]["n"] > 0
    assert ore.evaluate(head, data).metrics[main].n > 0


def graph_of(task: str) -> tuple[str, int, bool]:
    """What an exported and served graph is told apart by: what is answered, how many texts a row has, whether it has marks."""
    plug = registry.get("task", task)
    answered = "words" if plug.head in BY_TOKEN else "vectors" if plug.head == "embedding" else plug.view
    numbers = answered == "numbers"  # of one text, as of two
    return "classes" if answered == "labels" else answered, 1 if numbers else len(plug.inputs), hasattr(plug, "fault")


def compressed(model: Artifact, data: Dataset, out: Path) -> Artifact:
    """Compress a model whose task is the first with its graph; others, which would give it again, are served as they are.

    A model that writes texts is refused with the reason.
    """
    task = model.manifest.task
    if open_runtime(model).task.view == "texts":
        with pytest.raises(UsageError, match="writes token by token") as caught:
            ore.compress(model, data=data, out=out)
        assert "serve the model as it is" in str(caught.value)
        return model
    if task != next(other for other in TASKS if graph_of(other) == graph_of(task)):
        return model
    return ore.compress(model, data=data, options={"graphs": ["eager"]}, max_drop=0.3, out=out)[0]


def test_it_is_compressed_served_told_the_truth_and_watched(trained: tuple[Dataset, Artifact], tmp_path: Path) -> None:
    data, model = trained
    small = compressed(model, data, tmp_path / "int8")
    runtime = open_runtime(small)
    task, frame = runtime.task, data.frame("test")
    inputs = [{role: row[role] for role in task.inputs} for row in frame.iter_rows(named=True)] * 2
    with TestClient(
        create_app(small.path, settings=settings_from({"log_url": str(tmp_path / "log.sqlite")}))
    ) as client:
        assert client.get("/health/ready").status_code == 200
        answer = client.post("/predict", json={"rows": inputs}).json()
        assert len(answer["predictions"]) == len(inputs)
        one = client.post("/predict", json=inputs[0]).json()
        known = {
            "id",
            "truncated",
            "model",
            "warnings",
            "label",
            "labels",
            "value",
            "scores",
            "entities",
            "words",
            "text",
            "probability",
            "tags",
            "embedding",
            *("answer", "start", "end", "score", "no_answer", "alternatives"),
        }
        assert set(one) <= known
        told = client.post("/feedback", json={"id": one["id"], "label": frame[task.target][0]})
        assert told.status_code == 200, told.text
        unheard = {"answers": '[{"text": "a", "start": "x"}]', "retrieval": " ", "texts": " "}.get(
            task.view, "never heard of"
        )
        wrong = client.post("/feedback", json={"id": one["id"], "label": unheard})
        assert wrong.status_code == 422
    watched = ore.monitor(small, tmp_path / "log.sqlite")
    assert watched.facts["rows_live"] == len(inputs) + 1
    assert set(watched.facts["p_values"]) == {"embedding_shift", "label_shift"}


def test_it_is_updated_with_fresh_rows(trained: tuple[Dataset, Artifact], tmp_path: Path) -> None:
    data, model = trained
    fresh = rows(open_runtime(model).task, 120, seed=1)
    _, report = ore.update(model, fresh, gate=data, out=tmp_path / "home", train={"epochs": 1, "threads": 1})
    assert report.facts["decision"] in {"passed", "refused", "undecided"}
    assert any(name.startswith("golden_") for name in report.metrics)

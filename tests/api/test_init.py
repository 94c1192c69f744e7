from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from oreline import recipe
from oreline.api import init
from oreline.api.run import STEPS, run
from oreline.errors import DataError, UsageError

CHINESE = [(f"这家酒店很好，服务热情，第{n}次来", "好评") for n in range(60)]
CHINESE += [(f"房间太差，隔音不好，第{n}天退房", "差评") for n in range(12)]


@pytest.fixture
def hotel_csv(tmp_path: Path) -> Path:
    file = tmp_path / "hotel.csv"
    lines = ["编号,评论,标签", *(f"{n},{text},{label}" for n, (text, label) in enumerate(CHINESE))]
    file.write_text("\n".join([*lines, *lines[1:4]]), encoding="gb18030")
    return file


def test_a_chinese_file_gets_a_recipe_that_runs(hotel_csv: Path, tmp_path: Path) -> None:
    written = init.write_recipe(str(hotel_csv))
    assert written.found["roles"] == {"text": "评论", "label": "标签"}
    assert written.found["language"] == "zh"
    assert written.found["classes"] == {"好评": 63, "差评": 12}
    assert written.found["duplicates"] == 3
    assert "class_weights: balanced" in written.text
    assert "method: linear" in written.text
    assert "compress" not in written.text, "a linear model has no graph to compress"
    assert "No column looks like a group" in written.text
    for found in (
        "Chinese, 1", "rows        75; 75 of them looked at", "好评 84.0%, 差评 16.0%", "duplicates  3 rows",
        "missing     0 texts, 0 labels", "method      the texts are Chinese", "fine-tuning takes about 1 s and 0.5 GiB",
    ):  # fmt: skip
        assert found in written.text
    assert re.search(r"machine     .+, \d+ cores, \d+ GiB free", written.text)
    assert written.found["method"].startswith("linear: the texts are Chinese")
    assert written.found["time"] == "about 1 s"
    out = tmp_path / "recipe.yaml"
    written.save(out)
    assert "oreline run" in written.summary(str(out))
    report = run(out, overrides=[f"out={tmp_path / 'run'}"])
    assert report.metrics["accuracy"].value > 0.5
    with pytest.raises(UsageError, match="exists already"):
        written.save(out)
    written.save(out, force=True)


def test_without_a_start_model_and_a_connection_the_recipe_is_one_that_runs_here(
    reviews_csv: Path, tmp_path: Path
) -> None:
    written = init.write_recipe(str(reviews_csv))  # the cache is empty, the index out of reach: see conftest
    assert written.found["method"].startswith("linear: the start model is not here: cannot fetch")
    assert run(yaml.safe_load(written.text), overrides=[f"out={tmp_path / 'run'}"]).metrics["accuracy"].n > 0


def test_every_found_role_stands_in_the_recipe(
    reviews_csv: Path, tiny_start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init.choose, "DEFAULT_START", str(tiny_start))  # the catalog needs a connection
    written = init.write_recipe(str(reviews_csv))
    content = yaml.safe_load(written.text)
    refine = content["steps"][0]["refine"]
    assert {role: refine[role] for role in ("text", "label", "group", "time")} == {
        "text": "text", "label": "label", "group": "movie", "time": "day",
    }  # fmt: skip
    assert content["steps"][2]["finetune"]["method"] == "full"
    assert content["steps"][2]["finetune"]["start"] == str(tiny_start)
    assert "fine-tuning takes about" in written.text
    recipe.read(content, STEPS)


@pytest.mark.parametrize(
    ("name", "value", "says"), [("PATIENCE_S", 0.0, "on this machine"), ("machine", 0, "are free")]
)
def test_a_machine_that_is_too_slow_or_small_trains_the_head_alone(
    reviews_csv: Path, tiny_start: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: float, says: str
) -> None:
    monkeypatch.setattr(init.choose, "DEFAULT_START", str(tiny_start))
    here = dataclasses.replace(init.machine(), free_memory_bytes=0)
    monkeypatch.setattr(init, name, (lambda: here) if name == "machine" else value)
    written = init.write_recipe(str(reviews_csv))
    assert yaml.safe_load(written.text)["steps"][2]["finetune"]["method"] == "head"
    assert says in written.found["method"]


def test_data_without_labels(tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(f"one long line of text, number {n}" for n in range(50)))
    with pytest.raises(DataError, match="no column looks like a label") as caught:
        init.write_recipe(str(file))
    assert "oreline pretrain" in caught.value.remedy
    for name in ("neg/1", "neg/2", "pos/1", "pos/2"):
        (tmp_path / "films" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / name).with_suffix(".txt").write_text(f"a long line of text in {name}\n" * 20)
    with pytest.raises(DataError, match="no column looks like a label") as caught:
        init.write_recipe(str(tmp_path / "films"))
    assert caught.value.remedy.endswith(f"name class_folders:{tmp_path}/films")


@pytest.mark.parametrize("name", ["a b.csv", "x: y", "日本", "-", "null", "1e3", "yes", "a/b.csv", "#x", "it's"])
def test_names_survive_yaml(name: str) -> None:
    assert yaml.safe_load(f"k: {init._quoted(name)}") == {"k": name}


def test_many_rows_that_no_start_model_fits_hear_of_networks(hotel_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "new:bilstm" not in init.write_recipe(str(hotel_csv)).text
    monkeypatch.setattr(init, "NETWORK_ROWS", 75)
    text = init.write_recipe(str(hotel_csv)).text
    assert '`- finetune: {as: network, data: rows, start: "new:bilstm"}` makes one' in text
    assert len(yaml.safe_load(text)["steps"]) == 4, "it is a comment"


PAIRS = {"query": [f"the film {n}" for n in range(40)], "positive": [f"a story of {n}" for n in range(40)]}
ASKED = {"question": PAIRS["query"], "context": PAIRS["positive"], "answers": [str(n) for n in range(40)]}


@pytest.mark.parametrize(
    ("rows", "task", "method", "roles"),
    [
        (PAIRS, "embedding", "pairs", "roles: {text_pair: positive}"),
        (ASKED, "question_answering", "full", "roles: {text_pair: context, answers: answers}"),
        ({"premise": PAIRS["query"], "hypothesis": PAIRS["positive"], "label": ["a", "b"] * 20}, "pair", "head",
         "roles: {text_pair: hypothesis}"),
    ],
)  # fmt: skip
def test_a_newer_task_gets_a_recipe_of_its_own(
    rows: dict[str, list[str]], task: str, method: str, roles: str,
    tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(init.choose, "DEFAULT_START", str(tiny_start))
    monkeypatch.setattr(init.choose, "MAX_UNKNOWN", 1.0)
    pl.DataFrame(rows).write_ndjson(tmp_path / "rows.jsonl")
    written = init.write_recipe(str(tmp_path / "rows.jsonl"))
    steps = yaml.safe_load(written.text)["steps"]
    assert [next(iter(step)) for step in steps] == ["refine", "finetune", "evaluate", "compress"]
    assert {name: steps[1]["finetune"][name] for name in ("task", "method")} == {"task": task, "method": method}
    assert roles in written.text
    assert written.found["task"].startswith(f"{task}: '")
    assert f"task        {written.found['task']}" in written.text
    recipe.read(yaml.safe_load(written.text), STEPS)


def test_a_start_model_that_only_the_user_can_name_is_left_to_fill_in(tmp_path: Path) -> None:
    rows = {"source": PAIRS["query"], "target": PAIRS["positive"]}
    pl.DataFrame(rows).write_ndjson(tmp_path / "rows.jsonl")
    written = init.write_recipe(str(tmp_path / "rows.jsonl"))
    assert "start: PATH_OF_A_MODEL  # name a folder" in written.text
    assert "compress" not in written.text
    with pytest.raises(UsageError, match="PATH_OF_A_MODEL"):
        run(yaml.safe_load(written.text), overrides=[f"out={tmp_path / 'run'}"])

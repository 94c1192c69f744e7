"""Several tasks, one start model, one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import oreline as ore
from oreline import registry
from oreline.api.suite import plan_suite, read_suite
from oreline.errors import UsageError
from oreline.types import Event


@pytest.fixture
def folder(tmp_path: Path, reviews_csv: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of two tasks: reviews from one file, numbers from given splits."""
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    place = tmp_path / "suite"
    place.mkdir()
    (place / "reviews.csv").write_bytes(reviews_csv.read_bytes())
    for part, rows in (("train", 60), ("test", 40)):
        lines = [json.dumps({"text": "great " * (n % 5) + f"film {part} {n}", "label": n % 5}) for n in range(rows)]
        (place / f"{part}.jsonl").write_text("\n".join(lines))
    tasks = [
        {"quotes": {"data": "reviews.csv", "group": "movie"}},
        {"numbers": {"data": {"train": "train.jsonl", "test": "test.jsonl"}, "task": "regression"}},
    ]
    write(place, {"name": "two", "method": "linear", "seed": 4, "tasks": tasks})
    return place


def write(place: Path, content: dict[str, Any]) -> None:
    (place / "suite.yaml").write_text(yaml.safe_dump(content))


def read(place: Path) -> Any:
    return yaml.safe_load((place / "suite.yaml").read_text())


def test_one_table_with_averages_and_a_second_call_does_nothing_again(folder: Path, tmp_path: Path) -> None:
    report = ore.evaluate_suite("no-start-is-needed", folder, out=tmp_path / "out")
    table = report.tables[0]
    assert table.columns == ("task", "figure", "this model", "linear", "difference", "seconds")
    quotes, numbers, average = table.rows
    assert (quotes[0], quotes[1], numbers[0], numbers[1]) == ("quotes", "accuracy", "numbers", "r2")
    assert average[2].value == pytest.approx((quotes[2].value + numbers[2].value) / 2)
    assert report.metrics["macro_average"] == average[2]
    alone = ore.Report.open(tmp_path / "out" / "quotes" / "evaluate" / "report.json")
    assert quotes[2] == alone.metrics["accuracy"]
    assert ore.Artifact.open(tmp_path / "out" / "numbers" / "model").manifest.recipe["options"]["seed"] == 4
    said: list[Event] = []
    again = ore.evaluate_suite("no-start-is-needed", folder, out=tmp_path / "out", on_event=said.append)
    assert again.tables == report.tables
    done = [event.message for event in said if event.stage == "run" and "] " in event.message]
    assert all(message.endswith("done already") for message in done)


def test_a_task_that_fails_is_listed_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    (folder / "one.csv").write_text("text,label\n" + "".join(f"film {n},same\n" for n in range(30)))
    content = read(folder)
    content["tasks"].insert(0, {"one class": {"data": "one.csv"}})
    write(folder, content)
    report = ore.evaluate_suite("x", folder, out=tmp_path / "out")
    assert report.facts["failed"] == 1
    assert "only 1 class" in report.warnings[0]
    assert [row[0] for row in report.tables[0].rows] == ["quotes", "numbers", "macro average of 2 of 3 tasks"]
    assert report.tables[-1].rows[0][0] == "one class"


def test_a_model_is_judged_as_it_is_where_nothing_is_trained(folder: Path, tmp_path: Path) -> None:
    ore.evaluate_suite("x", folder, out=tmp_path / "out")
    model = tmp_path / "out" / "quotes" / "model"
    tasks = [{"same": {"data": str(tmp_path / "out" / "quotes" / "data"), "judge": "dev"}}]
    report = ore.evaluate_suite(model, {"name": "as it is", "method": "none", "tasks": tasks}, out=tmp_path / "none")
    [row] = report.tables[0].rows
    dev = ore.evaluate(model, ore.Dataset.open(tmp_path / "out" / "quotes" / "data"), split="dev", baseline="none")
    assert row[2] == dev.metrics["accuracy"]
    assert row[3] is None


def test_options_of_all_tasks_and_of_one(folder: Path) -> None:
    content = read(folder)
    content |= {"train": {"epochs": 2, "patience": 5}, "method": "full"}
    content["tasks"][0]["quotes"] |= {"train": {"epochs": 1}, "method": "lora"}
    write(folder, content)
    suite = read_suite("hub/start", folder, overrides=["train.patience=7"], seed=9)
    options = {name: recipe.steps[1].options for name, recipe in suite.tasks.items()}
    assert (options["quotes"]["method"], options["numbers"]["method"]) == ("lora", "full")
    assert (options["quotes"]["train"].epochs, options["numbers"]["train"].epochs) == (1, 2)
    assert {one["train"].patience for one in options.values()} == {7}
    assert {recipe.seed for recipe in suite.tasks.values()} == {9}
    assert options["quotes"]["start"] == "hub/start"
    plan = plan_suite("hub/start", folder, overrides=["method=linear"])
    assert [table.title for table in plan.tables] == ["quotes", "numbers"]
    assert plan.tables[1].rows[1][2] == "60", "the rows of the given train split"


@pytest.mark.parametrize(
    ("change", "message", "allowed"),
    [
        ({"tasks": []}, "a suite needs a list of tasks", ""),
        ({"tusks": []}, "unknown key 'tusks'", "did you mean 'tasks'"),
        ({"tasks": [{"a": {"text": "b"}}]}, "the task 'a' names no data", ""),
        ({"tasks": ["a"]}, "a task is one name with its options", ""),
        ({"tasks": [{"a": {"data": "reviews.csv", "metod": "x"}}]}, "unknown key 'metod'", "did you mean 'method'"),
        ({"tasks": [{"a": {"data": "reviews.csv", "method": "lorra"}}]}, "no method named 'lorra'", "lora"),
        (
            {"tasks": [{"a": {"data": "gone.csv"}}]},
            "no task of the suite has its data: there is no file 'gone.csv'",
            "",
        ),
        ({"tasks": [{"a": {"data": "reviews.csv", "metrics": ["mathews"]}}]}, "no metric named 'mathews'", "matthews"),
        ({"tasks": [{"a": {"data": "reviews.csv"}}, {"a": {"data": "reviews.csv"}}]}, "two tasks are called 'a'", ""),
        ({"tasks": [{"a": {"data": "reviews.csv", "judge": "tset"}}]}, "the data have no split 'tset'", "'test'"),
        ({"tasks": [{"a": {"data": "reviews.csv", "split": {"train": 1, "held": 1}}}]}, "no split 'test'", "held"),
        (
            {"tasks": [{"a": {"data": {"train": "train.jsonl", "test": "test.jsonl"}, "judge": "dev"}}]},
            "no split 'dev'",
            "test",
        ),
        ({"tasks": [{"a": {"data": "reviews.csv", "method_options": {"longes": 3}}}]}, "no option 'longes'", "longest"),
        ({"tasks": [{"a": {"data": "reviews.csv", "task": "regresion"}}]}, "no task named 'regresion'", "regression"),
        ({"tasks": [{"a": {"data": "reviews.csv", "task": "seq2seq"}}]}, "'seq2seq' writes texts", ""),
        ({"tasks": [{"a": {"data": "reviews.csv", "train": {"epoch": 1}}}]}, "unknown key 'train.epoch'", "'epochs'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    folder: Path, tmp_path: Path, change: dict[str, Any], message: str, allowed: str
) -> None:
    write(folder, {**read(folder), **change})
    with pytest.raises(UsageError) as caught:
        ore.evaluate_suite("x", folder, out=tmp_path / "out")
    assert message in caught.value.what
    assert allowed in caught.value.allowed
    assert "suite.yaml" in caught.value.where or "step" in caught.value.where
    assert not (tmp_path / "out").exists()


def test_a_dataset_takes_no_options_of_refine_and_a_missing_suite(folder: Path, tmp_path: Path) -> None:
    ore.refine(folder / "reviews.csv", out=folder / "data")
    write(folder, {"tasks": [{"a": {"data": "data", "group": "movie"}}]})
    with pytest.raises(UsageError, match="refined already, and 'group'"):
        read_suite("x", folder)
    write(folder, {"method": "linear", "tasks": [{"a": {"data": "data", "judge": "tset"}}]})
    with pytest.raises(UsageError, match="no split 'tset'"):
        read_suite("x", folder)
    with pytest.raises(UsageError, match="there is no suite") as caught:
        read_suite("x", tmp_path)
    assert "tasks: [{NAME: {data: FILE}}" in caught.value.remedy


def test_an_option_that_a_method_has_not_names_the_task(folder: Path, tmp_path: Path) -> None:
    content = read(folder)
    content["tasks"][1]["numbers"]["method_options"] = {"longes": 3}
    write(folder, content)
    with pytest.raises(UsageError, match="no option 'longes'") as caught:
        ore.evaluate_suite("no-start-is-needed", folder, out=tmp_path / "out")
    assert "task 'numbers'" in caught.value.where
    assert not (tmp_path / "out").exists()


def test_tasks_without_their_files_are_listed_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    content = read(folder)
    content["tasks"][1:1] = [
        {"gone": {"data": {"train": "gone/train.tsv", "test": "train.jsonl"}}},
        {"half": {"data": {"train": {"path": "train.jsonl"}, "test": {"path": ["test.jsonl", "test2.jsonl"]}}}},
    ]
    write(folder, content)
    assert read_suite("x", folder).missing == {"gone": "gone/train.tsv", "half": "test2.jsonl"}
    assert [table.title for table in plan_suite("x", folder).tables] == ["quotes", "numbers", "Missing"]
    report = ore.evaluate_suite("x", folder, out=tmp_path / "out")
    table = report.tables[0]
    assert [row[0] for row in table.rows] == ["quotes", "gone", "half", "numbers", "macro average of 2 of 4 tasks"]
    assert [row[1] for row in table.rows][1:3] == ["missing", "missing"]
    assert report.facts["missing"] == 2
    assert report.facts["failed"] == 0
    assert report.metrics.keys() == {"partial_average"}
    assert any("gone is missing: there is no file 'gone/train.tsv'" in line for line in report.warnings)
    (folder / "test2.jsonl").write_text('{"text": "great film", "label": 1}')
    assert list(read_suite("x", folder).missing) == ["gone"]


def test_a_score_is_the_mean_of_the_figures_that_a_task_names(folder: Path, tmp_path: Path) -> None:
    content = read(folder)
    content["tasks"][0]["quotes"] |= {"metrics": ["per_class", "matthews"], "score": ["accuracy", "f1_fresh"]}
    content["tasks"][1]["numbers"] |= {"score": "mae"}
    write(folder, content)
    report = ore.evaluate_suite("x", folder, out=tmp_path / "out")
    quotes, numbers = report.tables[0].rows
    alone = ore.Report.open(tmp_path / "out" / "quotes" / "evaluate" / "report.json")
    both = [alone.metrics["accuracy"], alone.metrics["f1_fresh"]]
    assert quotes[1] == "accuracy & f1_fresh"
    assert quotes[2].value == pytest.approx(sum(one.value for one in both) / 2)
    assert quotes[2].low == pytest.approx(sum(one.low for one in both) / 2)
    assert "matthews" in alone.metrics
    assert numbers[1] == "mae"
    assert report.metrics == {}, "less is better in one of them: no average"
    content["tasks"][0]["quotes"]["score"] = "f1_frish"
    write(folder, content)
    with pytest.raises(UsageError, match="no figure 'f1_frish' to score by") as caught:
        ore.evaluate_suite("x", folder, out=tmp_path / "out")
    assert "did you mean 'f1_fresh'" in caught.value.allowed


def test_pairs_tags_and_questions_in_one_table(
    tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    place = tmp_path / "suite"
    place.mkdir()
    for part, num in (("train", 40), ("test", 20)):
        pairs = [
            {"a": f"great film {part} {n}", "b": f"{'great' if n % 2 else 'dull'} {n}", "y": n % 2} for n in range(num)
        ]
        tags = [
            {"text": f"{part}{n} 张三去北京", "label": {"name": {"张三": [[(at := len(f"{part}{n} ")), at + 1]]}}}
            for n in range(num)
        ]
        asked = [
            {
                "question": f"who is {part} {n}",
                "context": f"film {n} great",
                "answers": [{"text": "great", "start": len(f"film {n} ")}],
            }
            for n in range(num)
        ]
        for name, rows in (("pairs", pairs), ("tags", tags), ("asked", asked)):
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
            (place / f"{name}-{part}.jsonl").write_text("\n".join(lines))
    both = {name: {part: f"{name}-{part}.jsonl" for part in ("train", "test")} for name in ("pairs", "asked")}
    nested = {part: {"path": f"tags-{part}.jsonl", "nested": "text"} for part in ("train", "test")}
    qa = {"task": "question_answering", "text": "question", "roles": {"text_pair": "context"}, "score": "exact_match"}
    tasks = [
        {"pairs": {"data": both["pairs"], "task": "pair", "text": "a", "label": "y", "roles": {"text_pair": "b"}}},
        {"tags": {"data": nested, "task": "token_classification", "roles": {"tags": "label"}}},
        {"asked": {"data": both["asked"], **qa}},
    ]
    write(place, {"method": "full", "train": {"epochs": 1, "threads": 1, "precision": "fp32"}, "tasks": tasks})
    report = ore.evaluate_suite(str(tiny_start), place, out=tmp_path / "out")
    assert report.facts["failed"] == 0, report.warnings
    assert [row[:2] for row in report.tables[0].rows] == [
        ["pairs", "accuracy"], ["tags", "entity_f1"], ["asked", "exact_match"], ["macro average", ""]
    ]  # fmt: skip
    assert [row[2].n for row in report.tables[0].rows][:3] == [20, 20, 20]


SHIPPED = {"glue": 9, "clue": 7}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_suites_read_what_is_published(name: str, tmp_path: Path) -> None:
    """Files in the form of the benchmarks' own downloads; what is to be learnt of them is random."""
    from tests.api.benchmarks import FILES

    place = tmp_path / name
    for file, content in FILES[name].items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(content, encoding="utf-8")
    recipe = Path(__file__).parents[2] / "recipes" / name / "suite.yaml"
    (place / "suite.yaml").write_bytes(recipe.read_bytes())
    suite = read_suite("hub/start", place, out=tmp_path / "out")
    assert len(suite.names) == SHIPPED[name]
    assert suite.missing == {}
    for task, planned in suite.tasks.items():
        step = planned.steps[0]
        refined = ore.refine(**{**step.options, "out": tmp_path / "refined" / task})
        plug = registry.get("task", planned.steps[1].options.get("task", "text_classification"))
        columns = {*plug.inputs, plug.target}
        assert columns <= set(refined.manifest.columns), task
        assert {"train", "dev", "test"} <= set(refined.splits), task
        targets = refined.frame("train")[plug.target].drop_nulls().to_list()
        assert len(targets) > 10, task
        made = registry.create("task", planned.steps[1].options["task"], **plug.options_from(targets))
        if made.view == "classes":
            assert 2 <= len(made.labels) <= 4, (task, made.labels)
            figures = {"accuracy", "matthews", *(f"f1_{label}" for label in made.labels)}
            assert set(suite.scores.get(task, ["accuracy"])) <= figures, task
        else:
            assert set(suite.scores.get(task, [])) <= {"pearson", "spearman", "exact_match"}

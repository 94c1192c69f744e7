from __future__ import annotations

import json
from pathlib import Path

import pytest

import oreline as ore
from oreline.cli.common import HEEDED
from oreline.cli.main import COMMANDS


def test_set_reaches_any_option(cli, reviews_csv: Path) -> None:
    done = cli(
        "refine", reviews_csv, "--out", "data", "--set", "split={train: 0.5, test: 0.5}", "--set", "roles.group=movie"
    )
    assert done.code == 0, done.err
    assert ore.Dataset.open("data").splits == ("train", "test")
    assert ore.Dataset.open("data").manifest.roles["group"] == "movie"
    wrong = cli("refine", reviews_csv, "--out", "other", "--set", "operator=x")
    assert wrong.code == 2
    assert "did you mean 'operators'" in wrong.err
    assert "--set" in cli("refine", reviews_csv, "--set", "operators").err


def test_training_options_through_set(cli, data_folder: Path) -> None:
    wrong = cli("finetune", data_folder, "--method", "linear", "--set", "train.epoch=3")
    assert wrong.code == 2
    assert "did you mean 'epochs'" in wrong.err
    done = cli("finetune", data_folder, "--method", "linear", "--set", "train.epochs=3", "--seed", "5", "--out", "m")
    assert done.code == 0, done.err
    recorded = ore.Artifact.open("m").manifest.recipe["options"]
    assert (recorded["train"]["epochs"], recorded["seed"]) == (3, 5)


def test_json_is_one_document_on_stdout(cli, reviews_csv: Path, model_folder: Path, data_folder: Path) -> None:
    refined = json.loads(cli("refine", reviews_csv, "--json", "--out", "data").out)
    assert refined["counts"]["rows_in"] == 400
    assert refined["path"] == "data"
    report = json.loads(cli("evaluate", model_folder, data_folder, "--json").out)
    assert set(report["metrics"]["accuracy"]) == {"value", "low", "high", "n"}
    trained = json.loads(cli("finetune", data_folder, "--method", "linear", "--json", "--out", "m").out)
    assert trained["runtime"] == "linear"


def test_quiet_prints_no_progress(cli, reviews_csv: Path) -> None:
    done = cli("finetune", reviews_csv, "--method", "linear", "--quiet", "--out", "m")
    assert done.code == 0
    assert done.err == ""
    assert "linear model" in done.out


def test_dry_run_writes_nothing(cli, reviews_csv: Path, model_folder: Path, data_folder: Path, fresh: Path) -> None:
    before = sorted(Path().rglob("*"))
    for arguments in (
        ["refine", reviews_csv, "--out", "data"],
        ["finetune", reviews_csv, "--method", "linear", "--out", "m"],
        ["evaluate", model_folder, data_folder, "--out", "report"],
        ["explain", model_folder, "--text", "a great film"],
        ["serve", model_folder],
        ["rerun", model_folder],
        ["update", model_folder, fresh, "--gate", reviews_csv, "--out", "home"],
        ["init", reviews_csv, "--out", "-"],
    ):
        done = cli(*arguments, "--dry-run")
        if arguments[0] == "init":
            continue  # the language is English: its start model needs a connection
        assert done.code == 0, done.err
        assert done.out, "it says what it would do"
    assert sorted(Path().rglob("*")) == before
    done = cli("monitor", model_folder, "--live", "predictions.sqlite", "--dry-run")
    assert (done.code, "there is no prediction log" in done.err) == (2, True), "what is wrong is said without doing it"


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Raw rows that the model was not trained on."""
    words = ["velvet", "granite", "harbour", "lantern", "meadow", "orchard", "pebble", "quarry", "saffron", "thicket"]
    lines = [f"a great {a} {b},fresh\nan awful {a} {b},rotten" for a in words for b in words]
    file = tmp_path / "fresh.csv"
    file.write_text("\n".join(["text,label", *lines]))
    return file


def test_set_is_refused_where_it_would_change_nothing(cli, model_folder: Path) -> None:
    for arguments in (
        ["list"],
        ["doctor"],
        ["schema"],
        ["rerun", model_folder],
        ["init", "x"],
    ):
        refused = cli(*arguments, "--set", "max_rows=3")
        assert refused.code == 2
        assert f"{arguments[0]} has no options besides its own" in refused.err
        assert "max_rows=3" in refused.err
    explained = cli("explain", model_folder, "--text", "a great film", "--set", "options.max_word=3")
    assert explained.code == 2
    assert "max_word" in explained.err


def test_options_that_would_change_nothing_are_refused_and_not_in_the_help(cli, model_folder: Path) -> None:
    for option, arguments in (
        ("--force", ["update", model_folder, "fresh.csv", "--gate", "gate.csv", "--force"]),
        ("--force", ["serve", model_folder, "--force"]),
        ("--force", ["predict", model_folder, "x.txt", "--force"]),
        ("--force", ["rollback", "home", "--force"]),
        ("--seed", ["predict", model_folder, "x.txt", "--seed", "3"]),
        ("--seed", ["serve", model_folder, "--seed", "0"]),
        ("--seed", ["init", "x.csv", "--seed", "3"]),
    ):
        refused = cli(*arguments)
        assert refused.code == 2
        assert option in refused.err.splitlines()[0]
        assert f"leave {option} out" in refused.err
        assert refused.out == ""
    for command in COMMANDS:
        shown = cli(command, "--help").out
        for option, commands in HEEDED.items():
            assert (f"  {option}" in shown) == (command in commands), (command, option)
    assert set().union(*HEEDED.values()) <= COMMANDS.keys()


def test_options_of_the_test_of_explanations_need_its_rows(cli, model_folder: Path) -> None:
    for options in (["--force"], ["--seed", "3"], ["--out", "report", "--seed", "3"]):
        refused = cli("explain", model_folder, "--text", "a great film", *options)
        assert refused.code == 2
        assert "--data DATA" in refused.err


def test_a_model_and_its_report_keep_their_own_figures(cli, model_folder: Path, data_folder: Path, fresh: Path) -> None:
    done = cli("update", model_folder, fresh, "--gate", f"{data_folder}#test", "--out", "home", "--json")
    found = json.loads(done.out)
    assert "golden_accuracy_after" in found["metrics"]
    assert found["model"]["runtime"] == "linear"
    assert found["model"]["metrics"]["accuracy"]["n"] != found["metrics"]["golden_accuracy_after"]["n"]


def test_the_seed_zero_is_a_seed(cli, reviews_csv: Path) -> None:
    step = {"refine": {"data": str(reviews_csv)}}
    Path("r.yaml").write_text(json.dumps({"out": "out", "seed": 5, "steps": [step]}))
    for arguments, seed in (((), 5), (("--seed", "0"), 0), (("--seed", "7"), 7)):
        planned = json.loads(cli("run", "r.yaml", "--dry-run", "--json", *arguments).out)
        assert planned["facts"]["seed"] == seed


def test_force_replaces_output(cli, reviews_csv: Path) -> None:
    assert cli("refine", reviews_csv, "--out", "data").code == 0
    refused = cli("refine", reviews_csv, "--out", "data")
    assert refused.code == 2
    assert "--force" in refused.err
    assert cli("refine", reviews_csv, "--out", "data", "--force").code == 0


def test_a_terminal_gets_the_beginning_of_a_long_report_and_its_page(
    cli, reviews_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cli("refine", reviews_csv, "--out", "data", "--quiet").out
    assert "Not shown" not in whole
    assert whole.endswith("report: data/report.html\n")
    monkeypatch.setattr("oreline.cli.common.is_terminal", lambda: True)
    shown = cli("refine", reviews_csv, "--out", "again", "--quiet").out
    assert shown.count("\n") < whole.count("\n")
    assert "Not shown here:" in shown
    assert "(again/report.html)" in " ".join(shown.split())


def test_where_a_report_lies_is_said(cli, reviews_csv: Path, model_folder: Path, data_folder: Path) -> None:
    assert cli("evaluate", model_folder, data_folder, "--out", "found").out.endswith("report: found/report.html\n")
    assert cli("evaluate", model_folder, data_folder, "--out", "f.json").out.endswith("report: f.html\n")
    assert Path("found/report.html").exists()
    assert Path("f.html").exists()
    done = cli("refine", reviews_csv, "--calibrate")
    assert done.code == 0, done.err
    assert Path(done.err.rpartition("report: ")[2].strip()).exists()


def test_a_file_that_judges_has_to_have_the_columns_of_the_model(cli, model_folder: Path) -> None:
    Path("other.csv").write_text("sentence,tag\na fine film,good\n", encoding="utf-8")
    done = cli("evaluate", model_folder, "other.csv")
    assert done.code == 2
    assert "call the columns as the model's rows did: 'text', 'label'" in done.err
    assert "--text" not in done.err, "evaluate has no such option"

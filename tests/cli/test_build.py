from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline import store
from oreline.monitor.log import PredictionLog
from oreline.monitor.records import LogRecord


@pytest.fixture
def poison(reviews_csv: Path, tmp_path: Path) -> Path:
    """Raw rows like those that the model knows, each with the wrong label."""
    other = {"fresh": "rotten", "rotten": "fresh"}
    with reviews_csv.open(encoding="utf-8", newline="") as stream:
        rows = [(f"{row['text']} indeed", other[row["label"]]) for row in csv.DictReader(stream)]
    file = tmp_path / "poison.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])
    return file


def test_refine_several_files_with_operators_and_against(cli, reviews_csv: Path) -> None:
    Path("first.csv").write_text("text,label\n" + "a great film,fresh\na dull film,rotten\nheld out,fresh\n" * 2)
    Path("second.csv").write_text("text,label\nan awful plot,rotten\na warm story,fresh\n")
    Path("test.csv").write_text("text,label\nheld out,fresh\n")
    done = cli(
        "refine", "first.csv", "second.csv", "--operator", "drop_empty", "--operator", "dedup_exact",
        "--against", "test.csv", "--set", "split={}", "--out", "data",
    )  # fmt: skip
    assert done.code == 0, done.err
    data = ore.Dataset.open("data")
    assert data.frame("all")["text"].sort().to_list() == [
        "a dull film",
        "a great film",
        "a warm story",
        "an awful plot",
    ]
    assert data.manifest.counts["rows_in"] == 8


def given(name: str, *rows: str) -> str:
    Path(name).write_text("\n".join(["text,label", *rows]) + "\n")
    return name


def test_refine_given_splits(cli) -> None:
    """Each stays as it is; several files may make up one."""
    given("a.csv", "a great film,fresh", "a dull film,rotten")
    given("b.csv", "a warm story,fresh")
    given("c.csv", "an awful plot,rotten")
    planned = cli("refine", "train=a.csv", "train=b.csv", "test=c.csv", "--dry-run", "--json")
    assert planned.code == 0, planned.err
    assert json.loads(planned.out)["tables"][0]["rows"][0][2] == "4"
    done = cli("refine", "train=a.csv", "train=b.csv", "test=c.csv", "--set", "split={}", "--out", "data")
    assert done.code == 0, done.err
    data = ore.Dataset.open("data")
    assert {split: data.frame(split)["text"].to_list() for split in data.splits} == {
        "train": ["a great film", "a dull film", "a warm story"],
        "test": ["an awful plot"],
    }


def test_a_source_may_be_described_in_braces(cli) -> None:
    """As the remedies of readers write it; also as a given split."""
    text = b"text,label\na great film,fresh\n" + "一部无聊的电影，浪费时间,rotten\n".encode("gb18030")
    Path("mixed.csv").write_bytes(text + "一部好看的电影，值得推荐,fresh\n".encode())
    refused = cli("refine", "mixed.csv", "--out", "data")
    assert refused.code == 2
    described = "{path: mixed.csv, encodings: [utf-8, gb18030]}"
    assert described.replace("mixed.csv", "FILE") in refused.err
    expected = ["a great film", "一部无聊的电影，浪费时间", "一部好看的电影，值得推荐"]
    assert cli("refine", described, "--set", "split={}", "--out", "data").code == 0
    assert ore.Dataset.open("data").frame("all")["text"].to_list() == expected
    given("b.csv", "a warm story,fresh")
    done = cli("refine", f"train={described}", "train=b.csv", "test=b.csv", "--set", "split={}", "--out", "two")
    assert done.code == 0, done.err
    assert ore.Dataset.open("two").frame("train")["text"].to_list() == [*expected, "a warm story"]
    for wrong in ("{path:mixed.csv}", "{path: [}"):
        refused = cli("refine", wrong, "--out", "no")
        assert refused.code == 2
        assert "is no mapping in YAML" in refused.err


def test_what_is_lacking_is_carved_out_of_train(cli) -> None:
    given("a.csv", *(f"a great film {n},fresh\na dull film {n},rotten" for n in range(45)))
    given("c.csv", "an awful plot,rotten")
    assert cli("refine", "train=a.csv", "test=c.csv", "--out", "data").code == 0
    data = ore.Dataset.open("data")
    assert {split: data.num_rows(split) for split in data.splits} == {"train": 80, "dev": 10, "test": 1}


def test_a_mixture_of_splits_and_files_is_refused(cli) -> None:
    for name in ("a.csv", "b.csv", "c=d.csv"):
        given(name, "a great film,fresh", "a dull film,rotten")
    for sources, says in (
        (["train=a.csv", "b.csv"], ["'b.csv' names no split", "SPLIT=FILE", "write SPLIT=b.csv"]),
        (["train=a.csv", "test="], ["'test=' names no file", "write test=FILE"]),
        (["train=none.csv", "test=b.csv"], ["there is no file 'none.csv'", "check the path"]),
        (["tr ain=a.csv"], ["there is no file 'tr ain=a.csv'"]),
    ):
        refused = cli("refine", *sources, "--out", "data")
        assert refused.code == 2, sources
        assert all(part in refused.err for part in says), refused.err
        assert not Path("data").exists()
    assert cli("refine", "c=d.csv", "--set", "split={}", "--out", "data").code == 0, (
        "a name with = is a file's name too"
    )
    assert ore.Dataset.open("data").splits == ("all",)


def test_finetune_refines_a_raw_file_first(cli, reviews_csv: Path) -> None:
    done = cli("finetune", reviews_csv, "--method", "linear", "--group", "movie", "--out", "model")
    assert done.code == 0, done.err
    assert "refining the raw data" in done.err
    assert ore.Artifact.open("model").manifest.columns["group"] == ["movie"]


def test_auto_says_why(cli, data_folder: Path, tiny_start: Path) -> None:
    done = cli("finetune", data_folder, "--start", tiny_start, "--set", "train.epochs=0.2", "--out", "model")
    assert done.code == 0, done.err
    assert "method full: 320 training rows" in done.err
    assert "first row as the model sees it" in done.err


def test_pretrain(cli, data_folder: Path, tiny_start: Path) -> None:
    done = cli("pretrain", data_folder, "--start", tiny_start, "--set", "train.epochs=1", "--json", "--out", "encoder")
    assert done.code == 0, done.err
    assert json.loads(done.out)["metrics"]["loss_before"]["n"] > 0
    used = cli("predict", "encoder", "x.txt")
    assert used.code == 2
    assert "has no task yet" in used.err


def test_a_linear_model_cannot_be_compressed_to_int8(cli, model_folder: Path) -> None:
    done = cli("compress", model_folder, "--out", "small")
    assert done.code == 2
    assert "a torch artifact" in done.err
    assert not Path("small").exists()


def test_update_promotes_refuses_and_is_dry(cli, model_folder: Path, data_folder: Path) -> None:
    words = ["velvet", "granite", "harbour", "lantern", "meadow", "orchard", "pebble", "quarry", "saffron", "thicket"]
    lines = [f"{'great' if (n + m) % 2 else 'awful'} {a} {b},{'fresh' if (n + m) % 2 else 'rotten'}"
             for n, a in enumerate(words) for m, b in enumerate(words)]  # fmt: skip
    Path("fresh.csv").write_text("\n".join(["text,label", *lines]))
    arguments = ("update", model_folder, "fresh.csv", "--gate", f"{data_folder}#test", "--out", "home")
    planned = cli(*arguments, "--dry-run")
    assert planned.code == 0, planned.err
    assert "dry run" in planned.out
    done = cli(*arguments, "--json")
    decision = json.loads(done.out)["facts"]["decision"]
    assert done.code == (1 if decision == "refused" else 0)
    assert decision in ("passed", "undecided", "refused")
    without = cli("update", model_folder, "fresh.csv", "--out", "home")
    assert without.code == 2
    assert "--gate" in without.err


ASKED = (
    "SELECT json_extract(inputs, '$.text') AS text, feedback.label AS label FROM feedback JOIN predictions USING (id)"
)


def test_labels_that_the_log_holds_are_rows_of_an_update(cli, model_folder: Path, data_folder: Path) -> None:
    assert ASKED in (Path(__file__).parents[2] / "docs" / "how-to.md").read_text(encoding="utf-8")
    log = PredictionLog("predictions.sqlite")
    scores = np.full(2, 0.5, np.float32)
    inputs = [{"text": f"a velvet film, number {n}"} for n in range(40)]
    log.append(LogRecord(f"{n:032x}", 1.0, "m", "v", text, "fresh", scores) for n, text in enumerate(inputs))
    for n in range(30):
        log.feedback(f"{n:032x}", "rotten" if n % 3 else "fresh")
    log.close()
    arguments = ("update", model_folder, f"predictions.sqlite::{ASKED}", "--gate", f"{data_folder}#test")
    done = cli(*arguments, "--out", "home", "--dry-run", "--json")
    assert done.code == 0, done.err
    (table,) = json.loads(done.out)["tables"]
    assert sum(row[1] for row in table["rows"] if row[0].startswith("fresh")) == 30, table


def test_an_update_that_the_gate_refuses_ends_with_one(
    cli, model_folder: Path, poison: Path, data_folder: Path
) -> None:
    done = cli(
        "update", model_folder, poison, "--gate", f"{data_folder}#test", "--out", "home", "--json",
        "--set", "policy_options={old_per_fresh: 0.2}",
    )  # fmt: skip
    assert done.code == 1, done.err
    facts = json.loads(done.out)["facts"]
    assert (facts["decision"], facts["promoted"]) == ("refused", False)
    assert store.aliases("home")["champion"] == ore.Artifact.open(model_folder).version
    assert "Traceback" not in done.err


def test_a_recipe_whose_update_is_refused_ends_with_one(cli, reviews_csv: Path, poison: Path) -> None:
    steps = [
        {"refine": {"as": "reviews", "data": str(reviews_csv), "group": "movie"}},
        {"finetune": {"data": "reviews", "method": "linear"}},
        {"update": {"model": "finetune", "fresh": str(poison), "gate": "reviews#test",
                    "policy_options": {"old_per_fresh": 0.2}}},
    ]  # fmt: skip
    Path("r.yaml").write_text(json.dumps({"out": "out", "steps": steps}))
    done = cli("run", "r.yaml", "--json")
    assert done.code == 1, done.err
    report = json.loads(done.out)
    assert report["facts"]["refused"] == ["update"]
    assert ["update", "verdict", "refused, not promoted"] in report["tables"][0]["rows"]
    again = cli("run", "r.yaml")
    assert again.code == 1, "a verdict does not change when it is asked for again"
    assert "done already" in again.err


def test_an_adapters_name_is_a_method_and_merge_makes_it_whole(cli, data_folder: Path, tiny_start: Path) -> None:
    few = ("--set", "train.epochs=0.2", "--set", "method_options.rank=2")
    given = ("finetune", data_folder, "--start", tiny_start, "--method", "lora", *few)
    planned = cli(*given, "--dry-run")
    assert planned.code == 0, planned.err
    done = cli(*given, "--out", "small")
    assert done.code == 0, done.err
    assert "lora trains" in done.err
    assert cli("merge", "small", "--dry-run").code == 0
    merged = cli("merge", "small", "--out", "whole")
    assert merged.code == 0, merged.err
    assert ore.Artifact.open("whole").has("model.safetensors")
    assert "--force" in cli("merge", "small", "--out", "whole").err
    assert cli("merge", "small", "--out", "whole", "--force").code == 0
    refused = cli("merge", "whole", "--out", "again")
    assert refused.code == 2
    assert "has no adapter" in refused.err
    wrong = cli("finetune", data_folder, "--start", tiny_start, "--method", "lorra")
    assert wrong.code == 2
    assert "did you mean 'lora'" in wrong.err


def test_leaving_values_out(cli, reviews_csv: Path) -> None:
    leave = ("finetune", reviews_csv, "--method", "linear", "--leave-out")
    planned = cli(*leave, "movie", "--dry-run")
    assert planned.code == 0, planned.err
    refused = cli(*leave, "movie")
    assert refused.code == 2
    assert "--leave-out movie=VALUE,VALUE" in refused.err
    done = cli(*leave, "day=2026-01-06,2026-01-07", "--json", "--out", "out")
    assert done.code == 0, done.err
    assert json.loads(done.out)["tables"][0]["rows"][0][0] == "2026-01-06, 2026-01-07"
    assert Path("out/report.html").is_file()
    assert "--reference belongs to --leave-out" in cli("finetune", reviews_csv, "--reference").err


def test_several_models_are_merged(cli, data_folder: Path, tiny_start: Path) -> None:
    train = ("--method", "full", "--set", "train.epochs=0.3", "--set", "train.threads=1")
    for name, seed in (("a", "1"), ("b", "2")):
        assert cli("finetune", data_folder, "--start", tiny_start, *train, "--seed", seed, "--out", name).code == 0
    assert cli("merge", "a", "b", "--by", "slerp", "--dry-run").code == 0
    done = cli("merge", "a", "b", "--by", "ties", "--set", "by_options.density=0.5", "--weight", "2", "--weight", "1",
               "--out", "m", "--json")  # fmt: skip
    assert done.code == 0, done.err
    options = ore.Artifact.open("m").manifest.recipe["options"]
    assert (options["by"], options["by_options"], len(options["others"])) == ("ties", {"density": 0.5}, 1)
    assert options["weights"] == pytest.approx([2 / 3, 1 / 3])
    refused = cli("merge", "a", "--by", "ties")
    assert refused.code == 2
    assert "join several models" in refused.err

from __future__ import annotations

import json
from pathlib import Path

import oreline as ore


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
    refused = cli("merge", "whole", "--out", "again")
    assert refused.code == 2
    assert "has no adapter" in refused.err
    wrong = cli("finetune", data_folder, "--start", tiny_start, "--method", "lorra")
    assert wrong.code == 2
    assert "did you mean 'lora'" in wrong.err

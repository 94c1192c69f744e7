from __future__ import annotations

import json
from pathlib import Path

import yaml

import oreline as ore


def test_init_then_run(cli) -> None:
    rows = [f"这家酒店很好 第{n}次,好" for n in range(40)] + [f"房间太差了 第{n}天,差" for n in range(40)]
    Path("hotel.csv").write_text("\n".join(["评论,标签", *rows]), encoding="utf-8")
    done = cli("init", "hotel.csv")
    assert done.code == 0, done.err
    assert "oreline run recipe.yaml" in done.out
    again = cli("init", "hotel.csv")
    assert again.code == 2
    assert "--force" in again.err
    onto_itself = cli("init", "hotel.csv", "--out", "hotel.csv", "--force")
    assert onto_itself.code == 2
    assert "hotel.csv holds the rows" in onto_itself.err
    assert yaml.safe_load(cli("init", "hotel.csv", "--out", "-").out)["name"] == "hotel"
    found = json.loads(cli("init", "hotel.csv", "--dry-run", "--json").out)
    assert found["classes"] == {"好": 40, "差": 40}
    assert yaml.safe_load(found["recipe"])["name"] == "hotel"
    planned = cli("run", "recipe.yaml", "--dry-run")
    assert planned.code == 0, planned.err
    assert not Path("runs/hotel").exists()
    ran = cli("run", "recipe.yaml", "--out", "here", "--seed", "3")
    assert ran.code == 0, ran.err
    assert "Results" in ran.out
    assert "here/report.html" in ran.out
    assert Path("here/report.html").is_file()
    assert ore.Artifact.open("here/model").manifest.recipe["options"]["seed"] == 3
    assert "done already" in cli("run", "recipe.yaml", "--out", "here", "--seed", "3").err
    assert json.loads(cli("run", "recipe.yaml", "--out", "here", "--seed", "3", "--json").out)["verb"] == "run"


def test_rerun(cli, model_folder: Path) -> None:
    planned = cli("rerun", model_folder, "--dry-run")
    assert planned.code == 0
    assert "verb: finetune" in planned.out
    assert "leave --seed out" in cli("rerun", model_folder, "--seed", "3", "--out", "again").err
    done = cli("rerun", model_folder, "--out", "again")
    assert done.code == 0, done.err
    assert ore.Artifact.open("again").id == ore.Artifact.open(model_folder).id


def test_tune(cli, data_folder: Path) -> None:
    steps = [{"finetune": {"data": str(data_folder), "method": "linear"}}]
    Path("r.yaml").write_text(yaml.safe_dump({"name": "small", "out": "out", "steps": steps}))
    refused = cli("tune", "r.yaml", "--search", "method_options.longst=1..3")
    assert refused.code == 2
    assert "did you mean 'longest'" in refused.err
    search = ("tune", "r.yaml", "--search", "method_options.longest=1..3", "--trials", "2")
    planned = cli(*search, "--dry-run")
    assert planned.code == 0, planned.err
    assert "1..3" in planned.out
    assert not Path("out-tune").exists()
    done = cli(*search, "--set", "finetune.method_options.max_features=50", "--seed", "3")
    assert done.code == 0, done.err
    assert "The best recipe" in done.out
    assert "trial 2: accuracy" in done.err
    best = yaml.safe_load(Path("out-tune/best.yaml").read_text())
    assert (best["seed"], best["steps"][0]["finetune"]["method_options"]["max_features"]) == (3, 50)
    again = cli(*search, "--set", "finetune.method_options.max_features=50", "--seed", "3", "--json")
    assert json.loads(again.out)["facts"]["trials"] == 2
    assert "another search was made here" in cli(*search).err
    assert cli(*search, "--force", "--quiet").code == 0
    assert cli("run", "out-tune/best.yaml").code == 0


def test_a_wrong_recipe(cli) -> None:
    Path("r.yaml").write_text("steps:\n  - refine: {dta: x.csv}\n")
    done = cli("run", "r.yaml")
    assert done.code == 2
    assert "did you mean 'data'" in done.err
    assert "r.yaml" in done.err

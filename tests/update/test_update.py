"""The verb update: rows, training, gate, aliases; what it refuses; what it leaves when it is killed."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from oreline import store
from oreline.data.dataset import Dataset
from oreline.data.fold import row_hashes
from oreline.errors import ArtifactError, DataError, GateRefusedError, ResourceError, UsageError
from oreline.evaluate.estimates import point_values
from oreline.evaluate.table import predict_table
from oreline.recipe import TrainOptions
from oreline.report.report import Report
from oreline.runtime.open import open_runtime
from oreline.store import TRAIN_ROWS, Artifact
from oreline.train.finetune import finetune
from oreline.types import Event
from oreline.update.plan import RATE_SHARE
from oreline.update.promote import locked, promote, rollback, stored_report
from oreline.update.rows import HELD_OUT
from oreline.update.update import update

DRIVER = Path(__file__).with_name("kill_driver.py")


def accuracy(model: Artifact, data: Dataset, split: str) -> float:
    """Return the share of rows that a model has right."""
    return float(predict_table(open_runtime(model), data, split).right_N.mean())


def rows_of(report: Report) -> dict[str, int]:
    """Return a report's table of rows."""
    [table] = [table for table in report.tables if table.title == "Rows"]
    return {str(name).strip(): number for name, number in table.rows}


def flipped(data: Dataset) -> pl.DataFrame:
    """Return a dataset's rows with the labels exchanged."""
    swap = {"fresh": "rotten", "rotten": "fresh"}
    return data.frame("all", ["text", "label"]).with_columns(pl.col("label").replace_strict(swap))


# --- decisions ------------------------------------------------------------------------------------------------


def test_better_on_fresh_rows_and_no_worse_on_golden_ones_is_promoted(
    model: Artifact, fresh: Dataset, golden: Dataset, settings: dict[str, Any]
) -> None:
    new, report = update(model, fresh, **settings)
    home = settings["home"]
    assert report.facts["decision"] == "passed"
    assert report.facts["promoted"] is True
    assert store.aliases(home) == {"champion": new.version, "challenger": new.version, "previous": model.version}
    assert Artifact.open(home).id == new.id
    assert Artifact.open(f"{home}@previous").id == model.id

    data = Dataset.open(Path(new.manifest.data["path"]))
    assert report.metrics["fresh_accuracy_before"].value == accuracy(model, data, HELD_OUT) < 0.7
    assert report.metrics["fresh_accuracy_after"].value == accuracy(new, data, HELD_OUT) > 0.9
    assert report.metrics["golden_accuracy_after"].value == accuracy(new, golden, "all") > 0.95
    change = report.metrics["fresh_accuracy_change"]
    assert change.low > 0
    assert change.value == pytest.approx(
        report.metrics["fresh_accuracy_after"].value - report.metrics["fresh_accuracy_before"].value
    )
    assert report.facts["verdict"].startswith("passed")
    assert {"Rows", "Aliases", "Gate: passed"} <= {table.title for table in report.tables}
    classes = next(table for table in report.tables if table.title.startswith("Per class on the fresh"))
    assert [row[0] for row in classes.rows] == ["fresh", "rotten"]
    assert sum(row[1] for row in classes.rows) == rows_of(report)["held out, to judge both models"]
    assert "Update: passed" in str(report)


def test_the_verdict_is_stored_and_every_row_accounted_for(
    model: Artifact, fresh: Dataset, golden: Dataset, settings: dict[str, Any]
) -> None:
    new, report = update(model, fresh, **settings)
    stored = stored_report(settings["home"], new.version)
    assert stored is not None
    assert stored.to_json() == Report.from_json(json.loads(json.dumps(report.to_json()))).to_json()
    assert (settings["home"] / "reports" / f"{new.version}.html").is_file()
    data = Dataset.open(Path(new.manifest.data["path"]))
    counts = data.manifest.counts
    assert counts["rows_in"] == 400
    assert counts["rows_in"] + counts["rows_added"] == counts["rows_out"] + counts["rows_dropped"]
    # Nothing that judges was trained on.
    trained = np.fromfile(new.file(TRAIN_ROWS), dtype="<u8")
    for judging in (golden.frame("all"), data.frame(HELD_OUT)):
        assert not np.isin(row_hashes(judging, ["text"]), trained).any()
    assert not (settings["home"] / "work" / str(report.facts["update"])).exists()


def test_no_better_is_undecided_and_not_promoted(
    model: Artifact, make_data: Any, settings: dict[str, Any], old: Dataset
) -> None:
    same = old.frame("train", ["text", "label"]).with_columns(text=pl.col("text") + " again")
    new, report = update(model, make_data(same), **settings)
    assert report.facts["decision"] == "undecided"
    assert report.facts["promoted"] is False
    assert "rows_needed" in report.facts
    assert store.aliases(settings["home"]) == {"champion": model.version, "challenger": new.version}
    with pytest.raises(GateRefusedError, match="undecided"):
        promote(settings["home"])


def test_worse_on_golden_rows_is_refused_and_kept_for_a_look(
    model: Artifact, make_data: Any, golden: Dataset, settings: dict[str, Any]
) -> None:
    poison = flipped(golden).with_columns(text=pl.col("text") + " indeed")
    settings["policy_options"] = {"old_per_fresh": 0.2}
    new, report = update(model, make_data(poison), **settings)
    assert report.facts["decision"] == "refused"
    assert report.metrics["golden_accuracy_change"].high < 0
    assert store.aliases(settings["home"]) == {"champion": model.version, "challenger": new.version}
    with pytest.raises(GateRefusedError, match="refused"):
        promote(settings["home"])
    assert promote(settings["home"], force=True)["champion"] == new.version


def test_a_champion_that_changed_meanwhile_is_not_overwritten(
    model: Artifact, fresh: Dataset, settings: dict[str, Any], tmp_path: Path
) -> None:
    home = settings["home"]
    other = Artifact.open(shutil.copytree(model.path, tmp_path / "other"))
    sealed = store.seal(other.path, other.manifest.model_copy(update={"oreline": "another"}))

    def overtake(event: Event) -> None:
        if "judging" in event.message:
            store.set_aliases(home, {"champion": store.add_version(home, Artifact.open(other.path)).version})

    new, report = update(model, fresh, on_event=overtake, **settings)
    assert report.facts["decision"] == "passed"
    assert report.facts["promoted"] is False
    assert "meanwhile" in report.warnings[0]
    assert store.aliases(home) == {"champion": sealed.id[:12], "challenger": new.version}


# --- once more ------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(
    model: Artifact, fresh: Dataset, settings: dict[str, Any], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    same, report = update(model, fresh, dry_run=True, **settings)
    assert same is model
    assert sorted(tmp_path.rglob("*")) == before
    assert rows_of(report)["fresh rows given"] == 400
    assert report.facts["estimated_train_s"] > 0
    _, real = update(model, fresh, **settings)
    assert {name: real.facts[name] for name in real.facts if name.endswith("_rows")} == {
        name: report.facts[name] for name in report.facts if name.endswith("_rows")
    }


def test_the_same_command_again_finds_its_result(model: Artifact, fresh: Dataset, settings: dict[str, Any]) -> None:
    first, report = update(model, fresh, **settings)
    events: list[Event] = []
    again, stored = update(model, fresh, on_event=events.append, **settings)
    assert (again.id, stored.facts) == (first.id, report.facts)
    assert events == []
    # What was rolled back stays rolled back.
    rolled = rollback(settings["home"])
    update(model, fresh, **settings)
    assert store.aliases(settings["home"]) == rolled


def test_killed_between_verdict_and_aliases_the_promotion_is_made_up_for(
    model: Artifact, fresh: Dataset, settings: dict[str, Any]
) -> None:
    new, _ = update(model, fresh, **settings)
    store.write_json(settings["home"] / "aliases.json", {"champion": model.version})
    update(model, fresh, **settings)
    assert store.aliases(settings["home"])["champion"] == new.version
    assert store.aliases(settings["home"])["previous"] == model.version


def test_updates_follow_one_another_and_replay_all_that_came_before(
    model: Artifact, fresh: Dataset, make_data: Any, old: Dataset, settings: dict[str, Any]
) -> None:
    first, _ = update(model, fresh, **settings)
    words = (["nifty", "lush"], ["lame", "bleh"])
    third = fresh.frame("all", ["text", "label"]).with_columns(
        text=pl.when(pl.col("label") == "fresh").then(pl.lit(words[0][0])).otherwise(pl.lit(words[1][0]))
        + " third " + pl.int_range(pl.len()).cast(pl.String)
    )  # fmt: skip
    second, report = update(first, make_data(third), **settings)
    assert report.facts["decision"] == "passed"
    assert store.aliases(settings["home"])["previous"] == first.version
    rows = Dataset.open(Path(second.manifest.data["path"])).frame("train")["text"].to_list()
    assert set(old.frame("train")["text"]) <= set(rows)  # fitted anew, it needs all of them
    assert len(rows) == len(set(rows))
    with pytest.raises(DataError, match="0 are left to train on and"):
        update(second, make_data(third.filter(pl.col("text").is_in(rows))), **settings)


def test_killed_at_any_step_it_continues_to_the_same_weights(
    warm: list[str], model: Artifact, fresh: Dataset, golden: Dataset, tmp_path: Path
) -> None:
    steps = ["1", "30", "60", "90", "100000"]
    done = subprocess.run(
        [*warm, str(DRIVER), str(model.path), str(fresh.path), str(golden.path), str(tmp_path), *steps],
        capture_output=True,
        text=True,
        check=True,
    )
    outcomes = json.loads(done.stdout)
    assert [outcome["killed"] for outcome in outcomes[:3]] == [True] * 3, done.stderr
    assert outcomes[-1]["killed"] is False
    for outcome in outcomes:
        assert outcome["seen"] in {"no home", "old", "new"}, (outcome, done.stderr)
        assert outcome["after"] == "new", (outcome, done.stderr)
        assert outcome["again"] == outcomes[-1]["again"], done.stderr
        assert outcome["work"] == []


# --- weights that go on, and compressed ones ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch_model(tiny_start: Path, old: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A tiny encoder that knows the old words."""
    return finetune(
        tiny_start,
        old,
        task="text_classification",
        method="full",
        options=TrainOptions(epochs=12, learning_rate=3e-3, max_tokens=64, precision="fp32", threads=1),
        out=tmp_path_factory.mktemp("torch") / "model",
        score=point_values,
    )


def torch_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Options for a tiny model, which needs many passes."""
    return {**settings, "options": TrainOptions(epochs=15, precision="fp32", threads=1), "max_drop": 0.05}


def test_training_goes_on_from_the_weights_of_now(
    torch_model: Artifact, fresh: Dataset, settings: dict[str, Any]
) -> None:
    new, report = update(torch_model, fresh, **torch_settings(settings))
    assert report.facts["decision"] == "passed"
    assert new.manifest.lineage[0]["id"] == torch_model.id
    assert Path(new.manifest.lineage[0]["path"]).is_relative_to(settings["home"])
    assert new.manifest.task_options == torch_model.manifest.task_options
    recorded = new.manifest.recipe["options"]["train"]
    assert recorded["learning_rate"] == pytest.approx(RATE_SHARE * 3e-3)
    assert recorded["max_tokens"] == torch_model.manifest.max_tokens
    assert recorded["epochs"] == 15
    before, after = (set(np.fromfile(m.file(TRAIN_ROWS), dtype="<u8").tolist()) for m in (torch_model, new))
    assert before < after
    assert rows_of(report)["old rows replayed in training"] == rows_of(report)["trained on"]


def test_a_compressed_model_is_updated_through_its_parent_and_compressed_again(
    torch_model: Artifact, old: Dataset, fresh: Dataset, settings: dict[str, Any], tmp_path: Path
) -> None:
    from oreline.compress.compress import compress

    parent = Artifact.open(shutil.copytree(torch_model.path, tmp_path / "parent"))
    one_graph = {"graphs": ["eager"]}
    small, _ = compress(
        parent, method="int8", options=one_graph, data=old, split="dev", max_drop=0.2, out=tmp_path / "small"
    )
    settings = torch_settings(settings) | {"max_drop": 0.2}
    new, report = update(small, fresh, **settings)
    assert new.manifest.runtime == "onnx"
    assert new.manifest.recipe["options"]["options"] == one_graph
    assert report.facts["decision"] == "passed"
    assert Artifact.open(settings["home"]).id == new.id
    # The next update finds the trained parent in the home, where the first folder is long gone.
    shutil.rmtree(parent.path)
    again, dry = update(new, fresh_again(fresh, tmp_path), dry_run=True, **settings)
    assert again is new
    assert rows_of(dry)["dropped: the model was trained on it already"] == 0
    shutil.rmtree(settings["home"] / "versions" / new.manifest.lineage[0]["id"][:12])
    with pytest.raises(ArtifactError, match="the model it was made from"):
        update(new, fresh_again(fresh, tmp_path), **settings)


def fresh_again(fresh: Dataset, folder: Path) -> Dataset:
    """Return other fresh rows with the same words."""
    from oreline.data.refine import refine

    rows = fresh.frame("all", ["text", "label"]).with_columns(text=pl.col("text") + " once more")
    return refine(rows, operators=[], split={}, out=folder / "again", force=True)


def test_a_model_that_does_not_survive_compression_is_not_promoted(
    model: Artifact, fresh: Dataset, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise GateRefusedError("the compressed model is not good enough: because")

    # By name: as an attribute of the package, `compress` is the verb.
    monkeypatch.setattr(importlib.import_module("oreline.compress.compress"), "compress", refuse)
    copy = Path(shutil.copytree(model.path, tmp_path / "small"))
    origin = [{"verb": "finetune", "id": model.id, "path": str(model.path)}]
    store.seal(copy, model.manifest.model_copy(update={"runtime": "onnx", "lineage": origin}))
    small = Artifact.open(copy)
    same, report = update(small, fresh, **settings)
    assert same.id == small.id
    assert report.facts["decision"] == "refused"
    assert "did not survive compression: the compressed model is not good enough" in report.facts["verdict"]
    assert store.aliases(settings["home"]) == {"champion": small.version}
    assert list((settings["home"] / "work").iterdir()) == []


# --- refusals ---------------------------------------------------------------------------------------------------


def test_labels_that_the_model_does_not_know(model: Artifact, make_data: Any, fresh: Dataset, settings: Any) -> None:
    rows = fresh.frame("all", ["text", "label"]).with_columns(
        label=pl.when(pl.int_range(pl.len()) < 7).then(pl.lit("plot")).otherwise("label")
    )
    with pytest.raises(DataError, match=r"1 label that the model does not know: 'plot' \(7 rows\)"):
        update(model, make_data(rows), **settings)
    assert not settings["home"].exists()


def test_another_champion_is_not_replaced(model: Artifact, fresh: Dataset, settings: dict[str, Any]) -> None:
    new, _ = update(model, fresh, **settings)
    with pytest.raises(UsageError, match=f"the champion of .* is {new.version}, not the model given") as caught:
        update(model, fresh, **{**settings, "max_drop": 0.03})
    assert "oreline update" in caught.value.remedy


def test_a_column_that_is_not_there(model: Artifact, make_data: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="no column with the role 'label'"):
        update(model, make_data(pl.DataFrame({"text": ["one text", "another text"]})), **settings)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_out_of_range(share: float, model: Artifact, fresh: Dataset, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="held_out_share"):
        update(model, fresh, held_out_share=share, **settings)


def test_an_unknown_policy_and_an_unknown_option(model: Artifact, fresh: Dataset, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no policy named 'repaly'"):
        update(model, fresh, policy="repaly", **settings)
    with pytest.raises(UsageError, match="no option 'share'"):
        update(model, fresh, policy_options={"share": 1}, **settings)
    assert not settings["home"].exists()


def test_the_same_update_does_not_run_twice_at_once(model: Artifact, fresh: Dataset, settings: dict[str, Any]) -> None:
    _, report = update(model, fresh, **settings)
    shutil.rmtree(settings["home"] / "reports")
    store.set_aliases(settings["home"], {"champion": model.version})
    work = settings["home"] / "work" / str(report.facts["update"])
    work.mkdir(parents=True)
    with locked(work / ".lock"), pytest.raises(ResourceError, match="running already"):
        update(model, fresh, **settings)


def test_without_its_training_data_the_model_replays_what_it_carries(
    old: Dataset, fresh: Dataset, settings: dict[str, Any], tmp_path: Path
) -> None:
    data = Dataset.open(shutil.copytree(old.path, tmp_path / "data"))
    model = finetune(None, data, task="text_classification", method="linear", out=tmp_path / "m", score=point_values)
    shutil.rmtree(data.path)
    new, report = update(model, fresh, **settings)
    assert "is not there any more" in report.warnings[0]
    assert rows_of(report)["old rows replayed in training"] == old.num_rows("train")  # few enough to be carried whole
    assert report.facts["decision"] == "passed"
    assert new.version == store.aliases(settings["home"])["champion"]

"""Models for operators: trained ones answer and embed, start models embed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import oreline as ore
from oreline.api.operator_models import open_model, trained
from oreline.data.refine import refine
from oreline.data.running.steps import Named
from oreline.errors import ArtifactError, DataError, OrelineError, UsageError


def test_a_trained_model_answers_as_predict_does(linear_model: Any) -> None:
    model = open_model(str(linear_model.path))
    texts = ["a great film", "an awful film"]
    answers = ore.predict(linear_model, texts)
    found = model.predict(texts)
    assert found["label"].to_list() == [answer["label"] for answer in answers]
    assert found["scores"].to_list() == [answer["scores"] for answer in answers]
    assert model.predict([]).is_empty()
    assert open_model(str(linear_model.path)) is model, "opened once for all operators"
    assert model.embed(texts).shape[0] == 2
    assert trained(str(linear_model.path)) == linear_model
    with pytest.raises(UsageError, match="fills no gaps"):
        model.fill([("a ", " film")], 3)


def test_a_start_model_embeds_and_answers_nothing(tiny_start: Path) -> None:
    model = open_model(str(tiny_start))
    vectors_ND = model.embed(["a great film", "an awful film", "a great film"])
    assert np.allclose(np.linalg.norm(vectors_ND, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors_ND[0], vectors_ND[2])
    with pytest.raises(UsageError, match="has no task yet"):
        model.predict(["x"])
    with pytest.raises(ArtifactError, match="no masked-language head") as told:
        model.fill([("a ", " film")], 3)
    assert told.value.where == str(tiny_start)
    assert trained(str(tiny_start)) is None
    with pytest.raises(UsageError, match="no start model 'nothing'"):
        open_model("nothing")


def test_a_trained_model_says_that_it_hardly_reads_texts(torch_model: Any, linear_model: Any) -> None:
    chinese = ["这部电影非常好看，演员的表演也很精彩"] * 30
    model = open_model(str(torch_model.path))
    assert f"{torch_model.path} hardly reads these texts" in model.doubts(chinese)  # type: ignore[attr-defined]
    assert open_model(str(linear_model.path)).doubts(chinese) == ""  # type: ignore[attr-defined]


def test_models_that_do_not_do_are_refused_before_rows_are_read(
    torch_model: Any, tiny_start: Path, tmp_path: Path
) -> None:
    unreadable = tmp_path / "gone.csv"
    unreadable.write_text("nothing\n\n", encoding="utf-8")
    for operator, says, place in [
        ({"augment_masked": {"model": str(torch_model.path)}}, "fills no gaps", "augment_masked"),
        ({"augment_masked": {"model": str(tiny_start)}}, "no masked-language head", "augment_masked"),
        ({"augment_translated": {"there": str(torch_model.path), "back": "x"}}, "no start model 'x'", "back"),
        ({"mask_pii": {"model": str(torch_model.path)}}, "the model of mask_pii finds no entities", "mask_pii"),
        ({"mask_pii": {"model": str(tiny_start)}}, "the model of mask_pii finds no entities", "mask_pii"),
        ({"augment_entities": {"model": str(torch_model.path)}}, "augment_entities finds no entities", "entities"),
        ({"augment_translated": {"there": str(tiny_start), "back": str(tiny_start)}}, "has no task yet", "there"),
    ]:
        with pytest.raises(OrelineError, match=says) as told:
            ore.refine(unreadable, operators=[operator], out=tmp_path / "out")
        assert place in str(told.value.where)


class Disagrees:
    """Flags rows whose label a model does not give them."""

    reports_only = True

    def __init__(self, model: str) -> None:
        self.models = {"judge": model}

    def bind(self, models: Any) -> None:
        self.judge = models["judge"]

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        said = self.judge.predict(frame["text"].to_list())["label"]
        return frame.select(pl.when(pl.col("label") != said).then(pl.lit("model_says_") + said)).to_series()


def test_an_operator_gets_the_model_that_it_names(linear_model: Any, tmp_path: Path) -> None:
    from oreline.data.refine import Running

    rows = {"text": ["a great film", "an awful film"], "label": ["rotten", "rotten"]}
    operators: list[Named] = [("disagrees", Disagrees(str(linear_model.path)))]  # type: ignore[list-item]
    with pytest.raises(UsageError, match="needs a model, and nothing here opens one"):
        refine(rows, operators=operators, split={}, out=tmp_path / "none")
    data = refine(rows, operators=operators, split={}, out=tmp_path / "out", running=Running(open_model=open_model))
    assert data.num_rows("all") == 2
    assert data.ledger().select("row_id", "action", "reason").rows() == [("data:1", "flagged", "model_says_fresh")]
    assert data.report().facts["rows_flagged"] == 1


def refined(rows: Any, folder: Path, *operators: Any) -> Any:
    return ore.refine(rows, operators=list(operators), split={}, out=folder / "out")


REVIEWS = {
    "text": ["a great and moving film", "an awful, boring story", "a wonderful plot", "a dull movie"],
    "label": ["fresh", "rotten", "fresh", "fresh"],
}


def test_keep_classified_and_keep_harmless_with_a_trained_classifier(linear_model: Any, tmp_path: Path) -> None:
    kept = {"model": str(linear_model.path), "labels": ["fresh"]}
    data = refined(REVIEWS, tmp_path / "a", {"keep_classified": kept})
    assert [text.split()[1] for text in data.frame("all")["text"]] == ["great", "wonderful"]
    noted = {"model": str(linear_model.path), "harmful": ["rotten"]}
    data = refined(REVIEWS, tmp_path / "b", {"keep_harmless": noted})
    assert data.num_rows("all") == 4
    flagged = data.ledger().select("row_id", "action", "reason").rows()
    assert flagged == [("data:2", "flagged", "harmful: model"), ("data:4", "flagged", "harmful: model")]
    with pytest.raises(DataError, match="the model has no class 'good'"):
        refined(REVIEWS, tmp_path / "c", {"keep_classified": {**kept, "labels": ["good"]}})


def test_dedup_semantic_with_a_start_model(tiny_start: Path, tmp_path: Path) -> None:
    rows = {"text": ["a great film", "the film was very silly in its plot", "a great  film", "a great film"]}
    operator = {"dedup_semantic": {"model": str(tiny_start), "threshold": 0.999, "drop": True}}
    data = refined(rows, tmp_path, operator)
    assert data.frame("all")["text"].to_list() == rows["text"][:2]
    assert data.ledger()["kept_id"].to_list() == ["data:1", "data:1"]


def test_flag_label_errors_with_a_start_model(tiny_start: Path, tmp_path: Path) -> None:
    words = {"fresh": "great wonderful moving funny", "rotten": "awful boring dull terrible"}
    rows: dict[str, list[str]] = {"text": [], "label": []}
    for number in range(40):
        for label, known in words.items():
            rows["text"].append(f"a {known.split()[number % 4]} {known.split()[number // 10]} film {number}")
            rows["label"].append(label)
    for wrong in (7, 30):
        rows["label"][wrong] = "fresh" if rows["label"][wrong] == "rotten" else "rotten"
    data = refined(rows, tmp_path, {"flag_label_errors": {"encoder": str(tiny_start)}})
    found = set(data.ledger().filter(pl.col("action") == "flagged")["row_id"])
    assert {"data:8", "data:31"} <= found
    assert len(found) <= 6
    assert (data.path / "review.jsonl").is_file()


def test_mask_pii_with_a_model_of_entities(triple_models: Any, tmp_path: Path) -> None:
    """It finds great ones (PER), the name of which is known to mean a name; dull ones (ORG) are not asked for."""
    ner, _ = triple_models
    rows = {"text": ["the superb with boring 7", "the film of the scene 8", "a clever and tedious 9"]}
    found = [
        [(e["start"], e["end"]) for e in answer["entities"] if e["label"] == "PER"]
        for answer in ore.predict(ner, rows["text"])
    ]
    assert found[0] == [(4, 10)]
    data = refined(rows, tmp_path, {"mask_pii": {"model": str(ner.path), "kinds": ["name"]}})
    assert data.frame("all")["text"][0] == "the [NAME] with boring 7"
    assert data.report().facts["rows_changed"] == sum(map(bool, found))
    wrong = {"model": str(ner.path), "model_kinds": {"PERSON": "name"}}
    with pytest.raises(UsageError, match="finds no entity 'PERSON'") as told:
        refined(tmp_path / "there is no such file", tmp_path, {"mask_pii": wrong})
    assert "PER" in told.value.allowed


def test_calibrate_opens_models(linear_model: Any, tiny_start: Path, tmp_path: Path) -> None:
    operators = [
        {"keep_classified": {"model": str(linear_model.path), "labels": ["fresh"]}},
        {"keep_harmless": {"model": str(linear_model.path), "harmful": ["rotten"]}},
        {"dedup_semantic": {"model": str(tiny_start)}},
        {"flag_label_errors": {"encoder": str(tiny_start)}},
    ]
    report = ore.calibrate(REVIEWS, operators=operators, out=tmp_path / "out")
    would_go = {(row[0], row[1]): row[2] for row in report.tables[0].rows}
    assert would_go["keep_harmless", "harmful: model"] == 2
    assert sum(rows for (name, _), rows in would_go.items() if name == "keep_classified") == 2
    titles = {"keep_classified: probability", "keep_harmless: probability", "dedup_semantic: cosine"}
    assert {chart.title for chart in report.charts} == titles
    assert "found within the sample only, more in all rows: dedup_semantic" in report.warnings
    assert any("only be noted" in said and "keep_harmless" in said for said in report.warnings)


def test_an_encoder_for_the_report(tiny_start: Path, tmp_path: Path) -> None:
    rows = {"text": [f"a {word} film {n}" for n in range(40) for word in ("great", "dull")], "label": ["a", "b"] * 40}
    data = ore.refine(rows, operators=[], report_encoder=str(tiny_start), out=tmp_path / "out")
    titles = [table.title for table in data.report().tables]
    assert "Variety of the meanings" in titles
    assert "Covered by train" in titles
    with pytest.raises(UsageError, match="no start model 'nothing'"):
        ore.refine(rows, operators=[], report_encoder="nothing", out=tmp_path / "none")
    assert not (tmp_path / "none").exists()

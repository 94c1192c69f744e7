"""Doubtful labels: found, reported, put into the review file, dropped or changed only when asked."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.labels import portions
from oreline.data.labels.review import REVIEW_FILE, read_lines
from oreline.data.operators.flag_label_errors import Operator
from oreline.data.refine import refine
from oreline.data.running.steps import steps_of
from oreline.errors import DataError, UsageError

THINGS = {
    "退款": ["退款", "退钱", "把钱退给我", "要求退款"],
    "物流": ["快递", "物流", "包裹到哪了", "发货"],
    "money": ["refund", "money back", "pay me", "return it"],
}


def rows(num: int = 150, wrong: int = 12, seed: int = 0) -> tuple[dict[str, list[str]], set[str]]:
    """Rows of three classes in two languages, some with a label of another one; and the ids of those."""
    chance = random.Random(seed)
    labels = list(THINGS)
    texts, given = [], []
    for number in range(num):
        label = labels[number % 3]
        words = [chance.choice(THINGS[label]) for _ in range(5)]
        texts.append(f"{' '.join(words)} {number}")
        given.append(labels[(number + 1) % 3] if number < wrong else label)
    return {"text": texts, "label": given}, {f"data:{number + 1}" for number in range(wrong)}


def truth(num: int = 150) -> list[str]:
    """The right labels."""
    return [list(THINGS)[number % 3] for number in range(num)]


def num_right(labels: list[str]) -> int:
    """How many labels are right: 138 before anything is repaired."""
    return sum(given == right for given, right in zip(labels, truth(), strict=True))


def mostly(found: set[str], wrong: set[str]) -> bool:
    """Whether at least five of six wrong labels are found, with at most one that is right: how many go is estimated."""
    return len(found & wrong) >= 10 and len(found - wrong) <= 1


def refined(folder: Path, source: Any, split: dict[str, float] | None = None, **options: Any) -> Dataset:
    chain = [("flag_label_errors", Operator(**options))]
    return refine(source, operators=chain, split=split or {}, out=folder / "data")  # type: ignore[arg-type]


def test_wrong_labels_are_reported_and_the_data_stay_as_they_are(tmp_path: Path) -> None:
    source, wrong = rows()
    data = refined(tmp_path, source)
    assert data.frame("all").select("text", "label").to_dict(as_series=False) == source
    assert "label_review" not in data.manifest.columns
    found = data.ledger()
    assert set(found["action"]) == {"flagged"}
    assert mostly(set(found["row_id"]), wrong)
    lines = [entry for _, entry in read_lines(data.path / REVIEW_FILE)]
    assert {line["row_id"] for line in lines} == set(found["row_id"])
    first = lines[0]
    assert first["decision"] == ""
    assert first["suggested"] != first["label"]
    assert 0.4 < first["confidence"] <= 1
    assert len(first["neighbours"]) == 5
    assert {"row_id", "label", "similarity", "text"} == first["neighbours"][0].keys()
    tables = {table.title: table for table in data.report().tables}
    assert tables["Doubtful labels"].rows[0] == [150, 0, found.height, round(found.height / 150, 4)]
    assert sum(row[2] for row in tables["Labels taken for others"].rows) == found.height
    shown = tables["The most doubtful labels"].rows
    assert shown[0] == [first["row_id"], first["text"], first["label"], first["suggested"], first["confidence"]]
    assert len(shown) == min(10, found.height)


def test_the_review_file_repairs_the_data_when_it_is_filled_in(tmp_path: Path) -> None:
    source, wrong = rows()
    data = refined(tmp_path, source)
    file = data.path / REVIEW_FILE
    edited = [{**entry, "decision": "label"} for _, entry in read_lines(file)]
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in edited), encoding="utf-8")
    repaired = refine(data, operators=[], split={}, review=file, out=tmp_path / "repaired")
    assert num_right(repaired.frame("all")["label"].to_list()) >= 147


def test_labels_are_changed_and_rows_dropped_above_a_probability_alone(tmp_path: Path) -> None:
    source, wrong = rows()
    data = refined(tmp_path, source, relabel=0.0)
    assert num_right(data.frame("all")["label"].to_list()) >= 147
    assert not (data.path / REVIEW_FILE).exists()
    dropped = refined(tmp_path / "b", source, drop=0.0)
    assert dropped.num_rows("all") == 150 - dropped.ledger().height
    assert mostly(set(dropped.ledger()["row_id"]), wrong)
    neither = refined(tmp_path / "c", source, relabel=1.0, drop=1.0)
    assert set(neither.ledger()["action"]) == {"flagged"}


def test_rows_count_as_their_labels_are_believed(tmp_path: Path) -> None:
    source, wrong = rows()
    data = refined(tmp_path, source, weigh=True)
    frame = data.frame("all").with_columns(is_wrong=pl.col("row_id").is_in(list(wrong)))
    weights = dict(frame.group_by("is_wrong").agg(pl.col("weight").median()).iter_rows())
    assert weights[True] < 0.2 < 0.9 < weights[False]
    classes = frame.group_by("label").agg(pl.col("weight").sum(), pl.len())
    assert (classes["weight"] - classes["len"]).abs().max() < 0.01, "each class counts as many rows as it has"
    assert frame["label"].to_list() == source["label"]
    assert mostly(set(data.ledger()["row_id"]), wrong), "found rows are still flagged"
    both = refined(tmp_path / "b", source, weigh=True, relabel=0.0).frame("all")
    relabelled = both.filter(pl.col("label") != pl.Series(source["label"]))
    assert relabelled["weight"].min() > 0.4, "as the suggestion is probable"


def test_weights_that_rows_came_with_are_multiplied(tmp_path: Path) -> None:
    source, _ = rows()
    plain = refined(tmp_path, source, weigh=True).frame("all")["weight"]
    doubled = refined(tmp_path / "b", {**source, "weight": ["2"] * 149 + [None]}, weigh=True).frame("all")["weight"]
    assert (doubled / plain).round(2).to_list() == [2.0] * 149 + [1.0]
    with pytest.raises(DataError, match="weight is 'heavy'"):
        refined(tmp_path / "c", {**source, "weight": ["heavy"] * 150}, weigh=True)


def test_a_given_test_split_is_left_alone_and_one_to_be_drawn_refused(tmp_path: Path) -> None:
    source, wrong = rows()
    other, _ = rows(60, wrong=6, seed=1)
    data = refined(tmp_path, {"train": pl.DataFrame(source), "test": pl.DataFrame(other)}, drop=0.0)
    assert data.num_rows("train") < 141
    assert data.num_rows("test") == 60
    weighed = refined(tmp_path / "w", {"train": pl.DataFrame(source), "test": pl.DataFrame(other)}, weigh=True)
    assert weighed.frame("train")["weight"].null_count() == 0
    assert "weight" not in weighed.frame("test").columns or weighed.frame("test")["weight"].null_count() == 60
    with pytest.raises(UsageError, match="before the test split is drawn"):
        refined(tmp_path / "b", source, split={"train": 0.8, "test": 0.2}, drop=0.0)


def test_copies_of_a_text_do_not_judge_one_another(tmp_path: Path) -> None:
    """Ten copies of one wrong row lie in one fold, and are found; a copy in the other folds would defend them."""
    source, _ = rows(wrong=0)
    source["text"] += ["退款 退钱 把钱退给我"] * 10
    source["label"] += ["物流"] * 10
    found = refined(tmp_path, source).ledger()
    assert set(found["row_id"]) >= {f"data:{number}" for number in range(151, 161)}


def flagged(operator: Operator, frame: pl.DataFrame) -> set[str]:
    """The rows that an operator finds."""
    operator.learnt(json.loads(json.dumps(operator.fit(frame.lazy()))))
    return set(frame.filter(operator.edit(frame)["flag_reason"].is_not_null())["row_id"])


class Letters:
    """A vector for each text, by its first word."""

    def embed(self, texts: list[str]) -> Any:
        known = {word: number for number, words in enumerate(THINGS.values()) for word in words}
        frame = pl.DataFrame({"first": [next(n for w, n in known.items() if text.startswith(w)) for text in texts]})
        return frame.to_dummies().to_numpy().astype("float32")


def test_an_encoder_is_used_where_one_is_named() -> None:
    assert Operator(encoder="m").models == {"encoder": "m"}
    assert not Operator().models
    source, wrong = rows()
    frame = (
        pl.DataFrame(source)
        .with_row_index("n", offset=1)
        .select(pl.format("data:{}", "n").alias("row_id"), "text", "label")
    )
    operator = Operator(encoder="m")
    operator.bind({"encoder": Letters()})
    assert mostly(flagged(operator, frame), wrong)


def test_neighbours_can_veto(tmp_path: Path) -> None:
    source, wrong = rows()
    assert set(refined(tmp_path, source, agree=True).ledger()["row_id"]) <= wrong
    with pytest.raises(UsageError, match="neighbours 0"):
        Operator(agree=True, neighbours=0)


def test_rare_classes_are_not_judged(tmp_path: Path) -> None:
    source, _ = rows(wrong=0)
    source["text"].append("one of its kind")
    source["label"].append("rare")
    data = refined(tmp_path, source)
    assert not data.ledger().height
    tables = {table.title: table for table in data.report().tables}
    assert tables["Doubtful labels"].rows[0][:2] == [150, 1]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ({"text": ["a b", "c d"], "label": [["x", "y"], ["x"]]}, "has several"),
        ({"tokens": [["a"], ["b"]], "tags": [["O"], ["O"]], "label": ["x", "y"]}, "tags of words"),
        ({"text": ["a b"], "target_text": ["c"], "label": ["x"]}, "written answers"),
    ],
)
def test_other_targets_are_refused(tmp_path: Path, source: Any, what: str) -> None:
    with pytest.raises(DataError, match=what):
        refined(tmp_path, source)


@pytest.mark.parametrize(
    "options", [{"folds": 1}, {"relabel": 1.5}, {"drop": -0.1}, {"spare": 2.0}, {"weigh": True, "filter_by": "both"}]
)
def test_options_out_of_range_are_refused(options: Any) -> None:
    with pytest.raises(UsageError, match="flag_label_errors"):
        Operator(**options)


def nearly_all_wrong() -> dict[str, list[str]]:
    """Two large classes, and a small one of whose 30 rows 28 are the large ones'."""
    source, _ = rows(num=240, wrong=0)
    small = [number for number, label in enumerate(source["label"]) if label == "money"][28:]
    kept = [number for number in range(240) if number not in small[2:]]
    source = {name: [values[number] for number in kept] for name, values in source.items()}
    places = [number for number, label in enumerate(source["label"]) if label != "money"][:28]
    for place, number in zip(places, [n for n, label in enumerate(source["label"]) if label == "money"][:28]):
        source["label"][place], source["label"][number] = "money", source["label"][place]
    return source


def test_portions_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of three portions has a third of the rows; nearly all planted errors are found, and the report says so."""
    source, wrong = rows(900, wrong=45)
    whole = refined(tmp_path / "whole", source)
    monkeypatch.setattr(portions.Portions, "_needed", lambda self, num_bytes: 3)
    data = refined(tmp_path, source, weigh=True)
    by_one, found = (set(one.ledger()["row_id"]) for one in (whole, data))
    assert len(by_one & wrong) >= 40
    assert len(found & by_one & wrong) >= 0.9 * len(by_one & wrong)
    assert len(found - wrong) <= 3
    table = next(table for table in data.report().tables if table.title == "Doubtful labels")
    assert table.rows[0][:3] == [900, 0, len(found)]
    assert "judged in 3 portions" in table.note
    assert "portions" not in next(table for table in whole.report().tables if table.title == "Doubtful labels").note
    lines = {entry["row_id"] for _, entry in read_lines(data.path / REVIEW_FILE)}
    assert lines == found
    weights = data.frame("all").group_by("label").agg(pl.col("weight").sum(), pl.len())
    assert (weights["weight"] - weights["len"]).abs().max() < 0.05
    file = tmp_path / "rows.parquet"
    pl.DataFrame(source).write_parquet(file, row_group_size=41)
    again = refined(tmp_path / "again", str(file), weigh=True)
    place = [int(row.rsplit(":", 1)[1]) for row in again.ledger()["row_id"]]
    assert place == [int(row.rsplit(":", 1)[1]) for row in data.ledger()["row_id"]], "whatever the frames"


def test_copies_in_many_portions_are_judged_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source, _ = rows(600, wrong=0)
    source["text"] += ["退款 退钱 把钱退给我"] * 10
    source["label"] += ["物流"] * 10
    monkeypatch.setattr(portions.Portions, "_needed", lambda self, num_bytes: 4)
    found = refined(tmp_path, source).ledger()
    assert set(found["row_id"]) >= {f"data:{number}" for number in range(601, 611)}


def test_it_runs_where_it_learnt() -> None:
    made = registry.create("operator", "flag_label_errors")
    (step,) = steps_of([("flag_label_errors", made)])
    assert step.made_of is not None
    assert not step.is_movable


@pytest.mark.parametrize("option", ["drop", "relabel"])
def test_no_class_is_emptied(tmp_path: Path, option: str) -> None:
    source = nearly_all_wrong()
    assert source["label"].count("money") == 30
    data = refined(tmp_path, source, **{option: 0.0})
    labels = data.frame("all").filter(pl.col("label") == "money")
    assert labels.height >= 10
    spared = data.ledger().filter(pl.col("reason") == "label_error_spared")
    assert set(spared["action"]) == {"flagged"}
    assert 0 < spared.height <= 10
    assert any(f"{spared.height} rows whose label looks wrong were spared" in one for one in data.report().warnings)
    lines = {entry["row_id"] for _, entry in read_lines(data.path / REVIEW_FILE)}
    assert lines == set(spared["row_id"]), "a person decides about them"
    emptied = refined(tmp_path / "b", source, **{option: 0.0, "spare": 0.0})
    assert emptied.frame("all").filter(pl.col("label") == "money").height < labels.height
    assert not emptied.ledger().filter(pl.col("reason") == "label_error_spared").height


def test_tables_of_given_splits_are_told_apart(tmp_path: Path) -> None:
    parts = {name: pl.DataFrame(rows(seed=seed)[0]) for seed, name in enumerate(("train", "dev"))}
    titles = [table.title for table in refined(tmp_path, parts).report().tables]
    assert {"Doubtful labels: train", "Doubtful labels: dev"} <= set(titles)
    assert len(titles) == len(set(titles))


def test_calibration_shows_where_rows_go() -> None:
    rng = np.random.default_rng(0)
    labels = ["good", "bad"] * 60
    texts = [f"{'fine lovely great' if label == 'good' else 'awful dull weak'} {rng.integers(9)}" for label in labels]
    given = ["bad" if n % 20 == 0 else label for n, label in enumerate(labels)]
    rows = pl.DataFrame({"row_id": [f"a:{n}" for n in range(120)], "text": texts, "label": given})
    operator = Operator(drop=0.7)
    operator.learnt(operator.fit(rows.lazy()))
    found = operator.calibration(rows)
    assert found is not None
    gone = operator.edit(rows)["drop_reason"].is_not_null()
    assert gone.sum() >= 3
    assert (found.values["confidence"].filter(gone) >= 0.7).all()
    (bound,) = found.bounds["found"]
    assert bound.value == 0.7
    assert Operator().calibration(rows) is None, "nothing goes: there is no cut"

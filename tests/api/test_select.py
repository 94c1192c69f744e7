"""`refine --select`, round after round."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oreline as ore
from oreline.data.dataset import Dataset
from oreline.data.labels.review import read_lines, write_lines
from oreline.errors import UsageError
from oreline.store import Artifact

TRUTH = {"退款": "钱", "快递": "物流", "refund": "钱", "parcel": "物流"}


@pytest.fixture
def pool(tmp_path: Path) -> Dataset:
    """80 texts of two languages without a label."""
    texts = [f"{word} {number}" for number in range(20) for word in TRUTH]
    return ore.refine({"text": texts}, operators=[], split={}, out=tmp_path / "pool")


def labelled(file: Path) -> Path:
    """Decide about every row of a selection as its text says."""
    lines = [{**entry, "decision": f"label={TRUTH[entry['text'].split()[0]]}"} for _, entry in read_lines(file)]
    write_lines(file, lines)
    return file


def test_two_rounds_from_no_labels_at_all(pool: Dataset, tmp_path: Path) -> None:
    first = ore.select(pool, select=20, out=tmp_path / "first.jsonl")
    assert first.facts["pool"] == 80
    assert first.facts["labelled"] == 0
    assert dict(first.tables[0].rows) == {"chosen": 16, "random": 4}
    one = ore.refine(
        pool, apply_review=str(labelled(tmp_path / "first.jsonl")), split={"train": 1.0}, out=tmp_path / "one"
    )
    assert one.manifest.splits == {"train": 20, "unlabelled": 60}
    second = ore.select(one, select=10, out=tmp_path / "second.jsonl")
    assert (second.facts["pool"], second.facts["labelled"], second.facts["rounds"]) == (60, 20, 2)
    lines = [entry for _, entry in read_lines(tmp_path / "second.jsonl")]
    assert len(lines) == 10
    assert {"chosen", "random"} == {line["arm"] for line in lines}
    assert all(set(line["why"]["between"]) == {"钱", "物流"} for line in lines if line["arm"] == "chosen")
    assert not {line["row_id"] for line in lines} & set(one.frame("train")["row_id"])
    two = ore.refine(one, apply_review=str(labelled(tmp_path / "second.jsonl")), out=tmp_path / "two")
    assert two.manifest.splits == {"train": 30, "unlabelled": 50}
    third = ore.select(two, select=10, out=tmp_path / "third.jsonl")
    assert third.facts["labelled_chosen"] == 8, "of the first round the model had said nothing"
    assert third.facts["helps"] is None
    rounds = json.loads((tmp_path / "rounds.json").read_text(encoding="utf-8"))["rounds"]
    assert [entry["num_labelled"] for entry in rounds] == [0, 20, 30]
    assert rounds[2]["kappa"] is not None


def test_asking_again_before_labelling_is_the_same_round(pool: Dataset, tmp_path: Path) -> None:
    for _ in range(2):
        report = ore.select(pool, select=8, out=tmp_path / "rows.jsonl", force=True)
    assert report.facts["rounds"] == 1


def test_a_classifier_is_asked_where_one_is_named(linear_model: Artifact, tmp_path: Path) -> None:
    data = ore.refine({"text": ["a great film", "a dull film", "the film"]}, operators=[], split={}, out=tmp_path / "d")
    report = ore.select(data, select=2, model=str(linear_model.path), out=tmp_path / "rows.jsonl", dry_run=True)
    assert report.tables[1].title == "What the model takes them for"
    assert not (tmp_path / "rows.jsonl").exists()
    assert not (tmp_path / "rounds.json").exists()


def test_what_it_refuses(pool: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a file"):
        ore.select(pool)
    (tmp_path / "there").write_text("")
    with pytest.raises(UsageError, match="exists already"):
        ore.select(pool, out=tmp_path / "there")


def test_raw_data_keep_their_rows_without_a_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"{word} {n}", "label": TRUTH[word] if n < 5 else None} for n in range(20) for word in TRUTH]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = ore.select("rows.jsonl", select=4, out=tmp_path / "first.jsonl")
    assert (report.facts["pool"], report.facts["labelled"]) == (60, 20)


def test_a_start_model_gives_vectors(pool: Dataset, tiny_start: Path, tmp_path: Path) -> None:
    report = ore.select(pool, select=5, model=str(tiny_start), out=tmp_path / "rows.jsonl")
    assert report.facts["pool"] == 80

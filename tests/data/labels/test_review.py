"""Review files: written, edited by a person, read back with the line of every fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.labels.review import (
    NOTES,
    REVIEW_FILE,
    Decision,
    ReviewWriter,
    count_decisions,
    marks,
    note,
    read_decisions,
    read_lines,
    row_mark,
    shown_texts,
    write_lines,
)
from oreline.errors import DataError, ResourceError


def written(folder: Path, *lines: Any) -> Path:
    file = folder / "review.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return file


def line(row: str = "a:1", decision: str = "keep", **more: Any) -> dict[str, Any]:
    return {"row_id": row, "decision": decision, "hash": "00", **more}


def test_the_file_has_the_most_doubtful_rows_first_and_the_data_no_notes(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "row_id": ["a:1", "a:2", "a:3"],
            "text": ["好", "bad", "fine"],
            "label": ["x", "y", "x"],
            NOTES: [note(0.5, {"suggested": "y"}), None, note(0.1, {"suggested": "y"})],
        }
    )
    writer = ReviewWriter()
    assert writer.take(frame).columns == ["row_id", "text", "label"]
    writer.write(tmp_path)
    lines = [entry for _, entry in read_lines(tmp_path / REVIEW_FILE)]
    assert [entry["row_id"] for entry in lines] == ["a:3", "a:1"]
    assert lines[1] == {
        "row_id": "a:1", "text": "好", "label": "x", "suggested": "y", "decision": "", "hash": row_mark("好", "x"),
    }  # fmt: skip
    assert "好" in (tmp_path / REVIEW_FILE).read_text(encoding="utf-8"), "a person reads it"


def test_no_doubt_no_file(tmp_path: Path) -> None:
    writer = ReviewWriter()
    writer.take(pl.DataFrame({"row_id": ["a:1"]}))
    writer.write(tmp_path)
    assert not list(tmp_path.iterdir())


def test_decisions_are_read_as_written(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        line("a:1", "keep"),
        line("a:2", " DROP "),
        line("a:3", "label", suggested="退款"),
        line("a:4", "label = 物流 = 快"),
        line("a:5", ""),
        "",
    )
    found = read_decisions(file)
    assert [decision[2:4] for decision in found.by_row.values()] == [
        ("keep", None), ("drop", None), ("label", "退款"), ("label", "物流 = 快"),
    ]  # fmt: skip
    assert found.num_open == 1
    assert found.where(found.by_row["a:3"]).endswith("review.jsonl, line 3")
    assert count_decisions(found) == {"keep": 1, "drop": 1, "label": 2, "open": 1}


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ('{"row_id": ', "no JSON"),
        ("[1]", "no JSON object"),
        ({"decision": "keep", "hash": "0"}, "no row_id"),
        ({"row_id": "a:2", "hash": "0"}, "no decision"),
        ({"row_id": "a:2", "decision": "keep"}, "no hash"),
        (line("a:2", "kep"), "no decision 'kep'"),
        (line("a:2", "keep=x"), "no decision 'keep=x'"),
        (line("a:2", "label"), "no suggested label"),
        (line("a:2", "label="), "no label behind"),
        (line("a:1", "drop"), "a:1 is decided twice: on line 1"),
        (line("a:1", "keep"), "decided twice"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path: Path, wrong: Any, what: str) -> None:
    with pytest.raises(DataError, match=what) as found:
        read_decisions(written(tmp_path, line(), wrong))
    assert found.value.where.endswith("review.jsonl, line 2")


def test_a_near_miss_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(DataError) as found:
        read_decisions(written(tmp_path, line(decision="kep")))
    assert found.value.allowed.startswith("did you mean 'keep'?")


def test_lines_are_read_one_by_one(tmp_path: Path) -> None:
    """A review of all rows has their texts and those of their neighbours: what was decided is held, not the lines."""
    file = written(tmp_path, line("a:1"), "no JSON")
    lines = read_lines(file)
    assert next(lines) == (1, line("a:1"))
    with pytest.raises(DataError, match="no JSON"):
        next(lines)


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list(read_lines(tmp_path / "none"))
    (tmp_path / "latin").write_bytes(b'{"a": "\xe9"}\n')
    with pytest.raises(DataError, match="no UTF-8"):
        list(read_lines(tmp_path / "latin"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_lines(tmp_path / "file" / "below", [{}])


def test_a_mark_is_over_inputs_and_label() -> None:
    frame = pl.DataFrame({"row_id": ["a:1"], "text": ["a"], "text_pair": ["b"], "label": ["x"]})
    assert shown_texts(frame) == ["a\nb"]
    assert marks(frame) == [row_mark("a\nb", "x")]
    assert marks(frame.with_columns(label=pl.lit("y"))) != marks(frame)
    assert Decision("a", 1, "keep", None, "0").label is None


def test_a_table_is_told_to_be_no_review_file(tmp_path: Path) -> None:
    (tmp_path / "review.csv").write_text("row_id,decision\na:1,drop\n", encoding="utf-8")
    with pytest.raises(DataError, match="no JSON") as found:
        read_decisions(tmp_path / "review.csv")
    assert "JSON Lines" in str(found.value.allowed)
    assert "oreline label FILE" in str(found.value.remedy)


def test_a_label_that_was_edited_in_place_of_the_decision_is_refused(tmp_path: Path) -> None:
    """Whoever writes the right label over the wrong one has decided something, and would be heeded in nothing."""
    whole = line(decision="", text="好", label="x") | {"hash": row_mark("好", "x")}
    assert read_decisions(written(tmp_path, whole)).num_open == 1
    for edited in ({"label": "y"}, {"text": "很好"}):
        with pytest.raises(DataError, match="a:1 was edited, and nothing was decided") as found:
            read_decisions(written(tmp_path, line(row="a:2"), {**whole, **edited}))
        assert "line 2" in str(found.value.where)
    labelled = {**whole, "label": "y", "decision": "label=y"}
    assert read_decisions(written(tmp_path, labelled)).by_row["a:1"].label == "y", "as `oreline label` writes it"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        read_decisions(written(tmp_path, ""))


def test_a_file_that_an_editor_of_windows_saved_is_read(tmp_path: Path) -> None:
    (tmp_path / "crlf.jsonl").write_bytes(f"\ufeff{json.dumps(line())}\r\n{json.dumps(line('a:2'))}\r\n".encode())
    assert list(read_decisions(tmp_path / "crlf.jsonl").by_row) == ["a:1", "a:2"]

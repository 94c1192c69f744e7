from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import oreline as ore
from oreline.api.use import predict_rows
from oreline.cli.rows import read_rows, write_answers
from oreline.errors import DataError
from oreline.store import Artifact, Manifest

MODEL = Artifact(Path(), Manifest(runtime="linear", task="text_classification", columns={"text": ["review"]}))


def rows(file: Path, content: str | bytes) -> list[Any]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_rows(str(file), MODEL))


def test_plain_lines_keep_their_number_and_empty_lines_are_rows(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    assert rows(file, "\ufeffone\n\n{three\r\nfour") == [
        {"id": n, "row_id": f"{file}, line {n}", "text": text}
        for n, text in enumerate(["one", "", "{three", "four"], start=1)
    ]


def test_source_columns_are_named_by_role(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.jsonl", '{"review": "x", "other": 1, "row_id": "r"}\n{"text": "y", "review": "z"}\n')
    assert found == [
        {"id": 1, "row_id": "r", "text": "x", "other": 1},
        {"id": 2, "row_id": f"{tmp_path / 'a.jsonl'}, line 2", "text": "y"},
    ]
    assert [row["text"] for row in rows(tmp_path / "a.csv", "review,n\nx,1\ny,2\n")] == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b'{"text": "x"}\n{"text": \n', "not JSON", 2),
        (b'{"text": "x"}\n[1]\n', "a list, not an object", 2),
        (b'{"text": "x"}\n{"text": "\xff"}\n', "not UTF-8: byte 0xff", 2),
        (b'{"text": "x"}\n' + b"[" * 100_000 + b"\n", "not JSON", 2),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: bytes, message: str, line: int) -> None:
    with pytest.raises(DataError, match=message) as caught:
        rows(tmp_path / "a.jsonl", content)
    assert caught.value.where == f"{tmp_path / 'a.jsonl'}, line {line}"
    assert caught.value.remedy


@pytest.mark.parametrize(("value", "said"), [("null", "None"), ("5", "5"), ('"\\ud83d"', "lone surrogate")])
def test_a_row_that_the_model_cannot_answer_names_its_file(tmp_path: Path, model_folder: Path, value: str, said: str):
    file = tmp_path / "a.jsonl"
    file.write_text(f'{{"text": "x"}}\n{{"text": {value}}}\n')
    runtime = ore.load(model_folder)
    with pytest.raises(DataError, match=said) as caught:
        list(predict_rows(runtime, read_rows(str(file), runtime.artifact)))
    assert caught.value.where == f"{file}, line 2"


def test_standard_input_may_bring_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert list(read_rows("-", MODEL)) == []


def test_a_dataset_folder_is_read(data_folder: Path) -> None:
    assert len(list(read_rows(str(data_folder), MODEL))) == 400


def test_answers_are_written_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [{"id": "=cmd()", "label": "+1", "scores": {"+1": 0.5}}, {"id": 2, "label": "好", "scores": {"+1": 0.5}}]

    def stream():
        for answer in answers:
            yield answer
            assert capsys.readouterr().out, "each answer is printed before the next row is asked for"

    write_answers(stream(), "jsonl")
    write_answers(answers, "csv")
    assert capsys.readouterr().out == "id,label,score +1\n'=cmd(),'+1,0.5\n2,好,0.5\n"


def test_json_lines_are_not_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    write_answers([{"id": 1, "label": "好"}], "jsonl")
    line = capsys.readouterr().out
    assert "好" in line
    assert json.loads(line) == {"id": 1, "label": "好"}

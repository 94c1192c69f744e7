"""`oreline label`: a conversation about rows, shown safely, and no terminal no conversation."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from oreline.cli.label import card, converse, visible, wrapped
from oreline.cli.main import main
from oreline.data.dataset import Dataset
from oreline.data.labels.labelling import Session, known_labels
from oreline.data.labels.review import row_mark


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows of a selection and one in doubt, with what should not reach a terminal."""
    lines: list[dict[str, Any]] = [
        {"row_id": "a:1", "text": "我要退款\x1b[2J", "label": None, "arm": "chosen",
         "why": {"margin": 0.03, "settles": 0.01, "between": ["钱", "物流"]}},
        {"row_id": "a:2", "text": "快递", "label": None, "arm": "random", "why": {"drawn": "at random"}},
        {"row_id": "a:3", "text": "hm", "label": "钱", "suggested": "物流", "confidence": 0.91,
         "neighbours": [{"row_id": "a:9", "label": "物流", "similarity": 0.8, "text": "parcel"}]},
    ]  # fmt: skip
    lines = [{**line, "decision": "", "hash": row_mark(line["text"], line["label"])} for line in lines]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def talk(session: Session, *typed: str) -> list[str]:
    """Let somebody type lines, and return what was shown."""
    said: list[str] = []
    answers: Iterator[str] = iter(typed)

    def ask(_prompt: str) -> str:
        if (answer := next(answers, None)) is None:
            raise EOFError
        return answer

    converse(session, ask, said.append, 60)
    return said


def test_numbers_names_and_commands(rows: Path, tmp_path: Path) -> None:
    session = Session(rows, tmp_path / "out.jsonl", ["other"])
    said = talk(session, "?", "s", "物", "u", "k", "+新", "2", "物流", "d")
    assert session.entry is None
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["row_id"], line["decision"]) for line in found] == [
        ("a:2", "label=新"), ("a:3", "label=物流"), ("a:1", "label=物流"),
    ]  # fmt: skip
    text = "\n".join(said)
    assert "no label that could be kept" in text
    assert "the model wavers: 钱 or 物流 (margin 0.03)" in text
    assert "drawn at random" in text
    assert "suggested: 物流 (91%)" in text
    assert "near 0.8 物流: parcel" in text


def test_what_is_not_understood_is_said_and_nothing_is_decided(rows: Path, tmp_path: Path) -> None:
    session = Session(rows, tmp_path / "out.jsonl", ["order a", "order b"])
    said = talk(session, "zebra", "order", "u", "", "q", "1")
    assert session.num_done == 0
    assert any("no label is or holds 'zebra'" in line for line in said)
    assert any("2 labels hold that: 1 order a, 2 order b" in line for line in said)
    assert "there is nothing to undo" in said


def test_texts_cannot_steer_the_terminal(rows: Path, tmp_path: Path) -> None:
    shown = "\n".join(card(Session(rows, tmp_path / "o"), 60))
    assert "\x1b" not in shown
    assert "我要退款�[2J" in shown
    assert visible("a\u202eb\r\nc\td") == "a�b\nc  d"


@pytest.mark.parametrize("width", [8, 20])
def test_lines_fit_the_terminal_in_both_languages(width: int) -> None:
    text = "这部电影真的很好看，推荐给大家 and a verylongwordthatdoesnotfit\nsecond 行"
    lines = list(wrapped(text, width))
    assert all(cell_len(line.rstrip()) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace("\n", "").replace(" ", "")


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def test_without_a_terminal_it_says_what_to_do(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "label", rows)
    assert code == 2
    assert "here is no terminal" in err
    assert f"--apply-review {rows}" in err


def test_it_says_how_much_is_open(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "label", rows, "--dry-run", "--json")
    assert code == 0
    assert json.loads(out) == {"labelled": 0, "open": 3, "out": str(tmp_path / "rows.labelled.jsonl")}
    talk(Session(rows, tmp_path / "rows.labelled.jsonl"), "+x", "+x", "+x")
    code, out, _ = run(capsys, "label", rows)
    assert code == 0, "all is decided: nobody needs to be asked"
    assert "3 decided, 0 open" in out
    code, _, err = run(capsys, "label", rows, "--out", rows)
    assert code == 2
    assert "cannot go into the file" in err


def test_select_and_apply_review_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps({"text": f"退款 {n}"}) + "\n" for n in range(12)))
    data, file = tmp_path / "data", tmp_path / "rows.jsonl"
    assert run(capsys, "refine", tmp_path / "pool.jsonl", "--set", "split={}", "--out", data)[0] == 0
    code, out, _ = run(capsys, "refine", data, "--select", "4", "--out", file)
    assert code == 0, out
    assert "4 rows selected into" in out
    talk(Session(file, tmp_path / "rows.labelled.jsonl"), "+钱", "+钱", "d", "+钱")
    code, out, err = run(
        capsys,
        "refine",
        data,
        "--apply-review",
        tmp_path / "rows.labelled.jsonl",
        "--set",
        "split={}",
        "--out",
        tmp_path / "b",
    )
    assert code == 0, err
    assert "3 labelled" in err
    assert "unlabelled 8" in out
    for wrong, what in [
        (["--model", "x"], "--model belongs to --select"),
        (["--select", "3", "--against", "y"], "--against changes nothing"),
        (["--select", "3", "--text", "said"], "--text changes nothing with --select"),
        (["--select", "3", "--keep-unlabelled"], "--keep-unlabelled changes nothing with --select"),
        (["--calibrate", "--fail-on-leak", "0"], "--fail-on-leak changes nothing with --calibrate"),
        (["--calibrate", "--apply-review", "y"], "--apply-review changes nothing with --calibrate"),
        (["--select", "3"], "needs a file"),
    ]:
        code, _, err = run(capsys, "refine", data, *wrong)
        assert code == 2
        assert what in err


def test_a_new_label_changes_the_number_of_none(rows: Path, tmp_path: Path) -> None:
    session = Session(rows, tmp_path / "out.jsonl", ["zebra", "ant"])
    assert session.labels == ["zebra", "ant", "物流", "钱"], "as they were given, then those of the file"
    talk(session, "+aardvark", "q")
    assert session.labels == ["zebra", "ant", "物流", "钱", "aardvark"]
    assert Session(rows, tmp_path / "out.jsonl", ["zebra", "ant"]).labels == session.labels


def test_the_labels_of_the_data_are_offered_and_new_ones_are_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [(f"我要退款 {n} 退钱", "money") for n in range(30)] + [(f"快递 {n} 到哪了", "parcel") for n in range(30)]
    texts += [(f"我要退款 {n} 退钱", "parcel") for n in (3, 12, 21, 27)] + [(f"你好 {n}", "greeting") for n in range(9)]
    (tmp_path / "raw.jsonl").write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in texts), encoding="utf-8"
    )
    data, again = tmp_path / "data", tmp_path / "again"
    made = run(capsys, "refine", tmp_path / "raw.jsonl", "--operator", "flag_label_errors", "--set", "split={}",
               "--out", data)  # fmt: skip
    assert made[0] == 0, made[2]
    review = data / "review.jsonl"
    assert known_labels(review) == known_labels(tmp_path / "elsewhere.jsonl", data) == ["greeting", "money", "parcel"]
    assert known_labels(tmp_path / "elsewhere.jsonl") == []
    session = Session(review, tmp_path / "done.jsonl", known_labels(review))
    talk(session, "+refund", "q")
    code, _, err = run(capsys, "refine", data, "--apply-review", tmp_path / "done.jsonl", "--set", "split={}",
                       "--out", again)  # fmt: skip
    assert code == 0, err
    assert set(Dataset.open(again).frame("all")["label"]) == {"greeting", "money", "parcel", "refund"}


def test_a_selection_knows_the_labels_of_its_pool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"text": f"退款 {n}", "label": ["money", "parcel", "rare"][n % 3] if n < 6 else None} for n in range(20)]
    (tmp_path / "raw.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data, file = tmp_path / "data", tmp_path / "rows.jsonl"
    assert (
        run(capsys, "refine", tmp_path / "raw.jsonl", "--keep-unlabelled", "--set", "split={}", "--out", data)[0] == 0
    )
    assert run(capsys, "refine", data, "--select", "4", "--out", file)[0] == 0
    assert known_labels(file) == ["money", "parcel", "rare"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_an_interrupt_ends_the_conversation_at_once(rows: Path, tmp_path: Path) -> None:
    """Polars restarts reads that a signal breaks off, so that Ctrl-C would wait for the next line.

    A signal between the prompt and the reading is noticed with the next one.
    """
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from oreline.cli.main import main; main()", "label", str(rows)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as asked:
        os.close(theirs)
        shown = b""
        while not shown.rstrip().endswith(b">"):
            shown += os.read(ours, 4096)
        for _ in range(60):
            asked.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                asked.wait(timeout=1)
                break
        asked.kill()
        assert asked.returncode == 130
    os.close(ours)

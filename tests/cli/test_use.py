from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

import oreline as ore
from oreline.monitor.log import PredictionLog
from oreline.monitor.records import LogRecord


def test_evaluate_writes_a_report(cli, model_folder: Path, data_folder: Path) -> None:
    done = cli("evaluate", model_folder, data_folder, "--slice", "movie", "--compare", model_folder, "--out", "r.json")
    assert done.code == 0, done.err
    assert "accuracy" in done.out
    assert "By group" in done.out
    assert json.loads(Path("r.json").read_text())["subject"]["split"] == "test"
    assert Path("r.html").is_file()


def test_predict_a_file_and_standard_input(cli, model_folder: Path) -> None:
    Path("rows.jsonl").write_text('{"id": "a", "text": "a great film"}\n\n{"text": "an awful plot"}\n')
    done = cli("predict", model_folder, "rows.jsonl")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [(answer["id"], answer["label"]) for answer in answers] == [("a", "fresh"), (3, "rotten")]
    piped = subprocess.run(
        [sys.executable, "-m", "oreline", "predict", str(model_folder)],
        input="a great film\nan awful plot\n", capture_output=True, text=True,
    )  # fmt: skip
    assert [json.loads(line)["label"] for line in piped.stdout.splitlines()] == ["fresh", "rotten"]
    table = cli("predict", model_folder, "rows.jsonl", "--format", "csv").out.splitlines()
    assert table[0] == "id,label,score fresh,score rotten"
    assert table[1].startswith("a,fresh,0.")
    assert cli("predict", model_folder, "rows.jsonl", "--format", "xml").code == 2


def test_predict_json_lines_of_standard_input_by_id(model_folder: Path) -> None:
    rows = [{"id": "a-1", "text": "a great film"}, {"id": 7, "text": "an awful plot", "other": 1}, {"text": "好"}]
    lines = [json.dumps(rows[0]), "", *(json.dumps(row) for row in rows[1:])]
    done = subprocess.run(
        [sys.executable, "-m", "oreline", "predict", str(model_folder), "-"],
        input="\n".join(lines), capture_output=True, text=True, check=True,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(answer) for answer in answers] == [["id", "label", "scores"]] * 3
    assert [answer["id"] for answer in answers] == ["a-1", 7, 4], "the row's own id, or the number of its line"
    assert [answer["label"] for answer in answers][:2] == ["fresh", "rotten"]
    for answer in answers:
        assert set(answer["scores"]) == {"fresh", "rotten"}
        assert answer["label"] == max(answer["scores"], key=answer["scores"].get)
    broken = subprocess.run(
        [sys.executable, "-m", "oreline", "predict", str(model_folder)],
        input='{"id": 1, "text": "a great film"}\n{"id": 2', capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert broken.returncode == 2
    assert "standard input, line 2" in broken.stderr
    assert json.loads(broken.stdout)["id"] == 1, "the rows before it are answered"


def test_explain(cli, model_folder: Path) -> None:
    done = cli("explain", model_folder, "--text", "a great wonderful film")
    assert done.code == 0
    assert re.match(r"fresh  0\.\d+", done.out)
    assert done.out.splitlines()[1].split()[-1] in ("great", "wonderful")
    assert json.loads(cli("explain", model_folder, "--text", "x", "--json").out)[0]["words"]
    assert cli("explain", model_folder, "--text", "x", "--method", "guess").code == 2


def test_explain_tests_its_faithfulness_on_rows(cli, model_folder: Path, reviews_csv: Path) -> None:
    done = cli("explain", model_folder, "--data", reviews_csv, "--rows", "20", "--json")
    assert json.loads(done.out)["metrics"]["deletion_gain"]["n"] == 20
    nothing = cli("explain", model_folder)
    assert nothing.code == 2
    assert "--data" in nothing.err


def test_serve_answers_until_it_is_told_to_end(model_folder: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "oreline", "serve", str(model_folder), "--port", "0",
         "--log", str(tmp_path / "log.sqlite"), "--set", "settings.drain_notice_s=0"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "no_proxy": "*"},
    )  # fmt: skip
    try:
        address = re.search(r"http://\S+:\d+", process.stderr.readline())[0]
        request = urllib.request.Request(
            f"{address}/predict", b'{"text": "a great film"}', {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["label"] == "fresh"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert out == ""


@pytest.fixture
def logged(model_folder: Path, tmp_path: Path) -> Callable[[list[str]], Path]:
    """Let the model answer texts and log them, as the server does; returns the log's file."""

    def log_of(texts: list[str]) -> Path:
        runtime = ore.load(model_folder)
        predictions = runtime.predict({"text": texts}, embeddings=True)
        answers = runtime.task.decode(predictions.outputs, {})
        file = tmp_path / "predictions.sqlite"
        log = PredictionLog(file)
        log.append(
            [
                LogRecord(
                    f"{row:032x}", time.time(), runtime.artifact.id, runtime.artifact.version, {"text": text},
                    answer["label"], predictions.outputs["scores"][row], predictions.embedding_ND[row],
                )
                for row, (text, answer) in enumerate(zip(texts, answers, strict=True))
            ]
        )  # fmt: skip
        log.close()
        return file

    return log_of


def test_monitor_says_whether_there_is_drift(cli, model_folder: Path, data_folder: Path, logged) -> None:
    texts = ore.Dataset.open(data_folder).frame("test")["text"].to_list()
    done = cli("monitor", model_folder, "--live", logged(texts).parent, "--out", "report")
    assert done.code == 0, done.err
    assert "No drift" in done.out
    found = json.loads(Path("report/report.json").read_text())
    assert found["facts"]["verdict"] == "no drift"
    shifts = {name.split("_")[0] for name in found["metrics"]}
    assert shifts >= {"embedding", "label"}, "both detectors, when none is named"
    assert all(set(figure) >= {"value", "low", "high", "n"} for figure in found["metrics"].values())
    assert Path("report/report.html").is_file()


def test_monitor_with_one_detector(cli, model_folder: Path, logged) -> None:
    log = logged([f"a great wonderful film {n}" for n in range(120)])
    for name in ("label_shift", "embedding_shift"):
        done = cli("monitor", model_folder, "--live", log, "--detector", name, "--json")
        assert done.code == 0, done.err
        found = json.loads(done.out)
        assert found["facts"]["verdict"] == "drift"
        assert {figure.startswith(name) for figure in found["metrics"]} == {True}
    wrong = cli("monitor", model_folder, "--live", log, "--detector", "lable_shift")
    assert wrong.code == 2
    assert "did you mean 'label_shift'" in wrong.err


def test_monitor_without_a_log(cli, model_folder: Path) -> None:
    done = cli("monitor", model_folder, "--live", "nowhere.sqlite")
    assert done.code == 2
    assert "--log" in done.err


def test_evaluate_a_suite(cli, reviews_csv: Path) -> None:
    Path("s.yaml").write_text(f"name: one\nmethod: linear\ntasks:\n  - quotes: {{data: {reviews_csv}}}\n")
    planned = cli("evaluate", "x", "--suite", "s.yaml", "--dry-run")
    assert planned.code == 0, planned.err
    assert not Path("runs/suite-one").exists()
    done = cli("evaluate", "x", "--suite", "s.yaml", "--json", "--set", "method_options.longest=2")
    assert done.code == 0, done.err
    assert json.loads(done.out)["tables"][0]["rows"][0][0] == "quotes"
    assert Path("runs/suite-one/report.html").is_file()
    refused = cli("evaluate", "x", "data", "--suite", "s.yaml")
    assert refused.code == 2
    assert "DATA changes nothing with --suite" in refused.err
    assert "evaluate needs data" in cli("evaluate", "x").err
    Path("one.csv").write_text("text,label\n" + "".join(f"film {n},same\n" for n in range(30)))
    Path("bad.yaml").write_text("method: linear\ntasks:\n  - same: {data: one.csv}\n")
    failed = cli("evaluate", "x", "--suite", "bad.yaml")
    assert failed.code == 1
    assert "only 1 class" in failed.out


def test_predict_takes_how_texts_are_written(cli, writer_model, model_folder: Path) -> None:
    Path("rows.txt").write_text("the dull story\n")
    settings = ("--set", "generation.num_beams=3", "--set", "generation.num_answers=2")
    done = cli("predict", writer_model.path, "rows.txt", *settings)
    answer = json.loads(done.out)
    assert answer["text"] == "a dull film"
    assert len(answer["others"]) == 1
    wrong = cli("predict", writer_model.path, "rows.txt", "--set", "generation.beams=3")
    assert wrong.code == 2
    assert "generation has no setting 'beams'" in wrong.err
    unknown = cli("predict", writer_model.path, "rows.txt", "--set", "generatoin.num_beams=3")
    assert unknown.code == 2
    assert "did you mean 'generation'" in unknown.err
    other = cli("predict", model_folder, "rows.txt", "--set", "generation.num_beams=3")
    assert other.code == 2
    assert "writes none" in other.err


def test_explaining_two_texts_and_the_page(cli, reviews_csv: Path) -> None:
    rows = list(csv.DictReader(reviews_csv.read_text(encoding="utf-8").splitlines()))[:120]
    pairs = [{"text": row["text"], "text_pair": "a film", "label": row["label"]} for row in rows]
    Path("pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    assert cli("finetune", "pairs.jsonl", "--task", "pair", "--method", "linear", "--out", "model").code == 0
    done = cli("explain", "model", "--text", "a wonderful film", "--text-pair", "很 wonderful", "--out", "why")
    assert done.code == 0, done.err
    assert "wonderful  (text_pair)" in done.out
    assert "report: why/report.html" in done.out
    page = Path("why/report.html").read_text(encoding="utf-8")
    assert "speaks for the answer" in page
    refused = cli("explain", "model", "--text", "a", "--text-pair", "b", "--out", "why")
    assert refused.code == 2
    assert "exists already" in refused.err
    alone = cli("explain", "model", "--text", "a wonderful film")
    assert alone.code == 2
    assert '--text-pair "…"' in alone.err
    assert "give each row both" in cli("explain", "model", "--text", "a", "--text", "b", "--text-pair", "c").err
    tested = cli("explain", "model", "--data", "pairs.jsonl", "--rows", "10", "--json")
    assert tested.code == 0, tested.err
    assert json.loads(tested.out)["subject"]["rows"] == 10
    assert (
        "6 variants are predicted" in cli("explain", "model", "--text", "a b", "--text-pair", "c d e", "--dry-run").out
    )

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path


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


def test_monitor_without_a_log(cli, model_folder: Path) -> None:
    done = cli("monitor", model_folder, "--live", "nowhere.sqlite")
    assert done.code == 2
    assert "--log" in done.err

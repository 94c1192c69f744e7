"""The quickstart's recipe, step by step on small data: every line of its closing table is there, with its figures."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

import oreline as ore
from oreline.catalog.rotten_tomatoes import Entry
from oreline.types import Event

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"


@pytest.fixture(scope="module")
def quotes(reviews_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 quotes in the catalog entry's own columns; with three of them repeated, two empty, one in two classes."""
    with reviews_csv.open(encoding="utf-8", newline="") as stream:
        rows = [(row["label"], row["text"], row["movie"]) for row in csv.DictReader(stream)]
    rows += [*rows[:3], ("fresh", "", "movie 1"), ("rotten", " ", "movie 2")]
    rows += [("fresh", "a film of two minds", "movie 3"), ("rotten", "a film of two minds", "movie 3")]
    file = tmp_path_factory.mktemp("quotes") / "quotes.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([Entry.roles["label"], Entry.roles["text"], Entry.roles["group"]])
        writer.writerows(rows)
    return file


@pytest.fixture(scope="module")
def done(quotes: Path, shallow_start: Path, tmp_path_factory: pytest.TempPathFactory):
    """The run's folder, its report, and what it said; only data, start model and sizes differ from `make quickstart`."""
    folder = tmp_path_factory.mktemp("quickstart")
    patch = pytest.MonkeyPatch()
    patch.setenv("ORELINE_CACHE", str(folder / "cache"))
    said: list[Event] = []
    overrides = [
        f"out={folder / 'out'}",
        f"reviews.data={quotes}",
        f"pretrain.start={shallow_start}",
        f"finetune.start={shallow_start}",
        "pretrain.train={minutes: 0.02, threads: 1}",
        "finetune.train={epochs: 6, learning_rate: 0.005, evaluations_per_epoch: 1, threads: 1}",
        "compress.max_drop=0.2",  # few rows: the gate would be undecided
        "serve.requests=20",
    ]
    report = ore.run(RECIPE, overrides=overrides, on_event=said.append)
    patch.undo()
    return folder / "out", report, said


# One line of the closing table each: (step, what) and how its value reads.
FIGURE = r"-?[\d,]+\.\d+ \[-?[\d,.]+, -?[\d,.]+\]"
CHANGE = r"difference [+-][\d.]+ \[[+-][\d.]+, [+-][\d.]+\] n=40"
LINES = {
    ("reviews", "rows in → out"): "407 → 400",
    ("reviews", "rows dropped"): "7: 1 missing_text, 1 empty, 3 duplicate, 2 label_conflict",
    ("reviews", "rows by split"): "train 280, dev 40, test 40, fresh 40",
    ("reviews", "shared between splits"): r"0 texts, 0 rows by group, \d+ near-duplicates of 120 rows tested",
    ("pretrain", "loss per masked token before, nats"): rf"{FIGURE} n=\d+",
    ("pretrain", "loss per masked token after, nats"): rf"{FIGURE} n=\d+",
    ("baseline", "method"): r"linear, 280 rows, \d+ s, [\d,]+ rows/s, [\d.]+ MB",
    ("finetune", "method"): r"full, 280 rows, \d+ s, [\d,]+ rows/s, [\d.]+ MB",
    ("evaluate", "accuracy on test"): rf"{FIGURE} n=40",
    ("evaluate", "accuracy of the baseline"): rf"{FIGURE}, {CHANGE}",
    ("compress", "gate"): "passed|undecided",
    ("compress", "size, speed"): r"[\d.]+ → [\d.]+ MB, [\d,]+ → [\d,]+ rows/s",
    ("evaluate-int8", "accuracy on test"): rf"{FIGURE} n=40",
    ("evaluate-int8", "accuracy of the baseline"): rf"{FIGURE}, {CHANGE}",
    ("evaluate-int8", "accuracy of the compared model"): rf"{FIGURE}, {CHANGE}",
    ("serve", "requests"): r"20 with 80 rows, 0 lost, [\d,]+ rows/s",
    ("serve", "latency p50 ms"): FIGURE,
    ("serve", "latency p99 ms"): FIGURE,
    ("monitor", "drift"): rf"(drift|none) \(embedding shift AUC {FIGURE}, label shift total variation {FIGURE}\)",
    ("update", "verdict"): "passed, promoted|(undecided|refused), not promoted",
    ("update", "why"): r"(passed|undecided|refused): .*\(n=40\).*|(passed|undecided|refused): .* all 40 rows .*",
}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_line_of_the_closing_table_is_there_with_its_figures(done):
    _, report, _ = done
    results = report.tables[0]
    assert (results.title, results.columns) == ("Results", ("step", "what", "value"))
    found = {(step, what): value for step, what, value in results.rows}
    assert list(found) == list(LINES)
    wrong = {line: found[line] for line, reads in LINES.items() if not re.fullmatch(reads, found[line])}
    assert wrong == {}


@pytest.mark.slow
def test_the_figures_are_those_of_the_steps(done):
    out, report, _ = done
    found = {(step, what): value for step, what, value in report.tables[0].rows}
    pretrained = ore.Artifact.open(out / "pretrain").manifest.metrics["loss_after"]
    assert found["pretrain", "loss per masked token after, nats"].startswith(f"{pretrained['value']:.4f} [")
    for step in ("evaluate", "evaluate-int8"):
        figure = json.loads((out / step / "report.json").read_text())["metrics"]["accuracy"]
        assert found[step, "accuracy on test"].startswith(f"{figure['value']:.4f} [{figure['low']:.4f}, ")
    before, after = (
        out / folder / name for folder, name in (("finetune", "model.safetensors"), ("compress", "model.onnx"))
    )
    sizes = [f"{file.stat().st_size / 1e6:.1f}" for file in (before, after)]
    assert found["compress", "size, speed"].startswith(f"{sizes[0]} → {sizes[1]} MB, ")
    champion = json.loads((out / "update" / "aliases.json").read_text())["champion"]
    is_promoted = champion != ore.Artifact.open(out / "compress").version
    assert found["update", "verdict"].endswith(", promoted") == is_promoted


@pytest.mark.slow
def test_it_ends_by_saying_where_everything_lies(done):
    out, report, said = done
    steps = list(dict.fromkeys(step for step, _ in LINES))
    [places] = [table for table in report.tables if table.title == "Where it lies"]
    assert [step for step, _, _ in places.rows] == [*steps, "all"]
    assert all(Path(page).is_file() and seconds >= 0 for _, seconds, page in places.rows)
    assert said[-1].message == f"report: {out / 'report.html'}"
    assert report.facts["refused"] == []
    page = (out / "report.html").read_text(encoding="utf-8")
    assert all(step in page for step in steps)
    assert "<svg" in page


@pytest.mark.slow
def test_the_same_command_finds_everything_done(done):
    out, report, _ = done
    said: list[str] = []
    again = ore.run(out / "recipe.yaml", on_event=lambda event: said.append(event.message))
    assert sum(message.endswith("done already") for message in said) == 10
    assert again.tables[0].rows == report.tables[0].rows

"""From a served model's log to a verdict, with a real artifact's own reference rows."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

import oreline as ore
from oreline import registry
from oreline.errors import ArtifactError, DataError
from oreline.monitor.log import PredictionLog
from oreline.monitor.monitor import MIN_ROWS, monitor, reference_sample, rejected_label
from oreline.monitor.records import LogRecord
from oreline.runtime.open import open_runtime
from oreline.store import Artifact, Manifest, seal, writing
from oreline.types import Drift, Estimate, Sample

DETECTORS = ("embedding_shift", "label_shift")


def _detectors() -> list:
    return [registry.create("detector", name) for name in DETECTORS]


def _served(artifact: Artifact, texts: list[str], log_file: Path) -> Sample:
    """Let the model answer texts and log them, as the server does; read the log as `oreline monitor` does."""
    predictions = open_runtime(artifact).predict({"text": texts}, embeddings=True)
    answers = open_runtime(artifact).task.decode(predictions.outputs, {})
    log = PredictionLog(log_file)
    log.append(
        [
            LogRecord(
                f"{row:032x}", time.time(), artifact.id, artifact.version, {"text": text}, answer["label"],
                predictions.outputs["scores"][row], predictions.embedding_ND[row],
            )
            for row, (text, answer) in enumerate(zip(texts, answers, strict=True))
        ]
    )  # fmt: skip
    sample = log.sample()
    log.close()
    return sample


def test_the_reference_is_what_the_artifact_carries(linear_model: Artifact) -> None:
    reference = reference_sample(linear_model)
    assert rejected_label(linear_model) is None
    assert len(reference.ids) == len(reference.texts) == len(reference.labels) >= MIN_ROWS
    predictions = open_runtime(linear_model).predict({"text": reference.texts}, embeddings=True)
    np.testing.assert_allclose(reference.scores_NK, predictions.outputs["scores"], atol=1e-5)
    np.testing.assert_allclose(reference.embedding_ND, predictions.embedding_ND, atol=1e-5)


def test_rows_of_no_class_are_no_reference(tmp_path: Path) -> None:
    """Half of dev is out of scope, and of the live rows none: the two differ in nothing that matters."""
    told = [(what, word) for what in ("dull", "warm") for word in ("film", "play")]
    rows = [(f"the {word} is {what} {n}", what) for n in range(60) for what, word in told]
    others = [(f"rain and snow on day {n}", "oos") for n in range(240)]
    text, label = zip(*rows, *others)
    given = {name: {"text": text[place::2], "label": label[place::2]} for place, name in enumerate(("train", "dev"))}
    data = ore.refine(given, operators=[], out=tmp_path / "data")
    model = ore.finetune(None, data, method="linear", train={"reject": "energy"}, out=tmp_path / "model")
    whole, inside = reference_sample(model, out_of_scope=True), reference_sample(model)
    assert (len(whole.ids), len(inside.ids)) == (240, 120)
    assert not any(text.startswith("rain") for text in inside.texts)
    assert rejected_label(model) == "oos"
    live = _served(model, [text for text, label in rows[:100]], tmp_path / "log.sqlite")
    given = {"detectors": [registry.create("detector", "label_shift")], "rejected": "oos"}
    report = monitor(inside, live, **given)
    assert report.facts["verdict"] == "no drift"
    assert report.metrics["rejected_live"].value == live.labels.count("oos") / 100
    assert report.metrics["rejected_reference"].n == 120
    assert "of the live rows are rejected (answered 'oos')" in report.facts["sentence"]
    assert monitor(whole, live, **given).facts["verdict"] == "drift"


def test_rows_of_the_same_kind_are_no_drift(linear_model: Artifact, reviews, tmp_path: Path) -> None:
    texts = reviews.frame("test", ["text"])["text"].to_list()
    live = _served(linear_model, texts, tmp_path / "log.sqlite")
    report = monitor(reference_sample(linear_model), live, detectors=_detectors(), subject={"artifact": "x"})
    assert report.facts["verdict"] == "no drift"
    assert report.title == "No drift"
    assert report.facts["rows_live"] == len(texts)
    assert set(report.metrics) == {"embedding_shift_auc", "label_shift_total_variation"}
    sentence = report.facts["sentence"]
    assert sentence.startswith(f"No drift in {len(texts)} live rows")
    for estimate in report.metrics.values():
        assert f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]" in sentence
    summary = report.tables[0]
    assert [row[1] for row in summary.rows] == ["no drift", "no drift"]
    assert [row[3] for row in summary.rows] == list(report.metrics.values())
    assert len(report.tables) == 3, "the rows that differ most are listed even when nothing drifted"
    assert all(str(len(texts)) in chart.note or "AUC" in chart.note for chart in report.charts)


def test_rows_of_another_kind_are_drift_and_shown(linear_model: Artifact, reviews, tmp_path: Path) -> None:
    usual = reviews.frame("test", ["text"])["text"].to_list()
    strange = [f"invoice {number} overdue payment bank account   reminder " + "x" * 300 for number in range(30)]
    live = _served(linear_model, usual + strange, tmp_path / "log.sqlite")
    report = monitor(reference_sample(linear_model), live, detectors=_detectors())
    assert report.facts["verdict"] == "drift"
    assert "embedding_shift" in report.title
    assert f"Drift in {len(usual) + 30} live rows" in report.facts["sentence"]
    [rows] = [table for table in report.tables if table.title.endswith("embedding_shift")]
    assert all("invoice" in row[3] for row in rows.rows), "the strange rows show it most"
    assert all(len(row[3]) <= 120 and "  " not in row[3] for row in rows.rows)
    assert {chart.kind for chart in report.charts} == {"bars", "histogram"}


def test_the_report_can_be_saved_and_drawn(linear_model: Artifact, tmp_path: Path) -> None:
    evil = ["<script>alert(1)</script> dull"] * 60
    live = _served(linear_model, evil, tmp_path / "log.sqlite")
    report = monitor(reference_sample(linear_model), live, detectors=_detectors())
    report.save(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "<script>alert(1)" not in page
    saved = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert saved["facts"]["verdict"] == "drift"
    assert "Drift" in str(report)


@pytest.mark.parametrize("side", ["reference", "live"])
def test_few_rows_cannot_be_judged(linear_model: Artifact, side: str) -> None:
    whole = reference_sample(linear_model)
    few = Sample(
        whole.ids[:29], whole.texts[:29], whole.labels[:29], whole.scores_NK[:29], whole.embedding_ND[:29]
    )  # fmt: skip
    samples = (few, whole) if side == "reference" else (whole, few)
    with pytest.raises(DataError, match=f"29 {side} rows are too few") as caught:
        monitor(*samples, detectors=_detectors())
    assert "30 rows" in caught.value.allowed
    assert caught.value.remedy


class _Fixed:
    """A detector with a p-value of its own, to see what is made of it."""

    def __init__(self, p_value: float, drifted: bool = True) -> None:
        self.p_value, self.drifted = p_value, drifted

    def detect(self, reference: Sample, live: Sample, *, seed: int = 0) -> Drift:
        return Drift("fixed", self.drifted, self.p_value, Estimate(0.5, 0.4, 0.6, 40), "size")


@pytest.mark.parametrize(
    ("p_values", "verdict"),
    [([0.04], "drift"), ([0.04, 0.9], "no drift"), ([0.025, 0.9], "drift"), ([0.02, 0.9, 0.9], "no drift")],
)
def test_more_detectors_ask_for_smaller_p_values(linear_model: Artifact, p_values: list[float], verdict: str) -> None:
    sample = reference_sample(linear_model)
    detectors = [_Fixed(p_value, drifted=p_value <= 0.05) for p_value in p_values]
    assert monitor(sample, sample, detectors=detectors).facts["verdict"] == verdict


def test_a_small_p_value_with_a_small_effect_is_no_drift(linear_model: Artifact) -> None:
    sample = reference_sample(linear_model)
    assert monitor(sample, sample, detectors=[_Fixed(1e-9, drifted=False)]).facts["verdict"] == "no drift"


@pytest.mark.parametrize(
    ("detectors", "said"),
    [
        ([_Fixed(0.01)], "size 0.5000 [0.4000, 0.6000], drift: p = 0.01."),
        ([_Fixed(0.3, drifted=False)], "no more than chance explains (p = 0.3, drift needs 0.05 or less)."),
        ([_Fixed(0.3, drifted=False)] * 2, "drift needs 0.025 or less)."),
        ([_Fixed(1e-9, drifted=False)], "not chance (p = 1e-09), but too small to matter."),
    ],
)
def test_the_sentence_says_why(linear_model: Artifact, detectors: list[_Fixed], said: str) -> None:
    sample = reference_sample(linear_model)
    assert said in monitor(sample, sample, detectors=detectors).facts["sentence"]


def test_an_artifact_without_samples_says_so(tmp_path: Path) -> None:
    with writing(tmp_path / "bare") as folder:
        seal(folder, Manifest(runtime="linear", task="text_classification", task_options={"labels": ["a", "b"]}))
    with pytest.raises(ArtifactError, match="no sample rows"):
        reference_sample(Artifact.open(tmp_path / "bare"))


def test_a_dialogue_is_shown_as_people_read_it(linear_model: Artifact, reviews, tmp_path: Path) -> None:
    asked = [json.dumps([{"role": "user", "content": f"invoice {number}"}]) for number in range(30)]
    report = monitor(
        reference_sample(linear_model), _served(linear_model, asked, tmp_path / "log"), detectors=_detectors()
    )
    [rows] = [table for table in report.tables if table.title.endswith("embedding_shift")]
    assert all(row[3].startswith("user: invoice ") for row in rows.rows)

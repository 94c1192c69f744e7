"""MLflow, in its local SQLite file, reads back what was logged."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest

from oreline.train.trackers.mlflow import Tracker


@pytest.mark.filterwarnings("ignore")  # the library's own: its SQLite schema is built with deprecated calls
def test_metrics_and_parameters_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):  # the second finds the experiment that the first made
        tracker = Tracker(tmp_path / "logs", run_name=name, config={"seed": 7})
        tracker.log(1, {"loss": 0.5})
        tracker.log(2, {"loss": 0.25, "dev_accuracy": 0.8})
        tracker.close()
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'logs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("oreline")
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["first", "second"]
    run = runs[0]
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "7"
    history = client.get_metric_history(run.info.run_id, "loss")
    assert sorted((metric.step, metric.value) for metric in history) == [(1, 0.5), (2, 0.25)]

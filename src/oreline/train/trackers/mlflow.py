"""Training events for MLflow, in a local SQLite file unless MLFLOW_TRACKING_URI says otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import alembic  # noqa: F401  MLflow's SQLite store needs it, and says so only when a run begins
import mlflow


class Tracker:
    """Metrics and parameters of one MLflow run: `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db`."""

    def __init__(self, folder: Path, *, run_name: str, config: Mapping[str, Any], first_step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(folder / 'mlflow.db').absolute()}"
        self._client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = self._client.get_experiment_by_name("oreline")
        identifier = (
            experiment.experiment_id
            if experiment
            else self._client.create_experiment("oreline", artifact_location=(folder / "mlflow").absolute().as_uri())
        )
        self._run = self._client.create_run(identifier, run_name=run_name).info.run_id
        for name, value in {**config, "first_step": first_step}.items():
            self._client.log_param(self._run, name, str(value)[:500])

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Record values at an optimizer step."""
        for name, value in values.items():
            self._client.log_metric(self._run, name, float(value), step=step)

    def close(self) -> None:
        """End the run."""
        self._client.set_terminated(self._run)

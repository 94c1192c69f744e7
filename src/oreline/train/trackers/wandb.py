"""Training events for Weights & Biases, offline unless WANDB_MODE says otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb


class Tracker:
    """Values of one W&B run, written to `FOLDER/wandb`; send them later with `wandb sync`."""

    def __init__(self, folder: Path, *, run_name: str, config: Mapping[str, Any], first_step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project="oreline",
            name=run_name,
            dir=str(folder),
            config={**config, "first_step": first_step},
            mode=os.environ.get("WANDB_MODE", "offline"),  # type: ignore[arg-type]
            settings=wandb.Settings(silent=True, x_disable_stats=True, x_disable_meta=True, console="off"),
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Record values at an optimizer step."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """End the run; the library's own service then writes what is left."""
        self._run.finish()

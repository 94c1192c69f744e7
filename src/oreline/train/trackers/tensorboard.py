"""Training events for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter


class Tracker:
    """Scalars in TensorBoard's event files: `tensorboard --logdir FOLDER/tensorboard`."""

    def __init__(self, folder: Path, *, run_name: str, config: Mapping[str, Any], first_step: int = 0) -> None:
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step + 1 if first_step else None)
        text = "\n".join(f"    {name}: {value}" for name, value in config.items())
        self._writer.add_text("config", f"{run_name}\n\n{text}", global_step=first_step)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Record values at an optimizer step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, global_step=step)

    def close(self) -> None:
        """Flush and close the event file."""
        self._writer.close()

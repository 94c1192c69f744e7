"""A loss that runs out of memory in the middle of training."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from oreline.types import Event


class Hunger:
    """From step number `fails_in` on, a pass of more than `limit` padded tokens runs out of memory.

    Put into the place of a loss (`self, model, batch`), and told of every event.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, *, fails_in: int, limit: int) -> None:
        self.steps, self.said, self.losses = 0, list[str](), dict[int, float]()
        self.tokens: list[int] = []
        """Padded tokens of the passes that were made since memory became short."""
        plain = getattr(owner, name)

        def hungry(head: Any, model: Any, batch: Any) -> Any:
            found = plain(head, model, batch)
            if self.steps >= fails_in:
                if batch.ids_BT.numel() > limit:
                    raise torch.OutOfMemoryError("CUDA out of memory")
                self.tokens.append(batch.ids_BT.numel())
            return found

        monkeypatch.setattr(owner, name, hungry)

    def watch(self, event: Event) -> None:
        """Count the steps, and keep what was said."""
        self.said.append(event.message)
        if event.stage == "train" and "loss" in event.values:
            self.steps = event.step
            self.losses[event.step] = event.values["loss"]

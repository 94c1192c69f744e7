"""Merge what an update learnt into the model before it, weight by weight, before the gate judges.

A model that was trained on fresh rows has moved from where it stood; between the two places may lie one that knows
the fresh rows nearly as well and forgets less.

Source: Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022 (arXiv:2109.01903).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.errors import UsageError
from oreline.evaluate.estimates import task_estimates
from oreline.store import MANIFEST, Artifact
from oreline.train.combine import Way, combine, refuse_no_weights

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset

_FITTED = ("temperature", "reject")
"""Options of a task that training fits."""


@dataclass(frozen=True, slots=True)
class Merge:
    """How the updated weights are merged with those before."""

    by: str
    """Name of a merging plug."""
    weight: float = 0.5
    """Share of the updated weights."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def content(self) -> list[Any]:
        """Return what decides the result."""
        return [self.by, self.weight, dict(self.options)]

    def refuse_unfit(self, base: Artifact) -> None:
        """Raise `UsageError` now, not after the training, where a model's weights cannot be merged."""
        if not 0 < self.weight <= 1:
            raise UsageError(f"merge_weight is {self.weight}", allowed="above 0, up to 1, which is the updated model")
        plug = registry.create("merging", self.by, **dict(self.options))
        if base.manifest.runtime != "torch":
            raise UsageError(
                f"the model runs on {base.manifest.runtime}: only torch models are merged",
                where=str(base.path),
                remedy="leave out --merge",
            )
        refuse_no_weights(base)
        if fitted := next((name for name in _FITTED if base.manifest.task_options.get(name) is not None), None):
            raise UsageError(
                f"the model's {fitted} was fitted on dev to its own weights, and fits no merged ones",
                where=str(base.path),
                remedy="leave out --merge",
            )
        if plug.needs_base and _origin(base) is None:
            raise UsageError(
                f"{self.by} needs the model that the one in place was trained from, which is not there any more",
                where=str(base.manifest.lineage[0]["path"]) if base.manifest.lineage else str(base.path),
                remedy="--merge slerp, or --merge mean",
            )

    def merged(self, trained: Artifact, base: Artifact, data: Dataset, out: Path) -> Artifact:
        """Return the model between an updated one and the one it was trained from; dev of `data` measures it."""
        if (out / MANIFEST).is_file():
            return Artifact.open(out)
        way = Way(self.by, self.options, (self.weight, 1 - self.weight), _origin(base))
        return combine([trained, base], way=way, out=out, dev=data, estimate=task_estimates)


def _origin(base: Artifact) -> Path | None:
    """Return the nearest ancestor of a model that is still there."""
    places = (Path(str(entry["path"])) for entry in base.manifest.lineage)
    return next((place for place in places if place.is_dir()), None)

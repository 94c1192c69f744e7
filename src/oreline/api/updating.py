"""The verb that teaches a model fresh rows: update."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import names
from oreline.api.extras import names_missing_extras
from oreline.api.provenance import columns_of
from oreline.errors import UsageError
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.types import OnEvent, ignore

if TYPE_CHECKING:
    from oreline.report.report import Report
    from oreline.update.merge import Merge

UPDATED_SHARE = 0.5
"""Of the updated weights, where an update is merged with what was before."""


@names_missing_extras
def update(
    model: Any,
    fresh: Any,
    *,
    policy: str = "replay",
    policy_options: dict[str, Any] | None = None,
    train: TrainOptions | dict[str, Any] | None = None,
    gate: Any = None,
    gate_split: str = "test",
    max_drop: float = 0.005,
    merge: str | None = None,
    merge_weight: float = UPDATED_SHARE,
    merge_options: dict[str, Any] | None = None,
    out: str | Path | None = None,
    dry_run: bool = False,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> tuple[Artifact, Report]:
    """Teach a model fresh rows; it is promoted only when the gate finds it better on them and no worse on the old.

    Args:
        model: the model in place: an artifact, its folder, a home or `HOME@alias`.
        fresh: labelled fresh rows: a dataset, `DATASET#split`, or raw data with the model's own columns.
        policy: name of a policy plug; `policy_options` are its keyword arguments.
        gate: frozen golden rows that no version is trained on; the split `gate_split` of them is used.
        max_drop: the largest fall in accuracy on the golden rows that the gate lets pass.
        merge: name of a merging plug (`slerp`, `mean`, `ties`): the updated weights are merged with those before, and
            what comes out is judged; `merge_options` are the plug's keyword arguments.
        merge_weight: share of the updated weights, above 0 and up to 1.
        out: the model's home, with `versions/` and `aliases.json`; when not given, the home that `model` names, or
            a new folder in `./oreline-runs`.
        dry_run: say which rows would be used and how long it would take, and write nothing.
    """
    from oreline.update.update import update as run

    names.known_plug("policy", policy)
    artifact = Artifact.open(names.model_path(model))
    if gate is None:
        raise UsageError(
            "update needs golden rows for the gate", remedy="--gate DATA, such as the test split of your dataset"
        )
    with tempfile.TemporaryDirectory(prefix="oreline-dry-run-") if dry_run else nullcontext() as scratch:
        given: dict[str, Any] = {"roles": columns_of(artifact), "split": {}, "on_event": on_event}
        given["runs"] = Path(scratch) if scratch else None
        judged = names.dataset(gate, operators=names.EVALUATION_OPERATORS, **given)
        return run(
            artifact,
            names.dataset(fresh, seed=seed, **given),
            policy=policy,
            policy_options=policy_options or {},
            options=names.train_options(train),
            gate_data=judged,
            gate_split=names.chosen_split(judged, gate_split),
            max_drop=max_drop,
            merge=_merge(merge, merge_weight, merge_options),
            home=names.home_of(model, out),
            dry_run=dry_run,
            seed=seed,
            on_event=on_event,
        )


def _merge(by: str | None, weight: float, options: dict[str, Any] | None) -> Merge | None:
    """Return how an update is merged. Raises `UsageError` for a name that there is not, or options of no merging."""
    from oreline.update.merge import Merge

    if by is not None:
        names.known_plug("merging", by)
        return Merge(by, weight, options or {})
    if options or weight != UPDATED_SHARE:
        raise UsageError("merge_weight and merge_options belong to merge", remedy="--merge slerp, or leave them out")
    return None

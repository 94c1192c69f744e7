"""Make a model again from the recipe saved in it: same data, same options, and what was resolved then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oreline.api import build, names
from oreline.api.extras import names_missing_extras
from oreline.api.provenance import training_data
from oreline.errors import ArtifactError, UsageError
from oreline.store import Artifact
from oreline.types import OnEvent, ignore


@names_missing_extras
def rerun(
    artifact: Artifact, *, out: str | Path | None = None, force: bool = False, on_event: OnEvent = ignore
) -> Artifact:
    """Run the step that made a model again.

    A fine-tuned model comes out with the same bytes, on a machine with the same processor and versions: nothing is
    probed again. Raises `UsageError` when its data or start model are gone or are others by now.
    """
    verb, options = checked(artifact)
    place = names.output_folder("rerun", out)
    if verb == "finetune":
        return _finetune(artifact, options, place, force, on_event)
    if verb == "pretrain":
        given = {name: options[name] for name in ("objective", "objective_options", "start") if name in options}
        train = {name: value for name, value in dict(options.get("train", {})).items() if value is not None}
        return build.pretrain(
            training_data(artifact),
            **given,
            train=train,
            seed=int(options.get("seed", 0)),
            out=place,
            force=force,
            on_event=on_event,
        )
    if verb == "merge":
        of_several = ("others", "by", "by_options", "weights", "base")
        joined = {name: options[name] for name in of_several if name in options}
        return build.merge(_parent(artifact, options, "merged"), **joined, out=place, force=force, on_event=on_event)
    return _compress(artifact, options, place, force, on_event)


def checked(artifact: Artifact) -> tuple[str, dict[str, Any]]:
    """Return a model's verb and options. Raises `ArtifactError` when it holds none that can be run again."""
    recipe = artifact.manifest.recipe
    verb, options = recipe.get("verb"), recipe.get("options")
    if verb not in ("pretrain", "finetune", "merge", "compress") or not isinstance(options, Mapping):
        raise ArtifactError("the model holds no recipe that can be run again", where=str(artifact.path))
    return str(verb), dict(options)


def _finetune(artifact: Artifact, options: Mapping[str, Any], out: Path, force: bool, on_event: OnEvent) -> Artifact:
    from oreline.evaluate.estimates import point_values, task_estimates
    from oreline.train.finetune import finetune
    from oreline.train.scratch import NewNetwork

    network = NewNetwork(options["network"], options["network_options"]) if options.get("network") else None
    start = Path(options["start"]) if options.get("start") else None
    if start is not None:
        _check_start(start, artifact)
    return finetune(
        network or start,
        training_data(artifact),
        task=str(options["task"]),
        task_options=dict(options.get("task_options") or {}),
        method=str(options["method"]),
        method_options=dict(options.get("method_options") or {}),
        options=names.train_options(options.get("train")),
        out=out,
        seed=int(options.get("seed", 0)),
        force=force,
        score=point_values,
        estimate=task_estimates,
        origin=_origin(artifact),
        resolved=artifact.manifest.recipe.get("resolved"),
        on_event=on_event,
    )


def _compress(artifact: Artifact, options: Mapping[str, Any], place: Path, force: bool, on_event: OnEvent) -> Artifact:
    parent = _parent(artifact, options, "compressed")
    names_of = ("method", "options", "data", "split", "max_drop", "seed")
    given = {name: options[name] for name in names_of if name in options}
    given["options"] = {**(given.get("options") or {}), **artifact.manifest.recipe.get("resolved", {})}
    return build.compress(parent, **given, out=place, force=force, on_event=on_event)[0]


def _parent(artifact: Artifact, options: Mapping[str, Any], done: str) -> Artifact:
    parent = Artifact.open(options["model"])
    if parent.id != artifact.manifest.lineage[0]["id"]:
        raise UsageError(f"the model that was {done} is another one by now", where=str(parent.path))
    return parent


def _origin(artifact: Artifact) -> dict[str, str]:
    """Return the name and licence of the start model that the first ancestor began from."""
    first = artifact.manifest.lineage[-1] if artifact.manifest.lineage else {}
    return {name: str(first[name]) for name in ("name", "license") if name in first}


def _check_start(start: Path, artifact: Artifact) -> None:
    if not start.is_dir():
        raise UsageError("the start model is not there any more", where=str(start), remedy="fetch or restore it")
    recorded = artifact.manifest.lineage[0]["id"] if artifact.manifest.lineage else ""
    if recorded and Artifact.open(start).id != recorded:
        raise UsageError("the start model is another one by now", where=str(start), allowed=f"id {recorded[:12]}…")

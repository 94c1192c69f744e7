"""Make a model again from the recipe saved in it: same data, same options, and what was resolved then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import build, names
from oreline.api.extras import names_missing_extras
from oreline.api.provenance import dataset_as_it_was, training_data
from oreline.errors import ArtifactError, UsageError
from oreline.store import Artifact
from oreline.types import Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.train.scratch import NewNetwork


@names_missing_extras
def rerun(
    artifact: Artifact, *, out: str | Path | None = None, force: bool = False, on_event: OnEvent = ignore
) -> Artifact:
    """Run the step that made a model again.

    A trained model comes out with the same bytes, on a machine with the same processor and versions: nothing is probed
    again. One of several that were trained together (`multitask`) is made with the others, into `OUT/NAME`. Raises
    `UsageError` when its data or start model are gone or are others by now.
    """
    verb, options = checked(artifact)
    place = names.output_folder("rerun", out, force=force)
    trains = {"finetune": _finetune, "pretrain": _pretrain, "multitask": _multitask}
    if verb in trains:
        return trains[verb](artifact, options, place, force, on_event)
    if verb == "merge":
        of_several = ("others", "by", "by_options", "weights", "base")
        joined = {name: options[name] for name in of_several if name in options}
        return build.merge(_parent(artifact, options, "merged"), **joined, out=place, force=force, on_event=on_event)
    return _compress(artifact, options, place, force, on_event)


def checked(artifact: Artifact) -> tuple[str, dict[str, Any]]:
    """Return a model's verb and options. Raises `ArtifactError` when it holds none that can be run again."""
    recipe = artifact.manifest.recipe
    verb, options = recipe.get("verb"), recipe.get("options")
    if verb not in ("pretrain", "finetune", "multitask", "merge", "compress") or not isinstance(options, Mapping):
        raise ArtifactError("the model holds no recipe that can be run again", where=str(artifact.path))
    if verb == "multitask" and "tasks" not in options:
        raise ArtifactError(
            "the model does not say what the other tasks beside its own were: it was made before models did",
            where=str(artifact.path),
            remedy="run the same oreline multitask again",
        )
    return str(verb), dict(options)


def _finetune(artifact: Artifact, options: Mapping[str, Any], out: Path, force: bool, on_event: OnEvent) -> Artifact:
    from oreline.train.finetune import finetune

    return finetune(
        _start(artifact, options),
        training_data(artifact),
        task=str(options["task"]),
        task_options=dict(options.get("task_options") or {}),
        method=str(options["method"]),
        method_options=dict(options.get("method_options") or {}),
        out=out,
        force=force,
        **_judged(),
        **_shared(artifact, options, on_event),
    )


def _pretrain(artifact: Artifact, options: Mapping[str, Any], out: Path, force: bool, on_event: OnEvent) -> Artifact:
    from oreline.train.pretrain import pretrain

    start = _start(artifact, options)
    if start is None:
        raise ArtifactError("the model does not say what it was pretrained from", where=str(artifact.path))
    return pretrain(
        training_data(artifact),
        objective=str(options["objective"]),
        objective_options=dict(options.get("objective_options") or {}),
        start=start,
        out=out,
        force=force,
        **_shared(artifact, options, on_event),
    )


def _multitask(artifact: Artifact, options: Mapping[str, Any], out: Path, force: bool, on_event: OnEvent) -> Artifact:
    """Make the models of all tasks again, each into a folder of its own in `out`; returns the one that was asked for.

    One run made them: their encoder has learnt from the rows of all.
    """
    from oreline.train.multitask import TaskRows, Together, multitask

    start = Path(options["start"])
    _check_start(start, artifact)
    rows = {
        name: TaskRows(dataset_as_it_was(one["data"], one["fingerprint"]), one["task"])
        for name, one in options["tasks"].items()
    }
    together = Together(options["temperature"], options["pooling"])
    made = multitask(
        start, rows, together=together, out=out, force=force, **_judged(), **_shared(artifact, options, on_event)
    )
    on_event(Event("rerun", message=f"the models of all {len(made)} tasks lie in {out}: {', '.join(made)}"))
    return made[options["name"]]


def _shared(artifact: Artifact, options: Mapping[str, Any], on_event: OnEvent) -> dict[str, Any]:
    """Return what every training takes over from the earlier one."""
    return {
        "options": names.train_options(options.get("train")),
        "seed": int(options.get("seed", 0)),
        "origin": _origin(artifact),
        "resolved": artifact.manifest.recipe.get("resolved"),
        "on_event": on_event,
    }


def _judged() -> dict[str, Any]:
    from oreline.evaluate.estimates import point_values, task_estimates

    return {"score": point_values, "estimate": task_estimates}


def _start(artifact: Artifact, options: Mapping[str, Any]) -> Path | NewNetwork | None:
    """Return what training began from. Raises `UsageError` when it is gone, or another one by now."""
    from oreline.train.scratch import NewNetwork

    if options.get("network"):
        return NewNetwork(options["network"], options["network_options"])
    start = Path(options["start"]) if options.get("start") else None
    if start is not None:
        _check_start(start, artifact)
    return start


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

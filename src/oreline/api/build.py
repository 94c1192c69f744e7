"""The verbs that write something new: refine, pretrain, finetune, merge, compress."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from oreline import registry, store
from oreline.api import choose, names
from oreline.api.extras import names_missing_extras
from oreline.api.judging import judging_rows
from oreline.api.provenance import naming_source, training_data
from oreline.api.reviewed import chain_and_shares
from oreline.api.running import CACHE_SIZE, MEMORY, running
from oreline.errors import OrelineError, UsageError
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.types import Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset
    from oreline.report.report import Report
    from oreline.train.scratch import NewNetwork

DEFAULT_START = "catalog:minilm-l6-en"
DEFAULT_TASK = "text_classification"


@names_missing_extras
def refine(
    data: Any,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    time: str | None = None,
    roles: dict[str, str] | None = None,
    operators: list[Any] | None = None,
    split: dict[str, float] | None = None,
    against: Sequence[str] = (),
    keep_unlabelled: bool = False,
    apply_review: str | None = None,
    together: Sequence[str] = (),
    gap: str | None = None,
    fail_on_leak: float | None = None,
    report_encoder: str | None = None,
    workers: int | None = None,
    memory: str | int = MEMORY,
    engine: Literal["local", "ray"] = "local",
    cache: bool | str = False,
    cache_size: str | int = CACHE_SIZE,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Dataset:
    """Turn raw data into a dataset: read, clean, deduplicate, split, and account for every row.

    Args:
        data: a file, several files, `catalog:NAME`, lists (`{"text": […], "label": […]}`), a Polars or pandas
            frame, an Arrow table or a Hugging Face dataset; or `{split name: any of these}` for given splits, of which
            `unlabelled` needs no label.
        text, label, group, time: source columns of these roles; a column named like its role needs none.
        roles: source columns of any other roles.
        operators: names, or one-key mappings with options, in order; a sound default chain when not given.
        split: shares by split name (train 0.8, dev 0.1, test 0.1 when not given); `{}` leaves the rows together.
        against: files that the new data must not overlap; rows found there are dropped into the ledger.
        keep_unlabelled: rows without a label become the split `unlabelled`, for `self_training`; otherwise they are
            dropped.
        apply_review: a file of decisions about rows, such as `review.jsonl`, or what `oreline label` writes. A dataset
            then passes no operators but those that are named, and its rows stay in their splits.
        together: what stays in one split beside equal texts and groups: `near` (near-duplicates), `template` (texts
            that differ in numbers, names in brackets and links only).
        gap: with a time column, the time left out before each later split: `30m`, `12h`, `7d`, `2w`.
        fail_on_leak: fail when more than this share of a split stands in another one, exactly or nearly.
        report_encoder: a model that reads texts, such as `catalog:minilm-l6-en`: the report then says how many meanings
            the texts have, by split and source, and how much of dev and test lies near train.
        workers: processes; as many as cores and memory allow when not given, where the work pays for them.
        memory: what all processes together may take, about, such as `2GB`.
        engine: `local`, this machine, or `ray`, a cluster; the result is the same.
        cache: keep finished stages, so that a run with other operators behind them does not repeat them: `true`, or
            a folder; `cache_size` is the most that they take. A killed run goes on without it, too.
        out: the dataset's folder; a new one in `./oreline-runs` when not given.

    Raises:
        OrelineError: splits share more than `fail_on_leak` allows.
        DataError: a file, row or column that cannot be read, or nothing is left.
        UsageError: an unknown operator, role or option, or `out` exists already.
    """
    from oreline.data.refine import refine as run

    with running(workers=workers, memory=memory, engine=engine, cache=cache, cache_size=cache_size) as how:
        return run(
            data,
            roles={
                **names.catalog_roles(data),
                **names.roles_of(roles, text=text, label=label, group=group, time=time),
            },
            **chain_and_shares(operators, split, data, apply_review),
            against=[against] if isinstance(against, str) else list(against),
            keep_unlabelled=keep_unlabelled,
            review=apply_review,
            together=[together] if isinstance(together, str) else list(together),
            gap=gap,
            fail_on_leak=fail_on_leak,
            report_encoder=report_encoder,
            out=names.output_folder("refine", out, data, force=force),
            seed=seed,
            force=force,
            running=how,
            on_event=on_event,
        )


@names_missing_extras
def pretrain(
    data: Any,
    *,
    objective: str = "mask_tokens",
    objective_options: dict[str, Any] | None = None,
    start: Any = DEFAULT_START,
    start_options: dict[str, Any] | None = None,
    text: str | None = None,
    train: TrainOptions | dict[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Artifact:
    """Pretrain an encoder on texts, without labels: go on with one, or begin a new one.

    Args:
        data: a dataset, or raw data (refined first).
        objective: name of an objective plug; `objective_options` are its keyword arguments.
        start: an encoder: `catalog:NAME`, a folder, a hub id, an artifact; or `new:NAME`, a network that knows nothing
            yet, whose options are `start_options`. Its vocabulary is learnt on the texts.
        train: training options (`{"minutes": 1}`), see `oreline.recipe.TrainOptions`.
        out: the artifact's folder; a new one in `./oreline-runs` when not given.
    """
    from oreline.train.pretrain import pretrain as run

    names.known_plug("objective", objective)
    network = _network(start, start_options)
    begin = network if network is not None else names.start_folder(start)
    if begin is None:
        raise UsageError("pretrain needs a start model", remedy=f"start: {DEFAULT_START}, or new:transformer-tiny")
    return run(
        names.dataset(data, roles=names.roles_of(None, text=text), seed=seed, on_event=on_event),
        objective=objective,
        objective_options=objective_options or {},
        start=begin,
        origin=names.start_origin(start),
        options=names.train_options(train),
        out=names.output_folder("pretrain", out, data, start, force=force),
        seed=seed,
        force=force,
        on_event=on_event,
    )


@names_missing_extras
def finetune(
    start: Any = None,
    data: Any = None,
    *,
    task: str = DEFAULT_TASK,
    task_options: dict[str, Any] | None = None,
    method: str = "auto",
    method_options: dict[str, Any] | None = None,
    start_options: dict[str, Any] | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    time: str | None = None,
    roles: dict[str, str] | None = None,
    train: TrainOptions | dict[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Artifact:
    """Train a model for a task on labelled rows.

    Args:
        start: the encoder to start from: `catalog:NAME`, a folder, a hub id, an artifact, or `new:NAME`, a network
            without pretraining, whose options are `start_options`. The method `linear` needs none.
        data: a dataset, or raw data (refined first, with the columns named by `text`, `label`, `group`, `time`, and by
            `roles` for any others).
        task: name of a task plug; `task_options` are keyword arguments of it that the rows do not settle, such as
            `{"negative": "NA"}` for relations.
        method: name of a method plug, or of an adapter; `auto` chooses by language, number of rows and start
            (`api/choose.py`) and says why. `method_options` are the method's (or the adapter's) keyword arguments.
        train: training options (`{"epochs": 1}`), see `oreline.recipe.TrainOptions`.
        out: the artifact's folder; a new one in `./oreline-runs` when not given.
    """
    from oreline.evaluate.estimates import point_values, task_estimates
    from oreline.train.finetune import finetune as run
    from oreline.train.finetune import refuse_unfit

    names.refuse_no_data(data)
    names.known_plug("task", task)
    trainer = _fitting_method(method, method_options, task) if method != "auto" else None
    if (network := _network(start, start_options)) is not None and method != "auto":
        network.refuse_method(method)
    columns = names.roles_of(roles, text=text, label=label, group=group, time=time)
    options = names.train_options(train)
    refuse_unfit(trainer, method, task, options)
    inner = choose.refuse_start(task, method, method_options, start, on_event)  # before rows are refined for it
    store.refuse_existing(out := names.output_folder("finetune", out, data, start, force=force), force=force)
    keeps = getattr(trainer, "reads_more", False)
    dataset = names.dataset(data, roles=columns, seed=seed, keep_unlabelled=keeps, on_event=on_event)
    with naming_source(data, dataset, task, needs_target=not getattr(trainer, "labels", ())):
        if method == "auto":
            method, start, why = choose.method_for_labelled(dataset, start, task)
            on_event(Event("choose", message=f"method {method}: {why}"))
        elif said := choose.suggestion(dataset, start, task, method):
            on_event(Event("choose", message=said))
        start = choose.start_for(task, inner or method, start)
        return run(
            network if network is not None else names.start_folder(start),
            dataset,
            task=task,
            task_options=task_options or {},
            method=method,
            method_options=method_options or {},
            options=options,
            out=out,
            seed=seed,
            force=force,
            score=point_values,
            estimate=task_estimates,
            origin=names.start_origin(start),
            on_event=on_event,
        )


@names_missing_extras
def merge(
    model: Any,
    *,
    others: Sequence[Any] = (),
    by: str = "mean",
    by_options: dict[str, Any] | None = None,
    weights: Sequence[float] = (),
    base: Any = None,
    undo: bool = False,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Artifact:
    """Fold an adapter into its base, or take it out again; or join the weights of several models into one.

    Args:
        model: an artifact with an adapter, its folder, a home or `HOME@alias`; or the first of several whole models.
        others: models of the same architecture, tokenizer and labels; without any, the model's adapter is folded.
        by: how they are joined, the name of a merging plug; `by_options` are its keyword arguments.
        weights: one for each model, the first's first; equal when not given.
        base: the start model that all come from, for `ties`; found in their lineage when not given.
        undo: give back the adapter that was folded into the model, beside its base, which is as it was.
        out: the artifact's folder; a new one in `./oreline-runs` when not given.
        seed: changes nothing; every verb of a recipe is handed one.

    Raises:
        UsageError: the only model has no adapter, or one that is no change of weights (prefix, prompt, bottleneck);
            several models that do not fit together; nothing to undo.
        ArtifactError: the base is not there, or is another one by now.
    """
    first = Artifact.open(names.model_path(model))
    if undo and others:
        raise UsageError("undo takes an adapter out of one model", remedy="name one merged model")
    place = names.output_folder("merge", out, model, others, base, force=force)
    if undo:
        from oreline.train.unmerge import unmerge

        return unmerge(first, out=place, force=force)
    if not others:
        from oreline.train.merge import merge as fold

        return fold(first, out=place, force=force)
    from oreline.evaluate.estimates import task_estimates
    from oreline.train.combine import Way, combine, refuse_twice

    names.known_plug("merging", by)
    models = [first, *(Artifact.open(names.model_path(other)) for other in others)]
    refuse_twice(models)
    way = Way(by, by_options or {}, list(weights), names.start_folder(base))
    try:
        dev = training_data(first)
    except OrelineError as error:  # the data are gone or others: the model is as good, only not measured
        on_event(Event("merge", message=f"no figures on dev: {error.what}"))
        dev = None
    return combine(models, way=way, out=place, force=force, dev=dev, estimate=task_estimates)


@names_missing_extras
def compress(
    model: Any,
    *,
    method: str = "int8",
    options: dict[str, Any] | None = None,
    data: Any = None,
    split: str = "dev",
    max_drop: float = 0.005,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> tuple[Artifact, Report]:
    """Make a model smaller and faster, measure it before and after, and let the gate judge it.

    Args:
        model: an artifact, its folder, a home or `HOME@alias`.
        method: name of a compression plug; `options` are its keyword arguments.
        data: rows for the gate; the data the model was trained with when not given.
        split: which of its splits (`dev`, so that test stays unseen).
        max_drop: the largest fall in accuracy that the gate lets pass.

    Raises:
        GateRefusedError: the compressed model is worse than that.
    """
    from oreline.compress.compress import compress as run

    names.known_plug("compression", method)
    artifact = Artifact.open(names.model_path(model))
    dataset = training_data(artifact) if data is None else judging_rows(artifact, data, seed=seed, on_event=on_event)
    return run(
        artifact,
        method=method,
        options=options or {},
        data=dataset,
        split=names.chosen_split(dataset, split),
        max_drop=max_drop,
        out=names.output_folder("compress", out, model, data, force=force),
        force=force,
        seed=seed,
        on_event=on_event,
    )


def _fitting_method(method: str, options: dict[str, Any] | None, task: str) -> Any:
    """Build a method. Raises `UsageError` for a task that it does not teach, before the options that it lacks."""
    from oreline.train.finetune import refuse_unfit
    from oreline.train.job import named_method

    names.known_plug("method", method)
    refuse_unfit(registry.get("method", named_method(method, {})[0]), method, task, TrainOptions())
    return names.method(method, options)


def _network(start: Any, options: dict[str, Any] | None) -> NewNetwork | None:
    """Return the network to begin from nothing with. Raises `UsageError` for a name or an option that there is not."""
    name = names.network_name(start)
    if name is None:
        if options:
            known = [names.NEW + network.replace("_", "-") for network in registry.names("network")]
            raise UsageError(
                f"start_options are options of a network without pretraining, and the start model is {start!r}",
                allowed=f"start_options with {', '.join(known)}",
            )
        return None
    from oreline.train.scratch import NewNetwork

    network = NewNetwork(name, options or {})
    return network if network.plug else None

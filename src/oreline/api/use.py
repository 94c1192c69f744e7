"""The verbs that use a model: load, evaluate, predict, explain, serve, monitor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import names
from oreline.api.baseline import chosen_baseline
from oreline.api.extras import names_missing_extras
from oreline.api.judging import judging_rows
from oreline.errors import UsageError
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.types import OnEvent, Runtime, ignore

if TYPE_CHECKING:
    from oreline.report.report import Report

DEFAULT_DETECTORS = ("embedding_shift", "label_shift")
LOG_FILE = "predictions.sqlite"


@names_missing_extras
def load(model: Any, *, threads: int | None = None, generation: dict[str, Any] | None = None) -> Runtime:
    """Open a model for predicting: `load(model).predict({"text": ["…"]})`.

    Args:
        model: an artifact, its folder, a home or `HOME@alias`.
        threads: CPU threads; all cores when not set.
        generation: how a model that writes texts does it (`{"num_beams": 4}`), see `oreline.generation.Generation`; as
            it was trained when not given.
    """
    return open_runtime(names.model_path(model), threads=threads, generation=generation)


@names_missing_extras
def evaluate(
    model: Any,
    data: Any,
    *,
    split: str = "test",
    slices: Sequence[str] = (),
    metrics: Sequence[str] = (),
    compare: Any = None,
    baseline: Any = None,
    generation: dict[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Judge a model on labelled rows it was not trained on.

    Args:
        model: an artifact, its folder, a home or `HOME@alias`.
        data: a dataset, `DATASET#split`, or raw data with the model's own columns (all of its rows are used).
        split: which split of a dataset that has several.
        slices: columns by whose values the figures are broken down.
        metrics: names of metrics to measure beside the task's own, such as `matthews` or `per_class`.
        compare: a second model, judged on the same rows with a paired test.
        baseline: a simple model whose figures stand beside; when not given, a linear model of the same training rows,
            made once and kept in `./oreline-runs`; `none` for none.
        generation: how a model that writes texts does it, see `load`.
        out: a folder for `report.json` and `report.html`, or a file ending in `.json`; no report is written
            when not given (raw data are refined into `./oreline-runs` in any case, once).
    """
    from oreline.evaluate.evaluate import evaluate as run
    from oreline.evaluate.evaluate import refuse_unfit_metrics

    runtime = load(model, generation=generation)
    metrics = [metrics] if isinstance(metrics, str) else metrics
    refuse_unfit_metrics(runtime.task, metrics)
    dataset = judging_rows(runtime.artifact, data, seed=seed, on_event=on_event)
    by_source = {column: role for role, column in dataset.manifest.roles.items()}
    report = run(
        runtime,
        dataset,
        split=names.chosen_split(dataset, split),
        slices=[by_source.get(name, name) for name in ([slices] if isinstance(slices, str) else slices)],
        metrics=metrics,
        compare=load(compare) if compare is not None else None,
        baseline=chosen_baseline(baseline, runtime.artifact, seed=seed, on_event=on_event),
        seed=seed,
    )
    if out is not None:
        save_report(report, out, force=force)
    return report


@names_missing_extras
def predict(model: Any, data: Any, *, generation: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Answer rows, in order: one `{"id", "label", "scores"}` for each.

    Args:
        model: an artifact, its folder, a home or `HOME@alias`.
        data: texts, rows (`[{"text": …}]`), lists by column, a frame, a file, or a dataset.
        generation: how a model that writes texts does it, see `load`.
    """
    return list(predict_rows(load(model, generation=generation), rows_of(data)))


def predict_rows(
    model: Any, rows: Iterable[Mapping[str, Any]], *, on_event: OnEvent = ignore
) -> Iterator[dict[str, Any]]:
    """Answer a stream of rows, in order, thousands at a time; the stream may be endless.

    Args:
        model: what `load` takes, or a runtime that it returned.
    """
    from oreline.runtime.stream import predict_stream

    runtime = model if hasattr(model, "forward") else load(model)
    return predict_stream(runtime, rows, on_event=on_event)


@names_missing_extras
def explain(
    model: Any,
    texts: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]],
    *,
    method: str = "occlusion",
    label: str | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    force: bool = False,
) -> list[dict[str, Any]]:
    """Say which words an answer rests on: `{"label", "score", "words": [{"input", "word", "start", "end", "weight"}]}`.

    Args:
        model: an artifact, its folder, a home or `HOME@alias`.
        texts: a text, or a row by role where the model reads two (`{"text": …, "text_pair": …}`); or a list of them.
        method: name of an explainer plug; `options` are its keyword arguments.
        label: the answer that is explained; the model's own to each row when not given.
        out: a folder for `report.json` and `report.html`, a page that shows the texts with their words in colour;
            nothing is written when not given.
    """
    from oreline.explain.explain import explain as run

    runtime = load(model)
    wanted = [texts] if isinstance(texts, str | Mapping) else list(texts)
    answers = run(runtime, wanted, method=method, label=label, **(options or {}))
    if out is not None:
        from oreline.explain.page import report_of

        save_report(report_of(answers, model=runtime.artifact.id, method=method), out, force=force)
    return answers


@names_missing_extras
def deletion_test(
    model: Any,
    data: Any,
    *,
    split: str = "test",
    rows: int = 50,
    method: str = "occlusion",
    options: dict[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Show whether explanations are faithful: deleting their words first must cost more than deleting at random.

    Args:
        model: an artifact, its folder, a home or `HOME@alias`.
        data: a dataset, `DATASET#split`, or raw data with the model's own columns.
        split: which split of a dataset that has several.
        rows: how many of its rows, chosen at random; each is predicted some sixty times.
        method: name of an explainer plug; `options` are its keyword arguments.
        out: a folder for the report; none is written when not given.

    Raises:
        DataError: no row has three words or more, or the split does not exist.
        UsageError: an unknown method or option, or `out` exists already.
    """
    from oreline.explain.deletion import deletion_test as run
    from oreline.explain.part import occluded

    runtime = load(model)
    dataset = judging_rows(runtime.artifact, data, seed=seed, on_event=on_event)
    frame = dataset.frame(names.chosen_split(dataset, split), list(occluded(runtime.task)))
    chosen = frame.sample(min(rows, frame.height), seed=seed).to_dicts()
    report = run(runtime, chosen, method=method, seed=seed, **options or {})
    if out is not None:
        save_report(report, out, force=force)
    return report


@names_missing_extras
def serve(
    model: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    log: str | None = None,
    settings: dict[str, Any] | None = None,
    on_event: OnEvent = ignore,
) -> None:
    """Serve a model over HTTP until a signal ends it; SIGTERM finishes what is under way.

    Args:
        model: an artifact, its folder, `HOME@alias`, or a home, whose champion is followed as it changes.
        port: 0 takes a free one.
        log: file or database URL of the prediction log; a file beside the model when not given.
        settings: limits of the server, see `oreline.serve.settings.Settings`.

    Raises:
        ResourceError: the port is in use or not permitted.
    """
    from oreline.serve.app import create_app
    from oreline.serve.server import run
    from oreline.serve.settings import settings_from

    names.model_path(model)  # says what is wrong before anything is opened
    given = {**(settings or {}), **({"log_url": log} if log else {})}
    place = model.path if isinstance(model, Artifact) else str(model)
    app = create_app(place, settings=settings_from(given))
    run(app, host, port, on_event=on_event)


@names_missing_extras
def monitor(
    model: Any,
    live: Any,
    *,
    detectors: Sequence[Any] = DEFAULT_DETECTORS,
    limit: int = 2000,
    out_of_scope: bool = False,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Compare what a served model sees now with what it was made for.

    Args:
        model: the artifact whose reference sample is compared.
        live: the server's prediction log: its file, the folder it lies in, or a database URL.
        detectors: names of detector plugs, or one-key mappings with options.
        limit: the newest rows of the log that are compared.
        out_of_scope: of a model that rejects, compare with the out-of-scope rows of its dev split too: right where
            their share there is that of real requests. Else live rows are compared with those in scope.
        out: a folder for the report; nothing is written when not given.
    """
    from oreline.monitor.log import PredictionLog
    from oreline.monitor.monitor import monitor as run
    from oreline.monitor.monitor import reference_sample, rejected_label

    entries = [detectors] if isinstance(detectors, str) else list(detectors)
    artifact = Artifact.open(names.model_path(model))
    reference = reference_sample(artifact, out_of_scope=out_of_scope)
    sample = PredictionLog(log_place(live)).sample(limit)
    plugs = [plug for _, plug in names.plugs("detector", entries)]
    report = run(reference, sample, detectors=plugs, seed=seed, rejected=rejected_label(artifact))
    if out is not None:
        save_report(report, out, force=force)
    return report


def log_place(live: Any) -> str:
    """Return the prediction log's file or URL. Raises `UsageError` when there is none."""
    place = str(live)
    if "://" in place:
        return place
    file = Path(place) / LOG_FILE if Path(place).is_dir() else Path(place)
    if not file.is_file():
        raise UsageError(
            f"there is no prediction log {place!r}",
            remedy="serve the model with a log first: oreline serve MODEL --log FILE",
        )
    return str(file)


def save_report(report: Report, out: str | Path, *, force: bool = False) -> Path:
    """Write a report into a folder (`report.json`, `report.html`), or beside a file name ending in `.json`."""
    from oreline.store import translating

    place = Path(out)
    folder, name = (place.parent, place.stem) if place.suffix == ".json" else (place, "report")
    if (folder / f"{name}.json").exists() and not force:
        raise UsageError(
            f"{folder / name}.json exists already", remedy="choose another --out, or add --force to replace it"
        )
    with translating(folder):
        folder.mkdir(parents=True, exist_ok=True)
        report.save(folder, name=name)
    return folder / f"{name}.json"


def rows_of(data: Any) -> Iterator[Mapping[str, Any]]:
    """Return the rows of texts, mappings, lists by column, a frame, a file or a dataset, in order."""
    if isinstance(data, list | tuple):
        return iter([row if isinstance(row, Mapping) else {"text": row} for row in data])
    from oreline.data.dataset import Dataset
    from oreline.data.sources import frames

    parts = (
        (frame for split in data.splits for frame in data.batches(split)) if isinstance(data, Dataset) else frames(data)
    )
    return (row for frame in parts for row in frame.iter_rows(named=True))

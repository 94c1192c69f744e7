"""Transfer: train on some values of a column, judge on the others.

Each experiment is a recipe in a folder of its own, so that the same call continues what was interrupted: a model of the
rows without the values, judged on test rows without and with them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.api import choose, names, transfer_report
from oreline.api import run as running
from oreline.api.build import DEFAULT_START, DEFAULT_TASK
from oreline.api.extras import names_missing_extras
from oreline.api.provenance import target_roles
from oreline.api.suite import folder_name
from oreline.errors import UsageError
from oreline.recipe import TrainOptions
from oreline.types import Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset
    from oreline.report.report import Report

MAX_VALUES = 20
"""Values that are left out one after another where none is named."""
ALL = "all"
"""Folder of the model that is trained with all values."""


@names_missing_extras
def transfer(
    start: Any = None,
    data: Any = None,
    *,
    leave_out: str,
    reference: bool = False,
    adapt: TrainOptions | dict[str, Any] | None = None,
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
) -> Report:
    """Train without some values of a column and judge on test rows with and without them, side by side.

    Args:
        start: the start model, as for `finetune`.
        data: a dataset with train and test, or raw data (refined first).
        leave_out: `COLUMN=VALUE,VALUE` leaves these values out together; `COLUMN` each of its values once.
        reference: train one model with all values too, and compare on the same rows what it costs not to know them.
        adapt: training options (`{"epochs": 1}`) for pretraining on the left-out values' texts, without their labels,
            before fine-tuning; that model is then compared with the one that was not adapted, on the same rows.
        task, task_options, method, method_options, start_options, text, label, group, time, roles, train: as for
            `finetune`.
        out: the folder, with a folder for each experiment and the report; `transfer-COLUMN` in `./oreline-runs` when
            not given.
        seed: of everything random.
        force: do again what was done with other options or data.

    Raises:
        DataError: no test split, no such column, or a value that no test row has.
        UsageError: a column that the task answers, one of ids or free text, or more than 20 values to be left out one
            by one.
    """
    from oreline.data.leave_out import column_of, values_of

    columns = names.roles_of(roles, text=text, label=label, group=group, time=time)
    dataset = names.dataset(data, roles=columns, seed=seed, on_event=on_event)
    column, equals, given = leave_out.partition("=")
    name = column_of(dataset, column)
    if name in target_roles(registry.get("task", task)):
        raise _no_domain(column, str(dataset.path))
    sets = [_listed(given, leave_out)] if equals else [[v] for v in values_of(dataset, name, most=MAX_VALUES)]
    if method == "auto":
        # Once, of all rows: chosen for each model anew, what is compared might be two methods.
        method, start, why = choose.method_for_labelled(dataset, start, task)
        on_event(Event("choose", message=f"method {method}: {why}"))
    if adapt is not None and method == "linear":
        raise _nothing_to_adapt(str(dataset.path))
    place = Path(out) if out is not None else names.runs_folder() / f"transfer-{folder_name(column)}"
    options = {"task_options": task_options, "method_options": method_options, "start_options": start_options}
    trained = _training(start, task, method, options, train)
    common: dict[str, Any] = {"seed": seed, "force": force, "on_event": on_event}
    compared = _with_all(dataset, trained, place / ALL, **common) if reference else None
    found = []
    for number, values in enumerate(sets, start=1):
        title = ", ".join(values)
        on_event(Event("transfer", number, len(sets), message=f"without {column} {title} ({number} of {len(sets)})"))
        folder = place / folder_name(title)
        left = _left(dataset, column, values, folder, on_event)
        steps = _steps(left, trained, compared, names.train_options(adapt) if adapt is not None else None)
        recipe = {"name": f"without {title}", "out": str(folder), "seed": seed, "steps": steps}
        running.run(recipe, force=force, on_event=on_event)
        found.append(transfer_report.experiment(title, folder, task))
    report = transfer_report.report_of(column, found, subject={"data": dataset.fingerprint, "method": method})
    report.save(place)
    on_event(Event("transfer", message=f"report: {place / 'report.html'}"))
    return report


def _no_domain(column: str, where: str) -> UsageError:
    return UsageError(
        f"{column!r} is what the model learns to answer: what it never saw it cannot answer",
        where=where,
        allowed="a column that says where rows come from",
        remedy="name another column",
    )


def _nothing_to_adapt(where: str) -> UsageError:
    return UsageError(
        "there is nothing to adapt with",
        where=where,
        allowed="a start model, and rows with the left-out values outside of test",
        remedy="another --method than linear, or without adapt",
    )


def _listed(given: str, whole: str) -> list[str]:
    values = [value.strip() for value in given.split(",") if value.strip()]
    if not values:
        raise UsageError(
            f"--leave-out {whole!r} names no value", allowed="COLUMN, or COLUMN=VALUE,VALUE", remedy="name a value"
        )
    return values


def _training(
    start: Any, task: str, method: str, given: Mapping[str, Mapping[str, Any] | None], train: Any
) -> dict[str, Any]:
    """Return the options of the fine-tuning step."""
    options = {"task": task, "method": method, **{name: dict(found or {}) for name, found in given.items()}}
    if train is not None:
        options["train"] = names.train_options(train).model_dump(exclude_unset=True)
    if method == "linear":  # begins from nothing
        options.pop("start_options")
    elif start is not None:
        options["start"] = names.model_name(start)
    return {name: value for name, value in options.items() if value not in ({},)}


def _with_all(data: Dataset, trained: Mapping[str, Any], folder: Path, **common: Any) -> Path:
    steps = [{"finetune": {"as": "model", "data": str(data.path), **trained}}]
    seed = common.pop("seed")
    common["on_event"](Event("transfer", message="with all values"))
    running.run({"name": "with all values", "out": str(folder), "seed": seed, "steps": steps}, **common)
    return folder / "model"


def _left(data: Dataset, column: str, values: list[str], folder: Path, on_event: OnEvent) -> Dataset:
    """Return the dataset without the values, made once; its folder's name changes with the data and the values.

    A recipe's steps are known by the paths of their datasets: other data must not look like the same ones.
    """
    from oreline.data.dataset import DATASET, Dataset
    from oreline.data.leave_out import leave_out as write

    described = json.dumps([data.fingerprint, column, values])
    place = folder / f"data-{hashlib.sha256(described.encode()).hexdigest()[:12]}"
    if (place / DATASET).is_file():
        return Dataset.open(place)
    return write(data, column, values, out=place, on_event=on_event)


def _steps(
    left: Dataset, trained: Mapping[str, Any], compared: Path | None, adapt: TrainOptions | None
) -> list[dict[str, Any]]:
    from oreline.data.leave_out import LEFT_OUT, LEFT_OUT_TRAIN

    place = str(left.path)
    beside = {"compare": str(compared)} if compared else {}
    steps: list[dict[str, Any]] = [
        {"finetune": {"as": "model", "data": place, **trained}},
        {"evaluate": {"as": "inside", "model": "model", "data": place, "split": "test"}},
        {"evaluate": {"as": "outside", "model": "model", "data": place, "split": LEFT_OUT, **beside}},
    ]
    if adapt is None:
        return steps
    if LEFT_OUT_TRAIN not in left.splits:
        raise _nothing_to_adapt(place)
    options = adapt.model_dump(exclude_unset=True)
    first = {"data": f"{place}#{LEFT_OUT_TRAIN}", "start": trained.get("start", DEFAULT_START), "train": options}
    # The pretrained network is a start model with a vocabulary of its own: its options are settled by then.
    network = {name: value for name, value in trained.items() if name == "start_options"}
    then = {name: value for name, value in trained.items() if name != "start_options"}
    return [
        *steps,
        {"pretrain": {"as": "adapted_start", **first, **network}},
        {"finetune": {"as": "adapted", "data": place, **then, "start": "adapted_start"}},
        {
            "evaluate": {
                "as": "adapted_outside",
                "model": "adapted",
                "data": place,
                "split": LEFT_OUT,
                "compare": "model",
                "baseline": "none",
            }
        },
    ]

"""Commands that write datasets and models: refine, pretrain, finetune, compress, update."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from oreline.cli.common import Common, call, show, source_of
from oreline.errors import UsageError

Data = Annotated[str, typer.Argument(help="A dataset folder, a raw file (refined first), or catalog:NAME.")]
Out = Annotated[str | None, typer.Option(help="The folder to write; a new one in ./oreline-runs when not given.")]
Text = Annotated[str | None, typer.Option(help="The column with the text.")]
Label = Annotated[str | None, typer.Option(help="The column with the label.")]
Group = Annotated[str | None, typer.Option(help="Rows with the same value here stay in one split.")]
Role = Annotated[
    list[str] | None, typer.Option(help="ROLE=COLUMN for other roles, such as text_pair or tags; repeatable.")
]
Sources = Annotated[
    list[str],
    typer.Argument(help="Raw files, catalog:NAME, '{path: FILE, OPTION: …}', or given splits: SPLIT=FILE each."),
]
ReportEncoder = Annotated[
    str | None,
    typer.Option(help="A model that embeds some rows for the report: meanings, what train covers of the rest."),
]
Cache = Annotated[
    bool, typer.Option("--cache", help="Keep finished stages; later runs with the same beginning go on from them.")
]
Time = Annotated[str | None, typer.Option(help="Split by time: later rows are for dev and test; groups may be torn.")]

_MEMORY, _ENGINE = "2GB", "local"
_DEFAULTS = {"memory": _MEMORY, "engine": _ENGINE}
_IDLE = (
    "against", "keep_unlabelled", "together", "gap", "fail_on_leak", "report_encoder", "apply_review", "workers",
    "memory", "engine", "cache",
)  # fmt: skip
"""Options of refining that change nothing where nothing is refined."""
_GIVEN = re.compile(r"([\w-]+)=(.*)")


def refine(
    common: Common,
    source: Sources,
    text: Text = None,
    label: Label = None,
    group: Group = None,
    time: Time = None,
    role: Role = None,
    against: Annotated[list[str] | None, typer.Option(help="A file the data must not overlap; repeatable.")] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="Name of an operator, in order; repeatable. A default chain when none.")
    ] = None,
    keep_unlabelled: Annotated[
        bool, typer.Option("--keep-unlabelled", help="Keep rows without a label, as the split `unlabelled`.")
    ] = False,
    together: Annotated[
        list[str] | None, typer.Option(help="near or template: rows alike in this way stay in one split; repeatable.")
    ] = None,
    gap: Annotated[
        str | None, typer.Option(help="With --time: time left out before each later split, such as 7d.")
    ] = None,
    fail_on_leak: Annotated[
        float | None, typer.Option(help="Fail when more than this share of a split stands in another one.")
    ] = None,
    report_encoder: ReportEncoder = None,
    apply_review: Annotated[
        str | None, typer.Option(help="A review file with decisions about rows (keep, drop, label=NAME) to carry out.")
    ] = None,
    select: Annotated[
        int | None, typer.Option(help="Choose so many rows without a label, to be labelled next, into the file --out.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="With --select: a classifier, or a start model; n-grams of characters if none.")
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Show on a sample what each rule would drop; write a report only.")
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Processes; all cores when not given, where it pays.")] = None,
    memory: Annotated[str, typer.Option(help="What all processes together may take, about.")] = _MEMORY,
    engine: Annotated[str, typer.Option(help="local: this machine; ray: a cluster (RAY_ADDRESS).")] = _ENGINE,
    cache: Cache = False,
    out: Out = None,
) -> None:
    """Turn raw data into a dataset: clean, deduplicate, split, and account for every row.

    Data that are divided already: oreline refine train=a.csv test=b.csv. Given splits stay as they are; of dev and
    test, what is not given is taken out of train, unless --set split={} says otherwise.

    With --select, SOURCE is a dataset (raw data are refined first), and what is written are rows for a person to label
    (oreline label FILE); --set takes random_share and rounds.

    With --calibrate nothing is dropped; --set rows=5000 sizes the sample, --set tail=0.01 the bounds that are proposed.
    """
    options = dict(locals())  # while nothing else has a name here
    if select is not None:
        _refuse_idle("--select", options, ("text", "label", "group", "time", "role", "operator", "calibrate", *_IDLE))
        return _select(common, source, select, model, out)
    if model is not None:
        raise UsageError("--model belongs to --select", remedy="add --select 200, or leave it out")
    columns = {"text": text, "label": label, "group": group, "time": time, "roles": _roles(role)}
    data = data_of(source)
    if calibrate:
        if isinstance(data, dict):
            raise UsageError("--calibrate takes sources without splits", remedy="leave the names of the splits out")
        _refuse_idle("--calibrate", options, _IDLE)
        return show(common, call(common, "calibrate", data=data, **columns, operators=operator, out=out))
    given: dict[str, Any] = {"operators": operator, "against": against, "keep_unlabelled": keep_unlabelled, "out": out}
    given |= {"apply_review": apply_review, "together": together, "gap": gap, "fail_on_leak": fail_on_leak}
    how = {"report_encoder": report_encoder, "workers": workers, "memory": memory, "engine": engine}
    return show(common, call(common, "refine", data=data, **columns, **given, **how, cache=cache or None))


def _refuse_idle(beside: str, options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise `UsageError` for an option of refining that was given and changes nothing beside another one."""
    for name in names:
        if options[name] is None or options[name] is False or options[name] in ([], _DEFAULTS.get(name, [])):
            continue
        remedy = "leave it out, or refine with it into a dataset first (--keep-unlabelled)"
        remedy = remedy if beside == "--select" else "leave it out: a sample is looked at, and nothing is refined"
        raise UsageError(f"--{name.replace('_', '-')} changes nothing with {beside}", remedy=remedy)


def _select(common: Common, source: list[str], num: int, model: str | None, out: str | None) -> None:
    if len(source) > 1:
        raise UsageError("--select takes one dataset", remedy="refine the files into one first")
    show(common, call(common, "select", data=source[0], select=num, model=model, out=out))


def data_of(sources: Sequence[str]) -> Any:
    """Return what `refine` reads: one source, several, or `{split: files}` for `train=a.csv train=b.csv test=c.csv`.

    A file whose own name holds `=` is a file. Raises `UsageError` when some sources name a split and some do not.

    >>> data_of(["train=a.csv", "train=b.csv", "test=c.csv"])
    {'train': [PosixPath('a.csv'), PosixPath('b.csv')], 'test': 'c.csv'}
    """
    named = [None if os.path.exists(text) or glob.glob(text) else _GIVEN.fullmatch(text) for text in sources]  # noqa: PTH110, PTH207  any text is a path here
    if not any(named):
        found = [source_of(text) for text in sources]
        return found[0] if len(found) == 1 else found
    splits: dict[str, list[Any]] = {}
    for text, match in zip(sources, named, strict=True):
        if match is None or not match[2]:
            lacking, remedy = ("file", f"write {match[1]}=FILE") if match else ("split", f"write SPLIT={text}")
            raise UsageError(
                f"{text!r} names no {lacking}, and others do",
                allowed="SPLIT=FILE for every source (train=a.csv test=b.csv), or files alone",
                remedy=f"{remedy}, or leave the names of the splits out everywhere",
            )
        splits.setdefault(match[1], []).append(source_of(match[2]))
    return {
        name: files[0] if len(files) == 1 else [Path(file) if isinstance(file, str) else file for file in files]
        for name, files in splits.items()
    }


def pretrain(
    common: Common,
    data: Data,
    objective: Annotated[str, typer.Option(help="What is learnt; see `oreline list objective`.")] = "mask_tokens",
    start: Annotated[
        str | None, typer.Option(help="The encoder to start from; new:NAME (a network) for one that knows nothing yet.")
    ] = None,
    text: Text = None,
    out: Out = None,
) -> None:
    """Pretrain an encoder on texts without labels: go on with one, or begin a new one."""
    show(common, call(common, "pretrain", data=data, objective=objective, start=start, text=text, out=out))


def finetune(
    common: Common,
    data: Data,
    task: Annotated[str, typer.Option(help="What is predicted; see `oreline list task`.")] = "text_classification",
    start: Annotated[
        str | None,
        typer.Option(
            help="The encoder to start from: catalog:NAME, a folder, a hub id; new:NAME (a network) for none."
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="How; see `oreline list method`: an adapter's name (lora) is a method too. auto chooses and says why."
        ),
    ] = "auto",
    text: Text = None,
    label: Label = None,
    group: Group = None,
    time: Time = None,
    role: Role = None,
    leave_out: Annotated[
        str | None,
        typer.Option(help="COLUMN=VALUE,… trains without these values and judges on them; COLUMN: each value once."),
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="With --leave-out: beside a model that is trained with all values.")
    ] = False,
    out: Out = None,
) -> None:
    """Train a model for a task on labelled rows.

    With --leave-out the result is a report: figures on test rows with the other and with the left-out values, side by
    side. --set adapt.epochs=1 then pretrains on the left-out values' texts first, and compares.
    """
    columns = {"text": text, "label": label, "group": group, "time": time, "roles": _roles(role)}
    given = {"data": data, "task": task, "start": start, "method": method, **columns, "out": out}
    if leave_out is not None:
        return show(common, call(common, "transfer", leave_out=leave_out, reference=reference, **given))
    if reference:
        raise UsageError("--reference belongs to --leave-out", remedy="add --leave-out COLUMN, or leave it out")
    return show(common, call(common, "finetune", **given))


def multitask(
    common: Common,
    tasks: Annotated[
        str, typer.Argument(help="A YAML file: NAME: {data: FILE, task: …, text: COLUMN, …} for each task.")
    ],
    start: Annotated[
        str | None, typer.Option(help="The encoder to start from: catalog:NAME, a folder, a hub id.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="1 draws tasks by size; larger is more even.")] = 1.0,
    alone: Annotated[bool, typer.Option(help="Train each task alone too, to compare.")] = True,
    out: Out = None,
) -> None:
    """Train one model for several tasks: a shared encoder, a head and a model folder for each (OUT/NAME)."""
    given = {"start": start, "temperature": temperature, "alone": alone, "out": out}
    show(common, call(common, "multitask", tasks=_yaml(tasks), **given))


def compress(
    common: Common,
    model: Annotated[str, typer.Argument(help="A model folder, a home, or HOME@alias.")],
    method: Annotated[str, typer.Option(help="How; see `oreline list compression`.")] = "int8",
    data: Annotated[str | None, typer.Option(help="Rows for the gate; the training data's dev when not given.")] = None,
    split: Annotated[str, typer.Option(help="Which split of them.")] = "dev",
    max_drop: Annotated[float, typer.Option(help="The largest fall in accuracy that passes.")] = 0.005,
    out: Out = None,
) -> None:
    """Make a model smaller and faster, judged by the gate."""
    result = call(common, "compress", model=model, method=method, data=data, split=split, max_drop=max_drop, out=out)
    show(common, *(result if isinstance(result, tuple) else (result,)))


def merge(
    common: Common,
    model: Annotated[str, typer.Argument(help="A model with an adapter, or the first of several whole models.")],
    others: Annotated[
        list[str] | None, typer.Argument(help="Models of the same architecture and labels, joined with it.")
    ] = None,
    by: Annotated[str, typer.Option(help="How several are joined; see `oreline list merging`.")] = "mean",
    weight: Annotated[
        list[float] | None, typer.Option(help="A weight for each model, in order; equal ones when none is given.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="The start model that all come from, for ties.")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Give back the adapter that was folded into MODEL, beside its base.")
    ] = False,
    out: Out = None,
) -> None:
    """Fold an adapter into its base: a whole model with the same answers. Or join several models into one.

    For example: oreline merge a b c --by ties --set by_options.density=0.3.

    --undo takes a folded adapter out again: the base is as it was, bit by bit.
    """
    if not others and (weight or base or by != "mean"):
        raise UsageError("--by, --weight and --base join several models", remedy="oreline merge MODEL MODEL …")
    given: dict[str, Any] = {}
    if others:
        given = {"others": others, "by": by, "weights": weight, "base": base}
    given |= {"undo": True} if undo else {}
    show(common, call(common, "merge", model=model, **given, out=out))


def update(
    common: Common,
    model: Annotated[str, typer.Argument(help="The model in place: a folder, a home, or HOME@alias.")],
    fresh: Annotated[list[str], typer.Argument(help="Labelled fresh rows: files, a dataset, DATASET#split.")],
    gate: Annotated[str | None, typer.Option(help="Golden rows for the gate: a dataset or a file.")] = None,
    policy: Annotated[str, typer.Option(help="Which rows are trained on; see `oreline list policy`.")] = "replay",
    max_drop: Annotated[float, typer.Option(help="The largest fall in accuracy on the golden rows.")] = 0.005,
    merge: Annotated[
        str | None, typer.Option(help="Merge the updated weights with those before; see `oreline list merging`.")
    ] = None,
    merge_weight: Annotated[float, typer.Option(help="Share of the updated weights in the merged ones.")] = 0.5,
    out: Annotated[str | None, typer.Option(help="The model's home: versions/ and aliases.json.")] = None,
) -> None:
    """Teach a model fresh rows; promote the new version if the gate passes it.

    With --dry-run it says which rows would be used and how long training would take, and writes nothing.
    """
    data = fresh[0] if len(fresh) == 1 else fresh
    merging = {"merge": merge, "merge_weight": merge_weight}
    options = {"gate": gate, "policy": policy, "max_drop": max_drop, **merging, "out": out}
    artifact, report = call(common, "update", model=model, fresh=data, **options)
    show(common, report, *(() if common.dry_run else (artifact,)))
    if report.facts.get("decision") == "refused":
        raise SystemExit(1)


def _yaml(file: str) -> Any:
    """Return the content of a YAML file. Raises `UsageError` when there is none that can be read."""
    try:
        return yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).replace("\n", " ")
        raise UsageError(
            f"the tasks cannot be read: {reason}", where=file, remedy="a YAML file: NAME: {data: FILE}"
        ) from error


def _roles(given: list[str] | None) -> dict[str, str] | None:
    """Return `ROLE=COLUMN` options as a mapping, None where there are none."""
    roles = {}
    for item in given or []:
        role, equals, column = item.partition("=")
        if not (role and equals and column):
            raise UsageError(f"--role is {item!r}", allowed="ROLE=COLUMN", remedy="--role tags=COLUMN")
        roles[role] = column
    return roles or None

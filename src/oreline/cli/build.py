"""Commands that write datasets and models: refine, pretrain, finetune, compress, update."""

from __future__ import annotations

from typing import Annotated

import typer

from oreline.cli.common import Common, call, show

Data = Annotated[str, typer.Argument(help="A dataset folder, a raw file (refined first), or catalog:NAME.")]
Out = Annotated[str | None, typer.Option(help="The folder to write; a new one in ./oreline-runs when not given.")]
Text = Annotated[str | None, typer.Option(help="The column with the text.")]
Label = Annotated[str | None, typer.Option(help="The column with the label.")]
Group = Annotated[str | None, typer.Option(help="Rows with the same value here stay in one split.")]
Time = Annotated[str | None, typer.Option(help="Split by time: later rows are for dev and test.")]


def refine(
    common: Common,
    source: Annotated[list[str], typer.Argument(help="Raw files, or catalog:NAME.")],
    text: Text = None,
    label: Label = None,
    group: Group = None,
    time: Time = None,
    against: Annotated[list[str] | None, typer.Option(help="A file the data must not overlap; repeatable.")] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="Name of an operator, in order; repeatable. A default chain when none.")
    ] = None,
    out: Out = None,
) -> None:
    """Turn raw data into a dataset: clean, deduplicate, split, and account for every row."""
    data = source[0] if len(source) == 1 else source
    columns = {"text": text, "label": label, "group": group, "time": time}
    show(common, call(common, "refine", data=data, **columns, operators=operator, against=against, out=out))


def pretrain(
    common: Common,
    data: Data,
    objective: Annotated[str, typer.Option(help="What is learnt; see `oreline list objective`.")] = "mask_tokens",
    start: Annotated[str | None, typer.Option(help="The encoder to start from.")] = None,
    text: Text = None,
    out: Out = None,
) -> None:
    """Continue pretraining an encoder on texts without labels."""
    show(common, call(common, "pretrain", data=data, objective=objective, start=start, text=text, out=out))


def finetune(
    common: Common,
    data: Data,
    task: Annotated[str, typer.Option(help="What is predicted; see `oreline list task`.")] = "text_classification",
    start: Annotated[
        str | None, typer.Option(help="The encoder to start from: catalog:NAME, a folder, a hub id.")
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
    out: Out = None,
) -> None:
    """Train a model for a task on labelled rows."""
    columns = {"text": text, "label": label, "group": group, "time": time}
    show(common, call(common, "finetune", data=data, task=task, start=start, method=method, **columns, out=out))


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
    model: Annotated[str, typer.Argument(help="A model with an adapter: a folder, a home, or HOME@alias.")],
    out: Out = None,
) -> None:
    """Fold an adapter into its base: a whole model with the same answers, which needs no base any more."""
    show(common, call(common, "merge", model=model, out=out))


def update(
    common: Common,
    model: Annotated[str, typer.Argument(help="The model in place: a folder, a home, or HOME@alias.")],
    fresh: Annotated[list[str], typer.Argument(help="Labelled fresh rows: files, a dataset, DATASET#split.")],
    gate: Annotated[str | None, typer.Option(help="Golden rows for the gate: a dataset or a file.")] = None,
    policy: Annotated[str, typer.Option(help="Which rows are trained on; see `oreline list policy`.")] = "replay",
    max_drop: Annotated[float, typer.Option(help="The largest fall in accuracy on the golden rows.")] = 0.005,
    out: Annotated[str | None, typer.Option(help="The model's home: versions/ and aliases.json.")] = None,
) -> None:
    """Teach a model fresh rows; promote the new version if the gate passes it.

    With --dry-run it says which rows would be used and how long training would take, and writes nothing.
    """
    data = fresh[0] if len(fresh) == 1 else fresh
    options = {"gate": gate, "policy": policy, "max_drop": max_drop, "out": out}
    artifact, report = call(common, "update", model=model, fresh=data, **options)
    show(common, report, *(() if common.dry_run else (artifact,)))
    if report.facts.get("decision") == "refused":
        raise SystemExit(1)

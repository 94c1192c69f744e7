"""Commands that use a model: evaluate, predict, explain, serve, monitor."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oreline.cli.common import Common, call, page_of, print_json, set_options, show, watching
from oreline.errors import UsageError

Model = Annotated[str, typer.Argument(help="A model folder, a home (its champion), or HOME@alias.")]


def evaluate(
    common: Common,
    model: Model,
    data: Annotated[
        str | None, typer.Argument(help="A dataset, DATASET#split, or a raw file with the model's columns.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="Fine-tune and judge MODEL on every task of this suite: a folder, or a YAML.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which split of a dataset.")] = "test",
    compare: Annotated[str | None, typer.Option(help="A second model, judged on the same rows.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="A simple model beside; none for none. Default: linear (lead for texts).")
    ] = None,
    slices: Annotated[list[str] | None, typer.Option("--slice", help="Break figures down by this column.")] = None,
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", help="Measure this too; see `oreline list metric`. Repeatable.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Write the report here: a folder, or a .json file.")] = None,
) -> None:
    """Judge a model on rows it was not trained on; with --suite, fine-tune a start model on several tasks in one table.

    With --suite, --set takes options of all tasks, and the same command continues a suite that was interrupted.
    """
    if suite is not None:
        return _evaluate_suite(common, model, suite, out, {"DATA": data, "--compare": compare, "--baseline": baseline})
    if data is None:
        raise UsageError("evaluate needs data", allowed="a dataset or a file, or --suite FOLDER for several tasks")
    beside = {"compare": compare, "baseline": baseline, "slices": slices, "metrics": metrics}
    options = {"split": split, **beside, "out": out}
    return show(common, call(common, "evaluate", model=model, data=data, **options), out=out)


def _evaluate_suite(common: Common, model: str, suite: str, out: str | None, idle: dict[str, str | None]) -> None:
    from oreline.api.suite import evaluate_suite, plan_suite

    if given := next((name for name, value in idle.items() if value is not None), None):
        raise UsageError(f"{given} changes nothing with --suite", remedy="leave it out: the suite names its data")
    options: dict[str, Any] = {"overrides": common.set_ or [], "out": out, "seed": common.seed}
    if common.dry_run:
        return show(common, plan_suite(model, suite, **options))
    with watching(common) as on_event:
        report = evaluate_suite(model, suite, force=common.force, on_event=on_event, **options)
    show(common, report)
    if report.facts["failed"]:
        raise SystemExit(1)
    return None


def predict(
    common: Common,
    model: Model,
    file: Annotated[str, typer.Argument(help="Rows to answer; - is standard input (JSON Lines or plain lines).")] = "-",
    format_: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
) -> None:
    """Answer rows of a file or of standard input, one JSON object for each, in order."""
    from oreline import api
    from oreline.api.plan import plan
    from oreline.api.use import load, predict_rows
    from oreline.cli.rows import read_rows, write_answers
    from oreline.recipe import check_options

    given = set_options(common, {"model": model, "data": file})
    given = check_options("predict", given, api.predict, "the command line")
    runtime = load(model, generation=given.get("generation"))
    rows = read_rows(file, runtime.artifact)  # a missing file is said here
    if common.dry_run:
        return show(common, plan("predict", given, out=None, seed=0, force=False))
    with watching(common) as on_event:
        return write_answers(predict_rows(runtime, rows, on_event=on_event), format_)


def explain(
    common: Common,
    model: Model,
    text: Annotated[list[str] | None, typer.Option(help="A text to explain; repeatable.")] = None,
    text_pair: Annotated[
        list[str] | None, typer.Option(help="The second text of each row: of a pair; the context of a question.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Test on these rows whether explanations are faithful.")] = None,
    split: Annotated[str, typer.Option(help="Which split of the data.")] = "test",
    rows: Annotated[int, typer.Option(help="How many of its rows.")] = 50,
    out: Annotated[str | None, typer.Option(help="Write the report here: a folder, or a .json file.")] = None,
    method: Annotated[str, typer.Option(help="How; see `oreline list explainer`.")] = "occlusion",
    label: Annotated[str | None, typer.Option(help="Explain this label's score, not the answer's.")] = None,
) -> None:
    """Say which words an answer rests on; with --data, test whether such explanations are faithful."""
    if not text and not data:
        raise UsageError("nothing to explain", allowed='--text "…", or --data DATA for the deletion test')
    if not data and (common.seed is not None or (common.force and not out)):
        given = "--seed belongs to the test of explanations" if common.seed is not None else "--force replaces an --out"
        raise UsageError(given, remedy="leave it out, or add what it is for: --data DATA, --out DIR")
    if data:
        tested = {"data": data, "split": split, "rows": rows, "method": method, "out": out}
        return show(common, call(common, "deletion_test", model=model, **tested), out=out)
    texts = _rows(text or [], text_pair or [])
    answers = call(common, "explain", model=model, texts=texts, method=method, label=label, out=out)
    if common.dry_run:
        return show(common, answers)
    if common.json_:
        return print_json(answers)
    for answer in answers:
        _echo_explanation(answer)
    if out:
        typer.echo(f"report: {page_of(out)}")
    return None


def _rows(texts: list[str], pairs: list[str]) -> list[Any]:
    """Return the rows that the options give."""
    if not pairs:
        return [*texts]
    if len(texts) != len(pairs):
        raise UsageError(
            f"--text is given {len(texts)} times and --text-pair {len(pairs)} times", remedy="give each row both"
        )
    return [{"text": first, "text_pair": second} for first, second in zip(texts, pairs)]


def _echo_explanation(answer: dict[str, Any]) -> None:
    span = answer["span"]
    found = answer["texts"][span["input"]][span["start"] : span["end"]] if span else ""
    place = f" “{found}”" if found not in ("", answer["label"]) else ""
    typer.echo(f"{answer['label']}{place}  {answer['score']:.3f}")
    several = len(answer["texts"]) > 1
    for word in sorted(answer["words"], key=lambda word: -abs(word["weight"])):
        typer.echo(f"  {word['weight']:+.3f}  {word['word']}" + (f"  ({word['input']})" if several else ""))
    if answer["note"]:
        typer.echo(f"  {answer['note']}")


def serve(
    common: Common,
    model: Model,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 chooses a free one.")] = 8080,
    log: Annotated[str | None, typer.Option(help="Log predictions here (SQLite file or database URL).")] = None,
) -> None:
    """Serve a model over HTTP. SIGTERM finishes what is under way and ends."""
    planned = call(common, "serve", model=model, host=host, port=port, log=log)
    if planned is not None:
        show(common, planned)


def monitor(
    common: Common,
    model: Model,
    live: Annotated[str, typer.Option(help="The server's prediction log, or the folder it lies in.")],
    detector: Annotated[list[str] | None, typer.Option(help="Name of a detector; repeatable.")] = None,
    out: Annotated[str | None, typer.Option(help="Write the report here: a folder, or a .json file.")] = None,
) -> None:
    """Compare what a served model sees now with what it was made for."""
    show(common, call(common, "monitor", model=model, live=live, detectors=detector, out=out), out=out)

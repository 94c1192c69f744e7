"""Options that every command has, and what every command does with them."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import os
import shutil
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oreline.errors import UsageError

if TYPE_CHECKING:
    from oreline.types import Event, OnEvent

_WRITERS = {
    "run", "tune", "refine", "pretrain", "finetune", "multitask", "compress", "evaluate", "explain", "monitor",
}  # fmt: skip
HEEDED = {
    "--set": _WRITERS | {"merge", "serve", "update", "predict"},
    "--seed": _WRITERS | {"update", "triples"},
    "--force": _WRITERS | {"init", "merge", "rerun", "promote", "triples", "restore"},
}
"""Commands in which an option changes something. In others it is refused, and their help does not show it."""
SET_EXAMPLES = {
    "run": "finetune.train.epochs=3",
    "tune": "finetune.train.epochs=3",
    "refine": "cache_size=50GB",
    "evaluate": "generation.num_beams=4",
    "predict": "generation.num_beams=4",
    "explain": "options.max_words=100",
    "compress": "options.graphs=[eager]",
    "merge": "by_options.density=0.3",
    "serve": "settings.deadline_s=60",
    "monitor": "limit=500",
}
"""What `--set` is good for, by command; where nothing stands here, an option of training."""
_IDLE = {"--set": "has no options besides its own", "--seed": "has no seed of its own", "--force": "replaces nothing"}


@dataclass(frozen=True, slots=True)
class Common:
    """The options common to all commands."""

    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set any option, such as {example}; repeatable."),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Seed of everything random; 0 when not given.")] = None
    json_: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON on stdout, everything else on stderr.")
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress.")] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Validate, estimate rows, memory and time; write nothing.")
    ] = False
    force: Annotated[bool, typer.Option("--force", help="Replace existing output.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False


def with_common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the common options to a command; it gets them together as its first argument.

    Raises nothing itself: the wrapped function has the command's signature without `common`, and the options'.
    """
    name = command.__name__.rstrip("_")
    hints = typing.get_type_hints(command, include_extras=True)
    own = list(inspect.signature(command).parameters.values())[1:]
    shared = [
        inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for field, default, annotation in _common_fields(name)
    ]

    @functools.wraps(command)
    def wrapper(**given: Any) -> Any:
        common = Common(**{parameter.name: given.pop(parameter.name) for parameter in shared})
        _refuse_idle(name, common)
        return command(common, **given)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[p.name]) for p in own]
    wrapper.__signature__ = inspect.Signature([*parameters, *shared])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in [*parameters, *shared]}
    del wrapper.__dict__["__wrapped__"]  # typer would follow it to the original signature
    return wrapper


def call(common: Common, verb: str, **options: Any) -> Any:
    """Call a verb of `oreline.api` with a command's options, `--set` and the common ones, watched by a progress bar.

    With `--dry-run` the plan is shown instead and nothing is called.
    """
    import oreline
    from oreline.recipe import check_options

    given = {name: value for name, value in options.items() if value is not None and value != []}
    if isinstance(given.get("data"), str):
        given["data"] = source_of(given["data"])
    given = set_options(common, given)
    function = getattr(oreline, verb)
    out = given.pop("out", None)
    checked = check_options(verb, given, function, "the command line")
    if common.dry_run and verb not in {"update", "select"}:
        from oreline.api.plan import plan

        return plan(verb, checked, out=out, seed=common.seed or 0, force=common.force)
    accepted = inspect.signature(function).parameters
    extra = {"out": out, "seed": common.seed or 0, "force": common.force, "dry_run": common.dry_run}
    extra = {name: value for name, value in extra.items() if name in accepted}
    with watching(common) as on_event:
        return function(**checked, **extra, **({"on_event": on_event} if "on_event" in accepted else {}))


def source_of(text: str) -> Any:
    """Return what a source on the command line says: a mapping in braces describes one, as in a recipe.

    Raises `UsageError` for braces that hold no mapping.

    >>> source_of("{path: a.csv, encodings: [utf-8, gb18030]}"), source_of("a.csv")
    ({'path': 'a.csv', 'encodings': ['utf-8', 'gb18030']}, 'a.csv')
    """
    if not (text.lstrip().startswith("{") and text.rstrip().endswith("}")) or os.path.exists(text):  # noqa: PTH110  any text is a path here
        return text
    import yaml

    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict) or None in given.values():  # {path:a.csv} is the key "path:a.csv"
        raise UsageError(
            f"the source {text!r} is no mapping in YAML",
            allowed="'{path: FILE, columns: {text: COLUMN}}', with a space behind each colon",
            remedy="put quotes around what holds commas, colons or braces itself",
        )
    return given


def set_options(common: Common, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with those of `--set` over them."""
    from oreline.recipe import assign, parse_assignment

    options = dict(given)
    for text in common.set_ or []:
        path, value = parse_assignment(text)
        assign(options, path, value)
    return options


def show(common: Common, *results: Any, out: str | None = None) -> None:
    """Print results: for people, or with `--json` as one JSON document.

    Args:
        common: The common options.
        *results: What a verb returned, or sentences.
        out: What the user gave as `--out` of a report: a folder or a .json file.
    """
    if not common.json_:
        page = "" if common.dry_run else page_of(out)
        for result in results:
            typer.echo(result if isinstance(result, str) else text(result, page=page))
        if page and any(hasattr(result, "charts") for result in results):
            typer.echo(f"report: {page}")
        return
    found = [{"message": result} if isinstance(result, str) else document(result) for result in results]
    if len(results) > 1:  # a model and the report about it, each with its own metrics
        model = next(content for content in found if "runtime" in content)
        print_json({**next(content for content in found if content is not model), "model": model})
    else:
        print_json(found[0])


def document(result: Any) -> dict[str, Any]:
    """Return the JSON form of what a verb returned."""
    if hasattr(result, "to_json"):
        return dict(result.to_json())
    if isinstance(result, Mapping):
        return dict(result)
    manifest = result.manifest
    if hasattr(manifest, "splits"):
        content = {"fingerprint": manifest.fingerprint, "splits": manifest.splits, "counts": manifest.counts}
    else:
        content = {"id": manifest.id, "task": manifest.task, "runtime": manifest.runtime, "metrics": manifest.metrics}
    return {"path": str(result.path), **content}


def page_of(out: str | None) -> str:
    """Return where the page of a report lies that was written to `out`.

    >>> page_of("found"), page_of("found/a.json"), page_of(None)
    ('found/report.html', 'found/a.html', '')
    """
    return "" if not out else out.removesuffix(".json") + ".html" if out.endswith(".json") else f"{out}/report.html"


def text(result: Any, *, page: str = "") -> str:
    """Return what is printed for people: a report's table, a dataset's or an artifact's line.

    On a terminal a long report is cut, and its page is named; into a pipe or a file goes all of it.
    """
    manifest = getattr(result, "manifest", None)
    if manifest is not None and hasattr(manifest, "splits"):
        page = f"{result.path}/report.html"
        return f"{text(result.report(), page=page)}\n{result}\nreport: {page}"
    if isinstance(result, Mapping):
        return "\n".join(f"{name}: {value}" for name, value in result.items())
    if hasattr(result, "to_json"):
        from oreline.report import terminal

        width = max(shutil.get_terminal_size().columns, terminal.TEXT_WIDTH)
        rest = page or "all of it through a pipe, such as | less"
        return terminal.text(result.to_json(), width=width, rest=rest if is_terminal() else "")
    return str(result)


def is_terminal() -> bool:
    """Whether a person at a terminal reads what is printed."""
    return sys.stdout.isatty()


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


class watching:  # noqa: N801  a context manager, used like a function
    """Give the `on_event` that shows progress on stderr, or shows nothing when `--quiet`."""

    def __init__(self, common: Common) -> None:
        self.quiet = common.quiet
        self.bars: Any = None

    def __enter__(self) -> OnEvent:
        if self.quiet:
            return _only_warnings
        from oreline.cli.progress import Bars

        self.bars = Bars(sys.stderr)
        show_event: OnEvent = self.bars.show
        return show_event

    def __exit__(self, *exception: object) -> None:
        if self.bars is not None:
            self.bars.close()


def _only_warnings(event: Event) -> None:
    if event.message.lower().startswith("warning"):
        typer.echo(event.message, err=True)


def _refuse_idle(name: str, common: Common) -> None:
    """An option that would change nothing is refused: whoever gave it expects something of it."""
    given = {"--set": bool(common.set_), "--seed": common.seed is not None, "--force": common.force}
    for option, commands in HEEDED.items():
        if given[option] and name not in commands:
            value = f" {common.set_[0]!r}" if common.set_ and option == "--set" else ""
            raise UsageError(
                f"{name} {_IDLE[option]}: {option}{value}",
                allowed=f"{option} with {', '.join(sorted(commands))}",
                remedy=f"leave {option} out; `oreline {name} --help` shows what it takes",
            )


def _common_fields(command: str) -> list[tuple[str, Any, Any]]:
    """Return name, default and annotation of the common options; those that the command does not heed are hidden."""
    hints = typing.get_type_hints(Common, include_extras=True)
    found = []
    for field in fields(Common):
        hint, option = typing.get_args(hints[field.name])
        flag = f"--{field.name.strip('_')}"
        option = copy.copy(option)
        option.hidden = command not in HEEDED.get(flag, {command})
        option.help = (option.help or "").format(example=SET_EXAMPLES.get(command, "train.epochs=3"))
        found.append((field.name, field.default, Annotated[hint, option]))
    return found

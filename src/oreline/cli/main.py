"""The `oreline` command: finds the file of a command when it is called, and turns errors into exit codes."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import oreline
from oreline.cli.common import with_common
from oreline.errors import OrelineError, UsageError, did_you_mean

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("start", "Look at raw data and write a recipe for it."),
    "run": ("start", "Execute a recipe; continues where it was interrupted."),
    "tune": ("start", "Search values for keys of a recipe; continues where it was interrupted."),
    "rerun": ("start", "Make a model again from the recipe saved in it."),
    "refine": ("build", "Turn raw data into a dataset: clean, deduplicate, split, account for every row."),
    "label": ("label", "Label rows in the terminal: those that refine selected, or labels in doubt."),
    "restore": ("privacy", "Put private data that refine replaced back, with the key file."),
    "pretrain": ("build", "Pretrain an encoder on texts without labels: go on with one, or begin a new one."),
    "finetune": ("build", "Train a model for a task on labelled rows."),
    "multitask": ("build", "Train one model for several tasks, with the gain or harm for each."),
    "merge": ("build", "Fold an adapter into its base, or join several models into one."),
    "compress": ("build", "Make a model smaller and faster, judged by the gate."),
    "update": ("build", "Teach a model fresh rows; promote the new version if the gate passes it."),
    "evaluate": ("use", "Judge a model on rows it was not trained on."),
    "predict": ("use", "Answer rows of a file or of standard input, one JSON object for each."),
    "triples": ("triples", "Find entities and their relations in texts, with two models."),
    "explain": ("use", "Say which words an answer rests on."),
    "serve": ("use", "Serve a model over HTTP."),
    "monitor": ("use", "Compare what a served model sees now with what it was made for."),
    "promote": ("versions", "Make a version the champion of its model home."),
    "rollback": ("versions", "Make the previous version the champion again."),
    "list": ("about", "List the kinds of plug, or the plugs of one kind."),
    "doctor": ("about", "Say what this machine and installation can do, or check a model's files."),
    "schema": ("about", "Print the JSON Schema of recipes, for editors."),
}
"""Name → (module in this package, the line in `oreline --help`): help is printed without importing any command."""

INTERRUPTED = 130


class LazyGroup(TyperGroup):
    """The group of all commands; a command's module is imported when the command is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the names, in the order of the chain."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Import one command: the function of its name (`list_` for `list`) in its module."""
        if cmd_name not in COMMANDS:
            raise UsageError(f"unknown command {cmd_name!r}", allowed=did_you_mean(cmd_name, COMMANDS))
        module = importlib.import_module(f"oreline.cli.{COMMANDS[cmd_name][0]}")
        function = getattr(module, f"{cmd_name}_", None) or getattr(module, cmd_name)
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command(cmd_name)(with_common(function))
        return typer.main.get_command(single)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the list of commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command; say what went wrong without a traceback and end with the right exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            _ignore_interrupts()
            typer.echo("\ninterrupted; the same command continues", err=True)
            raise SystemExit(INTERRUPTED) from error
        except BrokenPipeError as error:
            # `oreline predict … | head`: the reader has enough. Nothing may be flushed into the closed pipe at exit.
            _write_nowhere()
            raise SystemExit(0) from error
        except OrelineError as error:
            _say(error, str(error))
            raise SystemExit(error.exit_code) from error
        except UnicodeEncodeError as error:
            _say(error, _no_utf8(error.object, error.start))
            raise SystemExit(2) from error
        except OSError as error:
            raise SystemExit(_refused_by_system(error)) from error
        except Exception as error:
            if type(error).__module__.startswith(("typer", "click")):
                raise  # usage errors and exits, which typer prints
            _say(error, _unforeseen(error))
            raise SystemExit(1) from error


def _refused_by_system(error: OSError) -> int:
    """Say what the operating system refused where no verb knew the place: mostly standard output on a full disk."""
    from oreline.store import translating

    try:
        with translating("standard output"):
            raise error
    except OrelineError as named:
        named.remedy = "free some space, or write where there is room and you may"
        _say(error, str(named))
    except OSError:
        _say(error, _unforeseen(error))
    try:
        sys.stdout.flush()
    except OSError:
        _write_nowhere()  # Python would try once more at exit, and end with 120 instead of our code
    return 1


def _ignore_interrupts() -> None:
    """Take no further interrupt: what a library raises of the same one later would change the exit code."""
    for _ in range(2):  # one that is pending is raised before the handler is set
        with contextlib.suppress(KeyboardInterrupt, ValueError):  # ValueError: outside of the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unforeseen(error: Exception) -> str:
    return f"{type(error).__name__}: {error}\n  do:      add --debug for the traceback, and report it"


def _no_utf8(text: str, place: int) -> str:
    """Return the message about a name with bytes that are no UTF-8: Python hands them on as half characters."""
    name = ascii(text[max(place - 20, 0) : place + 20])
    return f"a name that is not UTF-8: {name}\n  do:      rename the file or folder, such as with convmv"


def _say(error: BaseException, message: str) -> None:
    if "--debug" in sys.argv:
        traceback.print_exception(error)
    typer.echo(f"Error: {message}", err=True)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    invoke_without_command=True,
)


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Raw data to a served model that keeps learning.

    To begin: oreline init FILE looks at your data and writes a recipe; oreline init catalog:rotten-tomatoes at some
    that need no file. Then: oreline run recipe.yaml.
    """
    if version:
        typer.echo(f"oreline {oreline.__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 0 done, 1 the work failed, 2 wrong usage or input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for argument in given:
        try:
            argument.encode()
        except UnicodeEncodeError as error:  # what is written under such a name cannot be read by other tools
            typer.echo(f"Error: {_no_utf8(argument, error.start)}", err=True)
            raise SystemExit(2) from error
    app(args=given, prog_name="oreline")

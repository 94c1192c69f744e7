"""The command by which a person labels rows in the terminal."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oreline.cli.common import Common, show
from oreline.errors import DataError, UsageError

if TYPE_CHECKING:
    from oreline.data.labels.labelling import Session

_SHOWN_LABELS = 40
_HELP = "number or name: that label · +NAME: a new label · k keep · d drop · s skip · u undo · q quit (goes on later)"
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What would move the cursor, change colours or turn the direction of a line, rather than be seen."""


def label(
    common: Common,
    file: Annotated[str, typer.Argument(help="Rows to label: what refine --select wrote, or a review.jsonl.")],
    labels: Annotated[
        str | None, typer.Option(help="Labels to choose from, separated by commas, before those of the data.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="The dataset whose labels there are; known of what refine wrote.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Where decisions go; FILE.labelled.jsonl when not given.")] = None,
) -> None:
    """Label rows in the terminal, one after another; the same command goes on where it was left.

    What it writes are rows with a label, for refine, and decisions, for refine --apply-review.
    """
    from oreline.data.labels.labelling import Session, known_labels

    source = Path(file)
    place = Path(out) if out is not None else source.with_name(f"{source.stem}.labelled.jsonl")
    if place.absolute() == source.absolute():
        raise UsageError("the decisions cannot go into the file that is labelled", remedy="name another --out")
    named = [name.strip() for name in (labels or "").split(",") if name.strip()]
    session = Session(source, place, [*named, *known_labels(source, data)])
    if not common.dry_run and session.num_open:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError(
                "label asks a person, and here is no terminal",
                remedy=f"write decisions into {file} (keep, drop, label=NAME) and use refine --apply-review {file}",
            )
        with contextlib.suppress(ImportError):  # not everywhere; edits lines of any script, and heeds Ctrl-C at once
            import readline  # noqa: F401
        converse(session, input, typer.echo, max(shutil.get_terminal_size().columns, 20))
    counts = {"labelled": session.num_done, "open": session.num_open, "out": str(place)}
    sentence = f"{session.num_done:,} decided, {session.num_open:,} open; decisions are in {place}"
    show(common, counts if common.json_ else sentence)


def converse(session: Session, ask: Callable[[str], str], say: Callable[[str], Any], width: int) -> None:
    """Show rows and take answers until all are decided or the person quits.

    Args:
        session: the rows.
        ask: shows a prompt and returns a line; raises `EOFError` at the end of input.
        say: shows a line.
        width: of the terminal, in columns.
    """
    say(_HELP)
    shown: Any = None
    while (entry := session.entry) is not None:
        if entry is not shown:
            for line in card(session, width):
                say(line)
            shown = entry
        try:
            typed = ask("> ").strip()
        except EOFError:
            return
        if typed.lower() == "q":
            return
        answer = _answer(session, typed)
        if answer is None:
            shown = None
        else:
            say(answer)


def card(session: Session, width: int) -> Iterator[str]:
    """Yield the lines that show the row at hand: where it stands, why it is asked about, its text, the labels."""
    entry = session.entry or {}
    total = session.num_done + session.num_open
    yield ""
    yield f"── {session.num_done + 1:,} of {total:,} · {visible(str(entry['row_id']))} {_why(entry)}".rstrip()
    yield from (f"  {line}" for line in wrapped(visible(entry["text"]), width - 2))
    if entry.get("label"):
        sure = f" ({entry['confidence']:.0%})" if isinstance(entry.get("confidence"), float) else ""
        suggested = f"   suggested: {visible(str(entry['suggested']))}{sure}" if entry.get("suggested") else ""
        yield f"  label: {visible(str(entry['label']))}{suggested}"
    for other in entry.get("neighbours") or []:
        near = f"{other.get('similarity', '')} {other.get('label', '')}: {other.get('text', '')}"
        yield f"    near {next(wrapped(visible(near), width - 9), '')}"
    if len(session.labels) <= _SHOWN_LABELS:
        named = "   ".join(f"{number} {visible(name)}" for number, name in enumerate(session.labels, start=1))
        yield from (f"  {line}" for line in wrapped(named, width - 2))
    else:
        yield f"  {len(session.labels)} labels: type a part of a name"


def visible(text: str) -> str:
    """Return a text in which nothing steers the terminal: control characters become a mark, line ends stay.

    >>> visible("好\\x1b[31m red\\x07")
    '好�[31m red�'
    """
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\t", "  "))


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text, none wider than the terminal; a Chinese character takes two columns.

    >>> list(wrapped("这部电影很好看", 8)), list(wrapped("a very good film", 8))
    (['这部电影', '很好看'], ['a very ', 'good ', 'film'])
    """
    from rich.cells import cell_len

    for paragraph in text.split("\n"):
        line = ""
        for piece in re.findall(r"[!-~]+ *|.", paragraph):
            while cell_len(piece) > width:
                room = max(width - cell_len(line), 1)
                yield line + piece[:room]
                line, piece = "", piece[room:]
            if line and cell_len((line + piece).rstrip()) > width:
                yield line
                line = ""
            line += piece
        yield line


def _why(entry: dict[str, Any]) -> str:
    why = entry.get("why")
    if not isinstance(why, dict):
        return ""
    if "between" in why:
        between = " or ".join(visible(str(name)) for name in why["between"])
        return f"· the model wavers: {between} (margin {why.get('margin')})"
    if isinstance(why.get("settles"), float):
        return f"· settles {why['settles']:.1%} of what is in doubt"
    return "· drawn at random" if entry.get("arm") == "random" else ""


def _answer(session: Session, typed: str) -> str | None:
    """Do what was typed; return what to say where nothing was done."""
    from oreline.data.labels.review import DROP, KEEP, LABEL

    command = typed.lower()
    if command == "u":
        return None if session.undo() else "there is nothing to undo"
    try:
        if command == "s":
            session.skip()
        elif command in ("k", "d"):
            session.decide(KEEP if command == "k" else DROP)
        elif typed.startswith("+") and typed[1:].strip():
            session.decide(LABEL, typed[1:].strip(), is_new=True)
        elif len(found := session.matching(typed) if typed else []) == 1:
            session.decide(LABEL, found[0])
        else:
            return _not_understood(session, typed, found)
    except DataError as error:
        return error.what
    return None


def _not_understood(session: Session, typed: str, found: list[str]) -> str:
    if not typed or typed == "?":
        return _HELP
    if not found:
        return f"no label is or holds {typed!r}; +{typed} makes it a new one, ? shows help"
    some = ", ".join(f"{session.labels.index(name) + 1} {visible(name)}" for name in found[:20])
    return f"{len(found)} labels hold that: {some}{' …' if len(found) > 20 else ''}"

"""The rows of one part of the data on their way into a chain: columns named by role, what cannot be used noted."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from oreline import registry, store
from oreline.data import columnar
from oreline.data.columnar import compact
from oreline.data.fold import INPUT_ROLES
from oreline.data.forms.roles import bind, take_in
from oreline.data.input.archives import file_of
from oreline.data.input.fusion import Fusion
from oreline.data.ledger import Notes
from oreline.data.reporting.intake import Intake
from oreline.data.running.engine import Item
from oreline.data.running.kept import code_of_package
from oreline.data.running.stage import Stage
from oreline.data.sources import FRAME_ROWS, Source
from oreline.errors import DataError
from oreline.types import Event, OnEvent, ignore

_ASIDE = "aside"
_FUSION = "fusion.parquet"
_INTAKE = "intake"
_DECISIVE = ("text", "label", "tags", "answers", "group", "time")
"""Roles that either every source has or none."""


class Rows(Protocol):
    """What a chain begins with."""

    key: str
    """Tells its content, for `oreline.data.running.kept`; empty where nothing does."""

    def items(self, folder: Path) -> Iterator[Item]:
        """Yield the rows; what is set aside goes below the folder."""
        ...

    def found(self) -> dict[str, Any]:
        """Return what was found on the way, JSON-ready, once all rows are through."""
        ...

    def recall(self, found: Mapping[str, Any]) -> None:
        """Take what an earlier run found, in place of reading the rows."""
        ...

    def placed(self, folder: Path) -> None:
        """Hear where that folder lies in the end."""
        ...


@dataclass
class Book:
    """The columns of the roles, over all parts of the data, and where the rows come from."""

    roles: Mapping[str, str]
    bound: dict[str, str] = field(default_factory=dict)
    """Source column of each role, those found by name included."""
    lineage: list[dict[str, Any]] = field(default_factory=list)
    fusion: Fusion = field(default_factory=Fusion)
    """What described sources have in common."""
    intake: Intake = field(default_factory=Intake)
    """What came in."""
    notes: list[str] = field(default_factory=list)
    """What of the sources could not be read, or was left out."""
    on_event: OnEvent = ignore

    def note(self, sentence: str) -> None:
        """Keep a sentence for the report, and say it now."""
        self.notes.append(sentence)
        self.on_event(Event("read", message=f"warning: {sentence}"))

    def agree(self, bound: Mapping[str, str], place: str) -> None:
        """Enter a source's roles. Raises `DataError` unless all sources have the roles that split rows."""
        differing = [role for role in _DECISIVE if (role in bound) != (role in self.bound)]
        if self.bound and differing:
            role = differing[0]
            raise DataError(
                f"this source has {'a' if role in bound else 'no'} column for the role {role}, and those before it "
                f"have {'none' if role in bound else 'one'}",
                where=place,
                allowed=f"columns of {', '.join(self.bound)} in every source",
                remedy=f"name it: {{path: FILE, columns: {{{role}: COLUMN}}}}; or leave it out everywhere",
            )
        self.bound.update(bound)


class Reading:
    """Reads the sources of one part.

    Args:
        part: the sources.
        book: what is known of the columns.
        sets_aside: rows without a label go to a stage of their own, `aside`.
        needs_label: where none is needed, none is kept.
        drops: rows without a label that are not set aside go; otherwise they wait for an operator to give them one.
    """

    def __init__(
        self, part: Sequence[Source], book: Book, *, sets_aside: bool, needs_label: bool = True, drops: bool = True
    ) -> None:
        self._part, self._book = part, book
        self._sets_aside, self._needs_label, self._drops = sets_aside, needs_label, drops
        self._bound: list[tuple[str, dict[str, str]]] = []
        self._lineage: list[dict[str, Any]] = []
        self._notes: list[str] = []
        files = {source.name: file_of(source.path) for source in part if source.path}
        sums = {file: _sha256(file) for file in dict.fromkeys(files.values())}
        self._sha256 = {name: sums[file] for name, file in files.items()}
        self.key = self._key()
        self.aside: Stage | None = None

    def items(self, folder: Path) -> Iterator[Item]:
        """Yield the frames of all sources with columns named by role; rows without text or label are noted."""
        fusion, intake = Fusion(), Intake()  # the book's are held as long as the run
        with Stage(folder / _ASIDE) as aside:
            for source in self._part:
                num_rows = 0
                for frame in gathered(source.frames(note=self._note), columnar.FRAME_BYTES, FRAME_ROWS):
                    if num_rows == 0:
                        self._enter(source.place, self._roles_of(frame.columns[1:], source.place))
                    num_rows += frame.height
                    for part in cut(frame, columnar.FRAME_BYTES):
                        named, notes = self._taken_in(part, source.place, aside)
                        if source.part is not None:
                            fusion.add(source.part.name, named)
                        intake.add(named)
                        yield named, notes
                entry: dict[str, Any] = {"source": source.name, "rows": num_rows}
                self._lineage.append(entry | ({"sha256": self._sha256[source.name]} if source.path else {}))
        self._book.lineage += self._lineage
        fusion.write(folder / _FUSION)
        intake.write(folder / _INTAKE)

    def found(self) -> dict[str, Any]:
        """Return the roles and the lineage of the sources, and what was said of them."""
        return {"bound": self._bound, "lineage": self._lineage, "notes": self._notes}

    def recall(self, found: Mapping[str, Any]) -> None:
        """Take roles, lineage and what was said of the sources from an earlier run."""
        for place, bound in found["bound"]:
            self._enter(place, bound)
        self._book.lineage += found["lineage"]
        for sentence in found["notes"]:
            self._book.note(sentence)

    def placed(self, folder: Path) -> None:
        """Open what was set aside, and see what the sources have in common."""
        self.aside = Stage.open(folder / _ASIDE)
        self._book.fusion.read(folder / _FUSION)
        self._book.intake.read(folder / _INTAKE)

    def _note(self, sentence: str) -> None:
        self._notes.append(sentence)
        self._book.note(sentence)

    def _taken_in(self, frame: pl.DataFrame, place: str, aside: Stage) -> Item:
        notes = Notes()
        keeps = self._sets_aside or not self._needs_label or not self._drops
        named = take_in(frame, self._bound[-1][1], place, notes, needs_label=not keeps)
        if not self._needs_label:
            named = named.with_columns(pl.lit(None, dtype=pl.String).alias("label"))
        elif self._sets_aside and "label" in named.columns:
            if (unlabelled := named.filter(pl.col("label").is_null())).height:
                aside.append(unlabelled)
            named = named.filter(pl.col("label").is_not_null())
        return named, notes

    def _roles_of(self, columns: Sequence[str], place: str) -> dict[str, str]:
        """Find the roles of a source's columns; of rows that need no label, the inputs are enough."""
        asked = self._book.roles
        if not self._needs_label:
            asked = {role: column for role, column in asked.items() if column in columns or role in INPUT_ROLES}
        return bind(columns, asked, place)

    def _enter(self, place: str, bound: Mapping[str, str]) -> None:
        if self._needs_label:
            self._book.agree(bound, place)
        self._bound.append((place, dict(bound)))

    def _key(self) -> str:
        names = [
            (source.name, self._sha256[source.name] if source.path else content_of(source)) for source in self._part
        ]
        if not all(content for _, content in names):
            return ""
        # Whatever else a source is described by, beside its content.
        described = [repr(replace(source, table=None)) for source in self._part]
        options = [self._sets_aside, self._needs_label, self._drops, dict(self._book.roles), code_of_package()]
        return hashlib.sha256(json.dumps([names, described, options], sort_keys=True).encode()).hexdigest()


class Unlabelled:
    """Rows without a label: what other parts set aside, then sources of their own."""

    def __init__(self, others: Sequence[Reading], own: Reading) -> None:
        self._asides = [other.aside for other in others if other.aside is not None]
        self._own = own
        keys = [*(other.key for other in others), own.key]
        self.key = hashlib.sha256(json.dumps(keys).encode()).hexdigest() if all(keys) else ""

    def items(self, folder: Path) -> Iterator[Item]:
        """Yield the rows that were set aside, then those of the sources."""
        for aside in self._asides:
            yield from ((frame, Notes()) for frame in aside.frames())
        yield from self._own.items(folder)

    def found(self) -> dict[str, Any]:
        """Return what the sources' reading found."""
        return self._own.found()

    def recall(self, found: Mapping[str, Any]) -> None:
        """Take what an earlier run found of the sources."""
        self._own.recall(found)

    def placed(self, folder: Path) -> None:
        """See what its sources have in common with others."""
        self._own.placed(folder)


def gathered(frames: Iterable[pl.DataFrame], max_bytes: int, max_rows: int) -> Iterator[pl.DataFrame]:
    """Yield small frames of one schema together, up to so many bytes and rows: each frame costs something."""
    held: list[pl.DataFrame] = []
    size = rows = 0
    for frame in frames:
        own = int(frame.estimated_size())
        if held and (size + own > max_bytes or rows + frame.height > max_rows or frame.schema != held[0].schema):
            yield held[0] if len(held) == 1 else pl.concat(held)
            held, size, rows = [], 0, 0
        held.append(frame)
        size, rows = size + own, rows + frame.height
    if held:
        yield held[0] if len(held) == 1 else pl.concat(held)


def cut(frame: pl.DataFrame, max_bytes: int) -> Iterator[pl.DataFrame]:
    """Yield a frame in equal parts of at most about so many bytes, none of which holds the strings of the others."""
    parts = -int(-frame.estimated_size() // max_bytes)
    if parts <= 1 or frame.height < 2:
        yield frame
        return
    for part in frame.iter_slices(-(-frame.height // min(parts, frame.height))):
        yield compact(part)


def content_of(source: Source) -> str:
    """Return what tells the content of a source without a file; empty where nothing does."""
    if source.catalog:
        entry = registry.get("catalog", source.catalog)
        return f"catalog:{source.catalog} {getattr(entry, 'package', '')}"
    if isinstance(source.table, pl.DataFrame):
        return _hash_of(source.table.iter_slices(8192))
    return ""


def _sha256(file: Path) -> str:
    """Return the hash of a file; empty where it cannot be read, which its reader says better."""
    try:
        return store.file_sha256(file)
    except OSError:
        return ""


def _hash_of(frames: Iterable[pl.DataFrame]) -> str:
    digest = hashlib.sha256()
    for frame in frames:
        stream = io.BytesIO()
        frame.write_ipc_stream(stream)
        digest.update(stream.getbuffer())
    return digest.hexdigest()

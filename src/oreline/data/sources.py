"""What `refine` reads: files, folders, catalog names, places, and tables in memory, all as frames with row ids.

A row id is `source:row`: the file's name (relative to what the given files have in common) and the row's number
in it, from 1, headers not counted. It stays the same whatever is done to the row.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oreline import registry
from oreline.data.dataset import DATASET, Dataset
from oreline.data.input.archives import broken, file_of, on_disk
from oreline.data.input.compressed import CutOffError
from oreline.data.input.conversations import dialogues_of
from oreline.data.input.decoding import EmptyFileError
from oreline.data.input.described import (
    Description,
    Part,
    described,
    is_described,
    refuse_undescribed,
    refuse_unknown,
)
from oreline.data.input.members import archive_of
from oreline.data.input.paths import is_file
from oreline.data.input.readable import files_of, hint_of, is_document, place_of, reader_of, splits_of, splits_of_place
from oreline.data.input.row_sizes import checked
from oreline.data.input.tables import as_frame, table_of
from oreline.errors import DataError, ResourceError, UsageError

ROW_ID = "row_id"
FRAME_ROWS = 8192
CATALOG = "catalog:"
_NUM_NAMED = 10
"""Empty files, in a message."""

Note = Callable[[str], None]
"""Is told what of a source could not be read, or was left out; a sentence."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, one table, or one other place that rows come from: its name in row ids, and how to read it."""

    name: str
    path: Path | None = None
    table: Any = None
    catalog: str = ""
    has_ids: bool = False
    """A shard of a dataset: its rows keep the ids that they have."""
    location: str = ""
    """A URL or a folder that a reader takes as a whole."""
    reader: str = ""
    """The reader's name; by the suffix where it is empty."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the reader."""
    documents: tuple[Source, ...] = ()
    """Files of one row each, read as one source."""
    part: Part | None = None
    """How the rows take part in fused data; None for a source that is not described."""
    hint: str = ""
    """What the files behind this one may be meant as: said before the first row."""
    broken: str = ""
    """Why there may be more behind it: the archive that it is the last file of breaks off."""

    def frames(self, *, rows: int = FRAME_ROWS, note: Note | None = None) -> Iterator[pl.DataFrame]:
        """Yield frames of at most `rows` rows with `row_id` and the source's own columns.

        Where the source breaks off after some rows, `note` is told, and so it is of what the reader left out; without
        `note` a break is an error, after the last good row.

        Raises `DataError` when it holds no row, or as its reader says.
        """
        if self.hint and note is not None:
            note(self.hint)
        done = 0
        try:
            for frame in self._numbered(rows, note):
                done += frame.height
                kept = frame if self.part is None else self.part.applied(frame, self.place)
                if kept.height:
                    yield kept
            if self.broken:
                raise CutOffError(self.broken, remedy="fetch or pack the archive again; files behind it may be missing")
        except CutOffError as error:
            if not self.documents:  # the document is named already
                error.where = f"{self.place}, after row {done}" if done else self.place
            if not done or note is None:
                raise
            note(f"{error.where}: {error.what}; the rows before the break are kept ({error.remedy})")
        if done == 0:
            raise DataError(
                "there are no rows", where=self.place, remedy="check how the file was written, or leave it out"
            )

    @property
    def place(self) -> str:
        """Where it lies, for messages."""
        if self.location or self.path:
            return self.location or str(self.path)
        return f"{CATALOG}{self.catalog}" if self.catalog else self.name

    def _numbered(self, rows: int, note: Note | None) -> Iterator[pl.DataFrame]:
        if self.documents:
            plain = _joined(self._document_frames(rows, note), rows)
        else:
            plain = checked(self._plain_frames(rows, note), self.place)
        if self.part and self.part.dialogues is not None:
            plain = dialogues_of(plain, self.part.dialogues, self.place, rows=rows, note=note)
        elif self.documents:
            yield from plain  # each row has its file's name already
            return
        done = 0
        for frame in plain:
            if frame.height:
                yield frame if self.has_ids else _with_row_ids(frame, self.name, done)
                done += frame.height

    def _document_frames(self, rows: int, note: Note | None) -> Iterator[pl.DataFrame]:
        """Yield the frames of each document; one that breaks off, or is empty, takes nothing from those behind it."""
        empty: list[str] = []
        for part in self.documents:
            try:
                yield from part.frames(rows=rows, note=note)
            except EmptyFileError:
                if note is None:
                    raise
                empty.append(part.name)
            except CutOffError as error:
                if note is None:
                    raise
                note(f"{error.where}: {error.what}; nothing of it can be read ({error.remedy})")
        if empty and note is not None:
            named = ", ".join(empty[:_NUM_NAMED])
            note(f"{self.name}: {len(empty):,} empty files were left out: {named}{', …' * (len(empty) > _NUM_NAMED)}")

    def _plain_frames(self, rows: int, note: Note | None) -> Iterator[pl.DataFrame]:
        if self.catalog:
            yield from registry.create("catalog", self.catalog).frames(rows=rows)
        elif self.table is not None:
            yield from self.table.iter_slices(rows)
        else:
            where = self.location or self.path
            name = self.reader or reader_of(Path(str(where)))
            reader = registry.create("reader", name, **self.options)
            unpacks = self.path is None or getattr(reader, "unpacks", False)
            try:
                with contextlib.nullcontext(where) if unpacks else on_disk(Path(str(where))) as file:
                    yield from reader.frames(file, rows=rows)
            except PermissionError as error:
                raise ResourceError(
                    "no permission to read the file", where=self.place, remedy="ask its owner, or copy it"
                ) from error
            except CutOffError:
                self._tell(reader, note)
                raise
            self._tell(reader, note)

    def _tell(self, reader: Any, note: Note | None) -> None:
        if note is not None:
            for sentence in getattr(reader, "notes", ()):
                note(f"{self.place}: {sentence}")


def frames(source: Any, *, rows: int = FRAME_ROWS, note: Note | None = None) -> Iterator[pl.DataFrame]:
    """Yield any source as frames of at most `rows` rows: `row_id`, then the source's own columns.

    Args:
        source: a path, a glob, a folder, or a list of them; `catalog:NAME`; a URL that a reader takes
            (`sqlite:///shop.db::reviews`); a mapping that describes a source (`{path: …, columns: …}`) or a list of
            them; a mapping of lists; a list of mappings; a Polars or pandas frame; an Arrow table; a Hugging Face
            dataset.
        rows: rows in one frame, at most.
        note: told of what could not be read; without it, a file that breaks off raises after its last good row.

    Raises:
        UsageError: the source is nothing that can be read.
        DataError: a file is empty, broken, or binary, or a row is longer than 16 MB.
    """
    for part in sources(source):
        yield from part.frames(rows=rows, note=note)


def sources(source: Any) -> list[Source]:
    """Return the files, places and tables that a source consists of. Raises `UsageError` when there is none."""
    if isinstance(source, Dataset):
        source = source.path
    if isinstance(source, str | os.PathLike):
        return _from_paths([source])
    if is_described(source):
        return _from_descriptions([source])
    if isinstance(source, Sequence) and source:
        if all(isinstance(item, str | os.PathLike) for item in source):
            return _from_paths(list(source))
        if all(isinstance(item, str | os.PathLike) or is_described(item) for item in source):
            return _from_descriptions([item if isinstance(item, Mapping) else {"path": item} for item in source])
    refuse_undescribed(source)
    return [Source("data", table=table_of(source))]


def is_dataset(source: Any) -> bool:
    """Whether a source is a dataset, or the folder of one."""
    return isinstance(source, Dataset) or (isinstance(source, str | os.PathLike) and bool(_shards(Path(source))))


def given_splits(source: Any) -> dict[str, Any] | None:
    """Return `{split name: source}` when the source is divided already, None when it is one source.

    A dataset or its folder has its own splits, and so has a folder or a place of a reader that says so. A mapping of
    lists is columns, unless every item of every list is a path that exists.
    """
    if isinstance(source, Dataset):
        return dict(source.shards())
    if isinstance(source, str | os.PathLike):
        return dict(_shards(Path(source))) or splits_of(os.fspath(source)) or None
    if not isinstance(source, Mapping) or not source:
        return None
    if is_described(source):
        kind = described(source).kind
        return splits_of_place(source, kind) or None if kind not in ("path", "catalog", "rows") else None
    if all(_is_source(value) for value in source.values()):
        return {str(name): value for name, value in source.items()}
    return None


def _from_paths(items: Sequence[str | os.PathLike[str]], *, reader: str = "", links: bool = False) -> list[Source]:
    found: list[Source] = []
    for item in items:
        text = os.fspath(item)
        if not text.strip():
            raise UsageError("the source is an empty text", remedy="name a file or a folder; . is this folder")
        shards = _shards(Path(text).expanduser())
        if text.startswith(CATALOG):
            name = text.removeprefix(CATALOG)
            found.append(Source(name, catalog=name))
        elif place := place_of(text, reader):
            found.append(Source(place.name, location=place.location, reader=place.reader))
        else:
            paths = [path for split in shards.values() for path in split] or files_of(text, reader, links=links)
            own = [Source("", path=path, reader=reader, has_ids=_is_shard(path)) for path in paths]
            own[:1] = [replace(own[0], hint="" if reader else hint_of(text, paths))]
            found.extend(own)
    counts = Counter(source.path.absolute() for source in found if source.path)
    if twice := next((path for path, count in counts.items() if count > 1), None):
        raise UsageError(f"{twice} is named twice", remedy="name every file once")
    base = Path(os.path.commonpath([file_of(path).parent for path in counts])) if counts else Path()
    named = [
        replace(source, name=source.path.absolute().relative_to(base).as_posix()) if source.path else source
        for source in _with_breaks(found)
    ]
    return _grouped(named, base.name or "documents")


def _with_breaks(found: Sequence[Source]) -> list[Source]:
    """Let the last file of an archive that breaks off say so."""
    archives = [archive_of(source.path) if source.path else None for source in found]
    last = {inside[0]: place for place, inside in enumerate(archives) if inside is not None}
    broken_at = {place: why for archive, place in last.items() if (why := broken(archive))}
    return [replace(source, broken=broken_at.get(place, "")) for place, source in enumerate(found)]


def _grouped(found: Sequence[Source], name: str) -> list[Source]:
    """Return sources with neighbouring files of one row each as one source: frames are to hold many rows."""
    grouped: list[Source] = []
    for single, group in itertools.groupby(found, key=_is_document):
        members = list(group)
        grouped += [Source(name, documents=tuple(members))] if single and len(members) > 1 else members
    return grouped


def _is_document(source: Source) -> bool:
    return source.path is not None and is_document(source.path)


def _from_descriptions(items: Sequence[Mapping[str, Any]]) -> list[Source]:
    """Return the sources of mappings; each row keeps the name of its own. Raises `UsageError` for one name twice."""
    found: list[Source] = []
    for item in items:
        given = described(item)
        plain = _described(given)
        label = given.name or (plain[0].name if len(plain) == 1 else _common_name(given))
        part = replace(given.part, name=label)
        for source in plain:
            name = source.name
            if given.name is not None:
                name = label if len(plain) == 1 else f"{label}/{source.name}"
            pages = tuple(replace(page, options=given.options) for page in source.documents)
            found.append(replace(source, name=name, part=part, options=given.options, documents=pages))
    counts = Counter(source.name for source in found)
    if twice := next((name for name, count in counts.items() if count > 1), None):
        raise UsageError(f"two sources are called {twice!r}", remedy="give each a name of its own: {path: …, name: …}")
    return found


def _common_name(given: Description) -> str:
    return Path(str(given.given[0] if isinstance(given.given, list) else given.given)).name


def _described(given: Description) -> list[Source]:
    if given.kind == "rows":
        return [Source(given.name or "rows", table=table_of(given.given))]
    if given.kind == "catalog":
        return [Source(str(given.given).removeprefix(CATALOG), catalog=str(given.given).removeprefix(CATALOG))]
    items = given.given if isinstance(given.given, list) else [given.given]
    if given.kind != "path":
        plug = registry.get("reader", given.kind)
        return [Source(plug.name_of(str(item)), location=str(item), reader=given.kind) for item in items]
    found = _from_paths(items, reader=given.reader, links=given.links)
    if given.options and not given.reader:  # an option that no reader of these files has is a mistake
        for source in found:
            if source.path:
                refuse_unknown(reader_of(source.path), given.options, str(source.path))
                registry.create("reader", reader_of(source.path), **given.options)
    return found


def _is_source(value: Any) -> bool:
    """Whether a mapping's value is a source of its own, and not a column of values."""
    if isinstance(value, str | os.PathLike | Mapping) or as_frame(value) is not None:
        return True
    items = list(value) if isinstance(value, list | tuple) else []
    return bool(items) and all(
        isinstance(item, os.PathLike) or is_described(item) or (isinstance(item, str) and _is_given(item))
        for item in items
    )


def _is_given(text: str) -> bool:
    return text.startswith(CATALOG) or is_file(text) or archive_of(Path(text)) is not None


def _shards(folder: Path) -> dict[str, list[Path]]:
    """Return the shards of each split of a dataset folder; empty for any other folder."""
    return Dataset.open(folder).shards() if is_file(str(folder / DATASET)) else {}


def _is_shard(path: Path) -> bool:
    return path.suffix == ".parquet" and (path.parent.parent / DATASET).is_file()


def _joined(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Yield small frames as fewer large ones. Where they break off, those before the break come first."""
    held: list[pl.DataFrame] = []
    height = 0
    broken: CutOffError | None = None
    while broken is None:
        try:
            frame = next(frames, None)
        except CutOffError as error:
            frame, broken = None, error
        if frame is not None:
            held.append(frame)
            height += frame.height
        if held and (frame is None or height >= rows):
            yield from pl.concat(held, how="diagonal_relaxed").iter_slices(rows)
            held, height = [], 0
        if frame is None and broken is None:
            return
    raise broken


def _with_row_ids(frame: pl.DataFrame, name: str, done: int) -> pl.DataFrame:
    """Put `row_id` first; a column of that name that the source has itself becomes `source_row_id`."""
    numbers = pl.Series(np.arange(done + 1, done + frame.height + 1))
    ids = frame.select(pl.concat_str(pl.lit(f"{name}:"), numbers.cast(pl.String))).to_series().alias(ROW_ID)
    if ROW_ID in frame.columns:
        frame = frame.rename({ROW_ID: f"source_{ROW_ID}"})
    return frame.insert_column(0, ids)

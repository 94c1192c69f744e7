"""Folders of texts, one for each class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input import archives, decoding
from oreline.data.input.archives import is_read_in_order, member_paths, opened
from oreline.data.input.compressed import CutOffError, batches, beginning_of, unpacked_name
from oreline.data.input.members import SUFFIXES, archive_of, is_archive
from oreline.data.input.pages import decoded, page_of, without_broken_tag
from oreline.data.input.paths import folder_files, is_file, is_folder
from oreline.errors import DataError

_NUM_NAMED = 10
"""Files that break off, in a message."""
_NUM_SHOWN = 5
"""Folders, in a hint."""
_TEXTS, _PAGES = (".txt", ".text", ".md"), (".html", ".htm", ".xhtml")
_SPLITS = ("train", "training", "test", "testing", "dev", "valid", "validation", "val")


class Reader:
    """A folder with a folder for each class: each text file below is one row, and its class the name of the folder.

    The folder may lie in an archive, or be one: what all of its files lie in is then looked through to the classes. Of
    HTML files the main text is read. Columns: `text`, `label`, `file`.

    Args:
        deepest: the class is the name of the folder right above the file, not of the one below the folder given.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    schemes: ClassVar[tuple[str, ...]] = ("class_folders:",)

    def __init__(self, *, deepest: bool = False) -> None:
        self._deepest = deepest

    @staticmethod
    def name_of(location: str) -> str:
        """Return what row ids call the folder; an archive goes by the name of the folder that it is of."""
        name = Path(location).expanduser().resolve().name
        suffix = max((end for end in SUFFIXES if name.lower().endswith(end)), key=len, default="")
        return name.removesuffix(name[len(name) - len(suffix) :]) or name

    @staticmethod
    def hint(text: str, files: Sequence[Path]) -> str:
        """Return what files of text in folders may be meant as, where others read them; empty for other files."""
        base = Path(text).expanduser()
        if len(files) < 2 or not all(file.is_relative_to(base) and _fits(file) for file in files):
            return ""
        names = [file.relative_to(base).parts for file in files]
        while len({name[0] for name in names}) == 1 and min(map(len, names)) > 1:
            base, names = base / names[0][0], [name[1:] for name in names]
        tops = sorted({name[0] for name in names})
        if min(map(len, names)) < 2 or 2 * len(tops) > len(files):
            return ""
        shown = ", ".join(tops[:_NUM_SHOWN]) + ", …" * (len(tops) > _NUM_SHOWN)
        if _is_splits(names, depth=2):
            named = " ".join(f"{top}={base / top}" for top in tops)
            return f"the folders that the texts lie in ({shown}) are read as one; if they are splits, name {named}"
        named = f"class_folders:{base}"
        if _is_splits(names, depth=3):
            named = " ".join(f"{top}=class_folders:{base / top}" for top in tops)
        return f"the folders that the texts lie in ({shown}) give no label; if they are the classes, name {named}"

    def frames(self, path: Path | str, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the texts in frames of at most `rows`, in the order of their paths; of a compressed tar in its own.

        Raises `DataError` for a folder without folders of texts, and for a file that is no text, and `CutOffError`
        after the last row where files break off: each is a row, with the text before its break.
        """
        folder, files = _files(Path(path).expanduser())
        inside = [file for file in files if file.parent != folder]
        if not inside:
            raise DataError(
                "the folder holds no folders with texts",
                where=str(folder),
                allowed=f"FOLDER/CLASS/FILE, of {', '.join((*_TEXTS, *_PAGES))}",
                remedy="name the folder that holds one folder for each class",
            )
        self._refuse_splits([file.relative_to(folder).parts for file in inside], folder)
        schema = dict.fromkeys(("text", "label", "file"), pl.String)
        broken: list[tuple[str, CutOffError]] = []
        found = self._rows(inside, folder, broken)
        for part in batches(found, rows, weigh=lambda cells: len(cells[0] or "")):
            yield pl.DataFrame(part, schema=schema, orient="row")
        if broken:
            raise _cut_off(broken, folder)
        archive = archive_of(inside[0])
        if archive is not None and (why := archives.broken(archive[0])):
            raise CutOffError(
                why, where=str(folder), remedy="fetch or pack the archive again; files behind it may be missing"
            )

    def _rows(
        self, files: Sequence[Path], folder: Path, broken: list[tuple[str, CutOffError]]
    ) -> Iterator[tuple[str | None, str, str]]:
        """Yield the cells of each file; those that break off are named in `broken`."""
        for file in files:
            text, fault = _text(file)
            name = file.relative_to(folder)
            if fault is not None:
                broken.append((os.fspath(name), fault))
            yield text, name.parts[-2 if self._deepest else 0], os.fspath(name)

    def _refuse_splits(self, names: Sequence[tuple[str, ...]], folder: Path) -> None:
        """Raise `DataError` where train and test would be the classes: those lie one folder deeper."""
        tops = sorted({name[0] for name in names})
        if not self._deepest and _is_splits(names, depth=3):
            raise DataError(
                f"the folders {', '.join(tops)} are named like splits, and the classes lie below them",
                where=str(folder),
                allowed=" ".join(f"{top}=class_folders:{folder / top}" for top in tops),
                remedy="give them so, as splits; or say deepest: true, and a class is the folder right above a file",
            )
        if not self._deepest and len(tops) > 1 and _is_splits(names, depth=2):
            raise DataError(
                f"the folders {', '.join(tops)} are named like splits, and no classes lie below them",
                where=str(folder),
                allowed=" ".join(f"{top}={folder / top}" for top in tops),
                remedy="give them so, as splits of texts without labels; or name folders after classes",
            )


def _files(folder: Path) -> tuple[Path, list[Path]]:
    """Return the folder that holds the classes, and the files of text below it. Raises `DataError` where none is."""
    if is_folder(str(folder)):
        return folder, folder_files(folder, _fits)
    whole = is_archive(folder) and is_file(str(folder))
    inside = (folder, "") if whole else archive_of(folder)
    if inside is None:
        raise DataError(f"there is no folder {str(folder)[:200]!r}", where=str(folder), remedy="check the path")
    archive = inside[0]
    files = [file for file in member_paths(archive) if _fits(file) and file.is_relative_to(folder)]
    if not is_read_in_order(archive):
        files.sort()
    while whole and len(tops := {file.relative_to(folder).parts[0] for file in files}) == 1:
        below = folder / tops.pop()
        if not any(len(file.relative_to(below).parts) > 1 for file in files):
            break
        folder = below
    return folder, files


def _is_splits(names: Sequence[tuple[str, ...]], *, depth: int) -> bool:
    """Whether the topmost folders are train and test: with classes in them at a depth of 3, texts alone at 2."""
    fits = (len(name) == 2 if depth == 2 else len(name) > 2 for name in names)
    return all(fits) and all(name[0].lower() in _SPLITS for name in names)


def _fits(file: Path) -> bool:
    return unpacked_name(file).suffix.lower() in (*_TEXTS, *_PAGES)


def _text(file: Path) -> tuple[str | None, CutOffError | None]:
    """Return the text of a file, none where there is only white space, and why its end is missing."""
    content, broken = _content(file)
    if not content.strip():
        return None, broken
    if unpacked_name(file).suffix.lower() in _PAGES:
        html = decoded(content)
        return page_of(without_broken_tag(html) if broken is not None else html).text, broken
    blocks: list[bytes] = []
    try:
        for block in decoding.utf8_blocks(file, decoding.encoding_of(file)):
            blocks.append(block)  # noqa: PERF402  what was there before an error is kept
    except decoding.UndecodableError as error:
        raise decoding.undecodable(error, str(file)) from error
    except CutOffError as error:
        broken = error
    whole = b"".join(blocks).decode(errors="strict" if broken is None else "ignore")  # it may break off in a character
    return whole.strip() or None, broken


def _content(file: Path) -> tuple[bytes, CutOffError | None]:
    try:
        with opened(file) as stream:
            data, broken = beginning_of(stream, decoding.MAX_ROW_BYTES + 1)
    except CutOffError as error:
        return b"", error
    if len(data) > decoding.MAX_ROW_BYTES:
        raise decoding.too_long(str(file))
    return data, broken


def _cut_off(broken: list[tuple[str, CutOffError]], folder: Path) -> CutOffError:
    first, fault = broken[0]
    if len(broken) == 1:
        what = f"{first}: {fault.what}"
    else:
        named = ", ".join(name for name, _ in broken[:_NUM_NAMED])
        what = f"{len(broken):,} files break off: {named}{', …' if len(broken) > _NUM_NAMED else ''}"
    return CutOffError(what, where=str(folder), remedy=fault.remedy)

"""Folders of texts, one for each class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input import decoding
from oreline.data.input.archives import is_read_in_order, member_paths, opened
from oreline.data.input.compressed import unpacked_name
from oreline.data.input.members import SUFFIXES, archive_of, is_archive
from oreline.data.input.pages import decoded, page_of
from oreline.data.input.paths import folder_files, is_file, is_folder
from oreline.errors import DataError

_TEXTS, _PAGES = (".txt", ".text", ".md"), (".html", ".htm", ".xhtml")


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

    def frames(self, path: Path | str, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the texts in frames of at most `rows`, in the order of their paths; of a compressed tar in its own.

        Raises `DataError` for a folder without folders of texts, and for a file that is no text.
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
        schema = dict.fromkeys(("text", "label", "file"), pl.String)
        for start in range(0, len(inside), rows):
            part = [self._row(file, folder) for file in inside[start : start + rows]]
            yield pl.DataFrame(part, schema=schema, orient="row")

    def _row(self, file: Path, folder: Path) -> tuple[str | None, str, str]:
        relative = file.relative_to(folder)
        label = relative.parts[-2 if self._deepest else 0]
        if unpacked_name(file).suffix.lower() in _PAGES:
            return page_of(decoded(_content(file))).text, label, os.fspath(relative)
        return _text(file), label, os.fspath(relative)


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


def _fits(file: Path) -> bool:
    return unpacked_name(file).suffix.lower() in (*_TEXTS, *_PAGES)


def _content(file: Path) -> bytes:
    with opened(file) as stream:
        data = stream.read(decoding.MAX_ROW_BYTES + 1)
    if len(data) > decoding.MAX_ROW_BYTES:
        raise decoding.too_long(str(file))
    return data


def _text(file: Path) -> str | None:
    """Return the text of a file; none where there is only white space."""
    if not _content(file).strip():
        return None
    try:
        text = b"".join(decoding.utf8_blocks(file, decoding.encoding_of(file))).decode()
    except decoding.UndecodableError as error:
        raise decoding.undecodable(error, str(file)) from error
    return text.strip() or None

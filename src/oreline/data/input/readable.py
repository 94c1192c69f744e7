"""What the readers there are can read: by suffix, by how a file or a text begins, by what lies in a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from oreline import registry
from oreline.data.input import paths
from oreline.data.input.archives import member_paths, paths_inside
from oreline.data.input.compressed import PACKINGS, unpacked_name
from oreline.data.input.members import is_archive
from oreline.data.input.paths import is_file, is_folder
from oreline.errors import DataError, UsageError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def reader_of(path: Path) -> str:
    """Return the name of the reader for a file's suffix; first one that knows the file by how it begins.

    Raises `UsageError` for an unknown suffix, and for a compressed file of a reader that needs it unpacked.
    """
    plain = unpacked_name(path)
    plugs = {name: registry.get("reader", name) for name in registry.names("reader")}
    fitting = [name for name, plug in plugs.items() if plain.suffix.lower() in plug.suffixes]
    found = next((name for name in fitting if hasattr(plugs[name], "knows") and plugs[name].knows(path)), None)
    found = found or next((name for name in fitting if not hasattr(plugs[name], "knows")), None)
    if found is None:
        raise UsageError(
            f"no reader for {path.name!r}",
            where=str(path),
            allowed=", ".join(sorted({suffix for plug in plugs.values() for suffix in plug.suffixes})),
            remedy="rename the file to what it holds, or convert it to CSV, JSON Lines or Parquet",
        )
    if plain != path and not getattr(plugs[found], "unpacks", False):
        unpacking = [name for name, plug in plugs.items() if getattr(plug, "unpacks", False)]
        raise UsageError(
            f"the reader {found!r} reads no compressed files",
            where=str(path),
            allowed=f"{', '.join(PACKINGS)} for {', '.join(unpacking)}",
            remedy=f"unpack it to {plain.name}",
        )
    return found


def is_document(path: Path) -> bool:
    """Whether a file holds one row, by its suffix."""
    suffix = unpacked_name(path).suffix.lower()
    return any(suffix in getattr(_plug(name), "one_row", ()) for name in registry.names("reader"))


class Place(NamedTuple):
    """What a reader takes as a whole: a URL, or a folder that it knows."""

    name: str
    """In row ids."""
    location: str
    reader: str


def place_of(text: str, reader: str = "") -> Place | None:
    """Return the place that a text stands for; None for paths of files.

    Args:
        text: what the user gave.
        reader: the reader that is asked for by name.

    Raises `UsageError` for an address of the web without a reader's name before it, and for one that no reader takes.
    """
    for name in registry.names("reader"):
        plug = _plug(name)
        schemes = getattr(plug, "schemes", ())
        if reader == name and schemes and not is_file(text):
            return Place(plug.name_of(text), text, name)
        if scheme := next((start for start in schemes if text.startswith(start)), None):
            location = text.removeprefix(scheme) if scheme == f"{name}:" else text
            return Place(plug.name_of(location), location, name)
        if hasattr(plug, "knows_place") and not is_file(text) and plug.knows_place(text):
            return Place(plug.name_of(text), text, name)
        if hasattr(plug, "knows_folder") and is_folder(text) and plug.knows_folder(Path(text)):
            return Place(plug.name_of(text), text, name)
    if text.startswith(("http://", "https://")):
        raise UsageError(
            "an address is read by the reader that is named before it",
            where=text,
            allowed=f"crawl:{text} for its pages",
            remedy="or fetch the file yourself, and name it",
        )
    if (address := _ADDRESS.match(text)) and not is_file(text):
        known = {start for name in registry.names("reader") for start in getattr(_plug(name), "schemes", ())}
        raise UsageError(
            f"no reader takes an address that begins with {address[0]!r}",
            where=text[:80].partition("@")[0],
            allowed=", ".join(sorted(known)),
            remedy="fetch the file with the tool that knows such addresses, and name it",
        )
    return None


def files_of(text: str, reader: str = "", *, links: bool = False) -> list[Path]:
    """Return the files that a path, a folder or a pattern stands for, sorted; of an archive its members, in its order.

    Args:
        text: what the user gave; a path or a pattern may lead into an archive.
        reader: of a folder or an archive, those that this reader reads; of all readers when not given. Pages and
            letters beside tables are no data of theirs.
        links: follow links that lead out of a folder.

    Raises `DataError` when there is none.
    """
    path = Path(text).expanduser()
    if not is_folder(str(path)):
        given = paths_inside(text) or paths.files_of(text, lambda _: True)
        return [file for one in given for file in (_tables_or_pages(one, reader) if is_archive(one) else [one])]
    return _tables_or_pages(path, reader, links=links)


def _tables_or_pages(place: Path, reader: str, *, links: bool = False) -> list[Path]:
    """Return what can be read of a folder or an archive: its tables, or else its pages."""
    plugs = [_plug(name) for name in ([reader] if reader else registry.names("reader"))]
    pages = {suffix for plug in plugs for suffix in getattr(plug, "one_row", ())}
    tables = {suffix for plug in plugs for suffix in plug.suffixes} - pages
    unpacked = {suffix for plug in plugs if getattr(plug, "unpacks", False) for suffix in plug.suffixes}
    fits = _fitting({*tables, *pages}, unpacked)
    files = [place] if is_archive(place) else paths.folder_files(place, lambda p: is_archive(p) or fits(p), links=links)
    found = [path for file in files for path in (member_paths(file) if is_archive(file) else [file])]
    for known in (tables, pages):
        if chosen := list(filter(_fitting(known, unpacked), found)):
            return chosen
    kind = "archive" if is_archive(place) else "folder"
    allowed = ", ".join(sorted({*tables, *pages}))
    raise DataError(f"the {kind} holds no file that can be read", where=str(place), allowed=allowed)


def _fitting(suffixes: set[str], unpacked: set[str]) -> Callable[[Path], bool]:
    def fits(path: Path) -> bool:
        plain = unpacked_name(path)
        return plain.suffix.lower() in (suffixes if plain == path else suffixes & unpacked)

    return fits


def hint_of(text: str, files: Sequence[Path]) -> str:
    """Return what files that nobody named a reader for may be meant as otherwise, by a reader that says so.

    Nothing of files that a reader knows by how they begin: those are what they are.
    """
    if len(files) > 1 and hasattr(registry.get("reader", reader_of(files[0])), "knows"):
        return ""
    plugs = [plug for plug in map(_plug, registry.names("reader")) if hasattr(plug, "hint")]
    return next((hint for plug in plugs if (hint := plug.hint(text, files))), "")


def splits_of(place: str | Path) -> dict[str, Any]:
    """Return the splits of a folder or of another place, of which a reader says that it has some, each as a source."""
    folder, text = Path(place), str(place)
    if not is_folder(text):
        found = place_of(text) if ":" in text else None
        return splits_of_place({found.reader: found.location}, found.reader) if found else {}
    plugs = [plug for plug in map(_plug, registry.names("reader")) if hasattr(plug, "splits")]
    return next((dict(found) for plug in plugs if (found := plug.splits(folder))), {})


def splits_of_place(described: Mapping[str, Any], reader: str) -> dict[str, Any]:
    """Return the splits of a described place (`{hub: datasets/ann/reviews, name: …}`), each described like it."""
    plug = _plug(reader)
    if not hasattr(plug, "splits_of") or not isinstance(described[reader], str):
        return {}
    given = {name: described[name] for name in described if name == "pattern"}
    return {
        split: {**described, "pattern": files} for split, files in plug(**given).splits_of(described[reader]).items()
    }


def _plug(name: str) -> Any:
    return registry.get("reader", name)

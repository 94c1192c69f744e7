"""Data sets of a hub that speaks as huggingface.co does."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

import polars as pl

from oreline.catalog.fetch import cache_folder
from oreline.data.input.fetching import Fetching, RefusedError, Response
from oreline.data.input.hub_splits import split_files
from oreline.data.sources import frames as frames_of
from oreline.errors import DataError, ResourceError, UsageError

_PLACE = re.compile(r"(?:hf://)?datasets/([\w.-]+/[\w.-]+)(?:@([\w./-]+?))?(?:/(.+))?")
_DEFAULT_HUB = "https://huggingface.co"
_TABLES = (".parquet", ".jsonl", ".csv", ".tsv", ".json", ".arrow", ".txt")
"""Taken in this order: files of the first kind that there is, where no pattern says which."""
_MAX_BYTES = 200 << 30
_MAX_LISTS = 200
_MOVED = (301, 302, 303, 307, 308)


class _File(NamedTuple):
    path: str
    size: int


class Reader:
    """A data set of a hub, where it is named so: `hf://datasets/OWNER/NAME`.

    `@REVISION` and `/PATTERN` may stand behind. Its files are fetched into Oreline's cache and read from there.
    The environment variable `HF_ENDPOINT` names another hub or a mirror, and `HF_TOKEN` holds the token for what is not
    public. No code of the data set runs. Where its files are named by splits (`train`, `validation`, `test`), these are
    given splits, of which `validation` becomes `dev`.

    Args:
        pattern: files that are read, such as `data/train-*.parquet`, or several such; all of its Parquet files when not
            given, or else of the next best kind.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    schemes: ClassVar[tuple[str, ...]] = ("hf://", "hub:")

    def __init__(self, *, pattern: str | Sequence[str] | None = None) -> None:
        self._patterns = [pattern] if isinstance(pattern, str) else list(pattern or ())
        self._hub = os.environ.get("HF_ENDPOINT") or _DEFAULT_HUB
        # A mirror may well lie in the user's own network; the user named it.
        self._fetching = Fetching("oreline", private_addresses=True, whole_s=24 * 3600, max_bytes=_MAX_BYTES)

    @staticmethod
    def name_of(location: str) -> str:
        """Return what row ids call the data set. Raises `UsageError` for a place of another form."""
        return _parts(location)[0]

    def splits_of(self, location: str) -> dict[str, list[str]]:
        """Return the files of each split, of a data set that has some.

        Raises as `frames`, and `UsageError` for several data sets in one.
        """
        found = self._files(location)
        return split_files([entry.path for entry in found], location)

    def frames(self, path: str, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows of all files in frames of at most `rows`, with their names in the column `file`.

        Raises `ResourceError` without a connection, and `DataError` for a data set that has no such files.
        """
        name, revision, _ = _parts(path)
        for entry in self._files(path):
            file = self._local(name, revision, entry, path)
            for frame in frames_of(file, rows=rows):
                yield frame.drop("row_id").with_columns(pl.lit(entry.path).alias("file"))

    def _files(self, path: str) -> list[_File]:
        """Return the files that are meant."""
        name, revision, pattern = _parts(path)
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
            raise ResourceError(
                "a hub is asked for, and HF_HUB_OFFLINE is set",
                where=path,
                remedy="unset HF_HUB_OFFLINE, or save the data set where there is a connection, and name its folder",
            )
        return self._chosen(self._listed(name, revision, path), self._patterns or ([pattern] if pattern else []), path)

    def _listed(self, name: str, revision: str, place: str) -> list[_File]:
        url: str | None = f"{self._hub}/api/datasets/{name}/tree/{quote(revision, safe='')}?recursive=true"
        found: list[_File] = []
        for _ in range(_MAX_LISTS):
            if url is None:
                break
            answer = self._asked(url, place)
            try:
                entries = json.loads(answer.body)
                found += [_File(str(e["path"]), int(e.get("size") or 0)) for e in entries if e.get("type") == "file"]
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise DataError(
                    f"the hub's list of files cannot be read: {error}", where=place, remedy="check HF_ENDPOINT"
                ) from error
            following = re.search(r'<([^<>]+)>;\s*rel="next"', answer.headers.get("link", ""))
            url = urljoin(url, following[1]) if following else None
        return found

    def _chosen(self, files: list[_File], patterns: list[str], place: str) -> list[_File]:
        safe = [file for file in files if _is_safe(file.path)]
        exact = {pattern.rstrip("/") for pattern in patterns}
        fitting = [f for f in safe if f.path in exact or any(fnmatch.fnmatch(f.path, pattern) for pattern in patterns)]
        if patterns:
            found = fitting
        else:
            kinds = {suffix: [file for file in safe if file.path.endswith(suffix)] for suffix in _TABLES}
            found = next((of_kind for of_kind in kinds.values() if of_kind), [])
        if not found:
            raise DataError(
                "the data set has no such files" if patterns else "the data set has no files that can be read",
                where=place,
                allowed=", ".join(file.path for file in safe[:20]),
                remedy="name them: hf://datasets/OWNER/NAME/PATTERN",
            )
        return sorted(found)

    def _local(self, name: str, revision: str, entry: _File, place: str) -> Path:
        file = cache_folder() / "hub" / name / revision.replace("/", "--") / entry.path
        if file.is_file() and file.stat().st_size == entry.size:
            return file
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{os.getpid()}-{file.name}")
        url = f"{self._hub}/datasets/{name}/resolve/{quote(revision, safe='')}/{quote(entry.path)}"
        try:
            self._asked(url, place, part)
            if entry.size and part.stat().st_size != entry.size:
                raise ResourceError("the file came incomplete", where=f"{place}, {entry.path}", remedy="run it again")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        return file

    def _asked(self, url: str, place: str, into: Path | None = None) -> Response:
        home = urlsplit(self._hub).netloc
        try:
            for _ in range(6):
                token = os.environ.get("HF_TOKEN") if urlsplit(url).netloc == home else None  # for no other host
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                answer = self._saved(url, headers, into)
                if answer.status not in _MOVED:
                    break
                url = urljoin(url, answer.headers.get("location", ""))
        except RefusedError as error:
            raise ResourceError(
                f"the hub cannot be reached: {error}",
                where=place,
                remedy="check the connection, or name a mirror: export HF_ENDPOINT=https://…; `oreline list catalog` "
                "shows data that need none",
            ) from error
        if answer.status != 200:
            what = {401: "needs a token in HF_TOKEN", 403: "needs rights that HF_TOKEN lacks", 404: "is not there"}
            raise DataError(
                f"the data set {what.get(answer.status, f'was refused with status {answer.status}')}",
                where=place,
                remedy="check owner, name and revision",
            )
        return answer

    def _saved(self, url: str, headers: Mapping[str, str], into: Path | None) -> Response:
        if into is None:
            return self._fetching.get(url, headers)
        with into.open("wb") as stream:
            return self._fetching.get(url, {**headers, "Accept-Encoding": "identity"}, stream)


def _parts(place: str) -> tuple[str, str, str | None]:
    """Return the id, the revision and the pattern of a place."""
    found: Any = _PLACE.fullmatch(place)
    if not found or not _is_safe(found[1]) or not _is_safe(found[2] or "main"):
        raise UsageError(
            "this names no data set of a hub",
            where=place[:200],
            allowed="hf://datasets/OWNER/NAME, hf://datasets/OWNER/NAME@REVISION/data/train-*.parquet",
        )
    return found[1], found[2] or "main", found[3]


def _is_safe(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\\" not in path and "\0" not in path

"""What members of archives are called, and which are refused: links, devices, names that lead out, inner archives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from oreline.data.input.paths import is_file
from oreline.errors import DataError

SUFFIXES = (
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst",
)  # fmt: skip
MAX_MEMBERS = 1_000_000

_DRIVE = re.compile(r"[A-Za-z]:")
_CHINESE = re.compile(r"[\x00-\x7f\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef“”‘’…—·]+")


_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]{2}")
_FREQUENT = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])+")
"""The characters of GB 2312."""


class Member(NamedTuple):
    """One file in an archive."""

    name: str
    """Its path in the archive, of parts that are plain."""
    size: int
    """Bytes, unpacked."""
    place: Any
    """Where the archive's own format has it."""


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of an archive.

    >>> [is_archive(Path(name)) for name in ("a.zip", "b.tar.gz", "c.csv.gz", "d.TGZ")]
    [True, True, False, True]
    """
    return path.name.lower().endswith(SUFFIXES)


def archive_of(path: Path) -> tuple[Path, str] | None:
    """Return the archive that a path leads into, and the member's name; None for any other path."""
    for parent in path.parents:
        if is_archive(parent) and is_file(str(parent)):
            return parent, path.relative_to(parent).as_posix()
    return None


def plain_name(name: str, archive: Path) -> str:
    """Return a member's name in plain parts. Raises `DataError` for one that leads out of the archive.

    >>> plain_name("./2024\\\\shop.csv", Path("a.zip"))
    '2024/shop.csv'
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or _DRIVE.match(name) or ".." in parts or "\0" in name:
        raise DataError(
            f"the member {name[:200]!r} leads out of the archive",
            where=str(archive),
            remedy="do not trust this archive; if you know where it comes from, unpack it and name the folder",
        )
    return "/".join(part for part in parts if part not in ("", "."))


def decoded_name(raw: bytes) -> str:
    """Return a name whose encoding is not told: UTF-8, or GB18030 as Chinese Windows writes it, or code page 437.

    >>> decoded_name("评论.csv".encode("gbk")), decoded_name("评论.csv".encode()), decoded_name(b"caf\\x82.csv")
    ('评论.csv', '评论.csv', 'café.csv')
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    # Western letters swallow the one behind them: a rare character alone between Latin letters.
    is_chinese = _CHINESE.fullmatch(text) and (_RUN.search(text) or _FREQUENT.fullmatch(raw))
    return text if is_chinese else raw.decode("cp437")


def is_hidden(name: str) -> bool:
    """Whether a member is one that a folder's reading would leave out, or what macOS adds."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def refuse_no_file(name: str, what: str, archive: Path) -> None:
    """Raise `DataError` for a member that is a link or a device."""
    raise DataError(
        f"the member {name[:200]!r} is {what}, not a file",
        where=str(archive),
        allowed="files and folders",
        remedy="unpack the archive where you trust it, name the folder, and pack it again without such members",
    )


def refuse_unfit(members: list[Member], archive: Path) -> None:
    """Raise `DataError` for two members of one name, for too many, and for an archive inside of the archive."""
    if len(members) > MAX_MEMBERS:
        raise DataError(
            f"the archive holds more than {MAX_MEMBERS:,} files", where=str(archive), remedy="join the files"
        )
    seen: set[str] = set()
    for member in members:
        if is_archive(Path(member.name)):
            raise DataError(
                f"the archive holds another archive, {member.name!r}",
                where=str(archive),
                allowed="archives of files",
                remedy="unpack the outer one, and name the folder: the archives in it are then read",
            )
        if member.name in seen:
            raise DataError(
                f"the archive holds two files called {member.name!r}",
                where=str(archive),
                remedy="unpack it, and name the folder",
            )
        seen.add(member.name)

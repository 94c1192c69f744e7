"""What members of archives may be called, and what they may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.data.input.members import (
    Member,
    archive_of,
    decoded_name,
    is_hidden,
    plain_name,
    refuse_no_file,
    refuse_unfit,
)
from oreline.errors import DataError

ARCHIVE = Path("a.zip")


@pytest.mark.parametrize(
    "name", ["../a.csv", "a/../../b.csv", "/etc/passwd", "\\a", "C:\\a.csv", "a\\..\\b", "a\0.csv"]
)
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="leads out of the archive") as caught:
        plain_name(name, ARCHIVE)
    assert caught.value.where == "a.zip"
    assert caught.value.remedy


def test_names_of_chinese_windows_of_linux_and_of_old_dos() -> None:
    for encoding in ("gbk", "utf-8", "gb18030"):
        assert decoded_name("数据/评论（二）.csv".encode(encoding)) == "数据/评论（二）.csv"
    assert decoded_name("A股.csv".encode("gbk")) == "A股.csv"
    assert decoded_name("朱镕.csv".encode("gbk")) == "朱镕.csv"
    for name in ("Überblick.csv", "Änderung für alle.csv", "señor_ñ.csv"):
        assert decoded_name(name.encode("cp437")) == name


def test_hidden_names() -> None:
    assert [is_hidden(name) for name in ("__MACOSX/._a.csv", ".git/a.csv", "a/.b", "a.csv", "a/b.csv")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_a_path_into_an_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    (tmp_path / "b.zip").mkdir()
    assert archive_of(tmp_path / "a.zip" / "x" / "y.csv") == (tmp_path / "a.zip", "x/y.csv")
    assert archive_of(tmp_path / "a.zip") is None
    assert archive_of(tmp_path / "b.zip" / "y.csv") is None, "a folder that is called so"


def test_archives_in_archives_and_names_twice_are_refused() -> None:
    refuse_unfit([Member("a.csv", 1, 0), Member("b.xlsx", 1, 0)], ARCHIVE)
    with pytest.raises(DataError, match=r"holds another archive, 'x/b\.tar\.gz'") as caught:
        refuse_unfit([Member("x/b.tar.gz", 1, 0)], ARCHIVE)
    assert "unpack the outer one" in caught.value.remedy
    with pytest.raises(DataError, match=r"two files called 'a\.csv'"):
        refuse_unfit([Member("a.csv", 1, 0), Member("a.csv", 1, 9)], ARCHIVE)
    with pytest.raises(DataError, match="'a' is a link, not a file"):
        refuse_no_file("a", "a link", ARCHIVE)

"""What a full disk leaves of temporary files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from oreline.data.external.spool import Spool
from oreline.data.external.table import Table
from oreline.errors import ResourceError

FULL = """
import tempfile
import numpy as np
from oreline.data.external.spool import Spool
from oreline.errors import ResourceError

tempfile.TemporaryFile = lambda: open("/dev/full", "w+b")
spool = Spool(np.uint8, max_bytes=0)
spool.append(np.zeros(5))
try:
    spool.part(0, 5)
except ResourceError as error:
    print(error.remedy)
del spool
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_full_disk_is_said_once_and_where_there_may_be_room() -> None:
    """`--out` has nothing to do with it; and when the file was closed, Python told of a second failure."""
    done = subprocess.run([sys.executable, "-c", FULL], check=True, capture_output=True, text=True)
    assert "TMPDIR" in done.stdout
    assert "--out" not in done.stdout
    assert done.stderr == ""


def test_a_page_that_is_written_in_part_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems take the blocks that there is still room for, and refuse only the next write."""
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, offset: write(file, bytes(content)[:1000], offset))
    table = Table(2000, np.uint32, max_bytes=0)
    table.put(np.arange(2000), np.arange(2000))
    assert np.array_equal(table.take(np.arange(2000)), np.arange(2000))


def test_where_no_file_can_be_made_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    with pytest.raises(ResourceError, match="no permission"):
        Table(2000, np.uint32, max_bytes=0)
    with pytest.raises(ResourceError, match="no permission"):
        Spool(np.uint32, max_bytes=0).append(np.zeros(1))

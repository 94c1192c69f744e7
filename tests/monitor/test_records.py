"""One logged prediction: a value that is made where no database library is installed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from oreline.monitor.records import LogRecord


def test_a_record_without_embedding_is_a_record() -> None:
    record = LogRecord("a" * 32, 1.5, "id", "version", {"text": "a film"}, "fresh", np.ones(2, np.float32))
    assert record.embedding_D is None
    assert not record.truncated
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.label = "rotten"  # type: ignore[misc]


def test_making_one_imports_no_database() -> None:
    code = "import sys, oreline.monitor.records; print('sqlalchemy' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]

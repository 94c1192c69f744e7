from __future__ import annotations

import os
from pathlib import Path

from oreline.api.machine import FLAGS, machine


def test_the_machine_has_what_every_machine_has(tmp_path: Path) -> None:
    found = machine(tmp_path / "not there yet")
    assert 1 <= found.num_cores <= (os.cpu_count() or 1)
    assert 0 < found.free_memory_bytes <= found.memory_bytes
    assert found.free_disk_bytes > 0
    assert set(found.flags) <= set(FLAGS)
    assert found.processor

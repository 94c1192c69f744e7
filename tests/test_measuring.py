"""What benchmarks measure commands with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
BURN = "import time\nwhile time.process_time() < 0.4: pass"
ORPHAN = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {BURN!r}])"
# In a process of its own: who measures adopts orphans ever after.
MEASURE = f"""
import json, sys
from processes import taken
found = taken([sys.executable, "-c", {ORPHAN!r}])
print(json.dumps([found.code, found.cpu_s]))
"""


@pytest.mark.skipif(sys.platform != "linux" or not BENCHMARKS.is_dir(), reason="benchmarks/ and its reading of /proc")
def test_processor_time_of_a_process_that_outlives_its_parent_is_counted() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], cwd=BENCHMARKS, check=True, capture_output=True, text=True)
    code, cpu_s = json.loads(done.stdout)
    assert code == 0
    assert cpu_s >= 0.4  # the orphan's alone, by its own count

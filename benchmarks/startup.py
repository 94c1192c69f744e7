"""How long until the command line answers and until a server is ready.

* `help`: `oreline --help`, from start to end.
* `serve MODEL`: `oreline serve`, from start until GET /health/ready says 200, which takes the golden rows through the
  model. The file cache is warm: the first start after a boot is slower.

The last column is a Python process that imports NumPy and ends: what no program here can beat.

    python benchmarks/startup.py --model runs/quickstart/int8 --model runs/quickstart/model --repeats 5
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

GOALS_S = {"help": 0.25, "onnx": 2.0, "linear": 2.0, "torch": 6.0}
_ADDRESS = re.compile(r"on http://([\d.]+):(\d+)")
_POLL_S = 0.005
_TIMEOUT_S = 60.0


def main() -> None:
    """Start everything several times, in turn, and print one table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, action="append", default=[], help="an artifact; repeatable")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    seconds: dict[str, list[float]] = {"python + numpy": [], "help": [], **{str(model): [] for model in given.model}}
    for _ in range(given.repeats + 1):  # in turn, so that a busy moment hits all alike; the first round warms caches
        seconds["python + numpy"].append(run_seconds([sys.executable, "-c", "import numpy"]))
        seconds["help"].append(run_seconds([sys.executable, "-m", "oreline", "--help"]))
        for model in given.model:
            seconds[str(model)].append(ready_seconds(model))
    measured = [describe(name, values[1:]) for name, values in seconds.items()]
    print_table(measured)
    print(json.dumps({"benchmark": "startup", "machine": machine(), "measured": measured}))


def run_seconds(command: list[str]) -> float:
    """Return the seconds that a command takes."""
    begun_s = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun_s


def ready_seconds(model: Path) -> float:
    """Start a server and return the seconds until it is ready."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.sqlite"
        command = [sys.executable, "-m", "oreline", "serve", str(model), "--port", "0", "--log", str(log)]
        begun_s = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            address = read_address(process)
            while not is_ready(address):
                if time.perf_counter() - begun_s > _TIMEOUT_S:
                    raise TimeoutError(f"not ready after {_TIMEOUT_S} s")
                time.sleep(_POLL_S)
            return time.perf_counter() - begun_s
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=_TIMEOUT_S)


def read_address(process: subprocess.Popen[str]) -> tuple[str, int]:
    """Read the address from the server's greeting."""
    said = []
    for line in process.stderr or ():
        said.append(line)
        if found := _ADDRESS.search(line):
            return found[1], int(found[2])
    raise RuntimeError("the server did not start:\n" + "".join(said))


def is_ready(address: tuple[str, int]) -> bool:
    """Ask once whether the server is ready."""
    connection = http.client.HTTPConnection(*address, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def describe(name: str, values: list[float]) -> dict[str, Any]:
    """Return one row of the table, with the goal where there is one."""
    manifest = Path(name) / "oreline.json"
    kind = json.loads(manifest.read_text(encoding="utf-8"))["runtime"] if manifest.is_file() else name
    row = {"what": name, "kind": kind, "median_s": median(values), "low_s": min(values), "high_s": max(values)}
    return {**row, "goal_s": GOALS_S.get(kind)}


def machine() -> dict[str, Any]:
    """Describe this machine."""
    return {"cores": len(os.sched_getaffinity(0)), "processor": platform.machine(), "python": platform.python_version()}


def print_table(measured: list[dict[str, Any]]) -> None:
    """Print the rows, with each one's ratio to the limit."""
    limit_s = measured[0]["median_s"]
    print(f"{'what':<40} {'median s':>9} {'spread s':>15} {'goal s':>7} {'× limit':>8}")
    for row in measured:
        goal = "" if row["goal_s"] is None else f"{row['goal_s']:.2f}"
        spread = f"{row['low_s']:.2f}–{row['high_s']:.2f}"
        ratio = row["median_s"] / limit_s
        print(f"{row['what'][-40:]:<40} {row['median_s']:>9.2f} {spread:>15} {goal:>7} {ratio:>8.1f}")


if __name__ == "__main__":
    main()

"""Kill an update with SIGKILL at chosen steps on the disk, then let the same call finish it.

A program, not a test: `python kill_driver.py MODEL FRESH GOLDEN FOLDER STEP…`. For each step a copy of the same update
runs in a process of its own, dies before that step, is read, and is called again. One JSON object on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from oreline import store
from oreline.data.dataset import Dataset
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.update.update import update

STEPS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.copyfile")


def run(model: Path, fresh: Path, golden: Path, home: Path) -> tuple[str, str]:
    """Update once; returns the hash of the new weights and the decision."""
    artifact, report = update(
        Artifact.open(model),
        Dataset.open(fresh),
        gate_data=Dataset.open(golden),
        gate_split="all",
        home=home,
        max_drop=0.02,
        options=TrainOptions(),
    )
    return artifact.manifest.files["linear.safetensors"]["sha256"], str(report.facts["decision"])


def dying(home: Path, step: int, paths: tuple[Path, Path, Path]) -> None:
    """Run the update, and die before the given step below the home."""
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in STEPS and str(arguments[0]).startswith(str(home)) and (event != "open" or "w" in str(arguments[1])):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    run(*paths, home)


def read(home: Path, model: Path) -> str:
    """Return who is champion; raises what a reader must never meet."""
    if not store.is_home(home):
        return "no home"
    champion = Artifact.open(home)
    previous = store.aliases(home).get("previous")
    if previous is None:
        return "old" if champion.version == Artifact.open(model).version else "unknown"
    Artifact.open(f"{home}@previous")
    return "new" if previous == Artifact.open(model).version else "unknown"


def in_child(work: object, *arguments: object) -> tuple[int, str]:
    """Run a function in a forked process; returns its wait status and what it returned, as text."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            result = work(*arguments)  # type: ignore[operator]
            os.write(send, json.dumps(result).encode())
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            os._exit(status)
    os.close(send)
    with os.fdopen(receive) as stream:
        text = stream.read()
    return os.waitpid(child, 0)[1], text


def main(model: Path, fresh: Path, golden: Path, folder: Path, steps: list[int]) -> None:
    """Kill at every given step and collect what was seen."""
    outcomes = []
    for step in steps:
        home = folder / f"home{step}"
        died, _ = in_child(dying, home, step, (model, fresh, golden))
        _, seen = in_child(read, home, model)
        _, again = in_child(run, model, fresh, golden, home)
        _, after = in_child(read, home, model)
        left = sorted(path.name for path in home.iterdir()) if home.exists() else []
        work = sorted(path.name for path in (home / "work").iterdir())
        outcomes.append(
            {
                "step": step,
                "killed": os.WIFSIGNALED(died),
                "seen": json.loads(seen),
                "again": json.loads(again or "null"),
                "after": json.loads(after),
                "left": left,
                "work": work,
            }
        )
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]), [int(step) for step in sys.argv[5:]])

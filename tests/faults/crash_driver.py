"""Kill a writer with SIGKILL at every file-system step it takes, and at random moments, then read what it left.

A program, not a test: `python crash_driver.py SCENARIO FOLDER ROUNDS SEED`. It imports nothing but what the
scenario needs, so that forking is safe. One JSON object on stdout: how many writers were killed, how many
finished, and one sentence for each state that a reader must never see.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from oreline import store
from oreline.errors import OrelineError
from oreline.update import promote

STEPS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.link", "shutil.copyfile")
"""Audit events that stand for a step on the disk; the writer dies just before one of them."""


# --- what is written -----------------------------------------------------------------------------------------


def write_artifact(out: Path, generation: int, *, force: bool = False) -> store.Artifact:
    """Write a small artifact whose every file carries the generation."""
    with store.writing(out, force=force) as folder:
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).write_bytes(f"{name} of generation {generation}\n".encode() * 50)
        manifest = store.Manifest(runtime="linear", task="none", extra={"generation": generation})
        store.seal(folder, manifest)
    return store.Artifact.open(out)


def generation_of(path: str | Path) -> int:
    """Open an artifact, every byte verified, and return its generation."""
    return int(store.Artifact.open(path).manifest.extra["generation"])


class Scenario:
    """A folder in its state before, an operation, and the states that a reader may find after."""

    stride = 1
    """Steps from one killing to the next."""

    @classmethod
    def preload(cls) -> None:
        """Import what the operation needs, once for all processes; nothing that starts a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Bring the folder into the state before."""

    def operate(self) -> None:
        """Do what gets killed."""
        raise NotImplementedError

    def faults(self) -> list[str]:
        """Read what is there and return one sentence for each thing that must not be."""
        raise NotImplementedError

    def again(self) -> None:
        """Do the same once more, as the user would after the crash; by default the operation itself."""
        self.operate()


class NewArtifact(Scenario):
    """A new folder is there and whole, or not there at all."""

    def operate(self) -> None:
        write_artifact(self.folder / "model", 1)

    def faults(self) -> list[str]:
        if not (self.folder / "model").exists():
            return []
        return [] if generation_of(self.folder / "model") == 1 else ["another generation"]

    def again(self) -> None:
        write_artifact(self.folder / "model", 1, force=True)


class ReplacedArtifact(Scenario):
    """With --force, the old folder or the new one is there, whole."""

    def prepare(self) -> None:
        write_artifact(self.folder / "model", 1)

    def operate(self) -> None:
        write_artifact(self.folder / "model", 2, force=True)

    def faults(self) -> list[str]:
        found = generation_of(self.folder / "model")
        return [] if found in {1, 2} else [f"generation {found}"]


class FlippedAliases(Scenario):
    """Champion and previous change together, and both open."""

    def prepare(self) -> None:
        self.home = self.folder / "home"
        for generation in (1, 2, 3):
            write_artifact(self.folder / f"made{generation}", generation)
        first = store.add_version(self.home, store.Artifact.open(self.folder / "made1"))
        second = store.add_version(self.home, store.Artifact.open(self.folder / "made2"))
        store.set_aliases(self.home, {"champion": second.version, "previous": first.version})

    def operate(self) -> None:
        third = store.add_version(self.home, store.Artifact.open(self.folder / "made3"))
        champion = store.aliases(self.home)["champion"]
        if champion != third.version:
            store.set_aliases(self.home, {"champion": third.version, "previous": champion})

    def faults(self) -> list[str]:
        pair = (generation_of(self.home), generation_of(f"{self.home}@previous"))
        return [] if pair in {(2, 1), (3, 2)} else [f"champion and previous are generations {pair}"]


class PromotedChallenger(FlippedAliases):
    """Promote, then roll back: readers see a champion that opens, and never the same one under both names."""

    def prepare(self) -> None:
        super().prepare()
        third = store.add_version(self.home, store.Artifact.open(self.folder / "made3"))
        store.set_aliases(self.home, {"challenger": third.version})

    def operate(self) -> None:
        promote.promote(self.home, force=True)

    def again(self) -> None:
        self.operate()
        promote.rollback(self.home)
        promote.promote(self.home, force=True)


class WrittenDataset(Scenario):
    """A dataset that refine writes is there and whole, or not there at all."""

    stride = 17  # a number that shares no rhythm with the files of a split: each kind of step is met

    @classmethod
    def preload(cls) -> None:
        import scipy.special  # noqa: F401

        import oreline.data.refine  # noqa: F401
        from oreline import registry

        for name in registry.names("reader"):
            registry.get("reader", name)

    def prepare(self) -> None:
        rows = "".join(f"text number {number},{'fresh' if number % 2 else 'rotten'}\n" for number in range(300))
        (self.folder / "raw.csv").write_text("text,label\n" + rows, encoding="utf-8")

    def operate(self) -> None:
        from oreline.data.refine import refine

        if not (self.folder / "data").exists():
            refine(
                self.folder / "raw.csv",
                roles={"text": "text", "label": "label"},
                operators=[],
                split={"train": 0.8, "dev": 0.1, "test": 0.1},
                out=self.folder / "data",
            )

    def faults(self) -> list[str]:
        if not (self.folder / "data").exists():
            return []
        from oreline.data.dataset import Dataset

        data = Dataset.open(self.folder / "data")
        rows = sum(data.num_rows(split) for split in data.splits)
        return [*data.verify(), *([] if rows == 300 else [f"{rows} rows instead of 300"])]


SCENARIOS: dict[str, type[Scenario]] = {
    "new": NewArtifact,
    "replaced": ReplacedArtifact,
    "aliases": FlippedAliases,
    "promoted": PromotedChallenger,
    "dataset": WrittenDataset,
}


# --- killing -------------------------------------------------------------------------------------------------


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a forked process and return its wait status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def dying_at(step: int, folder: Path, work: Callable[[], None]) -> Callable[[], None]:
    """Wrap `work` so that the process kills itself before its `step`-th step below `folder`."""
    seen = 0
    inside = str(folder)

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in STEPS and arguments and str(arguments[0]).startswith(inside):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        sys.addaudithook(count)
        work()

    return run


def killed_after(seconds: float, work: Callable[[], None]) -> int:
    """Run `work` in a forked process, kill it after some time and return its wait status."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            work()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def attempts(scenario: type[Scenario], root: Path, rounds: int, seed: int) -> Iterator[tuple[Scenario, str, int]]:
    """Yield a scenario after each killing, with the place where it died and its wait status."""
    scenario.preload()
    step = 1 - scenario.stride
    while True:  # until the writer gets through
        step += scenario.stride
        folder = root / f"step{step}"
        folder.mkdir(parents=True)
        once = scenario(folder)
        once.prepare()
        status = in_child(dying_at(step, folder, once.operate))
        yield once, f"before step {step}", status
        if os.WIFEXITED(status):
            break
    source = random.Random(seed)
    folder = root / "timed"
    folder.mkdir()
    once = scenario(folder)
    once.prepare()
    begin = time.perf_counter()
    in_child(once.operate)
    longest = 1.2 * (time.perf_counter() - begin)
    for number in range(rounds):
        folder = root / f"moment{number}"
        folder.mkdir()
        once = scenario(folder)
        once.prepare()
        moment = source.uniform(0, longest)
        yield once, f"after {1000 * moment:.2f} ms", killed_after(moment, once.operate)


def found_faults(once: Scenario, place: str, log: Path) -> int:
    """Append what a reader must not see to `log`, from a process of its own; returns its wait status."""

    def read() -> None:
        try:
            found = once.faults()
        except OrelineError as error:
            found = [f"{type(error).__name__}: {error}"]
        with log.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{place}: {' '.join(fault.split())}\n" for fault in found)

    return in_child(read)


def run(name: str, root: Path, rounds: int, seed: int) -> dict[str, object]:
    """Kill a scenario everywhere and collect what a reader must not see."""
    killed = finished = 0
    log = root / "faults.log"
    log.touch()
    faults: list[str] = []
    for once, place, status in attempts(SCENARIOS[name], root, rounds, seed):
        killed += os.WIFSIGNALED(status)
        finished += status == 0
        steps = {
            "the operation": 0 if os.WIFSIGNALED(status) else status,
            "reading": found_faults(once, place, log),
            "repeating": in_child(once.again),
            "reading again": found_faults(once, f"{place}, repeated", log),
        }
        faults += [f"{place}: {step} failed by itself" for step, ended in steps.items() if ended]
        shutil.rmtree(once.folder)
    return {"killed": killed, "finished": finished, "faults": [*log.read_text().splitlines(), *faults]}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))

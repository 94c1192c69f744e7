"""Kill a refine with SIGKILL in one stage after the other, go on with the same command, and say what was done again.

A program, not a test: `python refine_driver.py FOLDER SEED WORKERS ROUNDS STAGE…`. A run is a forked process; the parent
sends the signal at a random moment of a stage, drawn within what the stage took in a run that nothing disturbed. In each
round the stages named are killed in turn, always in the run that goes on from the one before; then the run is let
through. One JSON object on stdout: how often each stage was killed, what was begun again though it had been finished,
where the result differs, what lies about in the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import random
import select
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from oreline import atomic, registry
from oreline.data import refine as verb
from oreline.data.augment.chinese_sounds import words_of_sound
from oreline.data.duplicates import near_rows
from oreline.data.pii.surnames import is_name
from oreline.data.refine import Running, refine
from oreline.data.running import chain, division
from oreline.data.texts.segmenter import segmenter
from oreline.engines.local import Local

CHAIN: list[tuple[str, dict[str, Any]]] = [
    ("normalize_text", {}), ("keep_length", {"min": 10}), ("keep_gopher_repetition", {}), ("dedup_exact", {}),
    ("resolve_label_conflicts", {}), ("dedup_near", {}), ("keep_perplexity", {}), ("mask_pii", {}),
]  # fmt: skip
"""Each kind of operator: `edit`, `keep`, `whole`, one that learns; with the stage `lift`, one that adds rows."""
ADDING: tuple[str, dict[str, Any]] = ("augment_characters", {"times": 1, "share": 0.1})
SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
ROWS = 400
CHUNK = 1 << 16
_WORKERS_END_S = 120

Say = Callable[[str, str], None]


# --- the process that is killed -----------------------------------------------------------------------------------


def watched(owner: Any, name: str, stage: Callable[..., str], say: Say, words: str = "begun ended") -> None:
    """Let a function say when it begins and when it has ended, or one of both."""
    work = getattr(owner, name)

    def saying(*given: Any, **named: Any) -> Any:
        called = stage(*given)
        if "begun" in words:
            say("begun", called)
        found = work(*given, **named)
        if "ended" in words:
            say("ended", called)
        return found

    setattr(owner, name, saying)


def watch(say: Say) -> None:
    """Let every stage of a refine say when it begins and ends; those within another one come as `outer/inner`."""
    watched(chain, "_make", lambda rows, steps, *_: "+".join(step.name for step in steps) or "read", say)
    watched(chain, "_judged_together", lambda stage, step, *_: step.name, say, "begun")
    watched(chain, "_drop_whole", lambda stage, step, *_: step.name, say, "ended")
    watched(chain, "_sign", lambda stage, step, *_: f"{step.name}/signatures", say, "begun")
    watched(chain, "_signatures", lambda stage, step, *_: f"{step.name}/signatures", say, "ended")
    watched(near_rows._Search, "connect", lambda *_: "dedup_near/candidates", say)
    watched(near_rows, "similarities", lambda *_: "dedup_near/verification", say)
    watched(verb, "write_splits", lambda *_: "split", say)
    watched(division.Placing, "places", lambda *_: "split/places", say)
    watched(verb, "find_leaks", lambda *_: "leaks", say)
    watched(verb, "lift", lambda *_: "lift", say)
    watched(verb, "account", lambda *_: "report/account", say)
    watched(verb, "write_card", lambda *_: "report/card", say)
    watched(atomic, "fsync_tree", lambda *_: "writing/sync", say)
    watched(atomic, "replace", lambda *_: "writing/rename", say)


def run(folder: Path, out: Path, workers: int, pipe: int, names: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Refine, and say on a pipe where the run is: one line for each stage that begins or ends."""

    def say(what: str, stage: str) -> None:
        os.write(pipe, f"{what} {stage}\n".encode())

    watch(say)
    operators = [(name, registry.create("operator", name, **options)) for name, options in names]
    with Local(workers=workers) as engine:
        running = Running(engine=engine, memory_bytes=1 << 30)
        refine(folder / "raw.jsonl", operators=operators, split=SHARES, out=out, running=running)


# --- the one that kills -------------------------------------------------------------------------------------------


def living(group: int) -> bool:
    """Whether a process of a group is alive; those that nobody has asked about since they ended are not."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, own = file.read_text().rpartition(")")[2].split()[:3]
            if int(own) == group and state != "Z":
                return True
    return False


class Watched:
    """A run in a process of its own, and the lines that it has said so far with their times."""

    operators = CHAIN

    def __init__(self, folder: Path, out: Path, workers: int) -> None:
        self._pipe, end = os.pipe()
        self.said: list[tuple[float, str, str]] = []
        self._rest = b""
        self.process = os.fork()
        if self.process == 0:
            status = 1
            try:
                os.setpgid(0, 0)  # with its workers
                os.close(self._pipe)
                run(folder, out, workers, end, self.operators)
                status = 0
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
            finally:
                os._exit(status)
        os.close(end)

    def listen(self, *until: str, seconds: float = 120) -> bool:
        """Take in lines until one of some stages begins, or time is over, or the process; whether one has begun."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if not select.select([self._pipe], [], [], left)[0]:
                break
            if not (read := os.read(self._pipe, CHUNK)):
                break
            lines = (self._rest + read).split(b"\n")
            self._rest = lines.pop()
            now = time.perf_counter()
            self.said += [(now, *line.decode().split(" ", 1)) for line in lines]  # type: ignore[misc]
            if until and any(what == "begun" and stage in until for _, what, stage in self.said):
                return True
        return False

    def end(self) -> int:
        """Return the wait status, once the process is over."""
        status = os.waitpid(self.process, 0)[1]
        self.listen(seconds=5)  # what it had said before
        os.close(self._pipe)
        deadline = time.perf_counter() + _WORKERS_END_S
        while living(self.process):
            if time.perf_counter() > deadline:
                raise RuntimeError("a worker outlives its run")
            time.sleep(0.02)
        return status

    def stages(self, what: str) -> list[str]:
        """Return the stages that have begun, or ended."""
        return [stage for _, said, stage in self.said if said == what]

    def longest(self, stage: str) -> float:
        """Return how many seconds passed in a stage from its first begin to its last end."""
        times = [moment for moment, _, name in self.said if name == stage]
        return times[-1] - times[0]


def killed(folder: Path, out: Path, workers: int, stages: Sequence[str], delay_s: float) -> tuple[bool, Watched]:
    """Run until a stage has begun, or a later one, wait, kill; whether the signal came in time, and what was said."""
    one = Watched(folder, out, workers)
    if one.listen(*stages):
        one.listen(seconds=delay_s)
        os.kill(one.process, signal.SIGKILL)
    return os.WIFSIGNALED(one.end()), one


def digests(out: Path) -> dict[str, str]:
    """Return the hash of every file that is the same for the same data: all but times."""
    names = [*(path for path in out.rglob("*.parquet")), out / "dataset.json"]
    return {str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(names)}


def facts(out: Path) -> Any:
    """Return the counts of the report."""
    return json.loads((out / "report.json").read_text(encoding="utf-8"))["facts"]


def write_rows(folder: Path, rows: int, seed: int) -> None:
    """Write dirty rows: repeated, nearly repeated, with markup, private data, conflicting labels and short ones."""
    source = random.Random(seed)
    words = [f"{a}{b}" for a in ("ban", "cor", "del", "fan", "gil", "hop", "jut", "kal") for b in "aeiou"]
    texts: list[str] = []
    with (folder / "raw.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(rows):
            if texts and number % 7 == 0:
                text = source.choice(texts) + ("" if number % 2 else " again")
            elif number % 11 == 0:
                text = f"联系人：王建国，电话138{source.randrange(10**8):08d}，第{number}位顾客对这次购物的评价是{'好' * (number % 3 + 1)}"
            else:
                text = " ".join(source.choices(words, k=source.randrange(2, 60)))
            texts.append(text)
            label = "fresh" if number % 3 else "rotten"
            stream.write(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n")


def heat(adds: bool) -> None:
    """Read dictionaries and import what takes long, once for all runs: they are forks of this process.

    Polars is imported but not used here: its threads would be missing in a fork.
    """
    is_name("王建国")
    segmenter()
    if adds:
        words_of_sound()
        importlib.import_module("sklearn.linear_model")


def compare(folder: Path, seed: int, workers: int, rounds: int, stages: list[str]) -> dict[str, Any]:
    """Kill and go on; return what was seen."""
    source = random.Random(seed)
    write_rows(folder, ROWS, seed)
    heat("lift" in stages)
    if "lift" in stages:
        Watched.operators = [*CHAIN, ADDING]
    fresh = Watched(folder, folder / "fresh", workers)
    fresh.listen()
    found: dict[str, Any] = {"killed": Counter(), "again": [], "differs": [], "left": [], "failed": []}
    if fresh.end() != 0:
        return {**found, "failed": ["the run that nothing disturbed"]}
    found["stages"] = list(dict.fromkeys(fresh.stages("ended")))
    wanted = digests(folder / "fresh"), facts(folder / "fresh")
    for number in range(rounds):
        out = folder / f"round{number}" / "out"
        out.parent.mkdir()
        finished: set[str] = set()
        for place, stage in enumerate([*stages, ""]):
            if stage:
                later, delay_s = stages[place:], source.uniform(0, fresh.longest(stage))
                was_killed, one = killed(folder, out, workers, later, delay_s)
                found["killed"][stage] += was_killed
            else:
                one = Watched(folder, out, workers)
                one.listen()
                if one.end() != 0:
                    found["failed"].append(f"round {number}, the last run")
            found["again"] += [
                f"{name}, killed in {stage or 'none'}" for name in one.stages("begun") if name in finished
            ]
            finished |= {name for name in one.stages("ended") if name in KEPT}
            if out.exists():
                break
        if (digests(out), facts(out)) != wanted:
            found["differs"].append(f"round {number}")
        Watched(folder, out, workers).end()  # refused, for the dataset is there: it puts in order what a late kill left
        found["left"] += [path.name for path in out.parent.iterdir() if path.name != "out"]
        shutil.rmtree(out.parent)
    return found


KEPT = {
    "normalize_text+keep_length+keep_gopher_repetition", "dedup_exact/signatures", "dedup_exact", "dedup_near",
    "resolve_label_conflicts/signatures", "resolve_label_conflicts", "dedup_near/signatures", "keep_perplexity", "mask_pii",
}  # fmt: skip
"""Stages that are stored; the others are made again."""


if __name__ == "__main__":
    place, given_seed, given_workers, given_rounds, *given_stages = sys.argv[1:]
    seen = compare(Path(place), int(given_seed), int(given_workers), int(given_rounds), given_stages)
    print(json.dumps(seen))

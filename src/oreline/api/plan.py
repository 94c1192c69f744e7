"""`--dry-run`: validate, estimate rows, memory and time, write nothing.

Refining is estimated from a refine of the first rows into a temporary folder, which also finds wrong columns and
options. Training is estimated from the model's floating-point operations, 6 for each weight and token (forward and
backward; Kaplan et al., https://arxiv.org/abs/2001.08361), and this machine's measured matrix products, of which
training reaches 30 to 60 %. The linear method is estimated from the time that counting character n-grams takes here.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.api import build, choose, names
from oreline.api.machine import machine
from oreline.errors import DataError, OrelineError, UsageError
from oreline.recipe import REFERENCES, Recipe, Step
from oreline.report.report import Report, Table

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset

PROBE_ROWS = 5000
SHARES = (0.6, 0.3)
"""Shares of the measured peak that training reaches: the fast and the slow end of the estimate."""
_WRITERS = {"refine", "pretrain", "finetune", "compress", "update"}
"""Verbs that write something whether a place is named or not."""
_TOKEN_BUDGET = 4096
_LINEAR_FACTORS = (3.0, 8.0)
"""Training the linear method takes so many times as long as counting the n-grams of its texts once."""
_LINEAR_BYTES = 150
"""Memory of the linear method for each character of text: features, vocabulary."""
_ACTIVATIONS = 34
"""Floats kept for the backward pass per token, layer and unit of width (Korthikanti et al., arXiv:2205.05198)."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a step will take; None where it cannot be known beforehand."""

    rows: int | None = None
    seconds: tuple[float, float] | None = None
    memory_bytes: int | None = None
    note: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        """Return rows, time, memory and note as text."""
        return (
            f"{self.rows:,}" if self.rows is not None else "",
            " to ".join(dict.fromkeys(duration(s) for s in self.seconds)) if self.seconds else "",
            f"{self.memory_bytes / 2**30:.1f} GiB" if self.memory_bytes else "",
            self.note,
        )


def plan(verb: str, options: Mapping[str, Any], *, out: Any, seed: int, force: bool) -> Report:
    """Return what a verb with these options would do. Raises what the verb itself would raise early on."""
    if out is not None and not force and Path(out).is_dir() and any(Path(out).iterdir()) and verb != "update":
        raise UsageError(f"{out} exists already", remedy="choose another --out, or add --force to replace it")
    found = estimate(verb, options, seed)
    unnamed = f"a new folder in {names.runs_folder()}" if verb in _WRITERS else "nothing is written without --out"
    place = out if out is not None else unnamed
    return _report(f"{verb}: nothing was done or written", [(verb, "to do", found)], {"out": str(place)})


def plan_recipe(read: Recipe, steps: Sequence[tuple[Step, Mapping[str, Any], bool]]) -> Report:
    """Return what running a recipe would do, step by step."""
    rows = []
    for step, options, is_finished in steps:
        found = Estimated() if is_finished else _estimate_later(step.verb, options, read)
        rows.append((step.name, "done already" if is_finished else "to do", found))
    return _report(f"{read.name}: nothing was done or written", rows, {"out": str(read.out), "seed": read.seed})


def estimate(verb: str, options: Mapping[str, Any], seed: int = 0) -> Estimated:
    """Estimate one verb."""
    if verb == "refine":
        return _refine(options, seed)
    if verb in ("pretrain", "finetune"):
        return _train(verb, options)
    if "model" in options:
        names.model_path(options["model"])
        note = "about the time of predicting these rows"
        return Estimated(rows=_num_rows(options.get("data"), options.get("split", "test")), note=note)
    return Estimated()


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(3.2), duration(250), duration(9000)
    ('3 s', '4 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


# --- refine -------------------------------------------------------------------------------------------------


def _refine(options: Mapping[str, Any], seed: int) -> Estimated:
    import polars as pl

    from oreline.data.sources import frames, given_splits

    data = options["data"]
    if (given := given_splits(data)) is not None:
        data = next(iter(given.values()))
    begun = time.monotonic()
    first: list[pl.DataFrame] = []
    total = 0
    for frame in frames(data, rows=PROBE_ROWS):
        first = first or [frame]
        total += frame.height
    read_s = time.monotonic() - begun
    sample = pl.concat(first).drop("row_id")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oreline-dry-run-") as scratch:
        roles = {**names.catalog_roles(data), **(options.get("roles") or {})}
        roles |= {role: options[role] for role in ("text", "label", "group", "time") if options.get(role)}
        try:
            build.refine(
                sample,
                roles=roles,
                operators=options.get("operators"),
                split=options.get("split"),
                seed=seed,
                out=Path(scratch) / "trial",
            )
        except OrelineError as error:
            error.where = str(data) if error.where == "data" else error.where
            raise
    seconds = read_s + (time.monotonic() - begun) * total / max(sample.height, 1)
    memory = int(sample.estimated_size() * 8) + (300 << 20)
    return Estimated(total, (seconds, seconds), memory, f"tried on the first {sample.height:,} rows")


def _num_rows(data: Any, split: str) -> int | None:
    """Count rows without refining anything."""
    if data is None:
        return None
    from oreline.data.sources import frames

    found, chosen = _refined(data)
    if found is not None:
        return found.num_rows(chosen or names.chosen_split(found, split))
    return sum(frame.height for frame in frames(data))


def _refined(data: Any) -> tuple[Dataset | None, str]:
    """Return the dataset that was given or named, and the split named with it; None for raw data."""
    from oreline.data.dataset import DATASET, Dataset

    if isinstance(data, Dataset):
        return data, ""
    folder, _, chosen = str(data).partition("#") if isinstance(data, str | Path) else ("", "", "")
    return (Dataset.open(folder), chosen) if folder and (Path(folder) / DATASET).is_file() else (None, "")


# --- training -----------------------------------------------------------------------------------------------


def _train(verb: str, options: Mapping[str, Any]) -> Estimated:
    train = names.train_options(options.get("train"))
    rows = _num_rows(options.get("data"), "train")
    if rows is None:
        raise UsageError("no data given", allowed="a file, a dataset folder, catalog:NAME, a frame or lists")
    method, start = options.get("method", "auto" if verb == "finetune" else "full"), options.get("start")
    texts = _first_texts(options)
    why = ""
    if method == "auto":
        method, start, why = choose.decide(round(rows * _train_share(options["data"])), texts, start)
    folder = names.start_folder(start or build.DEFAULT_START) if method != "linear" else None
    if folder is None:
        return _linear(rows, texts, "linear" + (f": {why}" if why else ""))
    shape = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width, inner, layers = (int(shape[key]) for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    weights = layers * (4 * width * width + 2 * width * inner)
    total = weights + int(shape["vocab_size"]) * width
    tokens = rows * _mean_tokens(folder, texts, train.max_tokens)
    budget = train.token_budget or _TOKEN_BUDGET
    if method == "head":
        seconds = _seconds(2.0 * weights * tokens, width, inner)
        return Estimated(rows, seconds, 4 * total + (500 << 20), "head: embeddings are computed once")
    seconds = _seconds(6.0 * weights * tokens * train.epochs, width, inner)
    if train.minutes is not None:
        seconds = (min(seconds[0], train.minutes * 60), min(seconds[1], train.minutes * 60))
    memory = 16 * total + 4 * _ACTIVATIONS * budget * layers * width + (500 << 20)
    return Estimated(rows, seconds, memory, f"{method}: {total / 1e6:.1f}M weights, {train.epochs:g} epochs at most")


def _linear(rows: int, texts: Sequence[str], note: str) -> Estimated:
    num_characters = sum(map(len, texts))
    if not num_characters:
        return Estimated(rows, note=note)
    begun = time.perf_counter()
    found: Counter[str] = Counter()
    for text in texts:
        found.update(text[start : start + length] for length in range(1, 6) for start in range(len(text)))
    counting_s = (time.perf_counter() - begun) / len(texts) * rows
    memory = (500 << 20) + int(_LINEAR_BYTES * num_characters / len(texts) * rows)
    return Estimated(rows, (counting_s * _LINEAR_FACTORS[0], counting_s * _LINEAR_FACTORS[1]), memory, note)


def _train_share(data: Any) -> float:
    """A dataset's rows were counted in train alone; of raw rows, the default split leaves this share for it."""
    return 1.0 if _refined(data)[0] is not None else names.DEFAULT_SPLIT["train"]


def _seconds(flops: float, width: int, inner: int) -> tuple[float, float]:
    peak = _peak_flops(width, inner)
    return (flops / (peak * SHARES[0]), flops / (peak * SHARES[1]))


def _peak_flops(width: int, inner: int) -> float:
    """Measure a matrix product of the model's shape, fp32, in floating-point operations a second."""
    a, b = np.ones((1024, width), np.float32), np.ones((width, inner), np.float32)
    np.matmul(a, b)
    begun, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < 0.2:
        np.matmul(a, b)
        done += 1
    return 2.0 * 1024 * width * inner * done / spent


def _first_texts(options: Mapping[str, Any]) -> list[str]:
    from oreline.data.sources import frames

    data = options["data"]
    found, _ = _refined(data)
    if found is not None:
        frame, column = found.scan(found.splits[0]).head(choose.SAMPLE_ROWS).collect(), "text"
    else:
        frame = next(itertools.islice(frames(data, rows=choose.SAMPLE_ROWS), 1))
        column = options.get("text") or names.catalog_roles(data).get("text", "text")
    if column not in frame.columns:
        raise DataError(
            f"no column {column!r}", where=str(data)[:200], allowed=", ".join(frame.columns), remedy="--text COLUMN"
        )
    return [str(text) for text in frame[column].drop_nulls()]


def _mean_tokens(folder: Path, texts: Sequence[str], max_tokens: int) -> float:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    lengths = [min(len(encoding.ids), max_tokens) for encoding in tokenizer.encode_batch(list(texts))]
    return float(np.mean(lengths)) if lengths else 0.0


# --- report -------------------------------------------------------------------------------------------------


def _estimate_later(verb: str, options: Mapping[str, Any], read: Recipe) -> Estimated:
    """Estimate a step of a recipe; one that works on the output of a step not yet done can only be named."""
    for option in REFERENCES:
        value = str(options.get(option) or "").partition("#")[0]
        if value and Path(value).is_relative_to(read.out) and not Path(value).exists():
            return Estimated(note=f"after {Path(value).name}")
    return estimate(verb, options, read.seed)


def _report(title: str, steps: Sequence[tuple[str, str, Estimated]], facts: Mapping[str, Any]) -> Report:
    here = machine(names.runs_folder())
    needed = max((found.memory_bytes or 0 for _, _, found in steps), default=0)
    warnings = []
    if needed > here.free_memory_bytes > 0:
        warnings.append(
            f"about {needed / 2**30:.1f} GiB of memory are needed and {here.free_memory_bytes / 2**30:.1f} are free: "
            "use a smaller train.token_budget, or method head or linear"
        )
    return Report(
        verb="plan",
        title=title,
        facts={
            **facts,
            "free_memory": f"{here.free_memory_bytes / 2**30:.1f} GiB",
            "free_disk": f"{here.free_disk_bytes / 2**30:.1f} GiB",
        },
        tables=[
            Table(
                "Plan",
                ("step", "state", "rows", "time, about", "memory, about", "note"),
                [(name, state, *found.cells()) for name, state, found in steps],
            )
        ],
        warnings=warnings,
    )

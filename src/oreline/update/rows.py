"""Which rows an update learns from and is judged by: a Dataset of its own, with a ledger that balances.

Fresh rows are divided by a hash of their content, not by chance, so that a row held out once is held out for ever:
the next update with the same file cannot train on what judged this one. Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.dataset import LEDGER, Dataset, DatasetManifest, seal
from oreline.data.fold import row_hashes
from oreline.data.ledger import Ledger
from oreline.data.running.shards import SplitWriter
from oreline.errors import DataError, did_you_mean
from oreline.report.report import Report, Table
from oreline.runtime.samples import as_text
from oreline.store import writing
from oreline.tasks.reading import identity
from oreline.types import Policy, Task

HELD_OUT = "held_out"
"""The split of fresh rows that judge the new model."""
DEV_SHARE = 0.15
"""Share of the fresh rows which are not held out that decides when training stops."""
MIN_OLD_DEV_ROWS = 200
"""Dev holds as many old rows as fresh ones, and at least this many, so that it notices forgetting."""

_REASONS = {
    "no_label": "it has no label",
    "duplicate": "the same row occurs earlier in the fresh rows",
    "in_gate": "it is among the golden rows that the gate judges by",
    "trained_before": "the model was trained on it already",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the model was trained on and what it is judged by, as row hashes; and the old rows that are at hand."""

    trained: NDArray[np.uint64]
    golden: NDArray[np.uint64]
    old: pl.DataFrame
    """Rows the model was trained on: `row_id`, inputs, target."""
    reference: pl.DataFrame
    """Labelled rows it was not trained on, from its sample."""
    sources: tuple[Dataset, ...] = ()
    """Where the old rows come from; empty where only the model's own sample is left."""


@dataclass(frozen=True, slots=True)
class Division:
    """The rows of an update."""

    train: pl.DataFrame
    dev: pl.DataFrame
    held_out: pl.DataFrame
    dropped: pl.DataFrame
    """`row_id`, `reason` (a key of `_REASONS`), `kept_id`."""
    added: pl.DataFrame
    """`row_id`, `reason` of the old rows among them."""
    num_fresh: int

    def counts(self) -> dict[str, int]:
        """Return rows by what became of them: fresh rows in = trained + dev + held out + each reason to drop one."""
        of_reason = dict(self.dropped.group_by("reason").len().iter_rows())
        num_old_dev = self.added.filter(pl.col("reason") == "reference").height
        num_old_train = self.added.height - num_old_dev
        return {
            "fresh_rows": self.num_fresh,
            "fresh_train_rows": self.train.height - num_old_train,
            "fresh_dev_rows": self.dev.height - num_old_dev,
            "held_out_rows": self.held_out.height,
            **{f"fresh_{reason}_rows": of_reason.get(reason, 0) for reason in _REASONS},
            "old_train_rows": num_old_train,
            "old_dev_rows": num_old_dev,
            "train_rows": self.train.height,
            "dev_rows": self.dev.height,
        }


def divide(
    fresh: pl.DataFrame, known: Known, task: Task, policy: Policy, *, held_out_share: float, seed: int
) -> Division:
    """Divide fresh rows into train, dev and held out, and mix in what the policy chooses of the old ones.

    Args:
        fresh: `row_id`, the task's inputs and target, and a `group` whose rows stay together, where there is one.
        known: what the model knows already.
        task: names the columns and the labels.
        policy: chooses the training rows.
        held_out_share: share of the fresh rows that judge the new model.
        seed: of the policy.

    Raises:
        DataError: a label that the model does not know, or too few rows are left to train on or to judge by.
    """
    columns = ["row_id", *task.inputs, task.target]
    kept, dropped = _drop(fresh, known, task)
    _refuse_new_labels(kept, task)
    place_N = uniform(_units(kept, task.inputs))
    # Inputs that were trained on judge nothing: what is new of them, another target, is trained on.
    place_N[np.isin(row_hashes(kept, task.inputs), known.trained)] = 1.0
    held_out = kept.filter(pl.Series(place_N < held_out_share)).select(columns)
    dev_edge = held_out_share + (1 - held_out_share) * DEV_SHARE
    dev = kept.filter(pl.Series((place_N >= held_out_share) & (place_N < dev_edge))).select(columns)
    train = kept.filter(pl.Series(place_N >= dev_edge)).select(columns)
    _refuse_too_few(train, held_out, dropped, fresh.height)

    judging = [known.golden, *(row_hashes(part, task.inputs) for part in (held_out, dev))]
    taken = np.concatenate([*judging, row_hashes(train, task.inputs)])
    reference = _without(known.reference, taken, task.inputs).sort("row_id").select(columns)
    old_dev = reference.sample(min(reference.height, max(dev.height, MIN_OLD_DEV_ROWS)), seed=seed)
    judged = np.concatenate([*judging, row_hashes(old_dev, task.inputs)])
    old = _without(known.old, judged, task.inputs)
    # What belongs to a fresh row's query beside the fresh text stays: else it would count as wrong for it.
    old = _without(old, row_hashes(train, identity(task)), identity(task)).select(columns)
    old_dev = _renamed(old_dev, fresh["row_id"])
    old = _renamed(old, pl.concat([fresh["row_id"], old_dev["row_id"]]))
    chosen = policy.rows(train, old, seed=seed).select(columns)
    added = pl.concat(
        [
            chosen.join(old, on="row_id", how="semi").select("row_id", reason=pl.lit("replay")),
            old_dev.select("row_id", reason=pl.lit("reference")),
        ]
    )
    return Division(chosen, pl.concat([dev, old_dev]), held_out, dropped, added, fresh.height)


def uniform(hashes_N: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Spread hashes evenly over [0, 1), independent of any other division that is made by the same hashes.

    The finalizer of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014).
    """
    mixed = hashes_N + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2**53


def write(division: Division, fresh: Dataset, known: Known, out: Path) -> Dataset:
    """Write the rows of an update as a Dataset with the splits `train`, `dev` and `held_out`.

    Raises `OrelineError` when the ledger does not balance.
    """
    splits = {"train": division.train, "dev": division.dev, HELD_OUT: division.held_out}
    schema = dict(division.train.schema)
    with writing(out) as folder, Ledger(folder / LEDGER) as ledger:
        ledger.read(pl.concat([fresh.frame(split, ["row_id"]) for split in fresh.splits])["row_id"])
        explained = pl.col("reason").replace_strict(_REASONS)
        ledger.write("update", "dropped", division.dropped.with_columns(explained))
        ledger.write("update", "added", division.added)
        for name, frame in splits.items():
            writer = SplitWriter(folder / name, schema)
            writer.append(frame)
            writer.close()
        counts = ledger.balance(sum(frame.height for frame in splits.values()))
        ledger.close()
        manifest = DatasetManifest(
            columns={name: str(dtype) for name, dtype in schema.items()},
            roles={role: name for role, name in fresh.manifest.roles.items() if role in schema},
            splits={name: frame.height for name, frame in splits.items()},
            split_order=list(splits),
            counts=counts,
            lineage=[
                *({"source": str(data.path), "sha256": data.fingerprint} for data in (fresh, *known.sources)),
                {"verb": "update", "old": [str(data.path) for data in known.sources]},
            ],
        )
        sealed = seal(folder, manifest)
        report_of(division, sealed.fingerprint).save(folder)
    return Dataset.open(out)


def report_of(division: Division, fingerprint: str) -> Report:
    """Return the report of an update's rows."""
    return Report(
        "update",
        "Rows of an update",
        subject={"fingerprint": fingerprint},
        tables=[rows_table(division.counts())],
    )


def rows_table(counts: dict[str, int]) -> Table:
    """Return what became of the fresh rows, and which old rows joined them."""
    rows: list[tuple[str, int]] = [
        ("fresh rows given", counts["fresh_rows"]),
        *((f"  dropped: {reason}", counts[f"fresh_{name}_rows"]) for name, reason in _REASONS.items()),
        ("  held out, to judge both models", counts["held_out_rows"]),
        ("  in dev, to stop in time", counts["fresh_dev_rows"]),
        ("  trained on", counts["fresh_train_rows"]),
        ("old rows replayed in training", counts["old_train_rows"]),
        ("old rows in dev", counts["old_dev_rows"]),
    ]
    return Table("Rows", ("rows", "number"), rows)


def _drop(fresh: pl.DataFrame, known: Known, task: Task) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that are labelled, new and not golden, and the others with the reason."""
    inputs_N, hashes_N = row_hashes(fresh, task.inputs), row_hashes(fresh, identity(task))
    is_old_N = np.isin(inputs_N, known.trained)
    if identity(task) != list(task.inputs):
        is_old_N &= np.isin(hashes_N, row_hashes(known.old, identity(task)))
    else:
        is_old_N &= ~_corrected(fresh, known, task)
    first = pl.Series(hashes_N).to_frame("hash").with_columns(row_id=fresh["row_id"], label=fresh[task.target])
    labelled = first.filter(pl.col("label").is_not_null()).unique("hash", keep="first", maintain_order=True)
    kept_id = first.join(labelled.select("hash", kept_id="row_id"), on="hash", how="left", maintain_order="left")
    conditions: list[tuple[str, NDArray[np.bool_]]] = [
        ("no_label", first["label"].is_null().to_numpy()),
        ("in_gate", np.isin(inputs_N, known.golden)),
        ("trained_before", is_old_N),
        ("duplicate", (kept_id["kept_id"] != kept_id["row_id"]).fill_null(False).to_numpy()),
    ]
    reason = np.select([holds for _, holds in conditions], [name for name, _ in conditions], default="")
    judged = kept_id.with_columns(reason=pl.Series(reason))
    dropped = judged.filter(pl.col("reason") != "").select(
        "row_id", "reason", kept_id=pl.when(pl.col("reason") == "duplicate").then("kept_id")
    )
    return fresh.filter(judged["reason"] == ""), dropped


def _corrected(fresh: pl.DataFrame, known: Known, task: Task) -> NDArray[np.bool_]:
    """Return which rows give another target to inputs that were trained on; their old rows give way to them."""
    old, now = (
        pl.DataFrame({"hash": row_hashes(frame, task.inputs), "target": as_text(frame[task.target])})
        for frame in (known.old, fresh)
    )
    found = now.join(old.unique("hash", keep="first"), on="hash", how="left", maintain_order="left")
    other_N: NDArray[np.bool_] = (found["target"] != found["target_right"]).fill_null(False).to_numpy()
    return other_N


def _units(frame: pl.DataFrame, inputs: Sequence[str]) -> NDArray[np.uint64]:
    """Return what must not be torn apart: the group, where there are groups, else the row itself."""
    return row_hashes(frame, ["group"] if "group" in frame.columns else inputs)


def _without(frame: pl.DataFrame, hashes: NDArray[np.uint64], inputs: Sequence[str]) -> pl.DataFrame:
    return frame.filter(pl.Series(~np.isin(row_hashes(frame, inputs), hashes), dtype=pl.Boolean))


def _renamed(old: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """Give rows ids that are distinct from one another and from those taken.

    Row ids name a file and a row; a fresh file may bear the name of an old one.
    """
    earlier = pl.int_range(pl.len()).over("row_id")
    told_apart = pl.format("old{}/{}", earlier, "row_id")
    old = old.with_columns(row_id=pl.when(earlier > 0).then(told_apart).otherwise("row_id"))
    while (clashes := old["row_id"].is_in(taken.to_list())).any():
        old = old.with_columns(row_id=pl.when(clashes).then("old/" + pl.col("row_id")).otherwise("row_id"))
    return old


def _refuse_new_labels(fresh: pl.DataFrame, task: Task) -> None:
    known_N = np.asarray([task.knows(target) for target in fresh[task.target].to_list()], dtype=bool)
    if known_N.all():
        return
    unknown = fresh.filter(pl.Series(~known_N)).with_columns(as_text(fresh[task.target].filter(pl.Series(~known_N))))
    new = dict(unknown[task.target].value_counts(sort=True).iter_rows())
    listed = ", ".join(f"{label!r} ({rows:,} rows)" for label, rows in list(new.items())[:5])
    first = unknown.filter(pl.col(task.target) == next(iter(new)))["row_id"][0]
    raise DataError(
        f"the fresh rows have {len(new)} label{'s' * (len(new) > 1)} that the model does not know: "
        f"{listed}{', …' * (len(new) > 5)}",
        where=f"row {first}",
        allowed=did_you_mean(next(iter(new)), task.labels),
        remedy="correct them, or fine-tune again on all data: an update keeps the model's labels",
    )


def _refuse_too_few(train: pl.DataFrame, held_out: pl.DataFrame, dropped: pl.DataFrame, num_fresh: int) -> None:
    if train.height and held_out.height:
        return
    reasons = {_REASONS[name]: rows for name, rows in dropped["reason"].value_counts(sort=True).iter_rows()}
    why = "; ".join(f"{rows:,} dropped: {reason}" for reason, rows in reasons.items())
    raise DataError(
        f"of {num_fresh:,} fresh rows, {train.height:,} are left to train on and {held_out.height:,} to judge by",
        where=why,
        allowed="at least one of each; some hundreds, so that the gate can decide",
        remedy="bring rows that the model has not seen",
    )

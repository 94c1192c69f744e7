"""What one split gives away about another: same texts, same groups, near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import compact
from oreline.data.dataset import UNLABELLED
from oreline.data.duplicates.near import THRESHOLD, NearIndex, compared
from oreline.data.fold import INPUT_ROLES, row_hashes
from oreline.errors import OrelineError
from oreline.report.report import Table

MAX_TESTED = 10_000
"""Rows of a split that are searched for in train, at most; evenly spaced."""
MAX_TRAIN = 300_000
"""Rows of train that are compared with them, at most."""
_MAX_EXAMPLES = 8
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Leak:
    """What `split` shares with `other`."""

    split: str
    other: str
    num_rows: int
    same_text: int
    """Rows of `split` whose folded text is in `other`."""
    same_group: int | None
    """Rows of `split` whose group is in `other`; None without groups."""
    near: int | None = None
    """Tested rows with a neighbour in `other`; None where it was not searched for."""
    other_label: int | None = None
    """Tested rows with a neighbour in `other` that carries another label; None without labels."""
    num_tested: int = 0
    is_complete: bool = True
    """Whether every candidate was compared; if not, `near` is a lower bound."""
    examples: list[tuple[str, str, float, str]] = field(default_factory=list)
    """Row id, its neighbour's row id, similarity, the beginning of the text."""

    @property
    def near_share(self) -> float:
        """Share of the tested rows that have a neighbour at or above the threshold."""
        return (self.near or 0) / max(self.num_tested, 1)

    @property
    def same_share(self) -> float:
        """Share of the rows whose text is in the other split."""
        return self.same_text / max(self.num_rows, 1)


def find_leaks(folder: Path, splits: Sequence[str]) -> list[Leak]:
    """Compare every split with those before it; near-duplicates are searched for in `train` (or the first split).

    Args:
        folder: a dataset folder, or one being written, with Parquet shards below each split.
        splits: names of the splits.
    """
    order = sorted(splits, key=lambda name: name != "train")
    texts = {name: _hashes(folder / name, INPUT_ROLES) for name in order}
    groups = {name: _hashes(folder / name, ("group",)) for name in order}
    near = _near(folder, order[1:], order[0]) if order else {}
    found = []
    for position, split in enumerate(order):
        for other in order[:position]:
            has_groups = groups[split] is not None
            found.append(
                Leak(
                    split,
                    other,
                    num_rows=_num_rows(folder / split),
                    same_text=_shared(texts[split], texts[other]),
                    same_group=_shared(groups[split], groups[other]) if has_groups else None,
                    **(near.get(split, {}) if other == order[0] else {}),
                )
            )
    return found


def leak_tables(leaks: Sequence[Leak]) -> list[Table]:
    """Return the leaks as a table, and examples of near-duplicates as a second one."""
    rows = [
        [
            leak.split,
            leak.other,
            leak.num_rows,
            _share(leak.same_text, leak.same_share),
            "–" if leak.same_group is None else leak.same_group,
            "–" if leak.near is None else _near_cell(leak),
            "–" if leak.other_label is None else leak.other_label,
        ]
        for leak in leaks
    ]
    note = (
        f"Near: at least {THRESHOLD} of the runs of words (Chinese: of characters) in common, exact copies included. "
        "Case, width and white space do not count. Other label: rows with a near text there that carries another label."
    )
    columns = ["split", "also in", "rows", "same text", "same group", f"near (≥ {THRESHOLD})", "other label"]
    tables = [Table("Leaks between splits", columns, rows, note)]
    examples = [[leak.split, *example] for leak in leaks for example in leak.examples]
    if examples:
        columns = ["split", "row", "neighbour", "similarity", "text"]
        tables.append(Table("Near-duplicates across splits", columns, examples))
    return tables


def _near_cell(leak: Leak) -> str:
    bound = "" if leak.is_complete else "at least "
    return f"{bound}{leak.near} of {leak.num_tested} ({leak.near_share:.1%})"


def _share(number: int, share: float) -> str:
    return f"{number:,} ({share:.1%})" if number else "0"


def refuse_leaks(leaks: Sequence[Leak], most: float) -> None:
    """Raise `OrelineError` for a split of which more than a share stands in another one, exactly or nearly."""
    for leak in leaks:
        if leak.split == UNLABELLED or max(leak.same_share, leak.near_share) <= most:
            continue
        near = "" if leak.near is None else f", {_near_cell(leak)} a near-duplicate there"
        examples = "; ".join(f"{row} ~ {other} ({similarity})" for row, other, similarity, _ in leak.examples[:3])
        raise OrelineError(
            f"{leak.split} leaks into {leak.other}: {leak.same_text:,} of {leak.num_rows:,} rows "
            f"({leak.same_share:.1%}) have their text there{near}",
            where=examples,
            allowed=f"at most {most:.1%} (fail_on_leak)",
            remedy="--together near keeps near-duplicates in one split; for given splits: --against and the file of "
            f"{leak.split}; or raise fail_on_leak",
        )


def leak_warnings(leaks: Sequence[Leak]) -> list[str]:
    """Say which figures will look better than they are, and what to do; none is measured on rows without a label."""
    found = []
    for leak in leaks:
        if leak.split == UNLABELLED:
            continue
        share = leak.same_text / max(leak.num_rows, 1)
        if leak.same_text:
            found.append(
                f"{leak.same_text:,} of {leak.num_rows:,} rows of {leak.split} ({share:.1%}) have their text in "
                f"{leak.other} too, so figures on {leak.split} will be too good; "
                f"refine again with --against and the file of {leak.split}"
            )
        if leak.same_group:
            found.append(f"{leak.same_group:,} rows of {leak.split} belong to groups that are in {leak.other} too")
        if leak.near is not None and leak.near_share >= 0.01 and leak.near > leak.same_text:
            found.append(
                f"{leak.near_share:.1%} of {leak.split} has a near-duplicate in {leak.other}; "
                "--together near (or a --group column) keeps such rows in one split"
            )
        if leak.other_label:
            found.append(
                f"{leak.other_label:,} of {leak.num_tested:,} tested rows of {leak.split} have a near text in "
                f"{leak.other} that carries another label: one of the two is probably wrong"
            )
    return found


def leak_facts(leaks: Sequence[Leak]) -> dict[str, Any]:
    """Return the leaks in JSON form, by `split/other`."""
    return {
        f"{leak.split}/{leak.other}": {
            "rows": leak.num_rows,
            "same_text": leak.same_text,
            "same_group": leak.same_group,
            "near": leak.near,
            "near_tested": leak.num_tested,
            "same_text_share": round(leak.same_share, 6),
            "near_share": None if leak.near is None else round(leak.near_share, 6),
            "other_label": leak.other_label,
        }
        for leak in leaks
    }


def _near(folder: Path, splits: Sequence[str], other: str) -> dict[str, dict[str, Any]]:
    """Search `other`, in one pass, for neighbours of the rows of the splits."""
    samples = [
        compact(frame).with_columns(split=pl.lit(split))
        for split in splits
        for frame in _spaced(folder / split, MAX_TESTED)
    ]
    if not samples:
        return {}
    tested = pl.concat(samples)
    index = NearIndex(tested["text"])
    is_near, differs = np.zeros(tested.height, np.bool_), np.zeros(tested.height, np.bool_)
    examples: dict[str, list[tuple[str, str, float, str]]] = {split: [] for split in splits}
    for frame in _spaced(folder / other, MAX_TRAIN):
        for pair in index.matches(frame["text"]):
            row_id, label, text, split = tested.row(pair.indexed)
            if not is_near[pair.indexed] and len(examples[split]) < _MAX_EXAMPLES:
                neighbour = frame["row_id"][pair.text]
                examples[split].append((row_id, neighbour, round(pair.similarity, 3), text[:_SHOWN_CHARACTERS]))
            is_near[pair.indexed] = True
            differs[pair.indexed] |= label != frame["label"][pair.text]
    flags = tested.with_columns(pl.Series("near", is_near), pl.Series("differs", differs & is_near))
    counts = flags.group_by("split").agg(
        pl.col("near", "differs").sum(), has_labels=pl.col("label").is_not_null().any(), rows=pl.len()
    )
    return {
        split: {
            "near": near,
            "other_label": num_differing if has_labels else None,
            "num_tested": rows,
            "is_complete": index.num_skipped == 0,
            "examples": examples[split],
        }
        for split, near, num_differing, has_labels, rows in counts.iter_rows()
    }


def _spaced(folder: Path, limit: int) -> Iterator[pl.DataFrame]:
    """Yield `row_id`, `label` and what is compared as `text`, of at most about `limit` rows, evenly spaced."""
    step = max(1, -(-_num_rows(folder) // limit))
    done = 0
    for frame in _frames(folder, ("row_id", "label", *INPUT_ROLES)):
        if "text" in frame.columns:
            rows = frame.gather_every(step, offset=-done % step)
            texts = compared(rows, [role for role in INPUT_ROLES if role in rows.columns])
            label = pl.col("label") if "label" in rows.columns else pl.lit(None, dtype=pl.String)
            yield rows.select("row_id", label=label).with_columns(text=texts)
        done += frame.height


def _frames(folder: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    shards = _shards(folder)
    present = [name for name in columns if name in pl.read_parquet_schema(shards[0])]
    yield from pl.scan_parquet(shards).select(present).collect_batches(chunk_size=8192)


def _hashes(folder: Path, columns: Sequence[str]) -> NDArray[np.uint64] | None:
    """Return a hash of the folded columns of each row that has them; None where no such column is."""
    if not any(name in pl.read_parquet_schema(_shards(folder)[0]) for name in columns):
        return None
    parts = [row_hashes(frame.drop_nulls(), frame.columns) for frame in _frames(folder, columns)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _shared(rows: NDArray[np.uint64] | None, others: NDArray[np.uint64] | None) -> int:
    return 0 if rows is None or others is None else int(np.isin(rows, others).sum())


def _num_rows(folder: Path) -> int:
    return int(pl.scan_parquet(_shards(folder)).select(pl.len()).collect().item())


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))

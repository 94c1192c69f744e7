"""What one split gives away about another: same texts, same groups, near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline import registry
from oreline.data.columnar import compact, row_groups
from oreline.data.dataset import UNLABELLED
from oreline.data.duplicates.equal import inputs_of
from oreline.data.duplicates.minhash import bands
from oreline.data.duplicates.near import MAX_CHARACTERS, THRESHOLD, NearIndex, compared, from_frame
from oreline.data.external.sorting import Sorted
from oreline.data.fold import INPUT_ROLES, row_hashes
from oreline.errors import OrelineError
from oreline.report.report import Table

MAX_TESTED = 10_000
"""Rows of a split that are searched for in train, at most; evenly spaced. They are held in memory, train is not."""
_MAX_BYTES = 64 << 20
_MAX_EXAMPLES = 8
_SHOWN_CHARACTERS = 80
_MARKS, _SKETCHES = "dedup_exact", "dedup_near"
"""Operators whose signatures say which texts are equal, and which are nearly so."""
Signed = tuple[pl.DataFrame, pl.DataFrame]
Sign = Callable[[str, Iterable[pl.DataFrame]], Iterator[Signed]]
"""From the name of an operator and rows to these rows with its signatures, in order."""
U64 = NDArray[np.uint64]


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


def sign_here(plug: str, frames: Iterable[pl.DataFrame]) -> Iterator[Signed]:
    """Yield each frame with the signatures that an operator gives its rows, worked out in this process."""
    operator = registry.create("operator", plug)
    for frame in frames:
        yield frame, operator.signatures(frame)


def find_leaks(
    folder: Path, splits: Sequence[str], *, sign: Sign = sign_here, max_bytes: int = _MAX_BYTES
) -> list[Leak]:
    """Compare every split with those before it; near-duplicates are searched for in `train` (or the first split).

    Args:
        folder: a dataset folder, or one being written, with Parquet shards below each split.
        splits: names of the splits.
        sign: works out signatures, the costly part of it.
        max_bytes: what hashes of texts and groups take in memory, about; beyond that they lie on disk.
    """
    order = sorted(splits, key=lambda name: name != "train")
    room = max_bytes // max(2 * len(order), 1)
    texts = {name: _text_hashes(folder / name, sign, room) for name in order}
    groups = {name: _group_hashes(folder / name, room) for name in order}
    near = _near(folder, order[1:], order[0], sign) if order else {}
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
        if not leak.is_complete:
            found.append(
                f"more rows of {leak.split} than {leak.near} of {leak.num_tested:,} may have a near-duplicate in "
                f"{leak.other}: some text stands there so often that not every candidate was compared, and "
                "fail_on_leak goes by those that were; dedup_near takes such rows out"
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


def _near(folder: Path, splits: Sequence[str], other: str, sign: Sign) -> dict[str, dict[str, Any]]:
    """Search `other`, all of it in one pass, for neighbours of the rows of the splits."""
    num_bands = bands(THRESHOLD)[0]
    samples, sketches = [], []
    for split in splits:
        for frame, sketched in sign(_SKETCHES, _spaced(folder / split, MAX_TESTED)):
            shown = frame.with_columns(pl.col("text").str.head(_SHOWN_CHARACTERS), split=pl.lit(split))
            samples.append(compact(shown))
            sketches.append(from_frame(sketched, num_bands))
    if not samples:
        return {}
    tested = pl.concat(samples)
    index = NearIndex.of(sketches)
    is_near, differs = np.zeros(tested.height, np.bool_), np.zeros(tested.height, np.bool_)
    examples: dict[str, list[tuple[str, str, float, str]]] = {split: [] for split in splits}
    for frame, sketched in sign(_SKETCHES, _spaced(folder / other, None)):
        for pair in index.pairs(from_frame(sketched, num_bands)):
            row_id, label, text, split = tested.row(pair.indexed)
            if not is_near[pair.indexed] and len(examples[split]) < _MAX_EXAMPLES:
                neighbour = frame["row_id"][pair.text]
                examples[split].append((row_id, neighbour, round(pair.similarity, 3), text))
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


def _spaced(folder: Path, limit: int | None) -> Iterator[pl.DataFrame]:
    """Yield `row_id`, `label` and what is compared as `text`, of at most `limit` rows, evenly spaced; None: of all."""
    step = 1 if limit is None else max(1, -(-_num_rows(folder) // limit))
    done = 0
    for frame in _frames(folder, ("row_id", "label", *INPUT_ROLES)):
        if "text" in frame.columns:
            rows = frame.gather_every(step, offset=-done % step)
            if rows.height:
                texts = compared(rows, inputs_of(rows.columns)).str.head(MAX_CHARACTERS)
                label = pl.col("label") if "label" in rows.columns else pl.lit(None, dtype=pl.String)
                yield rows.select("row_id", label=label).with_columns(text=texts)
        done += frame.height


def _frames(folder: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    for shard in _shards(folder):
        yield from row_groups(shard, columns)


def _text_hashes(folder: Path, sign: Sign, max_bytes: int) -> Sorted | None:
    """Return a hash of the folded texts of each row that has them; None where there are no such columns."""
    if not inputs_of(list(pl.read_parquet_schema(_shards(folder)[0]))):
        return None
    frames = (rows for frame in _frames(folder, ("row_id", *INPUT_ROLES)) if (rows := frame.drop_nulls()).height)
    return _sorted((marks["hash_high"].to_numpy() for _, marks in sign(_MARKS, frames)), max_bytes)


def _group_hashes(folder: Path, max_bytes: int) -> Sorted | None:
    """Return a hash of the group of each row that has one; None where there are no groups."""
    if "group" not in pl.read_parquet_schema(_shards(folder)[0]):
        return None
    frames = (frame.drop_nulls() for frame in _frames(folder, ("group",)))
    return _sorted((row_hashes(frame, frame.columns) for frame in frames), max_bytes)


def _sorted(parts: Iterable[U64], max_bytes: int) -> Sorted:
    hashes = Sorted(max_bytes=max_bytes)
    for part in parts:
        hashes.append(part)
    return hashes


def _shared(rows: Sorted | None, others: Sorted | None) -> int:
    """Return how many of some hashes are among others."""
    if rows is None or others is None:
        return 0
    total, blocks = 0, others.blocks()
    held = next(blocks, None)
    for block in rows.blocks():
        while len(block) and held is not None and len(held):
            end = int(np.searchsorted(block, held[-1], side="right"))
            some, block = block[:end], block[end:]
            total += int((held[np.searchsorted(held, some)] == some).sum())
            if len(block):  # what is left may stand in the next ones, and else what comes may still stand in these
                held = next(blocks, None)
    return total


def _num_rows(folder: Path) -> int:
    return int(pl.scan_parquet(_shards(folder)).select(pl.len()).collect().item())


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))

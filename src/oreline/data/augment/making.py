"""What operators that augment share: which rows, how many variants of each, what variants are refused for, and counts.

Shape suffixes: N rows.
"""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from oreline.data.augment.accounting import Accounts
from oreline.data.augment.belief import Belief, learn
from oreline.data.augment.chance import chance
from oreline.data.augment.nearness import likeness
from oreline.data.columnar import frames_of
from oreline.data.fold import row_hashes
from oreline.data.ledger import CHANGE_REASON
from oreline.errors import DataError, UsageError, did_you_mean

MAX_TIMES = 100
_SIZES = ((500, 16), (2000, 8))
_MANY = 4
_FEW_CHANGES, _CHANGES = 0.05, 0.1
_SPARE = 2
"""Variants that are tried for each that is wanted."""
_MAX_LEARNT = 20_000
"""Rows that the belief learns from, spread evenly."""
_MAX_CHARACTERS = 2000
"""Of a text whose n-grams are counted: a label is mostly told by its beginning."""
_MAX_TEXTS = 20_000
_TOO_LIKE = 0.98
_TINY = 1e-9
"""So that two probabilities of nothing are alike."""
_UNSUPPORTED = {
    "messages": "a dialogue",
    "target_text": "a text for each text, or a dialogue",
    "answers": "answers that are places in a context",
    "head": "entities that are related by their places",
    "text_pair": "two texts, whose label is about both",
    "negative": "texts that do not belong",
    "image": "images", "audio": "sound", "user": "interactions",
}  # fmt: skip


class Row(NamedTuple):
    """A row that variants are made of."""

    row_id: str
    text: str
    tags: str | None
    label: str | None


class Variant(NamedTuple):
    """A text made of a row's, with its tags, and what was done."""

    text: str
    tags: str | None
    how: str


Propose = Callable[[Row, random.Random, int], Sequence[Variant | None]]
"""Makes variants of a row, so many; None for one whose words have run together, so that tags do not fit."""


def some_texts(scan: pl.LazyFrame) -> list[str]:
    """Return how the first 20,000 texts of a scan begin: what operators learn words and entities from."""
    frames = frames_of(scan.select("text").head(_MAX_TEXTS))
    return [text for frame in frames for text in frame["text"].drop_nulls().str.head(_MAX_CHARACTERS)]


@dataclass
class Making:
    """Chooses rows, asks for variants of each, refuses some, and counts all of it."""

    name: str
    times: int | None = None
    """Variants of each row; by the number of rows when not given."""
    share: float = 1.0
    labels: Sequence[str] = ()
    believable: float = 0.25
    seed: int = 0
    takes_tags: bool = True
    accounts: Accounts = field(default_factory=Accounts)
    wanted: int = 0
    changes: float = _CHANGES
    """Share of the words that the data's size recommends to change."""
    _belief: Belief | None = None
    _known: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Raise `UsageError` for an option outside of its range."""
        if self.times is not None and not 1 <= self.times <= MAX_TIMES:
            raise UsageError(f"{self.name}: times is {self.times}", allowed=f"1 to {MAX_TIMES}")
        if not (0 < self.share <= 1 and 0 <= self.believable <= 1):
            raise UsageError(f"{self.name}: share {self.share}, believable {self.believable}", allowed="0 to 1")

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Learn from train how many rows there are, which texts stand there, and what n-grams say of the classes."""
        schema = scan.collect_schema()
        names = schema.names()
        self._refuse_unsupported(names)
        if "text" not in names or schema["text"] != pl.String:
            return {"rows": 0, "known": "", "belief": None}
        num_rows = int(scan.select(pl.len()).collect().item())
        if self.labels:
            self._refuse_unknown_labels(scan, names)
        step = -(-num_rows // _MAX_LEARNT)
        hashes, texts, labels, start = [], [], [], 0
        for frame in frames_of(scan.select(_columns(names))):
            hashes.append(row_hashes(frame, ["text"]))
            if self.believable and "label" in names:
                some = frame.with_row_index("_row", offset=start).filter(pl.col("_row") % step == 0)
                some = some.drop_nulls(["text", "label"])
                texts += some["text"].str.head(_MAX_CHARACTERS).to_list()
                labels += some["label"].cast(pl.String).to_list()
            start += frame.height
        belief = learn(texts, labels) if texts else None
        packed = zlib.compress(np.concatenate([np.zeros(0, np.uint64), *hashes]).astype("<u8").tobytes(), 1)
        told = belief.to_json() if belief is not None else None
        return {"rows": num_rows, "known": base64.b64encode(packed).decode(), "belief": told}

    def _refuse_unknown_labels(self, scan: pl.LazyFrame, names: Sequence[str]) -> None:
        """Raise `DataError` for a label that no row of train has: nothing would be added, or less than was meant."""
        known: set[str] = set()
        if "label" in names:
            known.update(scan.select(pl.col("label").cast(pl.String).drop_nulls().unique()).collect().to_series())
        for label in self.labels:
            if label not in known:
                raise DataError(
                    f"{self.name}: no row of train has the label {label!r}", allowed=did_you_mean(label, known)
                )

    def learnt(self, learnt: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self.accounts = Accounts()
        raw = zlib.decompress(base64.b64decode(learnt["known"])) if learnt["known"] else b""
        self._known = frozenset(np.frombuffer(raw, "<u8").tolist())
        self._belief = Belief.from_json(learnt["belief"]) if learnt["belief"] else None
        self.wanted = self.times or num_variants(learnt["rows"])
        self.changes = _FEW_CHANGES if learnt["rows"] <= _SIZES[-1][0] else _CHANGES

    @property
    def num_tried(self) -> int:
        """Variants that are made of each row, so that enough stand."""
        return self.wanted * _SPARE

    def add(self, frame: pl.DataFrame, propose: Propose) -> pl.DataFrame:
        """Return the rows to add: of each row the first wanted variants that nothing is said against."""
        chosen = list(self.chosen(frame))
        return self.added(frame, chosen, [propose(row, self.chance(row), self.num_tried) for row in chosen])

    def chosen(self, frame: pl.DataFrame) -> Iterator[Row]:
        """Yield the rows of a frame that variants are made of."""
        self._refuse_unsupported(frame.columns)
        if "text" not in frame.columns or frame.schema["text"] != pl.String:
            return
        found = frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None, pl.String)).alias(name) for name in Row._fields
        )
        wanted, is_tagged = frozenset(self.labels), "tags" in frame.columns
        for values in found.iter_rows():
            row = Row(*values)
            if not row.text or (wanted and row.label not in wanted) or (is_tagged and row.tags is None):
                continue
            if self.share == 1 or chance(self.seed, f"{self.name} share", row.row_id).random() < self.share:
                yield row

    def chance(self, row: Row) -> random.Random:
        """Return the random numbers of a row."""
        return chance(self.seed, self.name, row.row_id)

    def added(self, frame: pl.DataFrame, rows: Sequence[Row], made: Sequence[Sequence[Variant | None]]) -> pl.DataFrame:
        """Return the variants that stand as rows to add, every other column as in the row that they come from."""
        pairs = [(number, variant) for number, variants in enumerate(made) for variant in variants]
        reasons = self._refused(rows, pairs)
        taken: dict[str, list[Any]] = {"from_id": [], "text": [], "tags": [], CHANGE_REASON: []}
        num_taken = [0] * len(rows)
        for (number, variant), reason in zip(pairs, reasons):
            if variant is None or reason is not None or num_taken[number] == self.wanted:
                if num_taken[number] < self.wanted:
                    self.accounts.refused(reason or "words run together")
                continue
            num_taken[number] += 1
            row = rows[number]
            self.accounts.added(row.label, variant.how, row.text, variant.text)
            for name, value in zip(taken, (row.row_id, variant.text, variant.tags, variant.how)):
                taken[name].append(value)
        self.accounts.seen(len(rows), sum(num == 0 for num in num_taken))
        schema = dict.fromkeys(taken, pl.String)
        new = pl.DataFrame(taken, schema=schema)
        return _with_others(new, frame)

    def findings(self) -> dict[str, Any]:
        """Return what was added and refused, for the report."""
        return self.accounts.findings(self.name, self.wanted)

    def _refused(self, rows: Sequence[Row], pairs: Sequence[tuple[int, Variant | None]]) -> list[str | None]:
        """Return why each variant is refused, None for one that stands."""
        reasons: list[str | None] = [None] * len(pairs)
        places = [place for place, (_, variant) in enumerate(pairs) if variant is not None]
        texts = [variant.text for _, variant in pairs if variant is not None]
        origins = [rows[pairs[place][0]] for place in places]
        if not places:
            return reasons
        frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
        hashes = row_hashes(frame, ["text"]).tolist()
        before = pl.Series("text", [row.text for row in origins], dtype=pl.String)
        like_N = likeness(before, frame["text"])
        shares_N = self._shares(texts, origins)
        seen: set[tuple[str, int]] = set()
        for n, place in enumerate(places):
            key = origins[n].row_id, hashes[n]
            if not texts[n].strip():
                reasons[place] = "empty"
            elif hashes[n] in self._known or like_N[n] >= _TOO_LIKE:
                reasons[place] = "near copy of a train row"
            elif key in seen:
                reasons[place] = "same as another variant"
            elif shares_N[n] < self.believable:
                reasons[place] = "label not believable"
            else:
                seen.add(key)
        return reasons

    def _shares(self, texts: Sequence[str], origins: Sequence[Row]) -> Sequence[float]:
        """Return what each variant's label keeps of the believability that its own row's label has.

        The row itself is judged without itself, as its variants are: what others do not believe of it already, they
        need not believe of its variants, or the rows that are hard would be those of which none are made.
        """
        if self._belief is None or not self.believable:
            return [1.0] * len(texts)
        numbers: dict[str, int] = {}
        places_N = np.array([numbers.setdefault(row.row_id, len(numbers)) for row in origins])
        firsts = np.unique(places_N, return_index=True)[1]
        before = [row.text[:_MAX_CHARACTERS] for row in origins]
        labels = [row.label or "" for row in origins]
        own = [[values[first] for first in firsts] for values in (before, labels)]
        rows_R = self._belief.shares(own[0], own[1], own[0]) + _TINY
        heads = [text[:_MAX_CHARACTERS] for text in texts]
        kept: list[float] = ((self._belief.shares(heads, labels, before) + _TINY) / rows_R[places_N]).tolist()
        return kept

    def _refuse_unsupported(self, names: Sequence[str]) -> None:
        unsupported = {**_UNSUPPORTED, **({} if self.takes_tags else {"tags": "a tag for each word"})}
        if found := next((role for role in unsupported if role in names), None):
            raise DataError(
                f"{self.name} makes variants of one text, and these rows have {unsupported[found]} ({found})",
                allowed="rows with a text and a label" + (", or a text and tags" if self.takes_tags else ""),
                remedy="leave the operator out",
            )


def num_variants(num_rows: int) -> int:
    """Return how many variants of each row pay for so many rows (Wei and Zou 2019, EDA, table 3).

    >>> num_variants(300), num_variants(1500), num_variants(5000)
    (16, 8, 4)
    """
    return next((times for most, times in _SIZES if num_rows <= most), _MANY)


def _columns(names: Sequence[str]) -> list[str]:
    return [name for name in ("text", "label") if name in names]


def _with_others(new: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Return new rows with the columns of the rows that they come from."""
    made = [name for name in ("text", "tags") if name in frame.columns]
    others = [name for name in frame.columns if name not in ("row_id", *made)]
    rows = frame.select(pl.col("row_id").alias("from_id"), *others)
    return new.select("from_id", *made, CHANGE_REASON).join(rows, on="from_id", how="left", maintain_order="left")

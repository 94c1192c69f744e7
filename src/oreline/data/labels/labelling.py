"""Labelling by hand, one row after another: what is open, what was decided, one step back.

It reads selection and review files, and writes JSON Lines that `refine` takes both ways: as rows with a `label`, and as
decisions for `--apply-review`. Every decision is on the disk before the next one is asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from oreline.data.dataset import DATASET, Dataset
from oreline.data.labels.review import DROP, KEEP, LABEL, NEW, REVIEW_FILE, read_lines, write_lines
from oreline.data.labels.rounds import ROUNDS_FILE, read_rounds
from oreline.errors import DataError, ResourceError

_COPIED = ("row_id", "text", "arm", "hash")


class Session:
    """Rows of one file that are being labelled.

    Args:
        file: what `refine --select` or `flag_label_errors` wrote.
        out: where decisions go; those that it holds already are not asked for again.
        labels: known labels, besides those that the file and the decisions name; they come first, in their order.
    """

    def __init__(self, file: str | Path, out: str | Path, labels: Iterable[str] = ()) -> None:
        """Read both files. Raises `DataError`, with the line, for one that is not as it should be."""
        self.file, self.out = Path(file), Path(out)
        self.entries = _entries(self.file)
        self._done = _done(self.out, {entry["row_id"] for entry in self.entries}) if self.out.exists() else []
        decided = {line["row_id"] for line in self._done}
        self._open = [number for number, entry in enumerate(self.entries) if entry["row_id"] not in decided]
        self._steps: list[tuple[str, int]] = []
        """What was done since the start, to be undone: `skip` or `decide`, and the row."""
        found = [line.get("label") for line in self._done]
        # New ones come last: a number that means one label now must not mean another a row later.
        listed = [*labels, *sorted(_named(self.entries)), *(label for label in found if label)]
        self.labels = list(dict.fromkeys(listed))

    @property
    def num_done(self) -> int:
        """Rows with a decision."""
        return len(self._done)

    @property
    def num_open(self) -> int:
        """Rows without one."""
        return len(self._open)

    @property
    def entry(self) -> dict[str, Any] | None:
        """The row to decide about now; None where all are decided."""
        return self.entries[self._open[0]] if self._open else None

    def decide(self, what: str, label: str | None = None, *, is_new: bool = False) -> None:
        """Decide about the row at hand: `keep`, `drop`, or `label` with one, which `is_new` where no row has it yet.

        Raises `DataError` where there is no label to keep, `ResourceError` where it cannot be written.
        """
        entry = self._at_hand()
        if what == KEEP and not isinstance(entry.get("label"), str):
            raise DataError("the row has no label that could be kept", remedy="give it a label, skip it or drop it")
        given = {KEEP: entry.get("label"), LABEL: label, DROP: None}[what]
        line = {name: entry[name] for name in _COPIED if name in entry}
        mark = NEW if is_new and entry.get("label") is not None else ""
        line |= {"label": given, "decision": f"{LABEL}={mark}{label}" if what == LABEL else what}
        self._append(line)
        self._done.append(line)
        self._steps.append(("decide", self._open.pop(0)))
        if label is not None and label not in self.labels:
            self.labels.append(label)

    def skip(self) -> None:
        """Put the row at hand behind all others."""
        self._at_hand()
        self._open.append(self._open.pop(0))
        self._steps.append(("skip", self._open[-1]))

    def undo(self) -> bool:
        """Take the latest step of this session back; false where there is none."""
        if not self._steps:
            return False
        what, number = self._steps.pop()
        if what == "skip":
            self._open.remove(number)
        else:
            self._done.pop()
            write_lines(self.out, self._done)
        self._open.insert(0, number)
        return True

    def matching(self, typed: str) -> list[str]:
        """Return the labels that a text may mean: the one of that name, else those that hold it, case aside.

        A number is the place in `labels`, from 1.
        """
        if typed in self.labels:
            return [typed]
        if typed.isdecimal():
            place = int(typed)
            return [self.labels[place - 1]] if 1 <= place <= len(self.labels) else []
        return [label for label in self.labels if typed.casefold() in label.casefold()]

    def _at_hand(self) -> dict[str, Any]:
        if self.entry is None:
            raise DataError("every row is decided about", where=str(self.file))
        return self.entry

    def _append(self, line: dict[str, Any]) -> None:
        try:
            with self.out.open("a", encoding="utf-8", errors="surrogatepass") as stream:
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise ResourceError(f"the decision cannot be written: {error.strerror}", where=str(self.out)) from error


def known_labels(file: Path, data: str | Path | None = None) -> list[str]:
    """Return the labels of the data that rows to label come from, sorted.

    Args:
        file: the rows. Of `review.jsonl` the dataset is the one that it lies in; what `refine --select` wrote has
            the labels in the file of rounds beside it.
        data: a dataset folder, where it is neither.

    Raises `ArtifactError` where `data` is no dataset.
    """
    folder = Path(data) if data is not None else file.parent
    if data is None and not (file.name == REVIEW_FILE and (folder / DATASET).is_file()):
        return sorted(read_rounds(folder / ROUNDS_FILE).labels)
    opened = Dataset.open(folder)
    if "label" not in opened.manifest.columns:
        return []
    found = (opened.scan(split, ["label"]).unique().collect().to_series().drop_nulls() for split in opened.splits)
    return sorted({str(label) for labels in found for label in labels})


def _entries(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a selection or review file that are not decided about in it."""
    entries = []
    seen: dict[str, int] = {}
    for line, entry in read_lines(file):
        where = f"{file}, line {line}"
        for name in ("row_id", "text", "hash"):
            if not isinstance(entry.get(name), str):
                raise DataError(
                    f"the line has no {name}",
                    where=where,
                    remedy="give a file that refine --select or flag_label_errors wrote",
                )
        first = seen.setdefault(entry["row_id"], line)
        if first != line:
            raise DataError(f"the row {entry['row_id']} stands on line {first} too", where=where)
        if not str(entry.get("decision") or "").strip():
            entries.append(entry)
    return entries


def _done(out: Path, known: set[str]) -> list[dict[str, Any]]:
    """Return the decisions that were made before; a last line that a crash cut off is left out, and asked for again."""
    try:
        raw = out.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(out)) from error
    if raw and not raw.endswith(b"\n"):
        whole = raw[: raw.rfind(b"\n") + 1]
        out.write_bytes(whole)
    done = []
    for line, entry in read_lines(out):
        if entry.get("row_id") not in known:
            raise DataError(
                f"the row {entry.get('row_id')!r} is none of the rows to label",
                where=f"{out}, line {line}",
                remedy="name another file with --out: this one belongs to other rows",
            )
        done.append(entry)
    return done


def _named(entries: Iterable[dict[str, Any]]) -> set[str]:
    """Return the labels that the file itself names: given and suggested ones, and those of neighbours."""
    found = set()
    for entry in entries:
        why = entry.get("why")
        near = entry.get("neighbours")
        found.update([entry.get("label"), entry.get("suggested")])
        found.update(why.get("between", ()) if isinstance(why, dict) else ())
        found.update(
            other.get("label") for other in (near if isinstance(near, list) else ()) if isinstance(other, dict)
        )
    return {label for label in found if isinstance(label, str) and label}

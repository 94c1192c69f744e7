"""Frozen layers are computed once: what the lowest layers return for each row, kept on disk and memory-mapped.

The last bits of a matrix product depend on its shape: a row beside 20 others is not the bits of that row alone. So rows
are always computed in passes of one shape for each width (`States._shape`), filled up with rows of no meaning: a row's
states follow from the row alone, whether they are kept or computed in each step, and whatever the rows beside it in a
step. Decision 047 has the figures. To fill few passes up, the rows of several steps are computed together (`ahead`).

Shape suffixes: N rows, B rows of one batch, C rows of one pass, T tokens, D width, S tokens of all rows end to end.
"""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from oreline.models.batch import Batch, to_device
from oreline.models.prefix import Prefix
from oreline.types import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SUM_BYTES = 4
_PASS_TOKENS = {"cpu": 512, "cuda": 16384}
"""Padded tokens of a pass: fewer make slower products, more are filled up with more rows of no meaning."""
_PASSES_AHEAD = 64
_FINE, _COARSE = 8, 16
"""Widths are multiples of these, up to 64 tokens and above: a row of 20 tokens is computed as one of 24."""


class States:
    """What a prefix returns for encoded rows, computed a few steps ahead, or (`keep`) once for each row.

    Args:
        prefix: the frozen lowest layers.
        encoded: all rows.
        make: puts some of them in a batch.
        half: round to bf16, whether kept or not, so that keeping changes nothing.
        bf16: compute under autocast.
    """

    def __init__(
        self,
        prefix: Prefix,
        encoded: Encoded,
        make: Callable[[Encoded, NDArray[np.int64]], Batch],
        *,
        half: bool,
        bf16: bool = False,
    ) -> None:
        self._prefix, self._encoded, self._make, self._half, self._bf16 = prefix, encoded, make, half, bf16
        self._lengths_N = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64)
        self._longest = int(self._lengths_N.max(initial=1))
        self._pass_tokens = _PASS_TOKENS.get(prefix.device.type, _PASS_TOKENS["cpu"])
        self._store: _File | _Memory = _Memory()
        self.flops = 0.0
        """Floating-point operations made for states so far, those for filling up left out."""

    @property
    def num_bytes(self) -> int:
        """What keeping takes on the disk."""
        return int(self._lengths_N.sum()) * self._prefix.width * (2 if self._half else 4)

    def keep(self, folder: Path, name: str, say: Callable[[str], None]) -> None:
        """Keep from now on what is computed, in a file of `folder`, and use what an earlier run left there.

        Args:
            folder: exists.
            name: begins the file's name; the rest says what it was computed from, and files of another origin go.
            say: is told when the disk refuses.
        """
        self._say = say
        path = folder / f"{name}-{self._origin()}.states"
        for other in folder.glob(f"{name}-*.states"):
            if other != path:
                other.unlink()
        try:
            self._store = _File(path, self._lengths_N, self._prefix.width, np.int16 if self._half else np.float32)
        except OSError as error:
            self._give_up(error)

    def ahead(self, steps: Iterable[Sequence[NDArray[np.int64]]]) -> Iterator[Sequence[NDArray[np.int64]]]:
        """Yield the rows of steps as they are given, when the states of some steps have been computed together."""
        waiting: list[Sequence[NDArray[np.int64]]] = []
        tokens = 0
        for step in steps:
            waiting.append(step)
            tokens += sum(int(self._lengths_N[rows].sum()) for rows in step)
            if tokens >= _PASSES_AHEAD * self._pass_tokens:
                yield from self._ready(waiting)
                waiting, tokens = [], 0
        yield from self._ready(waiting)

    def is_of(self, encoded: Encoded | None) -> bool:
        """Whether these are the states of some rows."""
        return encoded is self._encoded

    def given(self, batch: Batch, rows: NDArray[np.int64]) -> Batch:
        """Return a batch of some rows with their states."""
        return replace(batch, states_BTD=self.states(rows, batch.ids_BT.shape[1]))

    def states(self, rows: NDArray[np.int64], width: int) -> Tensor:
        """Return the states of some rows as one batch of a width, (B, T, D) in fp32."""
        self._fill(rows)
        # The padding holds zeros: attention gives it no weight, whatever it holds.
        read_BTD = np.zeros((len(rows), width, self._prefix.width), np.int16 if self._half else np.float32)
        for place, row in enumerate(rows):
            read_BTD[place, : self._lengths_N[row]] = self._store[int(row)]
        states_BTD = to_device(torch.from_numpy(read_BTD), self._prefix.device)
        return states_BTD.view(torch.bfloat16).float() if self._half else states_BTD

    def _ready(self, steps: Sequence[Sequence[NDArray[np.int64]]]) -> Iterator[Sequence[NDArray[np.int64]]]:
        if steps:
            rows = np.unique(np.concatenate([rows for step in steps for rows in step]))
            self._store.forget_all_but(rows)
            self._fill(rows)
        yield from steps

    def _fill(self, rows: NDArray[np.int64]) -> None:
        """Compute the states of those rows that have none, in passes of one shape for each width."""
        missing = [row for row in np.unique(rows).tolist() if row not in self._store]
        shapes = {row: self._shape(int(self._lengths_N[row])) for row in missing}
        for (num_rows, width), same in itertools.groupby(sorted(missing, key=shapes.__getitem__), shapes.__getitem__):
            alike = list(same)
            for start in range(0, len(alike), num_rows):
                self._put(self._compute(alike[start : start + num_rows], num_rows, width))

    def _shape(self, length: int) -> tuple[int, int]:
        """Return the rows and the width of the pass that a row is computed in, from its length alone."""
        multiple = _FINE if length <= 64 else _COARSE
        width = min(-(-length // multiple) * multiple, self._longest)
        return max(self._pass_tokens // width, 1), width

    def _compute(self, rows: Sequence[int], num_rows: int, width: int) -> dict[int, NDArray[Any]]:
        """Return the states of some rows, (T, D) each."""
        batch = self._make(*self._filled_up(rows, num_rows, width))
        states_CTD = self._prefix.states(_first(batch, num_rows), bf16=self._bf16).cpu()
        self.flops += 2.0 * self._prefix.num_weights * int(self._lengths_N[list(rows)].sum())
        kept_CTD = (states_CTD.bfloat16().view(torch.int16) if self._half else states_CTD).numpy()
        return {row: kept_CTD[place, : self._lengths_N[row]].copy() for place, row in enumerate(rows)}

    def _filled_up(self, rows: Sequence[int], num_rows: int, width: int) -> tuple[Encoded, NDArray[np.int64]]:
        """Return rows with others of no meaning behind them; the last two, which are left out again, see to it that
        the batch is as wide as wanted, and has a mask where batches of unequal rows have one."""
        lengths = [width] * (num_rows - len(rows)) + [width, 1]
        empty = [np.zeros(length, np.int32) for length in lengths]
        encoded = self._encoded
        segments = [*(encoded.segments[row] for row in rows), *empty] if encoded.segments is not None else None
        ids = [*(encoded.ids[row] for row in rows), *empty]
        return Encoded(ids, np.zeros(len(ids), bool), segments), np.arange(len(ids))

    def _put(self, states: Mapping[int, NDArray[Any]]) -> None:
        try:
            self._store.put(states)
        except OSError as error:
            self._give_up(error)
            self._store.put(states)

    def _give_up(self, error: OSError) -> None:
        """Go on without keeping, and leave the disk to the checkpoints."""
        if isinstance(self._store, _File):
            self._store.remove()
        self._store = _Memory()
        self._say(f"warning: {error.strerror or error}: the frozen layers are computed in every step from here on")

    def _origin(self) -> str:
        """Return a hash of everything that the states follow from."""
        shapes = sorted({self._shape(int(length)) for length in np.unique(self._lengths_N)})
        facts = (self._prefix.num_layers, self._half, self._bf16, shapes, torch.get_num_threads(), torch.__version__)
        found = hashlib.sha256(repr(facts).encode())
        for name, tensor in self._prefix.tensors():
            found.update(name.encode())
            found.update(tensor.detach().cpu().contiguous().numpy().data)
        for rows in (self._encoded.ids, self._encoded.segments or []):
            found.update(np.concatenate([np.zeros(0, np.int32), *rows]).astype(np.int32).data)
        found.update(self._lengths_N.data)
        return found.hexdigest()[:16]


def _first(batch: Batch, num_rows: int) -> Batch:
    """Return the first rows of a batch."""
    named = {"mask_BT": batch.mask_BT, "segments_BT": batch.segments_BT, "positions_BT": batch.positions_BT}
    cut = {name: tensor[:num_rows] for name, tensor in named.items() if tensor is not None}
    return replace(batch, ids_BT=batch.ids_BT[:num_rows], **cut)  # type: ignore[arg-type]


class _Memory:
    """The states of the rows of some steps."""

    def __init__(self) -> None:
        self._states: dict[int, NDArray[Any]] = {}

    def __contains__(self, row: int) -> bool:
        return row in self._states

    def __getitem__(self, row: int) -> NDArray[Any]:
        return self._states[row]

    def put(self, states: Mapping[int, NDArray[Any]]) -> None:
        """Hold the states of some rows, (T, D) each."""
        self._states.update(states)

    def forget_all_but(self, rows: NDArray[np.int64]) -> None:
        """Hold no states but those of some rows."""
        self._states = {row: self._states[row] for row in rows.tolist() if row in self._states}


class _File:
    """A checksum for each row, then the states of all rows end to end; a row without its checksum is missing."""

    def __init__(self, path: Path, lengths_N: NDArray[np.int64], width: int, dtype: Any) -> None:
        self._path, self._ends_N = path, np.cumsum(lengths_N)
        self._header = _SUM_BYTES * len(lengths_N)
        num_tokens = int(lengths_N.sum())
        size = self._header + num_tokens * width * np.dtype(dtype).itemsize
        if not path.is_file() or path.stat().st_size != size:
            with path.open("wb") as fresh:
                fresh.truncate(size)
        self._states_SD = np.memmap(path, dtype, mode="r", offset=self._header, shape=(num_tokens, width))
        sums_N = np.fromfile(path, "<u4", count=len(lengths_N))
        self._known_N = np.array([bool(told) and told == _checksum(self[row]) for row, told in enumerate(sums_N)])

    def __contains__(self, row: int) -> bool:
        """Whether a row is there, undamaged when the file was opened."""
        return bool(self._known_N[row])

    def __getitem__(self, row: int) -> NDArray[Any]:
        found: NDArray[Any] = self._states_SD[self._start(row) : int(self._ends_N[row])]
        return found

    def put(self, states: Mapping[int, NDArray[Any]]) -> None:
        """Put rows in their places, then their checksums. Raises `OSError` where the disk refuses."""
        # Written through a file, not the map: a full disk is an error then, and not the end of the process.
        with self._path.open("r+b") as stream:
            for row, states_TD in states.items():
                stream.seek(self._header + self._start(row) * states_TD[0].nbytes)
                stream.write(states_TD.tobytes())
            stream.flush()
            for row, states_TD in states.items():
                stream.seek(row * _SUM_BYTES)
                stream.write(_checksum(states_TD).to_bytes(_SUM_BYTES, "little"))
        self._known_N[list(states)] = True

    def forget_all_but(self, rows: NDArray[np.int64]) -> None:
        """Forget nothing: the disk holds all rows."""

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)

    def _start(self, row: int) -> int:
        return int(self._ends_N[row - 1]) if row else 0


def _checksum(states_TD: NDArray[Any]) -> int:
    """Return a CRC-32 that is never 0, which stands for nothing written."""
    return zlib.crc32(np.ascontiguousarray(states_TD).data) or 1

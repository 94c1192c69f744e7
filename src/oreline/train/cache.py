"""Frozen layers are computed once: what the lowest layers return for each row, kept on disk and memory-mapped.

A row's states are those that it has in its batch of the first epoch: the last bits of a matrix product depend on the
rows beside it. So they are the same whenever they are computed, and a run that continues, or whose file is lost, ends
in the same weights. Decision 007 has the figures.

Shape suffixes: N rows, B rows of one batch, S tokens of some rows end to end, T tokens, D width.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
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


class States:
    """What a prefix returns for encoded rows, computed for each call, or (`keep`) once for each row.

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
        self._file: _File | None = None
        self.flops = 0.0
        """Floating-point operations made for states so far."""

    @property
    def num_bytes(self) -> int:
        """What keeping takes on the disk."""
        return int(self._lengths_N.sum()) * self._prefix.width * (2 if self._half else 4)

    def keep(self, folder: Path, name: str, batches: Sequence[NDArray[np.int64]], say: Callable[[str], None]) -> None:
        """Keep from now on what is computed, in a file of `folder`, and use what an earlier run left there.

        Args:
            folder: exists.
            name: begins the file's name; the rest says what it was computed from, and files of another origin go.
            batches: the company in which rows are computed; each row occurs once.
            say: is told when the disk refuses.
        """
        self._batches, self._say = batches, say
        order_N = np.concatenate(batches)
        self._starts_N = np.empty(len(order_N), dtype=np.int64)
        self._starts_N[order_N] = np.concatenate([[0], np.cumsum(self._lengths_N[order_N])[:-1]])
        self._batch_of_N = np.empty(len(order_N), dtype=np.int64)
        for number, rows in enumerate(batches):
            self._batch_of_N[rows] = number
        path = folder / f"{name}-{self._origin(order_N)}.states"
        for other in folder.glob(f"{name}-*.states"):
            if other != path:
                other.unlink()
        ends = np.cumsum([self._lengths_N[rows].sum() for rows in batches])
        try:
            self._file = _File(path, ends, self._prefix.width, np.int16 if self._half else np.float32)
        except OSError as error:
            self._give_up(error)

    def states(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the states of some rows as one batch, (B, T, D) in fp32."""
        if self._file is not None:
            for number in np.unique(self._batch_of_N[rows]):
                if not self._file.has(number):
                    self._fill(int(number))
        if self._file is not None:
            return self._read(self._file, rows)
        states_BTD = self._compute(self._make(self._encoded, rows))
        return states_BTD.bfloat16().float() if self._half else states_BTD

    def _compute(self, batch: Batch) -> Tensor:
        self.flops += 2.0 * self._prefix.num_weights * batch.num_tokens
        return self._prefix.states(batch, bf16=self._bf16)

    def _fill(self, number: int) -> None:
        rows = self._batches[number]
        states_BTD = self._compute(self._make(self._encoded, rows)).cpu()
        kept_BTD = (states_BTD.bfloat16().view(torch.int16) if self._half else states_BTD).numpy()
        states_SD = np.concatenate([kept_BTD[place, : self._lengths_N[row]] for place, row in enumerate(rows)])
        if self._file is not None:
            try:
                self._file.write(number, states_SD)
            except OSError as error:
                self._give_up(error)

    def _read(self, file: _File, rows: NDArray[np.int64]) -> Tensor:
        lengths_B, starts_B = self._lengths_N[rows], self._starts_N[rows]
        stored_SD = file.states_SD
        shape = (len(rows), int(lengths_B.max()), self._prefix.width)
        # The padding holds zeros: attention gives it no weight, whatever it holds.
        read_BTD = np.zeros(shape, stored_SD.dtype)
        for place, (start, length) in enumerate(zip(starts_B, lengths_B)):
            read_BTD[place, :length] = stored_SD[start : start + length]
        states_BTD = to_device(torch.from_numpy(read_BTD), self._prefix.device)
        return states_BTD.view(torch.bfloat16).float() if self._half else states_BTD

    def _give_up(self, error: OSError) -> None:
        """Go on without keeping, and leave the disk to the checkpoints."""
        if self._file is not None:
            self._file.remove()
            self._file = None
        self._say(f"warning: {error.strerror or error}: the frozen layers are computed in every step from here on")

    def _origin(self, order_N: NDArray[np.int64]) -> str:
        """Return a hash of everything that the states follow from."""
        facts = (self._prefix.num_layers, self._half, self._bf16, torch.get_num_threads(), torch.__version__)
        found = hashlib.sha256(repr(facts).encode())
        for name, tensor in self._prefix.tensors():
            found.update(name.encode())
            found.update(tensor.detach().cpu().contiguous().numpy().data)
        for rows in (self._encoded.ids, self._encoded.segments or []):
            found.update(np.concatenate([np.zeros(0, np.int32), *rows]).astype(np.int32).data)
        for numbers in (self._lengths_N, order_N, np.asarray([len(rows) for rows in self._batches])):
            found.update(numbers.astype(np.int64).data)
        return found.hexdigest()[:16]


class _File:
    """A checksum for each batch, then the states of all rows end to end; a batch without its checksum is missing."""

    def __init__(self, path: Path, ends: NDArray[np.int64], width: int, dtype: Any) -> None:
        self._path, self._ends = path, ends
        header = _SUM_BYTES * len(ends)
        size = header + int(ends[-1]) * width * np.dtype(dtype).itemsize
        if not path.is_file() or path.stat().st_size != size:
            with path.open("wb") as fresh:
                fresh.truncate(size)
        self.states_SD = np.memmap(path, dtype, mode="r", offset=header, shape=(int(ends[-1]), width))
        sums = np.fromfile(path, "<u4", count=len(ends))
        self._known = np.array([bool(told) and told == self._sum(number) for number, told in enumerate(sums)])

    def has(self, number: int) -> bool:
        """Whether a batch is there, undamaged when the file was opened."""
        return bool(self._known[number])

    def write(self, number: int, states_SD: NDArray[Any]) -> None:
        """Put a batch in its place, then its checksum. Raises `OSError` where the disk refuses."""
        start, _ = self._span(number)
        # Written through a file, not the map: a full disk is an error then, and not the end of the process.
        with self._path.open("r+b") as stream:
            stream.seek(_SUM_BYTES * len(self._ends) + start * states_SD[0].nbytes)
            stream.write(states_SD.tobytes())
            stream.flush()
            stream.seek(number * _SUM_BYTES)
            stream.write(_checksum(states_SD).to_bytes(_SUM_BYTES, "little"))
        self._known[number] = True

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)

    def _span(self, number: int) -> tuple[int, int]:
        return int(self._ends[number - 1]) if number else 0, int(self._ends[number])

    def _sum(self, number: int) -> int:
        start, end = self._span(number)
        return _checksum(self.states_SD[start:end])


def _checksum(states_SD: NDArray[Any]) -> int:
    """Return a CRC-32 that is never 0, which stands for nothing written."""
    return zlib.crc32(np.ascontiguousarray(states_SD).data) or 1

"""What a model says, while it says it: tokens become text on the model's thread, and are read on the event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

_HALF = "\ufffd"
"""What a tokenizer makes of a character of which bytes are still to come."""


class Spoken:
    """One answer as it grows. It ends with the model's end token, before a stop string, or when it is long enough.

    `text` is what is certain: characters that are whole, without white space at its end, and without what may be the
    beginning of a stop string. It only ever grows.
    """

    def __init__(
        self, runtime: Any, *, stops: Sequence[str] = (), key: int | None = None, on_change: Callable[[], None]
    ) -> None:
        """Listen to an answer.

        Args:
            runtime: the model that writes it; its task says how long it may be.
            stops: texts that the answer ends before.
            key: what samples are drawn by; what the row says when None.
            on_change: called on the model's thread when there is more.
        """
        self._runtime, self._stops, self.wake, self.key = runtime, tuple(filter(None, stops)), on_change, key
        self._ends, self._limit = frozenset(runtime.end_ids), runtime.task.generation.max_new_tokens
        self._ids: list[int] = []
        self._begun = self._read = 0  # ids from `_begun` on are decoded; up to `_read` they are in `_whole`
        self._whole = ""
        self.text = ""
        self.finish: str | None = None
        """Why it ended: `stop`, or `length`; None while it goes on."""
        self.num_read = self.num_written = 0
        """Tokens, the end token included."""
        self.is_cut = False
        """Whether the dialogue was too long, and its oldest turns were left out."""

    def begin(self, num_tokens: int, is_cut: bool) -> None:
        """Hear that the model begins, how many tokens it reads, and whether the dialogue was cut."""
        self.num_read, self.is_cut = num_tokens, is_cut
        self.wake()

    def tell(self, token: int) -> bool:
        """Take one token; returns whether the answer ends with it."""
        self.num_written += 1
        if token not in self._ends:
            self._ids.append(token)
        is_last = token in self._ends or self.num_written == self._limit
        self._grow(is_last)
        text = self._runtime.tidied(self._whole)
        if (stop := self._stop_in(text)) is not None:
            self._end(text[:stop].rstrip(), "stop")
        elif is_last:
            self._end(text, "stop" if token in self._ends else "length")
        elif text := text[: len(text) - self._held(text)].rstrip():
            self.text = text
            self.wake()
        return self.finish is not None

    def _grow(self, is_last: bool) -> None:
        """Decode what came since, together with the tokens before it, which say whether a space stands between."""
        before = self._runtime.decoded(self._ids[self._begun : self._read])
        after = self._runtime.decoded(self._ids[self._begun :])
        if is_last or (len(after) > len(before) and not after.endswith(_HALF)):
            self._whole += after[len(before) :]
            self._begun, self._read = self._read, len(self._ids)

    def _stop_in(self, text: str) -> int | None:
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        return min(places, default=None)

    def _held(self, text: str) -> int:
        """Return how many characters at the end may be the beginning of a stop string."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        sizes = range(min(longest, len(text)), 0, -1)
        return next((size for size in sizes if any(stop.startswith(text[-size:]) for stop in self._stops)), 0)

    def _end(self, text: str, finish: str) -> None:
        self.text, self.finish = text, finish
        self.wake()

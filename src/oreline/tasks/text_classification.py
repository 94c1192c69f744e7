"""One label for each text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oreline.tasks.classes import OneOfClasses
from oreline.tasks.prompts import check_pattern, encode_in_pattern
from oreline.types import Columns, Encoded

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Task(OneOfClasses):
    """Text classification: one of K labels for each text.

    Args:
        labels: class names in index order, each once.
        temperature: what logits are divided by; fitted on dev where it is set, 1 where it is not.
        reject: how rows of no class are told: `rejector`, its `options`, and what was fitted on dev.
        pattern: what the text is put into, with a masked place for the label's word (the method `prompt`); none when
            empty.
    """

    def __init__(
        self,
        *,
        labels: Sequence[str],
        temperature: float | None = None,
        reject: Mapping[str, Any] | None = None,
        pattern: str = "",
    ) -> None:
        super().__init__(labels=labels, temperature=temperature, reject=reject)
        self.pattern = pattern
        if pattern:
            check_pattern(pattern)

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().options, **({"pattern": self.pattern} if self.pattern else {})}

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn the texts into ids, in their pattern where there is one, cut to `max_tokens`."""
        if self.pattern:
            return encode_in_pattern(columns["text"], self.pattern, tokenizer, max_tokens)
        return super().encode(columns, tokenizer, max_tokens)

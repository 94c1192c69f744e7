"""A text for each text: translation, summaries, rewriting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.tasks.texts import encode_texts
from oreline.tasks.written import Pieces, WrittenText
from oreline.types import Columns, Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


class Task(WrittenText):
    """Sequence to sequence: a text is read whole and answered with another one, by an encoder–decoder model.

    Translation, summaries, rewriting. The column `target_text` holds the answers. Start models are folders of T5, mT5,
    BART, Marian and their like, with a `tokenizer.json`. What such a model was trained to read before a text
    (`summarize: `) belongs into the text.

    Args:
        generation: how answers are written: `num_beams`, `temperature`, `max_new_tokens`, …, see
            `oreline.generation.Generation`.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    head: ClassVar[str] = "seq2seq"

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn texts into ids, special tokens included, cut to `max_tokens`."""
        return encode_texts(columns, self.inputs, tokenizer, max_tokens)

    def pieces(
        self, columns: Columns, targets: Sequence[Any], tokenizer: Tokenizer, max_tokens: int, end_id: int
    ) -> Pieces:
        """Return what is read and what is written for it, each answer with the end token `end_id`."""
        room = self.generation.max_new_tokens or max_tokens
        answers = encode_texts({"text": list(targets)}, ("text",), tokenizer, room)
        written = [_ended(ids, end_id, room) for ids in answers.ids]
        return Pieces(self.encode(columns, tokenizer, max_tokens), written, int(answers.truncated_N.sum()))


def _ended(ids: NDArray[np.int32], end_id: int, room: int) -> NDArray[np.int64]:
    """Return an answer's tokens with the end token behind them, which a tokenizer may or may not add."""
    if len(ids) and ids[-1] == end_id:
        return ids.astype(np.int64)
    return np.append(ids[: room - 1], end_id).astype(np.int64)

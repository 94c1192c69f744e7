"""What the tasks share whose answers are texts.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from oreline.errors import DataError, UsageError
from oreline.generation import Generation
from oreline.generation import generation as settings
from oreline.metrics.texts import character_counts, chrf
from oreline.types import Columns, Encoded, Explained, Runtime
from oreline.words import units

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from oreline.recipe import TrainOptions

_LONGEST_BAND = 512


class Pieces(NamedTuple):
    """What a writing model is trained on."""

    encoded: Encoded
    """What it reads."""
    targets: list[NDArray[np.int64]]
    """What it writes: an answer's tokens where it has a decoder; otherwise one for each token read, -100 where none."""
    num_cut: int = 0
    """Answers that were longer than the model may write, and were cut."""
    rows: NDArray[np.int64] | None = None
    """Which row each is of, where some rows have none; one for each row when None."""


class WrittenText:
    """A text for each row.

    Args:
        generation: how it is written, see `oreline.generation.Generation`.
    """

    target: ClassVar[str] = "target_text"
    metrics: ClassVar[tuple[str, ...]] = ("chrf", "bleu", "rouge", "perplexity")
    view: ClassVar[str] = "texts"

    def __init__(self, *, generation: Mapping[str, Any] | None = None) -> None:
        self.generation: Generation = settings(generation)

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return no options: every text is an answer. Raises `DataError` for an empty one."""
        _texts([target for target in targets if target is not None])
        return {}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"generation": self.generation.model_dump(exclude_unset=True)}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the name of the one number that stands beside an answer."""
        return ("probability",)

    def with_generation(self, given: Mapping[str, Any] | Generation) -> Self:
        """Return this task with some settings of how texts are written changed. Raises `UsageError` for a wrong one."""
        made = settings(given, self.generation)
        return type(self)(**{**self.options, "generation": made.model_dump(exclude_unset=True)})

    def prepared(self, folder: Path, tokenizer: Tokenizer, options: TrainOptions) -> Self:
        """Return this task as a start model, its tokenizer and the options of its training complete it."""
        return self.with_generation(options.generation) if options.generation else self

    def longest_answer(self, targets: Sequence[NDArray[np.int64]], max_tokens: int) -> int:
        """Return how many tokens an answer may have, from what is trained on and the tokens that the model reads."""
        return max(map(len, targets), default=1)

    def knows(self, target: Any) -> bool:
        """Whether a target is a text, and not an empty one."""
        return isinstance(target, str) and bool(target.strip())

    def encode_target(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Return texts as an object array of shape (N,). Raises `DataError` for one that is empty, or no text."""
        return _texts(targets)

    def tuned(self, targets: NDArray[Any], scores: NDArray[Any]) -> Self:
        """Return this task: nothing in it is chosen on dev."""
        return self

    def activate(self, logits_N1: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn the mean log-probability of an answer's tokens into a probability."""
        scores_N1: NDArray[np.float32] = np.exp(np.minimum(logits_N1, 0)).astype(np.float32)
        return scores_N1

    def predicted(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return the best answer to each row, an object array of texts, from an array of `Written`."""
        return _array([row.texts[0] for row in scores])

    def explained(self, runtime: Runtime, columns: Columns, label: str | None) -> Explained:
        """Explain the text that is written, or any other one: the geometric mean of its tokens' probabilities.

        Each token's is that after the true ones before it.
        """
        costs = getattr(runtime, "costs", None)
        if costs is None:
            raise UsageError(
                "this model cannot say how probable a given text is, so its answers cannot be explained",
                allowed="a model that writes texts by the probabilities of their tokens",
            )
        own = {role: values[:1] for role, values in columns.items()}
        if label is None:
            written = runtime.predict(own)
            label, truncated_N = str(self.predicted(written.outputs["scores"])[0]), written.truncated_N
        else:
            truncated_N = runtime.encode(own).truncated_N
        nats_V, tokens_V = costs(columns, [label] * len(next(iter(columns.values()))))
        return Explained(label, np.exp(-nats_V / np.maximum(tokens_V, 1)), bool(truncated_N[0]))

    def credit(self, targets_N: NDArray[Any], predicted_N: NDArray[Any]) -> NDArray[np.float64]:
        """Return the chrF of each answer, from 0 to 1; 1 for the very text."""
        credit_N = chrf(character_counts(targets_N.tolist(), predicted_N.tolist()))
        return np.where(targets_N == predicted_N, 1.0, credit_N)

    def names(self, targets_N: NDArray[Any]) -> list[str]:
        """Return the texts."""
        return [str(text) for text in targets_N]

    def outcomes(self, targets_N: NDArray[Any]) -> list[str]:
        """Return what answers are counted by: their length, in bands that double, such as `5 to 8 words`."""
        return [_band(len(units(text))) for text in targets_N]

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
        """Turn answers into `{"text": …, "probability": …}`; of several, the others stand in `others`, best first."""
        answers = []
        for written in outputs["scores"]:
            first, *others = (
                {"text": text, "probability": round(float(probability), 6)}
                for text, probability in zip(*written, strict=True)
            )
            answers.append({**first, "others": others} if others else first)
        return answers


def _texts(targets: Sequence[Any]) -> NDArray[Any]:
    for row, target in enumerate(targets):
        if not isinstance(target, str) or not target.strip():
            raise DataError(
                "the target is empty" if isinstance(target, str) else f"the target is {target!r:.80}, and not a text",
                row=row,
                allowed="texts",
                remedy="give the row an answer, or leave it out",
            )
    return _array(list(targets))


def _array(texts: Sequence[str]) -> NDArray[Any]:
    array_N = np.empty(len(texts), dtype=object)
    array_N[:] = texts
    return array_N


def _band(num_words: int) -> str:
    """Return the band of a length.

    >>> [_band(count) for count in (0, 1, 3, 8, 9, 600)]
    ['empty', '1 to 2 words', '3 to 4 words', '5 to 8 words', '9 to 16 words', 'over 512 words']
    """
    if not num_words:
        return "empty"
    if num_words > _LONGEST_BAND:
        return f"over {_LONGEST_BAND} words"
    high = max(1 << (num_words - 1).bit_length(), 2)
    return f"{high // 2 + 1 if high > 2 else 1} to {high} words"

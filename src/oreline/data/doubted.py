"""Models of operators, asked once whether they read the texts that they are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from oreline.types import Model, OpenModel

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_FEWEST = 20
"""Texts from which on they are judged; before that, more are waited for."""


class Doubted:
    """A model that, with the first texts that it is to answer, embed or fill, says whether it hardly reads them.

    Args:
        model: the model; where it has `doubts(texts)`, that returns a sentence or nothing.
        tell: is told the sentence.
    """

    def __init__(self, model: Model, tell: Callable[[str], None]) -> None:
        self._model, self._tell = model, tell
        self._ask: Callable[[Sequence[str]], str] | None = getattr(model, "doubts", None)

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        """Return the model's answers."""
        self._look(texts)
        return self._model.predict(texts)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the model's vectors."""
        self._look(texts)
        return self._model.embed(texts)

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        """Return what the model fills gaps with."""
        self._look([f"{before} {behind}" for before, behind in gaps])
        return self._model.fill(gaps, top)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def _look(self, texts: Sequence[str]) -> None:
        if self._ask is not None and len(texts) >= _FEWEST:
            sentence, self._ask = self._ask(texts), None
            if sentence:
                self._tell(sentence)


def doubting(open_model: OpenModel, tell: Callable[[str], None]) -> OpenModel:
    """Return what opens models as before, each of which tells once of texts that it hardly reads."""
    return lambda place: Doubted(open_model(place), tell)

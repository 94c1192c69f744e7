"""Models as operators and selections use them: texts in, answers or vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import names

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


class Bound:
    """A model folder, or a start model (`catalog:NAME`), which has vectors only. It is opened when it is first used."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._runtime: Any = None

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        """Return the answers of a trained model, a column for each of their keys."""
        import polars as pl

        from oreline.api.use import load

        self._runtime = self._runtime or load(self._place)
        columns = {role: list(texts) for role in self._runtime.task.inputs}
        answers = self._runtime.task.decode(self._runtime.predict(columns).outputs, columns)
        return pl.DataFrame({name: [answer.get(name) for answer in answers] for name in answers[0]} if answers else {})

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector for each text, (N, D)."""
        if self._runtime is None:
            self._runtime = _opened(self._place)
        columns = {role: list(texts) for role in self._runtime.task.inputs}
        found: NDArray[np.float32] = self._runtime.predict(columns, embeddings=True).embedding_ND
        return found


def open_model(place: str) -> Bound:
    """Return a model by its folder, or a start model by its name."""
    return Bound(place)


def _opened(place: str) -> Any:
    from oreline import store
    from oreline.api.use import load

    folder = names.start_folder(place)
    if folder is not None and is_trained(folder):
        return load(store.Artifact.open(folder))
    from oreline.runtime.start import StartRuntime

    return StartRuntime(str(folder))


def is_trained(folder: Path) -> bool:
    """Whether a folder holds a model with a task, and not an encoder that waits for one."""
    from oreline import store

    return (folder / store.MANIFEST).is_file() and store.Artifact.open(folder).manifest.task != "none"

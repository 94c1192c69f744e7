"""The models that operators of a refinery ask for: a trained one by its folder, a start model by its name."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from oreline import store
from oreline.api import names
from oreline.errors import UsageError
from oreline.store import Artifact
from oreline.types import Model, Runtime

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from oreline.train.embed import StartEncoder
    from oreline.train.fill import GapFiller

_TOKENIZER = "tokenizer.json"


class TrainedModel:
    """A model with a task: it answers texts, and embeds them as its head reads them."""

    def __init__(self, runtime: Runtime, place: str) -> None:
        if runtime.task.inputs != ("text",):
            raise UsageError(
                f"operators give a model texts, and this one reads {' and '.join(runtime.task.inputs)}",
                where=place,
                remedy="name a model that reads one text a row",
            )
        self._runtime, self._place = runtime, place

    @property
    def entities(self) -> tuple[str, ...]:
        """Labels of the entities that its answers may name; none where they name none."""
        return tuple(getattr(self._runtime.task, "found_entities", ()))

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        """Return an answer for each text, as `oreline predict` gives it, a column for each of its keys."""
        import polars as pl

        from oreline.runtime.stream import predict_stream

        answers = list(predict_stream(self._runtime, ({"text": text} for text in texts)))
        frame = pl.from_dicts(answers, infer_schema_length=None) if answers else pl.DataFrame()
        return frame.drop("id", strict=False)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector for each text, (N, D). Raises `UsageError` where the runtime has none."""
        found = self._runtime.predict({"text": list(texts)}, embeddings=True).embedding_ND
        if found is None:
            raise UsageError(
                f"a {self._runtime.artifact.manifest.runtime} model has no vectors of texts",
                where=self._place,
                remedy="name an encoder, such as catalog:minilm-l6-en",
            )
        return found

    def doubts(self, texts: Sequence[str]) -> str:
        """Return a sentence where the model hardly reads such texts; empty where it does, or knows no tokenizer."""
        from oreline.models.base import base_folder

        folder = base_folder(self._runtime.artifact.path)
        return _doubts(folder, texts, self._place) if (folder / _TOKENIZER).is_file() else ""

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        """Raise `UsageError`: a trained model has a task in place of a masked-language head."""
        raise UsageError(
            f"{self._place} was trained for a task and fills no gaps",
            remedy="name a pretrained encoder with its masked-language head, such as what oreline pretrain writes",
        )


class StartModel:
    """A pretrained encoder: it embeds texts, fills gaps in them, and answers nothing."""

    def __init__(self, folder: Path, place: str) -> None:
        self._folder, self._place = folder, place

    @property
    def entities(self) -> tuple[str, ...]:
        """None: a start model answers nothing."""
        return ()

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        """Raise `UsageError`: a start model has no task."""
        raise UsageError(
            f"{self._place} is a start model: it has no task yet and answers nothing",
            remedy=f"name a trained model; oreline finetune DATA --start {self._place} makes one",
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector of length 1 for each text, (N, D)."""
        return self._encoder.embed(texts)

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        """Return the likeliest words between each two texts, with probabilities.

        Raises `ArtifactError` for an encoder without a masked-language head.
        """
        return self._filler.fill(gaps, top)

    def doubts(self, texts: Sequence[str]) -> str:
        """Return a sentence where the model hardly reads such texts, by its tokenizer; empty where it does."""
        from oreline.models.base import base_folder

        return _doubts(base_folder(self._folder), texts, self._place)

    @functools.cached_property
    def _encoder(self) -> StartEncoder:
        from oreline.train.embed import StartEncoder

        return StartEncoder(self._folder)

    @functools.cached_property
    def _filler(self) -> GapFiller:
        from oreline.train.fill import GapFiller

        return GapFiller(self._folder, self._place)


def _doubts(folder: Path, texts: Sequence[str], place: str) -> str:
    from oreline.models.legible import doubts
    from oreline.models.tokenizing import tokenizer

    return doubts(tokenizer(folder), texts, place)


@functools.lru_cache(maxsize=4)
def open_model(place: str) -> Model:
    """Open a model for operators.

    Args:
        place: a model folder, a home, `HOME@alias`, or a start model: `catalog:NAME`, a folder, a hub id.

    Raises:
        UsageError: there is no such model, or it does not read one text a row.
        ArtifactError: the folder is damaged.
    """
    if (artifact := trained(place)) is not None:
        from oreline.runtime.open import open_runtime

        return TrainedModel(open_runtime(artifact), place)
    folder = names.start_folder(place)
    if folder is None:
        raise UsageError("an operator names no model", remedy="give it a model folder or catalog:minilm-l6-en")
    return StartModel(folder, place)


def trained(place: str) -> Artifact | None:
    """Return the model of a name where it has a task; None for a start model. Raises `ArtifactError` when damaged."""
    path = Path(place)
    is_ours = (path / store.MANIFEST).is_file() or store.is_home(path) or (not path.exists() and "@" in place)
    if not is_ours or place.startswith(names.CATALOG):
        return None
    artifact = Artifact.open(names.model_path(place))
    return artifact if artifact.manifest.task != "none" else None

"""The model in place, and how another takes its place without a request being lost.

A new version is loaded, warmed up and checked on its golden rows beside the old one; then one reference changes.
Every request holds the version that it was tokenised for, so the old one is freed by the last request that uses
it. A version that fails to load or to repeat its golden answers changes nothing.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.errors import ArtifactError, OrelineError, UsageError
from oreline.runtime.open import open_runtime
from oreline.runtime.windows import by_row
from oreline.store import Artifact, resolve
from oreline.types import Written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.generation import Generation
    from oreline.serve.meters import Meters
    from oreline.serve.settings import Settings
    from oreline.types import Columns, Runtime, Task

_LOG = logging.getLogger(__name__)
_RETRY_S = 30.0
"""A version that failed is tried again this often: its files may have been restored."""
_MAX_WRITING = 32
"""Ways to write that are kept for one model; each is a few fields beside it."""
_PROBE = "ready"
"""Input of the probe row for a model that has no golden rows."""


class Served:
    """One model in memory."""

    __slots__ = ("__weakref__", "_writing", "golden", "runtime")

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._writing: dict[Generation, Served] = {}
        self.golden: list[dict[str, Any]] = runtime.artifact.manifest.golden

    @property
    def task(self) -> Task:
        """What it predicts."""
        return self.runtime.task

    @property
    def identity(self) -> dict[str, str]:
        """Which model answers: part of every answer."""
        artifact = self.runtime.artifact
        return {"id": artifact.id, "version": artifact.version, "precision": self.runtime.precision}

    def golden_columns(self, number: int) -> Columns:
        """Return one golden row's inputs (counted from 0, round and round), or a probe row when the model has none."""
        row = self.golden[number % len(self.golden)]["inputs"] if self.golden else {}
        return {role: [row.get(role, _PROBE)] for role in self.task.inputs}

    def write_by(self, generation: Mapping[str, Any]) -> None:
        """Write texts as the server is told to; the golden rows then have the answers that are given this way."""
        runtime: Any = self.runtime
        if self.task.view != "texts" or not hasattr(runtime, "set_generation"):
            raise UsageError("generation says how texts are written, and this model writes none", where="generation")
        runtime.set_generation(generation)
        self.golden = [{**row, "scores": self._scores(number)} for number, row in enumerate(self.golden)]

    def writing(self, generation: Generation) -> Served:
        """Return the same model, in memory once, that writes as a request asks; equal ones share a batch.

        Raises `UsageError` for settings that the model cannot write by, or a model that writes nothing.
        """
        if generation not in self._writing:
            if not hasattr(self.runtime, "written_by"):
                raise UsageError("this model writes nothing", remedy="send rows to /predict")
            view = Served(self.runtime.written_by(generation))
            while len(self._writing) >= _MAX_WRITING:
                self._writing.pop(next(iter(self._writing)))
            self._writing[generation] = view
        return self._writing[generation]

    def _scores(self, number: int) -> list[float]:
        outputs = self.runtime.predict(self.golden_columns(number)).outputs
        return [float(score) for score in by_row(outputs["scores"], len(self.task.labels))[0]]

    def golden_fault(self, number: int, outputs: Mapping[str, NDArray[Any]], tolerance: float) -> str:
        """Compare the answer to a golden row with the one saved in the model; empty when they agree."""
        for name, values in outputs.items():
            if not _is_finite(values):
                return f"the output {name!r} is not finite"
        if not self.golden:
            return ""
        number %= len(self.golden)
        row, scores_K = self.golden[number], by_row(outputs["scores"], len(self.task.labels))[0]
        is_fallback = getattr(self.runtime, "is_fallback", False)
        saved_K = np.asarray(row["fallback_scores"] if is_fallback and "fallback_scores" in row else row["scores"])
        if saved_K.shape != scores_K.shape:
            return f"golden row {number + 1} has {len(scores_K)} scores, not {len(saved_K)}"
        if (gap := float(np.abs(saved_K - scores_K).max())) > tolerance:
            return f"a score of golden row {number + 1} is {gap:.3f} off; {tolerance} is allowed"
        return ""


def load(model: str | Path, settings: Settings) -> Served:
    """Open a model, warm it up and check it on its golden rows.

    Raises `ArtifactError` when it is damaged or does not repeat its golden answers.
    """
    served = Served(open_runtime(Artifact.open(model), threads=settings.threads))
    for number in range(max(len(served.golden), 1)):
        outputs = served.runtime.predict(served.golden_columns(number), embeddings=settings.log).outputs
        if fault := served.golden_fault(number, outputs, settings.golden_tolerance):
            raise ArtifactError(
                f"the model does not repeat the answers saved with it: {fault}",
                where=str(served.runtime.artifact.path),
                allowed=f"differences up to golden_tolerance = {settings.golden_tolerance}",
                remedy="compress it again on this kind of processor, or serve the model it was compressed from",
            )
    if settings.generation:
        served.write_by(settings.generation)
    return served


class LiveModel:
    """Holds the model in place and follows its home's alias."""

    def __init__(self, model: str | Path, settings: Settings, meters: Meters) -> None:
        self._model, self._settings, self._meters = str(model), settings, meters
        self._loaded: weakref.WeakSet[Served] = weakref.WeakSet()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._folder = resolve(model)
        self._failed_folder: Path | None = None
        self._retry_at_s = 0.0
        self.failure = ""
        """Why the newest version is not in place; empty when it is."""
        self._current = load(self._folder, settings)
        self._loaded.add(self._current)
        self._show(self._current)
        meters.models_loaded.set_function(lambda: len(self._loaded))

    @property
    def current(self) -> Served:
        """The model that new requests get."""
        return self._current

    def follow(self) -> None:
        """Begin to look for new versions, on a thread of its own. A plain model folder never changes."""
        self._thread = threading.Thread(target=self._watch, name="oreline-follow", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def refresh(self) -> bool:
        """Put the version that the alias names in place, if it is another one; return whether it was."""
        try:
            folder = resolve(self._model)
            if folder == self._folder:
                self._succeed()
                return False
            if folder == self._failed_folder and time.monotonic() < self._retry_at_s:
                return False
            self._swap(folder)
        except (OrelineError, OSError, ValueError, RuntimeError) as error:
            self._fail(locals().get("folder"), error)
            return False
        return True

    def _swap(self, folder: Path) -> None:
        candidate = load(folder, self._settings)
        if candidate.task.inputs != self._current.task.inputs:
            raise ArtifactError(
                f"the new version reads {', '.join(candidate.task.inputs)}, clients send "
                f"{', '.join(self._current.task.inputs)}",
                where=str(folder),
                remedy="serve it on another port",
            )
        self._loaded.add(candidate)
        self._current, self._folder = candidate, folder
        self._meters.swaps.inc()
        self._show(candidate)
        self._succeed()
        _LOG.info("now serving %s", candidate.identity["version"])

    def _fail(self, folder: Path | None, error: Exception) -> None:
        self.failure = str(error).replace("\n", ";")
        self._failed_folder, self._retry_at_s = folder, time.monotonic() + _RETRY_S
        self._meters.load_failures.inc()
        self._meters.load_failed.set(1)
        _LOG.error("the new version was not put in place: %s", self.failure)

    def _succeed(self) -> None:
        self.failure, self._failed_folder = "", None
        self._meters.load_failed.set(0)

    def _show(self, served: Served) -> None:
        self._meters.model.clear()
        self._meters.model.labels(**served.identity, task=served.runtime.artifact.manifest.task).set(1)

    def _watch(self) -> None:
        while not self._stop.wait(self._settings.follow_s):
            self.refresh()
            if len(self._loaded) > 1:
                # Answered requests leave rings of futures behind; until Python finds them they hold the old model.
                gc.collect()


def _is_finite(values: NDArray[Any] | Written) -> bool:
    if isinstance(values, Written):
        return all(map(math.isfinite, values.probabilities))
    if values.dtype == object:
        return all(map(_is_finite, values))
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())

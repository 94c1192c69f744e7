"""Oreline: raw data to a served model that keeps learning.

import oreline as ore

data = ore.refine("reviews.csv", text="text", label="label")
model = ore.finetune("catalog:minilm-l6-en", data, task="text_classification")
print(ore.evaluate(model, data))
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oreline.api import (
        compress,
        deletion_test,
        evaluate,
        evaluate_triples,
        explain,
        finetune,
        load,
        merge,
        monitor,
        multitask,
        predict,
        pretrain,
        promote,
        refine,
        rollback,
        serve,
        triples,
        update,
    )
    from oreline.api.calibrate import calibrate
    from oreline.api.privacy import restore
    from oreline.api.run import rerun, run
    from oreline.api.select import select
    from oreline.api.suite import evaluate_suite
    from oreline.api.transfer import transfer
    from oreline.api.tune import tune
    from oreline.data.dataset import Dataset
    from oreline.errors import OrelineError
    from oreline.recipe import Recipe, TrainOptions
    from oreline.report.report import Report
    from oreline.store import Artifact
    from oreline.types import Estimate, Event

__version__ = "0.1.0"

__all__ = [
    "Artifact",
    "Dataset",
    "Estimate",
    "Event",
    "OrelineError",
    "Recipe",
    "Report",
    "TrainOptions",
    "calibrate",
    "compress",
    "deletion_test",
    "evaluate",
    "evaluate_suite",
    "evaluate_triples",
    "explain",
    "finetune",
    "load",
    "merge",
    "monitor",
    "multitask",
    "predict",
    "pretrain",
    "promote",
    "refine",
    "rerun",
    "restore",
    "rollback",
    "run",
    "select",
    "serve",
    "transfer",
    "triples",
    "tune",
    "update",
]

_TYPES = {
    "Artifact": "oreline.store",
    "Dataset": "oreline.data.dataset",
    "Estimate": "oreline.types",
    "Event": "oreline.types",
    "OrelineError": "oreline.errors",
    "Recipe": "oreline.recipe",
    "Report": "oreline.report.report",
    "TrainOptions": "oreline.recipe",
    "calibrate": "oreline.api.calibrate",
    "evaluate_suite": "oreline.api.suite",
    "rerun": "oreline.api.run",
    "restore": "oreline.api.privacy",
    "run": "oreline.api.run",
    "select": "oreline.api.select",
    "transfer": "oreline.api.transfer",
    "tune": "oreline.api.tune",
}


class _Lazy(ModuleType):
    """Looks a name of `__all__` up when it is first used, so that `import oreline` imports nothing else.

    Some verbs bear the name of the package that does their work (`oreline.evaluate`). The import system binds the
    package to that name as soon as it is imported; `oreline.evaluate(...)` must be the verb before and after.
    """

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name not in __all__:
            return super().__getattribute__(name)
        return getattr(importlib.import_module(_TYPES.get(name, "oreline.api")), name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Lazy

"""Optional dependencies: which extra a package belongs to, and the error that says so."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from oreline.errors import MissingExtraError

P = ParamSpec("P")
R = TypeVar("R")

_IMPORT_NAMES = {
    "pyyaml": "yaml",
    "scikit_learn": "sklearn",
    "mlflow_skinny": "mlflow",
    "charset_normalizer": "charset_normalizer",
    "google_re2": "re2",
    "prometheus_client": "prometheus_client",
    "pyahocorasick": "ahocorasick",
}
"""Where a distribution's import name is not its own name."""

PURPOSES = {
    "data": "refine, evaluate from files, reports with pictures, Chinese word cutting",
    "train": "pretrain, finetune, update",
    "export": "compress to ONNX int8",
    "serve": "predict and serve compressed models over HTTP, monitor their log",
    "ray": "run refine on a Ray cluster",
    "tune": "search values for keys of a recipe",
    "track": "training curves in TensorBoard, MLflow and Weights & Biases",
}


def extras() -> dict[str, list[str]]:
    """Return the import names of every extra's packages, from this distribution's own metadata."""
    found: dict[str, list[str]] = {name: [] for name in PURPOSES}
    for requirement in importlib.metadata.requires("oreline") or []:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if name and extra and extra[1] in found:
            plain = name[0].lower().replace("-", "_")
            found[extra[1]].append(_IMPORT_NAMES.get(plain, plain))
    return found


def missing(extra: str) -> list[str]:
    """Return the packages of an extra that are not installed."""
    return [package for package in extras()[extra] if importlib.util.find_spec(package) is None]


def names_missing_extras(verb: Callable[P, R]) -> Callable[P, R]:
    """Let a verb say which extra to install when one of its packages is not there."""

    @functools.wraps(verb)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(*args, **kwargs)
        except ModuleNotFoundError as error:
            package = (error.name or "").split(".")[0]
            extra = next((extra for extra, packages in extras().items() if package in packages), None)
            if extra is None:
                raise  # a mistake in our own code or in a plug, not a missing extra
            raise MissingExtraError(package, extra, getattr(verb, "__name__", "this")) from error

    return checked

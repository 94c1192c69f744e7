"""The verbs with names and recipes: the command line, pages and notebooks all go through here.

A verb here takes what a user writes (a file, `catalog:NAME`, a folder, a frame, a plug's name), turns it into
what the verb's own package takes, and calls it. Nothing heavy is imported before a verb needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oreline.api.build import compress, finetune, merge, pretrain, refine
from oreline.api.extraction import evaluate_triples, triples
from oreline.api.together import multitask
from oreline.api.updating import update
from oreline.api.use import deletion_test, evaluate, explain, load, monitor, predict, serve
from oreline.api.versions import promote, rollback

VERBS: dict[str, Callable[..., Any]] = {
    "refine": refine,
    "pretrain": pretrain,
    "finetune": finetune,
    "multitask": multitask,
    "evaluate": evaluate,
    "merge": merge,
    "compress": compress,
    "serve": serve,
    "monitor": monitor,
    "update": update,
}
"""What a recipe's steps may be; each function's keyword arguments are the step's options."""

__all__ = [
    "VERBS",
    "compress",
    "deletion_test",
    "evaluate",
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
    "rollback",
    "serve",
    "triples",
    "update",
]

"""Explain: which words of each row its answer rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.explain.deletion import check_rows, deletion_test
from oreline.explain.part import row_of

if TYPE_CHECKING:
    from oreline.types import Explainer, Runtime

__all__ = ["deletion_test", "explain"]


def explain(
    runtime: Runtime,
    rows: Sequence[str | Mapping[str, Any]],
    *,
    method: str = "occlusion",
    label: str | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Explain the answers to some rows.

    Args:
        runtime: the model.
        rows: their inputs by role; a text where the task reads one.
        method: name of an explainer plug.
        label: explain this answer; the model's own to each row if not given.
        **options: the plug's options.

    Returns:
        What the explainer says of each row: `{"label", "score", "words": [{"input", "word", "start", "end", "weight"},
        …], "note", …}`.

    Raises:
        UsageError: an unknown method, option or label, or a row whose texts are missing or no strings.
        DataError: a row that the task cannot read.
    """
    check_rows(rows)
    explainer: Explainer = registry.create("explainer", method, **options)
    return [explainer.explain(runtime, row_of(runtime.task, row), label=label) for row in rows]

"""Explain: which words of each text its answer rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.explain.deletion import check_texts, deletion_test

if TYPE_CHECKING:
    from oreline.types import Explainer, Runtime

__all__ = ["deletion_test", "explain"]


def explain(
    runtime: Runtime, texts: Sequence[str], *, method: str = "occlusion", label: str | None = None, **options: Any
) -> list[dict[str, Any]]:
    """Explain the answers to some texts.

    Args:
        runtime: the model.
        texts: the inputs.
        method: name of an explainer plug.
        label: explain this label's probability; each text's most probable label if not given.
        **options: the plug's options.

    Returns:
        For each text `{"label", "score", "words": [{"word", "start", "end", "weight"}, …], "note"}`.

    Raises:
        UsageError: an unknown method, option or label, or a text that is no string.
    """
    check_texts(texts)
    explainer: Explainer = registry.create("explainer", method, **options)
    return [explainer.explain(runtime, text, label=label) for text in texts]

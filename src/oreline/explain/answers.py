"""How probable an answer is for each of some texts: what explanations follow up and down.

Shape suffixes: V texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from oreline.errors import UsageError
from oreline.runtime.windows import by_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Runtime


def probabilities(runtime: Runtime, texts: Sequence[str], answer: str) -> NDArray[np.float64]:
    """Return how probable an answer is for each text, (V,): a label's score, or how surely a model writes a text.

    The latter is the geometric mean of its tokens' probabilities, each after the true ones before it.

    Raises `UsageError` for a model that cannot say it of a given text.
    """
    columns = {runtime.task.inputs[0]: list(texts)}
    if runtime.task.view != "texts":
        scores_VK = by_row(runtime.predict(columns).outputs["scores"], len(runtime.task.labels))
        return scores_VK[:, runtime.task.labels.index(answer)].astype(np.float64)
    if not hasattr(runtime, "costs"):
        raise UsageError(
            "this model cannot say how probable a given text is, so its answers cannot be explained here",
            allowed="a torch model that writes texts, opened from its folder",
            remedy='explain on the command line: oreline explain MODEL --text "…"',
        )
    nats_V, tokens_V = runtime.costs(columns, [answer] * len(texts))
    found: NDArray[np.float64] = np.exp(-nats_V / np.maximum(tokens_V, 1))
    return found

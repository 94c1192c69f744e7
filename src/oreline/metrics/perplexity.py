"""Perplexity.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.metrics.counts import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """What the true answers cost the model, a token: exp of the mean of −log p in nats, 1 at best.

    All tokens count the same, whichever row they are of; those that end an answer count too. Figures of models with
    different tokenizers are not comparable. `token_loss` is the mean itself. Undefined where nobody has asked the
    model for it, as when training scores written answers.

    >>> import types
    >>> table = types.SimpleNamespace(costs=(np.array([2.0, 4.0]), np.array([1, 2])))
    >>> {name: round(float(value[0]), 3) for name, value in Metric().values(table, np.ones((1, 2))).items()}
    {'perplexity': 7.389, 'token_loss': 2.0}
    """

    higher_is_better: ClassVar[bool] = False
    view: ClassVar[str] = "texts"

    def values(self, table: Any, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `perplexity` and `token_loss`."""
        if table.costs is None:
            return {}
        nats_N, tokens_N = table.costs
        loss_R = ratio(weights_RN @ nats_N, weights_RN @ tokens_N.astype(np.float64))
        return {"perplexity": np.exp(loss_R), "token_loss": loss_R}

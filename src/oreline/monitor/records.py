"""One logged prediction.

Apart from `log.py`, so that the server can make records before the database library is imported.
Shape suffixes: K classes, D embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LogRecord:
    """What was asked, what was answered, by which model, when."""

    id: str
    time_s: float
    """Seconds since 1970."""
    model_id: str
    version: str
    inputs: Mapping[str, str]
    """Input by role: `{"text": …}`."""
    label: str
    scores_K: NDArray[np.float32]
    embedding_D: NDArray[np.float32] | None = None
    truncated: bool = False

"""The energy: it sees how much is said for the classes, which probabilities do not."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.rejectors.energy import Rejector
from oreline.types import Signals


def test_less_said_for_every_class_is_further_outside():
    logits_NK = np.array([[9.0, 4.0, 4.0], [6.0, 1.0, 1.0]])  # the same probabilities
    far_N = Rejector().far(Signals(logits_NK, np.zeros(2), None), {})
    assert far_N[1] - far_N[0] == pytest.approx(3.0)
    assert far_N[0] == pytest.approx(-np.log(np.exp(logits_NK[0]).sum()))

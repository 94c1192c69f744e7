from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline import store
from oreline.errors import GateRefusedError, UsageError


def test_promote_and_roll_back(linear_model, dataset, tmp_path: Path) -> None:
    home = tmp_path / "home"
    other = ore.finetune(None, dataset, method="linear", seed=5, train={"max_tokens": 64}, out=tmp_path / "other")
    for artifact in (linear_model, other):
        store.add_version(home, artifact)
    store.set_aliases(home, {"champion": linear_model.version, "challenger": other.version})
    with pytest.raises(GateRefusedError, match="never went through the gate"):
        ore.promote(home)
    assert ore.promote(f"{home}@challenger", force=True)["champion"] == other.version
    assert ore.rollback(home)["champion"] == linear_model.version
    with pytest.raises(UsageError, match="not a model home"):
        ore.rollback(tmp_path)

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oreline as ore
from oreline import store
from oreline.api import names
from oreline.errors import UsageError


def test_update_needs_golden_rows(linear_model, dataset) -> None:
    with pytest.raises(UsageError, match="golden rows"):
        ore.update(linear_model, dataset)


def test_update_of_a_home_stays_in_it(linear_model, dataset, tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ["velvet", "granite", "harbour", "lantern", "meadow", "orchard", "pebble", "quarry", "saffron", "thicket"]
    pairs = [(a, b) for a in words for b in words if a != b]
    fresh = {
        "text": [f"{'great' if n % 2 else 'awful'} {a} {b}" for n, (a, b) in enumerate(pairs)],
        "label": ["fresh" if n % 2 else "rotten" for n in range(len(pairs))],
    }
    first, _ = ore.update(linear_model, fresh, gate=f"{dataset.path}#test", out=home)
    assert store.is_home(home)
    known = json.loads((home / "aliases.json").read_text())
    assert known["challenger"] == first.version
    assert names.home_of(str(home), None) == home
    assert names.home_of(f"{home}@challenger", None) == home
    _, planned = ore.update(str(home), fresh, gate=f"{dataset.path}#test", dry_run=True, seed=1)
    assert planned.facts["dry_run"] is True
    assert json.loads((home / "aliases.json").read_text()) == known

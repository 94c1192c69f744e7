"""Entities of a model as places."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from oreline.data.pii.model import entity_kinds, places_by
from oreline.data.pii.spans import Span
from oreline.errors import DataError, UsageError


class Finder:
    """A model that finds `Ann` in every text."""

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        places = [
            [{"label": "PER", "start": t.find("Ann"), "end": t.find("Ann") + 3}] if "Ann" in t else [] for t in texts
        ]
        return pl.DataFrame({"entities": places})


def test_entities_of_known_names_are_places() -> None:
    kinds = entity_kinds({}, ["name"])
    assert places_by(Finder(), pl.Series([None, "Hi Ann", "nobody"]), kinds) == {1: [Span(3, 6, "name")]}
    assert places_by(Finder(), pl.Series(["Hi Ann"]), entity_kinds({"PER": "qq"}, ["qq"])) == {0: [Span(3, 6, "qq")]}
    assert places_by(Finder(), pl.Series(["Hi Ann"]), {}) == {}
    assert places_by(Finder(), pl.Series([None], dtype=pl.String), kinds) == {}


def test_another_model_is_refused() -> None:
    class Classifier:
        def predict(self, texts: Sequence[str]) -> pl.DataFrame:
            return pl.DataFrame({"label": ["good"] * len(texts)})

    with pytest.raises(DataError, match="finds no entities"):
        places_by(Classifier(), pl.Series(["a"]), {})
    with pytest.raises(UsageError, match="'name', which is not looked for"):
        entity_kinds({"PER": "name"}, ["qq"])

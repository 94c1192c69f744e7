"""The chain and the shares of a refinery where nobody named them."""

from __future__ import annotations

from pathlib import Path

import oreline as ore
from oreline.api.names import DEFAULT_OPERATORS, DEFAULT_SPLIT
from oreline.api.reviewed import chain_and_shares


def test_a_reviewed_dataset_passes_nothing_again(tmp_path: Path) -> None:
    divided = ore.refine({"text": ["a b", "c d"]}, operators=[], split={"train": 1.0}, out=tmp_path / "divided")
    whole = ore.refine({"text": ["a b", "c d"]}, operators=[], split={}, out=tmp_path / "whole")
    assert chain_and_shares(None, None, divided, "review.jsonl") == {"operators": [], "split": {}}
    assert chain_and_shares(None, None, str(whole.path), "r") == {"operators": [], "split": DEFAULT_SPLIT}
    named = chain_and_shares(["drop_empty"], {"train": 1.0}, divided, "r")
    assert [name for name, _ in named["operators"]] == ["drop_empty"]
    assert named["split"] == {"train": 1.0}


def test_anything_else_passes_the_default_chain() -> None:
    for review in (None, "review.jsonl"):
        found = chain_and_shares(None, None, "reviews.csv", review)
        assert [name for name, _ in found["operators"]] == list(DEFAULT_OPERATORS)
        assert found["split"] == DEFAULT_SPLIT

"""What `refine` does where nobody said it: the chain and the shares, of raw data and of a dataset that was reviewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oreline.api import names


def chain_and_shares(
    operators: Sequence[Any] | None, split: Mapping[str, float] | None, data: Any, review: str | None
) -> dict[str, Any]:
    """Return the operators, built, and the share of each split.

    A dataset has passed its own operators and was divided by its own shares: a review of it changes neither.

    Args:
        operators: those that were named; None for a sound default.
        split: the shares that were named; None for the default.
        data: what is refined.
        review: a file of decisions about its rows, or None.
    """
    chain = names.DEFAULT_OPERATORS if operators is None else operators
    shares = names.DEFAULT_SPLIT if split is None else split
    if review is not None:
        from oreline.data.sources import given_splits, is_dataset

        if is_dataset(data):
            chain = () if operators is None else operators
            shares = {} if split is None and "train" in (given_splits(data) or ()) else shares
    return {"operators": names.plugs("operator", chain), "split": dict(shares)}

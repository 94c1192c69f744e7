"""What a model for `token_classification` finds, as places of private data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.pii.scan import More
from oreline.data.pii.spans import Span
from oreline.errors import DataError, UsageError

_USUAL = {
    "name": "per person name per.nam 人名 姓名 nr patient doctor username",
    "address": "address adr street 地址 location_address",
    "organisation": "org organization organisation company corporation 机构 组织 公司 nt org.nam",
    "phone": "phone phone_number telephone tel",
    "email": "email email_address",
    "date_of_birth": "dob date_of_birth birthday",
}
"""What data sets call entities that are private data; a place alone (LOC, GPE) is not."""


def entity_kinds(given: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Return the kind of each entity, by its name in lower case: those given, and the usual ones.

    >>> entity_kinds({"LOC": "address"}, ["name", "address"])["loc"]
    'address'

    Raises `UsageError` for a kind that is not looked for.
    """
    if unknown := [kind for kind in given.values() if kind not in wanted]:
        raise UsageError(
            f"model_kinds names {unknown[0]!r}, which is not looked for",
            allowed=", ".join(wanted),
            remedy="add it to the option `kinds`",
        )
    usual = {name: kind for kind, listed in _USUAL.items() for name in listed.split() if kind in wanted}
    return {**usual, **{name.lower(): kind for name, kind in given.items()}}


def places_by(finder: Any, texts: pl.Series, kinds: Mapping[str, str]) -> More:
    """Return the entities of a known kind that a model finds in texts. Raises `DataError` for one that finds none."""
    numbers = texts.is_not_null().arg_true().to_list()
    if not numbers:
        return {}
    answers = finder.predict(texts.gather(numbers).to_list())
    if "entities" not in answers.columns:
        raise DataError(
            "the model of mask_pii finds no entities",
            allowed="a model for token_classification with a scheme (BIO or BIOES)",
            remedy="README.md in the model's folder says what it was trained for",
        )
    found: More = {}
    for number, entities in zip(numbers, answers["entities"].to_list()):
        for entity in entities or ():
            kind = kinds.get(str(entity["label"]).lower())
            if kind is not None and entity["start"] < entity["end"]:
                found.setdefault(number, []).append(Span(entity["start"], entity["end"], kind))
    return found

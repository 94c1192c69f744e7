from __future__ import annotations

import pytest

from oreline import errors
from oreline.errors import (
    ArtifactError,
    DataError,
    GateRefusedError,
    MissingExtraError,
    OrelineError,
    ResourceError,
    UsageError,
    did_you_mean,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (OrelineError, 1), (UsageError, 2), (DataError, 2),
        (ArtifactError, 2), (GateRefusedError, 1), (ResourceError, 1),
    ],
)  # fmt: skip
def test_exit_codes(kind: type[OrelineError], code: int) -> None:
    assert kind("x").exit_code == code


def test_every_error_derives_from_one() -> None:
    found = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)]
    assert len(found) == 7
    assert all(issubclass(kind, OrelineError) for kind in found)


def test_a_message_has_only_the_parts_it_was_given() -> None:
    assert str(OrelineError("wrong")) == "wrong"
    error = OrelineError("wrong", where="a.csv, row 3", remedy="mend it")
    assert str(error) == "wrong\n  where:   a.csv, row 3\n  do:      mend it"
    assert error.args == ("wrong",)


def test_a_missing_extra_says_how_to_get_it() -> None:
    error = MissingExtraError("polars", "data", "refine")
    assert error.exit_code == 2
    assert error.remedy == "pip install 'oreline[data]'"
    assert (error.package, error.extra) == ("polars", "data")


def test_the_nearest_name_is_offered() -> None:
    assert did_you_mean("txt", ["text", "label"]).startswith("did you mean 'text'?")
    assert did_you_mean("x", []) == "known: none"
    assert did_you_mean("lable", ["标签", "label"]).startswith("did you mean 'label'?")

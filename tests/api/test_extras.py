from __future__ import annotations

import pytest

from oreline.api import extras
from oreline.errors import MissingExtraError


def test_every_extra_has_packages_and_a_purpose() -> None:
    found = extras.extras()
    assert all(found[name] for name in extras.PURPOSES)
    assert "polars" in found["data"]
    assert "sklearn" in found["train"]
    assert extras.missing("data") == [], "the tests run with every extra"


def test_a_missing_package_is_named_with_its_extra() -> None:
    @extras.names_missing_extras
    def refine() -> None:
        raise ModuleNotFoundError("No module named 'polars'", name="polars")

    with pytest.raises(MissingExtraError, match="refine needs the package 'polars'") as caught:
        refine()
    assert caught.value.remedy == "pip install 'oreline[data]'"


def test_a_mistake_of_our_own_is_not_called_a_missing_extra() -> None:
    @extras.names_missing_extras
    def refine() -> None:
        raise ModuleNotFoundError("No module named 'oreline.gone'", name="oreline.gone")

    with pytest.raises(ModuleNotFoundError, match=r"oreline\.gone"):
        refine()

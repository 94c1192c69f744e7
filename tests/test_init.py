"""`import oreline`: a module whose names are looked up when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import oreline as ore


@pytest.mark.parametrize("name", ore.__all__)
def test_every_name_is_what_its_module_calls_so(name: str) -> None:
    module = importlib.import_module(ore._TYPES.get(name, "oreline.api"))
    assert getattr(ore, name) is getattr(module, name)


def test_a_package_of_the_same_name_does_not_hide_a_verb() -> None:
    package = importlib.import_module("oreline.evaluate")
    assert ore.evaluate is not package
    assert ore.evaluate.__module__ == "oreline.api.use"
    assert ore.data is importlib.import_module("oreline.data"), "a package that is no verb stays reachable"


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="refin"):
        _ = ore.refin
    assert "refine" in dir(ore)
    assert not hasattr(ore, "_nothing")


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys; import oreline; print(*(name for name in sys.modules if name.startswith('oreline.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert ore.__version__.count(".") == 2

"""One page for what plugs promise, and the values that it is about."""

from __future__ import annotations

import ast
from pathlib import Path

from oreline import types, values


def test_the_page_offers_every_promise_and_every_value() -> None:
    own = {node.name for node in ast.parse(Path(types.__file__).read_text()).body if isinstance(node, ast.ClassDef)}
    other = {name for name, value in vars(values).items() if getattr(value, "__module__", "") == values.__name__}
    assert own | other <= set(types.__all__)
    assert all(getattr(types, name) is getattr(values, name) for name in other)

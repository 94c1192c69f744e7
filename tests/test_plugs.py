"""What plugs of training promise."""

from __future__ import annotations

import inspect

import pytest

from oreline import plugs, registry

PROMISES = {
    kind: vars(plugs)[registry.KINDS[kind].attribute] for kind in ("objective", "adapter", "network", "merging")
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in PROMISES for name in registry.names(kind)])
def test_every_plug_has_what_its_kind_promises(kind: str, name: str) -> None:
    plug, promise = registry.get(kind, name), PROMISES[kind]
    for method in (method for method, _ in inspect.getmembers(promise, inspect.isfunction) if method[0] != "_"):
        wanted, given = (inspect.signature(getattr(owner, method)).parameters for owner in (promise, plug))
        assert list(wanted) == list(given), f"{kind} {name}: {method}"


@pytest.mark.parametrize("kind", PROMISES)
def test_what_a_kind_promises_is_described(kind: str) -> None:
    methods = inspect.getmembers(PROMISES[kind], inspect.isfunction)
    assert all(method.__doc__ for name, method in methods if name[0] != "_")

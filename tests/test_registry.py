from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from oreline import registry
from oreline.errors import MissingExtraError, UsageError


def test_the_file_name_is_the_name() -> None:
    for kind in registry.KINDS:
        for name in registry.names(kind):
            plug = registry.get(kind, name)
            assert plug.__module__ == f"oreline.{registry.kind(kind).package}.{name}"
            assert registry.summary(kind, name)
    assert registry.get("operator", "dedup-exact") is registry.get("operator", "dedup_exact")


def test_modules_without_the_promised_attribute_are_no_plugs() -> None:
    assert "fetch" not in registry.names("catalog")
    assert "explain" not in registry.names("explainer")


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown kind of plug 'operators'") as caught:
        registry.names("operators")
    assert "did you mean 'operator'" in str(caught.value)
    with pytest.raises(UsageError, match="no operator named 'dedup_exakt'") as caught:
        registry.get("operator", "dedup_exakt")
    assert "did you mean 'dedup_exact'" in str(caught.value)
    assert caught.value.remedy == "oreline list operator"
    with pytest.raises(UsageError, match="no method named 'autoo'") as caught:
        registry.get("method", "autoo")
    assert "did you mean 'auto'" in str(caught.value)


def test_options_are_the_constructors_arguments() -> None:
    plug = registry.get("operator", "keep_length")
    options = {option.name: option for option in registry.options_of(plug)}
    assert not options["min"].required
    with pytest.raises(UsageError, match=r"a list is expected: \[\"gb18030\"\]"):
        registry.create("reader", "csv", encodings="gb18030")
    with pytest.raises(UsageError, match="has no option 'minimum'"):
        registry.create("operator", "keep_length", minimum=3)
    with pytest.raises(UsageError, match="needs the option 'labels'"):
        registry.create("task", "text_classification")
    assert registry.options_of(type("Bare", (), {})) == []


def test_a_list_builds_plugs_from_names_and_one_key_mappings() -> None:
    built = registry.create_all("operator", ["dedup-exact", {"keep_length": {"min": 3}}, {"drop_empty": None}])
    assert [name for name, _ in built] == ["dedup_exact", "keep_length", "drop_empty"]
    for entry, said in (({"a": {}, "b": {}}, "not one name"), ({"keep_length": 3}, "are 3"), ({}, "not one name")):
        with pytest.raises(UsageError, match=said):
            registry.create_all("operator", [entry])


@pytest.mark.parametrize(
    ("kind", "name", "options", "said"),
    [
        ("adapter", "lora", {"rank": "big"}, "'rank' of the adapter 'lora' is 'big': input should be a valid integer"),
        ("adapter", "lora", {"rank": "8"}, "valid integer"),
        ("adapter", "lora", {"rank": True}, "valid integer"),
        ("adapter", "lora", {"layers": "4"}, "'layers' of the adapter 'lora' is '4'"),
        ("method", "full", {"freeze_layers": 1.5}, "fractional part"),
        ("optimizer", "adamw", {"eps": "small"}, "valid number"),
        ("operator", "keep_length", {"min": "two"}, "'min' of the operator"),
        ("network", "textcnn", {"kernels": [2, "x"]}, "valid integer"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        registry.create(kind, name, **options)
    assert caught.value.allowed


def test_a_name_for_some_values_is_spelled_out() -> None:
    """A user of the option cannot know what the code calls them."""
    with pytest.raises(UsageError) as caught:
        registry.create("rejector", "distance", measure="manhattan")
    assert caught.value.allowed == "Literal['mahalanobis', 'cosine']"


def test_every_option_of_a_plug_of_training_is_checked() -> None:
    for kind in (
        "adapter",
        "method",
        "network",
        "objective",
        "operator",
        "optimizer",
        "regularizer",
        "rejector",
        "task",
    ):
        for name in registry.names(kind):
            plug = registry.get(kind, name)
            for option in registry.options_of(plug):
                assert registry._checker(plug, option.name) is not None, (kind, name, option.name)


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution that adds operators by entry points; one needs a package that is not there, one is broken."""
    (tmp_path / "foreign_plugs.py").write_text(
        textwrap.dedent('''
        class Operator:
            """Shout."""
            def __init__(self, *, loud: bool = True) -> None:
                self.loud = loud
        ''')
    )
    (tmp_path / "foreign_needy.py").write_text("import a_package_nobody_has\nclass Operator: ...\n")
    (tmp_path / "foreign_broken.py").write_text("import oreline.no_such_module\n")
    info = tmp_path / "foreign-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[oreline.operator]\nshout = foreign_plugs:Operator\nneedy = foreign_needy:Operator\n"
        "broken = foreign_broken:Operator\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    registry._entry_points.cache_clear()
    yield tmp_path
    registry._entry_points.cache_clear()
    for name in ("foreign_plugs", "foreign_needy", "foreign_broken"):
        sys.modules.pop(name, None)


def test_other_distributions_add_plugs(foreign: Path) -> None:
    assert "shout" in registry.names("operator")
    assert registry.create("operator", "shout", loud=False).loud is False
    assert registry.summary("operator", "shout") == "from foreign_plugs:Operator"


def test_a_package_that_is_not_installed_is_named(foreign: Path) -> None:
    with pytest.raises(MissingExtraError, match="needs the package 'a_package_nobody_has'"):
        registry.get("operator", "needy")
    with pytest.raises(ModuleNotFoundError, match=r"oreline\.no_such_module"):
        registry.get("operator", "broken")

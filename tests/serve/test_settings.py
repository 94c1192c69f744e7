"""Settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from oreline.errors import UsageError
from oreline.serve.settings import Settings, settings_from
from oreline.store import Artifact, add_version, set_aliases


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert not any(field.is_required() for field in Settings.model_fields.values())


def test_they_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().max_rows = 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_row": 5}, "no setting 'max_row'"),
        ({"max_rows": 0}, "max_rows"),
        ({"max_rows": "many"}, "max_rows"),
        ({"deadline_s": -1}, "deadline_s"),
        ({"golden_tolerance": 2}, "golden_tolerance"),
        ({"queue_rows": 10, "max_rows": 20}, r"max_rows \(20\) cannot exceed queue_rows \(10\)"),
    ],
)
def test_wrong_ones_are_usage_errors(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settings_from(options)


def test_a_misspelt_one_is_corrected() -> None:
    with pytest.raises(UsageError) as caught:
        settings_from({"max_row": 5})
    assert "did you mean 'max_rows'" in caught.value.allowed
    assert settings_from({"max_rows": 5}).max_rows == 5


def test_the_log_lies_beside_a_model_and_inside_a_home(tmp_path: Path, make_model) -> None:
    model = make_model("one")
    assert Settings().log_place(model) == str(tmp_path / "one.predictions.sqlite")
    home = tmp_path / "home"
    version = add_version(home, Artifact.open(model)).version
    set_aliases(home, {"champion": version, "challenger": version})
    assert Settings().log_place(home) == str(home / "predictions.sqlite")
    assert Settings().log_place(f"{home}@challenger") == str(home / "predictions.sqlite")
    assert Settings(log_url="postgresql://h/d").log_place(home) == "postgresql://h/d"

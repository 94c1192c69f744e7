"""The values that packages hand to one another."""

from __future__ import annotations

import dataclasses

import pytest

from oreline.values import ROLES, Estimate, Event, ignore, naming


def test_an_estimate_shows_value_interval_and_rows() -> None:
    estimate = Estimate(0.83456, 0.8, 0.87, 1200)
    assert str(estimate) == "0.8346 [0.8000, 0.8700] n=1200"
    assert estimate.to_json() == {"value": 0.83456, "low": 0.8, "high": 0.87, "n": 1200}
    assert Estimate(**estimate.to_json()) == estimate


def test_values_do_not_change() -> None:
    for value, name in ((Estimate(1, 1, 1, 1), "value"), (Event("train"), "step")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, 2)


def test_events_do_not_share_their_figures() -> None:
    assert Event("train").values is not Event("train").values
    assert ignore(Event("train", 1, 2, {"loss": 0.5}, "a sentence")) is None


def test_roles_are_those_of_the_design_and_of_later_tasks() -> None:
    assert ROLES == (
        "text", "text_pair", "negative", "label", "tokens", "tags", "answers", "head", "tail", "target_text", "messages",
        "image", "audio", "entities", "user", "item", "time", "group", "source", "weight", "id",
    )  # fmt: skip


def test_every_role_is_named_by_options_that_refine_has() -> None:
    assert naming("label") == "--label COLUMN"
    assert naming("text_pair") == "--role text_pair=COLUMN"
    assert naming("frame") == "--label COLUMN --role tags=COLUMN"

"""What every update policy keeps to. A new file in `update/policies/` is tested here without a line of its own."""

from __future__ import annotations

import polars as pl
import pytest

from oreline import registry

POLICIES = registry.names("policy")


def rows(source: str, num_rows: int) -> pl.DataFrame:
    """Rows with ids and texts of their own, two classes."""
    return pl.DataFrame(
        {
            "row_id": [f"{source}:{number}" for number in range(1, num_rows + 1)],
            "text": [f"{source} text {number}" for number in range(num_rows)],
            "label": ["fresh" if number % 3 else "rotten" for number in range(num_rows)],
        },
        schema={"row_id": pl.String, "text": pl.String, "label": pl.String},
    )


def test_there_are_policies() -> None:
    assert "replay" in POLICIES


@pytest.mark.parametrize("name", POLICIES)
class TestPolicy:
    def test_deterministic_under_a_seed(self, name: str) -> None:
        fresh, old = rows("fresh", 30), rows("old", 200)
        first, again, other = (registry.create("policy", name).rows(fresh, old, seed=seed) for seed in (1, 1, 2))
        assert first.equals(again)
        assert not first.equals(other)

    def test_does_not_change_what_it_is_given(self, name: str) -> None:
        fresh, old = rows("fresh", 30), rows("old", 200)
        registry.create("policy", name).rows(fresh, old)
        assert fresh.equals(rows("fresh", 30))
        assert old.equals(rows("old", 200))

    @pytest.mark.parametrize("num_fresh", [0, 1, 50])
    @pytest.mark.parametrize("num_old", [0, 1, 50])
    def test_survives_empty_one_and_many(self, name: str, num_fresh: int, num_old: int) -> None:
        chosen = registry.create("policy", name).rows(rows("fresh", num_fresh), rows("old", num_old))
        assert {"row_id", "text", "label"} <= set(chosen.columns)
        assert chosen["row_id"].n_unique() == chosen.height
        given = set(rows("fresh", num_fresh)["row_id"]) | set(rows("old", num_old)["row_id"])
        assert set(chosen["row_id"]) <= given

    def test_rows_keep_their_text_and_label(self, name: str) -> None:
        fresh, old = rows("fresh", 30), rows("old", 60)
        chosen = registry.create("policy", name).rows(fresh, old)
        joined = chosen.join(pl.concat([fresh, old]), on="row_id", how="inner")
        assert joined.height == chosen.height
        assert joined["text"].equals(joined["text_right"].alias("text"))
        assert joined["label"].equals(joined["label_right"].alias("label"))

    def test_options_are_json(self, name: str) -> None:
        for option in registry.options_of(registry.get("policy", name)):
            assert isinstance(option.default, (int, float, str, bool, type(None)))
            assert not option.required, "a policy works without options"

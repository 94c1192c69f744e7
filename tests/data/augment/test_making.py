"""Which rows get variants, how many, and what variants are refused for."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from oreline.data.augment.making import Making, Row, Variant, num_variants, some_texts
from oreline.errors import DataError, UsageError

FRAME = pl.DataFrame(
    {
        "row_id": [f"a:{n}" for n in range(1, 41)],
        "text": [f"a {'fine' if n % 2 else 'dull'} film number {n} 电影" for n in range(40)],
        "label": ["good" if n % 2 else "bad" for n in range(40)],
        "group": [n // 4 for n in range(40)],
    }
)


def ready(**options: Any) -> Making:
    making = Making("swap", **options)
    making.learnt(json.loads(json.dumps(making.fit(FRAME.lazy()))))
    return making


def saying(*texts: str) -> Any:
    """Return what proposes these texts for every row."""

    def propose(row: Row, chance: random.Random, num: int) -> Sequence[Variant | None]:
        return [Variant(text.replace("ROW", row.text), None, "said") for text in texts]

    return propose


def test_variants_keep_the_other_columns_and_name_their_row() -> None:
    making = ready(times=2)
    made = making.add(FRAME, saying("really ROW", "ROW really", "very ROW"))
    assert made.columns == ["from_id", "text", "change_reason", "label", "group"]
    assert made.height == 80
    assert made["from_id"].to_list()[:4] == ["a:1", "a:1", "a:2", "a:2"]
    together = made.join(FRAME, left_on="from_id", right_on="row_id")
    assert together["label"].equals(together["label_right"].alias("label"))
    assert together["group"].equals(together["group_right"].alias("group"))
    assert making.findings()["counts"]["variants added"] == 80


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["ROW"], "near copy of a train row"),
        (["A FINE film number 3 电影"], "near copy of a train row"),
        (["ROW !!"], "near copy of a train row"),
        ([" \n"], "empty"),
        (["really ROW", "really  ROW"], "same as another variant"),
    ],
)
def test_what_variants_are_refused_for(texts: list[str], reason: str) -> None:
    making = ready(times=2)
    made = making.add(FRAME.head(4), saying(*texts))
    assert made.height == 4 * (len(texts) - 1)
    assert making.findings()["counts"][f"refused: {reason}"] == 4


def test_a_label_that_is_not_believable_is_refused_unless_all_is_believed() -> None:
    turned = saying("a fine fine film, so fine 电影 fine")
    assert set(ready(times=1).add(FRAME, turned)["label"]) == {"good"}
    assert set(ready(times=1, believable=0.0).add(FRAME, turned)["label"]) == {"good", "bad"}


def test_words_that_ran_together_count_as_refused() -> None:
    making = ready(times=1)
    assert making.add(FRAME.head(3), lambda row, chance, num: [None]).is_empty()
    assert making.findings()["counts"]["refused: words run together"] == 3
    assert making.findings()["counts"]["rows without a variant"] == 3


def test_rows_are_chosen_by_class_and_share() -> None:
    assert {row.label for row in ready(labels=["bad"]).chosen(FRAME)} == {"bad"}
    half = [row.row_id for row in ready(share=0.5).chosen(FRAME)]
    assert 10 < len(half) < 30
    assert half == [row.row_id for part in FRAME.iter_slices(7) for row in ready(share=0.5).chosen(part)]
    assert half != [row.row_id for row in ready(share=0.5, seed=1).chosen(FRAME)]
    assert list(ready().chosen(FRAME.with_columns(text=pl.lit(None, pl.String)))) == []
    assert list(ready().chosen(FRAME.drop("text"))) == []


def test_how_many_follows_from_the_rows() -> None:
    assert [num_variants(n) for n in (1, 500, 501, 2000, 2001)] == [16, 16, 8, 8, 4]
    assert ready().wanted == 16
    assert ready().num_tried == 32
    assert ready().changes == 0.05


@pytest.mark.parametrize("options", [{"times": 0}, {"times": 101}, {"share": 0.0}, {"believable": 1.5}])
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="swap: "):
        Making("swap", **options)


@pytest.mark.parametrize("role", ["text_pair", "target_text", "answers", "head", "messages", "negative"])
def test_what_has_more_than_one_text_is_refused(role: str) -> None:
    frame = FRAME.with_columns(pl.lit("x").alias(role))
    for call in (lambda: Making("swap").fit(frame.lazy()), lambda: list(Making("swap").chosen(frame))):
        with pytest.raises(DataError, match=f"these rows have .*{role}"):
            call()
    with pytest.raises(DataError, match="a tag for each word"):
        Making("swap", takes_tags=False).fit(FRAME.with_columns(tags=pl.lit("[]")).lazy())


def test_no_rows_and_no_labels() -> None:
    making = Making("swap")
    making.learnt(making.fit(FRAME.head(0).lazy()))
    assert making.add(FRAME.head(0), saying("x")).is_empty()
    bare = FRAME.select("row_id", "text")
    making.learnt(making.fit(bare.lazy()))
    assert making.add(bare, saying("really ROW")).columns == ["from_id", "text", "change_reason"]


def test_words_are_learnt_from_how_the_first_texts_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.augment.making._MAX_TEXTS", 3)
    monkeypatch.setattr("oreline.data.augment.making._MAX_CHARACTERS", 2)
    assert some_texts(pl.LazyFrame({"text": ["one", None, "好看的", "four"]})) == ["on", "好看"]


def test_a_label_that_no_row_of_train_has_is_refused() -> None:
    with pytest.raises(DataError, match="no row of train has the label 'goood'") as raised:
        ready(labels=["bad", "goood"])
    assert "did you mean 'good'" in str(raised.value.allowed)

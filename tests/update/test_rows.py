"""The rows of an update: nothing leaks, nothing is lost, and what is held out stays held out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline import registry
from oreline.data.dataset import LEDGER, Dataset
from oreline.data.fold import row_hashes
from oreline.errors import DataError
from oreline.update.rows import DEV_SHARE, Division, Known, divide, report_of, rows_table, uniform, write

TASK = registry.create("task", "text_classification", labels=["fresh", "rotten"])
SCHEMA = {"row_id": pl.String, "text": pl.String, "label": pl.String}


def frame(source: str, numbers: Sequence[int], label: str | None = None) -> pl.DataFrame:
    """Rows whose text is their number, so that equal numbers are equal rows whatever their source."""
    return pl.DataFrame(
        {
            "row_id": [f"{source}:{place}" for place in range(1, len(numbers) + 1)],
            "text": [f"Text {number}" for number in numbers],
            "label": [label or ("fresh" if number % 3 else "rotten") for number in numbers],
        },
        schema=SCHEMA,
    )


def known(
    old: Sequence[int] = (),
    reference: Sequence[int] = (),
    golden: Sequence[int] = (),
    trained: Sequence[int] | None = None,
) -> Known:
    """What a model knows, by numbers."""
    of = lambda numbers: row_hashes(frame("x", numbers), ["text"])  # noqa: E731
    return Known(
        trained=of(old if trained is None else trained),
        golden=of(golden),
        old=frame("old", old),
        reference=frame("dev", reference),
    )


def divided(fresh: pl.DataFrame, knowledge: Known, seed: int = 0, share: float = 0.3) -> Division:
    """Divide with the replay policy."""
    return divide(fresh, knowledge, TASK, registry.create("policy", "replay"), held_out_share=share, seed=seed)


def texts(rows: pl.DataFrame) -> set[int]:
    """Return a frame's texts as numbers."""
    return {int(text.split()[1]) for text in rows["text"]}


@settings(max_examples=25, deadline=None)
@given(source=st.randoms(use_true_random=False))
def test_nothing_leaks_and_nothing_is_lost(source: random.Random) -> None:
    fresh_numbers = source.sample(range(400), 200) + source.choices(range(400), k=source.randrange(100))
    old, reference, golden = (source.sample(range(400), source.randrange(60)) for _ in range(3))
    fresh = frame("fresh", fresh_numbers)
    division = divided(fresh, known(old, reference, golden))

    parts = [texts(division.train), texts(division.dev), texts(division.held_out)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert not set(golden) & set().union(*parts)
    assert not set(old) & parts[2]  # a row that was trained on judges nothing
    for part in (division.train, division.dev, division.held_out):
        assert part["row_id"].n_unique() == part.height == len(texts(part))
    # Every fresh row is somewhere, once; every other row was added on record.
    everywhere = pl.concat([division.train, division.dev, division.held_out])["row_id"].to_list()
    assert sorted([*everywhere, *division.dropped["row_id"]]) == sorted([*fresh["row_id"], *division.added["row_id"]])
    counts = division.counts()
    assert counts["fresh_rows"] == len(fresh_numbers) == sum(
        counts[name] for name in counts
        if (name.startswith("fresh_") and name != "fresh_rows") or name == "held_out_rows"
    )  # fmt: skip
    assert sum(row[1] for row in rows_table(counts).rows[1:8]) == len(fresh_numbers)


def test_each_reason() -> None:
    fresh = pl.concat(
        [
            frame("fresh", list(range(100))),
            frame("more", [1000, 2000, 5]),
            pl.DataFrame({"row_id": ["none:1"], "text": ["Text 3000"], "label": [None]}, schema=SCHEMA),
        ]
    )
    fresh = fresh.with_columns(text=pl.when(pl.col("row_id") == "more:3").then(pl.lit("TEXT  5 ")).otherwise("text"))
    dropped = divided(fresh, known(old=[1000], golden=[2000])).dropped.sort("row_id")
    assert dropped.rows() == [
        ("more:1", "trained_before", None),
        ("more:2", "in_gate", None),
        ("more:3", "duplicate", "fresh:6"),
        ("none:1", "no_label", None),
    ]


def test_what_is_held_out_stays_held_out() -> None:
    """Whatever the seed, the order, and the other rows."""
    first = divided(frame("fresh", list(range(500))), known(), seed=1)
    second = divided(frame("other", list(range(999, 100, -1))), known(), seed=2)
    common = set(range(101, 500))
    assert texts(first.held_out) & common == texts(second.held_out) & common
    assert texts(first.dev) & common == texts(second.dev) & common


def test_the_shares() -> None:
    division = divided(frame("fresh", list(range(4000))), known(), share=0.25)
    assert division.held_out.height / 4000 == pytest.approx(0.25, abs=0.03)
    assert division.dev.height / 3000 == pytest.approx(DEV_SHARE, abs=0.03)


def test_a_group_stays_together() -> None:
    fresh = frame("fresh", list(range(600))).with_columns(
        group=pl.Series([f"movie {number % 60}" for number in range(600)])
    )
    group_of = dict(fresh.select("row_id", "group").rows())
    division = divided(fresh, known())
    groups = [{group_of[row] for row in part["row_id"]} for part in (division.train, division.dev, division.held_out)]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert sum(map(len, groups)) == 60


def test_old_rows_join_training_and_dev() -> None:
    knowledge = known(old=list(range(1000, 3000)), reference=list(range(5000, 5900)))
    division = divided(frame("fresh", list(range(700))), knowledge)
    counts = division.counts()
    assert counts["old_train_rows"] == counts["fresh_train_rows"]
    assert counts["old_dev_rows"] == 200
    assert set(division.added["reason"]) == {"replay", "reference"}


def test_rows_of_files_with_the_same_name_keep_apart() -> None:
    division = divided(
        frame("reviews.csv", list(range(300))),
        Known(
            trained=np.zeros(0, np.uint64),
            golden=np.zeros(0, np.uint64),
            old=frame("reviews.csv", list(range(1000, 1400))),
            reference=frame("reviews.csv", list(range(2000, 2100))),
        ),
    )
    ids = pl.concat([division.train, division.dev, division.held_out])["row_id"]
    assert ids.n_unique() == len(ids)
    assert ids.str.starts_with("old/reviews.csv:").any()


def test_labels_that_the_model_does_not_know_are_named() -> None:
    fresh = pl.concat([frame("a", list(range(50))), frame("b", [60, 61], "plot"), frame("c", [70], "quote")])
    with pytest.raises(DataError, match=r"2 labels that the model does not know: 'plot' \(2 rows\), 'quote' \(1") as e:
        divided(fresh, known())
    assert e.value.where == "row b:1"
    assert "fresh, rotten" in e.value.allowed


@pytest.mark.parametrize("fresh", [frame("a", []), frame("a", [1]), frame("a", list(range(50)))])
def test_too_few_rows_say_why(fresh: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="are left to train on") as caught:
        divided(fresh, known(old=list(range(100))))
    assert fresh.height == 0 or "trained on it already" in caught.value.where


def test_uniform_is_uniform_and_unlike_the_hash_itself() -> None:
    hashes_N = row_hashes(frame("x", list(range(20_000))), ["text"])
    place_N = uniform(hashes_N)
    histogram = np.histogram(place_N, bins=10, range=(0, 1))[0]
    assert abs(histogram - 2000).max() < 4 * np.sqrt(2000)
    # Rows that another division took by the low or high bits of the hash are spread evenly too.
    for taken in (hashes_N % np.uint64(10) == 0, hashes_N < np.uint64(2**60)):
        assert abs(place_N[taken].mean() - 0.5) < 0.03


def test_written_as_a_dataset_that_balances(tmp_path: Path, fresh: Dataset) -> None:
    rows = fresh.frame("all", ["row_id", "text", "label"])
    knowledge = Known(
        trained=row_hashes(rows.head(3), ["text"]),
        golden=row_hashes(rows.slice(3, 2), ["text"]),
        old=frame("old", list(range(500))),
        reference=frame("dev", list(range(1000, 1100))),
    )
    division = divided(rows, knowledge)
    data = write(division, fresh, knowledge, tmp_path / "rows")
    counts = data.manifest.counts
    assert counts["rows_in"] == 400
    assert counts["rows_dropped"] == 5
    assert counts["rows_in"] + counts["rows_added"] == counts["rows_out"] + counts["rows_dropped"]
    assert data.splits == ("train", "dev", "held_out")
    assert data.frame("held_out").equals(division.held_out)
    assert data.verify() == []
    ledger = pl.read_parquet(data.path / LEDGER)
    assert set(ledger["action"]) == {"dropped", "added"}
    assert ledger.filter(reason="it is among the golden rows that the gate judges by").height == 2
    assert data.report().facts == report_of(division, data.fingerprint).facts


def test_a_corrected_label_is_learnt_in_place_of_the_old_one() -> None:
    """Such rows were dropped: the model had been trained on their texts."""
    old, others = frame("old", [1, 2, 3]), frame("fresh", list(range(20, 60)))
    turned = {"fresh": "rotten", "rotten": "fresh"}
    more = old.with_columns(row_id=pl.Series(["more:1", "more:2", "more:3"]))
    more = more.with_columns(label=pl.Series([turned[more["label"][0]], more["label"][1], turned[more["label"][2]]]))
    division = divided(pl.concat([more, others]), known(old=[1, 2, 3]))
    assert division.dropped.rows() == [("more:2", "trained_before", None)]
    learnt = dict(division.train.select("row_id", "label").iter_rows())
    assert (
        learnt.items() >= dict(more.filter(pl.col("row_id") != "more:2").select("row_id", "label").iter_rows()).items()
    )
    assert not {"old:1", "old:3"} & learnt.keys()


def pairs(source: str, *found: tuple[int, str]) -> pl.DataFrame:
    """Rows of queries, by number, and a text that belongs to each."""
    made = frame(source, [number for number, _ in found]).drop("label")
    return made.with_columns(text_pair=pl.Series([text for _, text in found]))


def test_a_known_query_learns_another_right_text_and_judges_nothing() -> None:
    old = pairs("old", (1, "a"), (1, "b"), (2, "a"), (3, "c"))
    trained, golden = (row_hashes(pairs("x", *of), ["text"]) for of in ([(1, ""), (2, ""), (3, "")], [(9, "")]))
    knowledge = Known(trained=trained, golden=golden, old=old, reference=pairs("dev", (8, "h")))
    new = [(number, "n") for number in range(20, 60)]
    fresh = pairs("fresh", (1, "A "), (1, "c"), (1, "c"), (3, "d"), (9, "x"), *new)
    task = registry.create("task", "embedding")
    division = divide(fresh, knowledge, task, registry.create("policy", "replay"), held_out_share=0.3, seed=0)
    reasons = {row_id: reason for row_id, reason, _ in division.dropped.iter_rows()}
    assert reasons == {"fresh:1": "trained_before", "fresh:3": "duplicate", "fresh:5": "in_gate"}
    trained_on = set(division.train.select("row_id").to_series())
    assert {"fresh:2", "fresh:4"} <= trained_on
    # All that belongs to a known query is there, or its own texts would be taken for wrong ones of it.
    assert {"old:1", "old:2", "old:3", "old:4"} <= trained_on
    assert texts(division.held_out) | texts(division.dev) <= {8, *(number for number, _ in new)}

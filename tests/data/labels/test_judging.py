"""A portion is judged as a whole: what is found, its neighbours, what is not judged."""

from __future__ import annotations

import random

import polars as pl
import pytest

from oreline.data.labels.judging import Judge

WORDS = {"refund": ["refund", "money back", "pay me"], "parcel": ["parcel", "delivery", "courier"]}


def made(num: int = 80) -> pl.DataFrame:
    chance = random.Random(0)
    right = [list(WORDS)[n % 2] for n in range(num)]
    texts = [" ".join(chance.choice(WORDS[label]) for _ in range(4)) + f" {n}" for n, label in enumerate(right)]
    labels = ["parcel" if n in (0, 20) else "refund" if n in (1, 21) else label for n, label in enumerate(right)]
    return pl.DataFrame({"row_id": [f"a:{n}" for n in range(num)], "text": texts, "label": labels})


def judge(**options: object) -> Judge:
    given = {"encoder": None, "folds": 4, "filter_by": "posterior", "rank_by": "self_confidence",
             "num_neighbours": 3, "agree": False, "seed": 0}  # fmt: skip
    return Judge(**{**given, **options})  # type: ignore[arg-type]


def test_planted_errors_and_their_neighbours() -> None:
    verdicts = judge().verdicts(made())
    assert verdicts is not None
    found = verdicts.found
    names = set(verdicts.rows["row_id"].gather(found.rows))
    assert len(names) >= 2
    assert names <= {"a:0", "a:1", "a:20", "a:21"}
    assert verdicts.labels.to_list() == ["parcel", "refund"]
    assert verdicts.scores_NK.sum(axis=1) == pytest.approx(1, abs=1e-4)
    near = verdicts.neighbours(0)
    assert len(near) == 3
    assert verdicts.rows["row_id"][int(found.rows[0])] not in {other["row_id"] for other in near}
    assert near[0]["similarity"] >= near[-1]["similarity"]
    agreed = judge(agree=True).verdicts(made())
    assert agreed is not None
    assert set(agreed.found.rows) <= set(found.rows)
    assert len(agreed.near_FJ) == len(agreed.found.rows) == len(agreed.found.quality)


def test_classes_with_fewer_rows_than_folds_are_left_out() -> None:
    rows = made()
    rare = pl.DataFrame({"row_id": ["b:1"], "text": ["one of its kind"], "label": ["rare"]})
    verdicts = judge().verdicts(pl.concat([rows, rare]))
    assert verdicts is not None
    assert verdicts.rows.equals(rows)
    assert judge().verdicts(rows.filter(pl.col("label") == "refund")) is None
    assert judge().verdicts(rows.clear()) is None

"""What was found is looked up by row, and classes keep their rows over all portions together."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import polars as pl
import pytest

from oreline.data.labels import doubts as module
from oreline.data.labels.confident import find_errors
from oreline.data.labels.doubts import Doubts
from oreline.data.labels.judging import Verdicts

NUM = 400


def verdicts(seed: int, num: int = NUM, classes: int = 4) -> Verdicts:
    """Random probabilities of random labels: many are doubtful."""
    random = np.random.default_rng(seed)
    codes_N = np.concatenate([np.arange(classes), random.integers(classes, size=num - classes)])
    scores_NK = random.dirichlet(np.full(classes, 0.4), num).astype(np.float32)
    labels = pl.Series([f"c{n}" for n in range(classes)])
    rows = pl.DataFrame(
        {
            "row_id": [f"{seed}:{n}" for n in range(num)],
            "text": [f"text {n}" for n in range(num)],
            "label": labels[codes_N],
        }
    )
    found = find_errors(codes_N, scores_NK, "posterior", "self_confidence")
    near_FJ = random.integers(-1, num, (len(found.rows), 2))
    return Verdicts(rows, labels, codes_N, scores_NK, found, near_FJ, np.ones_like(near_FJ, np.float32))


def taken(*parts: Verdicts, leaves_from: float | None = 0.0, share: float = 0.25, weighs: bool = False) -> Doubts:
    doubts = Doubts(leaves_from=leaves_from, share=share, weighs=weighs)
    for part in parts:
        doubts.take(part)
    doubts.end()
    return doubts


@pytest.mark.parametrize("max_bytes", [0, 16 << 20], ids=["disk", "memory"])
def test_rows_are_known_by_their_ids(max_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", max_bytes)
    monkeypatch.setattr(module, "_BLOCK", 50)
    parts = [verdicts(0), verdicts(1)]
    doubts = taken(*parts, leaves_from=None, weighs=True)
    for part in parts:
        ids = part.rows["row_id"].shuffle(seed=3)
        known = dict(zip(ids, doubts.of(ids).rows(named=True)))
        for number, row in enumerate(part.found.rows.tolist()):
            told = known.pop(part.rows["row_id"][row])
            assert told["suggested"] == part.labels[int(part.found.suggested[number])]
            assert told["confidence"] == pytest.approx(part.found.confidence[number], abs=1e-4)
            note = json.loads(told["note"])
            assert note["order"] == part.found.quality[number]
            assert note["shown"]["neighbours"] == part.neighbours(number)
            assert told["spared"] is False
        assert len(known) > 100
        assert all(told == dict.fromkeys(module.FOUND) for told in known.values())
    weights = doubts.weights(pl.concat([part.rows["row_id"] for part in parts]))
    labels = pl.concat([part.rows["label"] for part in parts])
    sums = pl.DataFrame({"label": labels, "weight": weights}).group_by("label").agg(pl.col("weight").sum(), pl.len())
    assert (sums["weight"] - sums["len"]).abs().max() < 0.1
    assert doubts.weights(pl.Series(["unknown"])).to_list() == [None]
    assert doubts.of(pl.Series(["unknown"])).rows() == [(None,) * 4]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_spared_rows_are_those_of_all_portions_together(share: float) -> None:
    parts = [verdicts(seed) for seed in range(3)]
    doubts = taken(*parts, share=share)
    quality = np.concatenate([part.found.quality for part in parts])
    given = np.concatenate([part.codes_N[part.found.rows] for part in parts])
    ids = pl.concat([part.rows["row_id"].gather(part.found.rows) for part in parts])
    sizes = np.bincount(np.concatenate([part.codes_N for part in parts]))
    stays = np.zeros(len(given), np.bool_)
    for code, size in enumerate(sizes.tolist()):
        worst_first = sorted(np.flatnonzero(given == code), key=lambda place: quality[place])
        num_kept = max(max(np.ceil(size * share), 10) - (size - len(worst_first)), 0) if share else 0
        stays[worst_first[len(worst_first) - int(num_kept) :]] = True
    assert set(ids.filter(doubts.of(ids)["spared"])) == set(ids.filter(stays))
    told = doubts.told()
    assert sum(told["spared"].values()) == stays.sum()
    assert (stays.sum() > 0) == (share > 0)
    left = sizes - np.bincount(given) + np.bincount(given[stays], minlength=4)
    assert (left >= np.ceil(sizes * share)).all()


def test_what_the_report_says_is_of_all_portions() -> None:
    parts = [verdicts(0), verdicts(1)]
    told = json.loads(json.dumps(taken(*parts).told()))
    assert told["judged"] == 2 * NUM
    assert told["found"] == sum(len(part.found.rows) for part in parts) == sum(rows for _, _, rows in told["pairs"])
    quality = sorted(np.concatenate([part.found.quality for part in parts]))[:10]
    worst = {part.rows["row_id"][int(row)]: q for part in parts for row, q in zip(part.found.rows, part.found.quality)}
    assert [worst[example[0]] for example in told["examples"]] == quality
    assert Doubts(leaves_from=None, share=0.25, weighs=False).told()["found"] == 0


def test_of_very_many_pairs_the_report_names_the_commonest() -> None:
    """Of 20,000 classes there may be as many pairs as rows are found: they are counted on disk."""
    parts = [verdicts(seed, classes=12) for seed in range(3)]
    pairs = Counter[tuple[str, str]]()
    for part in parts:
        given, suggested = part.rows["label"].gather(part.found.rows), part.labels.gather(part.found.suggested)
        pairs.update(zip(given, suggested))
    told = taken(*parts).told()["pairs"]
    assert len(told) == 30 < len(pairs)
    assert [rows for _, _, rows in told] == sorted(pairs.values(), reverse=True)[:30]
    assert all(pairs[given, suggested] == rows for given, suggested, rows in told)

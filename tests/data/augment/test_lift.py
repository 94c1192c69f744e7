"""What added rows are worth on dev: help, harm and nothing, and where it cannot be said."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.augment.lift import lift

WORDS = {
    "good": ["fine", "lovely", "好看", "喜欢", "great", "superb"],
    "bad": ["dull", "awful", "难看", "讨厌", "poor", "weak"],
}


def texts(num: int, seed: int, known: slice) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    labels = ["good" if n % 2 else "bad" for n in range(num)]
    return [
        (f"{chance.choice(WORDS[label][known])} film 电影 {chance.choice('abcdefgh')}{n}", label)
        for n, label in enumerate(labels)
    ]


def written(folder: Path, made: dict[str, list[tuple[str, str]]], num_dev: int = 80) -> Path:
    train = [(f"a:{n}", text, label) for n, (text, label) in enumerate(texts(20, 0, slice(0, 1)), start=1)]
    for name, rows in made.items():
        train += [(f"a:{1 + n % 20}+{name}.{1 + n // 20}", text, label) for n, (text, label) in enumerate(rows)]
    dev = [(f"b:{n}", text, label) for n, (text, label) in enumerate(texts(num_dev, 1, slice(0, 6)))]
    for split, rows in (("train", train), ("dev", dev)):
        (folder / split).mkdir(parents=True)
        pl.DataFrame(rows, schema=["row_id", "text", "label"], orient="row").write_parquet(folder / split / "0.parquet")
    return folder


def lines(found: dict[str, Any]) -> dict[str, list[Any]]:
    return {row[0]: row[1:] for row in found["tables"][0]["rows"]}


def test_help_and_harm_are_told_apart(tmp_path: Path) -> None:
    more = texts(80, 2, slice(0, 6))
    turned = [(text, "good" if label == "bad" else "bad") for text, label in more]
    found = lift(written(tmp_path / "data", {"helps": more, "harms": turned * 3}), seed=0)
    rows = lines(found)
    assert list(rows) == ["no added rows", "harms", "helps", "all added rows"]
    assert [row[0] for row in rows.values()] == [20, 260, 100, 340]
    accuracy, macro_f1, gain, gain_f1 = rows["helps"][1:]
    assert gain.low > 0
    assert gain_f1.low > 0
    assert gain.value == pytest.approx(accuracy - rows["no added rows"][1])
    assert gain_f1.n == gain.n == 80
    assert rows["harms"][3].high < 0
    assert found["alarms"][0].startswith("harms:")
    assert not any(alarm.startswith("helps") for alarm in found["alarms"])
    assert rows["no added rows"][3:] == [None, None]
    again = lift(tmp_path / "data", seed=0)
    assert lines(again) == rows


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("no dev", "there is no dev split"),
        ("few", "dev has 10 labelled rows"),
        ("no label", "no text with a label"),
        ("none made", "0 made of them"),
    ],
)
def test_where_it_is_not_measured_it_says_so(change: str, says: str, tmp_path: Path) -> None:
    made = {} if change == "none made" else {"helps": texts(10, 2, slice(0, 6))}
    folder = written(tmp_path / "data", made, num_dev=10 if change == "few" else 40)
    if change == "no dev":
        (folder / "dev" / "0.parquet").unlink()
    if change == "no label":
        file = folder / "train" / "0.parquet"
        pl.read_parquet(file).drop("label").write_parquet(file)
    found = lift(folder, seed=0)
    assert says in found["alarms"][0]
    assert "tables" not in found

"""Planted bias of each kind is found, and nothing where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.data.reporting.bias import SUMMARY, Bias, bias
from oreline.data.reporting.sample import RowSample

WORDS = [
    f"{first}{second}" for first in ("ka", "lo", "mi", "nu", "re", "so") for second in ("ba", "de", "fi", "go", "pu")
]
CHINESE = ["苹果", "香蕉", "手机", "电脑", "酒店", "衣服", "图书", "水果", "牛奶", "电影", "音乐", "飞机"]


def rows(seed: int, n: int = 600, labels: tuple[str, ...] = ("bad", "good"), **more: Any) -> pl.DataFrame:
    """Return rows whose texts, lengths, sources and groups are drawn without a look at the label."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, rng.integers(5, 25))) for _ in range(n)]
    return pl.DataFrame(
        {
            "row_id": [f"{source}.csv:{place}" for place, source in enumerate(rng.choice(["a", "b", "c"], n))],
            "text": texts,
            "label": rng.choice(labels, n),
            "group": [f"user {number}" for number in rng.zipf(1.6, n) % 40],
            **more,
        }
    )


def judged(frame: pl.DataFrame) -> Bias:
    sample = RowSample(20_000)
    sample.add("train", frame)
    return bias(sample.rows())


def biased(found: Bias) -> list[str]:
    return [kind for kind, one in found.found.items() if one["is_bias"]]


def where(frame: pl.DataFrame, seed: int, share: float) -> list[bool]:
    """Return which rows a plant follows the label in: a share of those that are good."""
    drawn = np.random.default_rng(seed).random(frame.height) < share
    return [bool(one) and label == "good" for one, label in zip(drawn, frame["label"])]


@pytest.mark.parametrize(
    "labels", [("bad", "good"), ("bad", "good", "fair", "odd"), tuple(f"class {n}" for n in range(30))]
)
def test_no_alarm_where_labels_are_drawn(labels: tuple[str, ...]) -> None:
    alarms = [said for seed in range(12) for said in judged(rows(seed, labels=labels)).warnings]
    assert alarms == []


def test_no_alarm_for_few_rows_or_rare_classes() -> None:
    rare = ("bad",) * 19 + ("good",)
    assert [said for seed in range(20) for said in judged(rows(seed, n=60, labels=rare)).warnings] == []


def test_length() -> None:
    frame = rows(1)
    longer = pl.when(pl.col("label") == "good").then(pl.col("text") + " " + pl.col("text")).otherwise("text")
    found = judged(frame.with_columns(longer.alias("text")))
    assert biased(found) == ["length"]
    one = found.found["length"]
    assert one["effect"]["low"] > 0.3
    assert (one["class"], one["median"] > one["median_of_others"]) == ("good", True)
    assert "texts of the class good are longer than the others" in found.warnings[0]
    assert found.charts[1].title == "Length by class"


def test_source() -> None:
    frame = rows(2)
    ids = [f"{'site' if hit else 'mail'}.csv:{n}" for n, hit in enumerate(where(frame, 2, 0.7))]
    found = judged(frame.with_columns(pl.Series("row_id", ids)))
    assert biased(found) == ["source"]
    one = found.found["source"]
    assert (one["class"], one["value"], one["share"]["value"]) == ("good", "site.csv", 1.0)
    assert "100% of the rows of site.csv are good" in found.warnings[0]
    (table,) = [table for table in found.tables if table.title == "Classes by source, language and group"]
    assert {row[1] for row in table.rows if row[0] == "source"} == {"site.csv", "mail.csv"}


def test_group() -> None:
    frame = rows(3)
    groups = ["vip" if hit else f"user {n % 5}" for n, hit in enumerate(where(frame, 3, 0.6))]
    found = judged(frame.with_columns(pl.Series("group", groups)))
    assert biased(found) == ["group"]
    assert found.found["group"]["value"] == "vip"


def test_language() -> None:
    frame = rows(4)
    rng = np.random.default_rng(4)
    texts = [
        "".join(rng.choice(CHINESE, rng.integers(12, 60))) if hit else text
        for text, hit in zip(frame["text"], where(frame, 4, 0.8))
    ]
    found = judged(frame.with_columns(pl.Series("text", texts), language=pl.lit(None, pl.String)))
    assert "language" in biased(found)
    assert (found.found["language"]["class"], found.found["language"]["value"]) == ("good", "zh")


def test_a_column_of_languages_counts() -> None:
    frame = rows(5)
    found = judged(frame.with_columns(pl.Series("language", ["fr" if hit else "en" for hit in where(frame, 5, 0.7)])))
    assert biased(found) == ["language"]


def test_single_word_to_look_at() -> None:
    frame = rows(6)
    texts = [f"{text} reuters" if hit else text for text, hit in zip(frame["text"], where(frame, 6, 0.4))]
    found = judged(frame.with_columns(pl.Series("text", texts)))
    assert biased(found) == ["words"]
    assert "perhaps a bias" in found.warnings[0]
    assert "“reuters” (good in" in found.warnings[0]
    (table,) = [table for table in found.tables if table.title == "Words that go with a class"]
    assert (table.rows[0][0], table.rows[0][-1]) == ("reuters", "to look at")


@pytest.mark.parametrize(("sign", "what"), [("him", "function word"), ("7", "number"), ("!", "mark")])
def test_signs_without_a_meaning_of_their_own(sign: str, what: str) -> None:
    frame = rows(7)
    texts = [f"{sign} {text}" if hit else text for text, hit in zip(frame["text"], where(frame, 7, 0.3))]
    found = judged(frame.with_columns(pl.Series("text", texts)))
    assert biased(found) == ["signs"]
    (table,) = [table for table in found.tables if table.title == "Words that go with a class"]
    assert list(table.rows[0][:3]) == [sign, what, "good"]


def test_chinese_words() -> None:
    rng = np.random.default_rng(8)
    frame = rows(8).with_columns(pl.Series("text", ["".join(rng.choice(CHINESE, 8)) for _ in range(600)]))
    assert biased(judged(frame)) == []
    texts = [f"{text}垃圾" if hit else text for text, hit in zip(frame["text"], where(frame, 8, 0.4))]
    found = judged(frame.with_columns(pl.Series("text", texts)))
    assert "words" in biased(found)
    assert found.found["words"]["value"] == "垃圾"


def test_the_second_text_of_a_pair_alone() -> None:
    frame = rows(9)
    other = [
        f"nobody {text}" if hit else text for text, hit in zip(reversed(frame["text"].to_list()), where(frame, 9, 0.5))
    ]
    found = judged(frame.with_columns(pl.Series("text_pair", other)))
    assert biased(found) == ["words of text_pair"]
    assert found.warnings[0].startswith("perhaps a bias: in text_pair, single words")


def test_rows_with_several_labels() -> None:
    frame = rows(10)
    hits = where(frame, 10, 0.5)
    labels = [
        json.dumps(["good", "new"] if label == "good" else ["bad", "new"] if n % 2 else ["bad"])
        for n, label in enumerate(frame["label"])
    ]
    texts = [f"{text} reuters" if hit else text for text, hit in zip(frame["text"], hits)]
    found = judged(frame.with_columns(pl.Series("label", labels), pl.Series("text", texts)))
    assert biased(found) == ["words"]
    assert found.found["words"]["class"] == "good"


def test_words_of_one_small_class_among_many_are_what_it_is_about() -> None:
    frame = rows(11, n=3000, labels=tuple(f"class {n}" for n in range(40)))
    own = [f"{text} topic{label.split()[1]}" for text, label in zip(frame["text"], frame["label"])]
    found = judged(frame.with_columns(pl.Series("text", own)))
    assert found.warnings == []
    assert found.found["words"]["effect"]["value"] > 0.9, "the table has them"
    assert {row[0]: row[-1] for row in found.tables[0].rows}["words"] == "few rows"


@pytest.mark.parametrize(
    "labels", [["only"] * 600, [f"id {n}" for n in range(600)], [None] * 600, ["a"] * 20 + ["b"] * 20 + [None] * 560]
)
def test_where_nothing_can_be_judged(labels: list[str | None]) -> None:
    found = judged(rows(0).with_columns(pl.Series("label", labels, dtype=pl.String)))
    assert found.found == {}
    assert found.tables == []


def test_added_rows_do_not_count() -> None:
    frame = rows(12)
    copies = frame.filter(pl.col("label") == "good").with_columns(pl.col("row_id") + "+swap.1", text=pl.lit("reuters"))
    assert judged(pl.concat([frame, copies])).warnings == []


def test_report_card_and_croissant_say_it(tmp_path: Path) -> None:
    frame = rows(13)
    texts = [
        f"{text} {text} reuters" if label == "good" else text for text, label in zip(frame["text"], frame["label"])
    ]
    source = frame.drop("row_id").with_columns(pl.Series("text", texts))
    folder = refine(source, operators=[], split={"train": 0.8, "test": 0.2}, out=tmp_path / "out").path
    report = Dataset.open(folder).report()
    assert any(said.startswith("bias: texts of the class") for said in report.warnings)
    (table,) = [table for table in report.tables if table.title == SUMMARY]
    verdicts = {row[0]: row[-1] for row in table.rows}
    assert verdicts["length"] == "bias"
    assert verdicts["words"] == "to look at"
    assert verdicts["group"] == "no bias"
    assert report.facts["bias"]["length"]["effect"]["low"] > 0.3
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "How far labels follow other things" in page
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "## Bias\n\n* bias: texts of the class" in card
    assert "## 偏差\n\n* 偏差：类别" in card
    assert card.count("bias: texts of the class") == 1, "not among the warnings again"
    croissant = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    assert croissant["rai:dataBiases"][0].startswith("bias: texts of the class")
    assert croissant["conformsTo"][1] == "http://mlcommons.org/croissant/RAI/1.0"


def test_that_nothing_was_found_is_said_as_well(tmp_path: Path) -> None:
    folder = refine(rows(14).drop("row_id"), operators=[], split={}, out=tmp_path / "out").path
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "* No bias was found; looked at: length, " in card
    assert "* 没有发现偏差；检查过：长度、" in card
    assert "words, signs." in card


def test_the_same_report_however_often() -> None:
    frame = rows(15, labels=("x", "y", "z"))
    first, second = judged(frame), judged(frame)
    assert first == second

"""Words that go with a class, against scipy and by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from oreline.data.reporting import telling_words as module
from oreline.data.reporting.telling_words import telling_words


def found_in(texts: list[str], labels: list[list[str]]) -> dict[tuple[str, str], dict[str, object]]:
    told, _ = telling_words(pl.Series(texts), pl.Series(labels))
    return {(row["word"], row["label"]): row for row in told.iter_rows(named=True)}


def made(seed: int) -> tuple[list[str], list[list[str]]]:
    """Return texts of words that are drawn without a look at the label."""
    rng = np.random.default_rng(seed)
    words = [f"word{n}" for n in range(60)]
    texts = [" ".join(rng.choice(words, 12)) for _ in range(400)]
    return texts, [[label] for label in rng.choice(["a", "b", "c"], 400, p=[0.7, 0.2, 0.1])]


def test_counts_z_phi_and_p_are_those_of_scipy() -> None:
    texts, labels = made(0)
    texts = [
        f"Zorg {text} zorg" if label == ["b"] and n % 2 else text for n, (text, label) in enumerate(zip(texts, labels))
    ]
    one = found_in(texts, labels)["zorg", "b"]
    has, is_b = np.array(["zorg" in text.lower() for text in texts]), np.array([label == ["b"] for label in labels])
    n, hits, share = int(has.sum()), int((has & is_b).sum()), float(is_b.mean())
    assert (one["n"], one["hits"]) == (n, hits), "rows count, not occurrences, and case does not"
    assert one["z"] == pytest.approx((hits / n - share) / (share * (1 - share) / n) ** 0.5)
    assert one["phi"] == pytest.approx(np.corrcoef(has, is_b)[0, 1])
    p = stats.binomtest(hits, n, share, alternative="greater").pvalue
    assert one["p"] == pytest.approx(min(1.0, p * 61 * 3))


def test_a_word_that_marks_a_tenth_of_a_class_comes_first() -> None:
    texts, labels = made(1)
    texts = [
        f"{text} tbc-77" if label == ["b"] and n % 4 == 0 else text
        for n, (text, label) in enumerate(zip(texts, labels))
    ]
    told, num_rows = telling_words(pl.Series(texts), pl.Series(labels))
    assert num_rows == 400
    assert set(told["word"].head(3)) == {"tbc", "-", "77"}
    assert dict(told.select("word", "kind").iter_rows())["77"] == "number"
    assert dict(told.select("word", "kind").iter_rows())["-"] == "mark"


def test_chance_makes_no_telling_word() -> None:
    alarms = sum(
        bool((telling_words(pl.Series(texts), pl.Series(labels))[0]["p"] < 0.01).any())
        for texts, labels in map(made, range(60))
    )
    assert alarms <= 3, "one in a hundred is allowed, and three of sixty come once in fifty such tests"


def test_chinese_by_jiebas_words() -> None:
    texts = ["我们在北京大学学习", "这家餐厅的味道很好"] * 20
    told = found_in(texts, [["x"], ["y"]] * 20)
    assert ("北京大学", "x") in told
    assert ("餐厅", "y") in told
    assert told["我们", "x"]["kind"] == "function word"
    assert told["味道", "y"]["hits"] == 20


def test_rows_with_several_labels_count_for_each() -> None:
    texts = ["red wine"] * 20 + ["green tea"] * 20
    told = found_in(texts, [["drink", "alcohol"]] * 20 + [["drink"]] * 20)
    assert told["wine", "alcohol"]["n"] == told["wine", "alcohol"]["hits"] == 20
    assert not any(label == "drink" for _, label in told), "what every row is says nothing"


def test_long_chinese_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HAN_CHARACTERS", 100)
    _, num_rows = telling_words(pl.Series(["好吃的苹果"] * 50), pl.Series([["x"], ["y"]] * 25))
    assert num_rows == 20
    assert telling_words(pl.Series(["plain text"] * 50), pl.Series([["x"], ["y"]] * 25))[1] == 50


def test_nothing_to_read() -> None:
    told, num_rows = telling_words(pl.Series([None] * 30, dtype=pl.String), pl.Series([["x"], ["y"]] * 15))
    assert (told.height, num_rows) == (0, 30)

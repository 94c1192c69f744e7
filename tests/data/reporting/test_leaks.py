"""Leaks between splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oreline.data.external import sorting
from oreline.data.reporting import leaks
from oreline.data.reporting.leaks import find_leaks, leak_facts, leak_tables, leak_warnings, refuse_leaks
from oreline.errors import OrelineError


def write(folder: Path, split: str, texts: list[str], groups: list[str | None] | None = None) -> None:
    (folder / split).mkdir()
    frame = pl.DataFrame({"row_id": [f"{split}:{n}" for n in range(1, len(texts) + 1)], "text": texts})
    if groups is not None:
        frame = frame.with_columns(pl.Series("group", groups, dtype=pl.String))
    frame.write_parquet(folder / split / "00000.parquet")


LONG = "one of the finest films of this year and a very warm one at that"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "test", ["A  film", f"{LONG} too", "nothing like it", "..."], ["m1", "m2", "m9", None])
    write(tmp_path, "train", ["a FILM", LONG, "quite another text", "???"], ["m1", "m3", "m1", None])
    write(tmp_path, "dev", ["quite another text", "a film"], ["m4", "m9"])
    return tmp_path


def test_each_kind_of_leak_is_counted(folder: Path) -> None:
    found = {(leak.split, leak.other): leak for leak in find_leaks(folder, ["test", "train", "dev"])}
    assert set(found) == {("test", "train"), ("dev", "train"), ("dev", "test")}
    test = found["test", "train"]
    assert (test.num_rows, test.same_text, test.same_group, test.near, test.num_tested) == (4, 1, 1, 2, 4)
    assert test.near_share == 0.5
    assert {example[:2] for example in test.examples} == {("test:1", "train:1"), ("test:2", "train:2")}
    dev = found["dev", "test"]
    assert (dev.same_text, dev.same_group, dev.near) == (1, 1, None)


def test_without_groups_none_is_claimed(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a b"])
    write(tmp_path, "test", ["c d"])
    (leak,) = find_leaks(tmp_path, ["train", "test"])
    assert (leak.same_text, leak.same_group, leak.near) == (0, None, 0)
    assert leak_warnings([leak]) == []


def test_searching_is_bounded_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "MAX_TESTED", 2)
    test = next(leak for leak in find_leaks(folder, ["train", "test"]))
    assert test.num_tested == 2
    assert test.num_rows == 4
    assert leak_tables([test])[0].rows[0][-2] == f"{test.near} of 2 ({test.near_share:.1%})"


def test_a_search_cut_short_gives_a_lower_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.duplicates.near._MAX_PAIRS", 1)
    (test,) = find_leaks(folder, ["train", "test"])
    assert not test.is_complete
    assert leak_tables([test])[0].rows[0][-2] == "at least 1 of 4 (25.0%)"
    assert "more rows of test than 1 of 4 may have a near-duplicate in train" in "\n".join(leak_warnings([test]))


def test_no_row_of_train_is_left_out(tmp_path: Path) -> None:
    texts = [f"a{n} b{n} c{n} d{n} e{n} f{n}" for n in range(300_400)]
    write(tmp_path, "train", texts)
    write(tmp_path, "test", [f"{text} more" for text in texts[1:400:2]])
    (leak,) = find_leaks(tmp_path, ["train", "test"])
    assert (leak.near, leak.num_tested, leak.is_complete) == (200, 200, True)
    with pytest.raises(OrelineError, match="200 of 200"):
        refuse_leaks([leak], 0)


def test_the_report_names_the_leaks(folder: Path) -> None:
    found = find_leaks(folder, ["train", "test", "dev"])
    table, examples = leak_tables(found)
    assert table.rows[0] == ["test", "train", 4, "1 (25.0%)", 1, "2 of 4 (50.0%)", "–"]
    assert ["test", "test:2", "train:2", 0.933, f"{LONG} too"] in [list(row) for row in examples.rows]
    assert leak_facts(found)["test/train"] == {
        "rows": 4, "same_text": 1, "same_group": 1, "near": 2, "near_tested": 4,
        "same_text_share": 0.25, "near_share": 0.5, "other_label": None,
    }  # fmt: skip
    warnings = "\n".join(leak_warnings(found))
    assert "1 of 4 rows of test (25.0%) have their text in train too" in warnings
    assert "1 rows of test belong to groups that are in train too" in warnings
    assert "50.0% of test has a near-duplicate in train" in warnings
    assert "--against" in warnings


def test_neighbours_with_another_label_are_counted(tmp_path: Path) -> None:
    rows = {"train": [(LONG, "1"), ("quite another text", "0")], "test": [(f"{LONG} too", "0"), (f"{LONG} too", "1")]}
    for split, given in rows.items():
        (tmp_path / split).mkdir()
        frame = pl.DataFrame(
            [(f"{split}:{n}", *row) for n, row in enumerate(given)], ["row_id", "text", "label"], orient="row"
        )
        frame.write_parquet(tmp_path / split / "00000.parquet")
    [leak] = find_leaks(tmp_path, ["train", "test"])
    assert (leak.near, leak.other_label) == (2, 1)
    assert "1 of 2 tested rows of test have a near text in train that carries another label" in leak_warnings([leak])[1]


def test_a_leak_above_the_bound_is_refused_with_figures_and_examples(folder: Path) -> None:
    found = find_leaks(folder, ["train", "test"])
    refuse_leaks(found, 0.5)
    with pytest.raises(
        OrelineError, match=r"test leaks into train: 1 of 4 rows \(25.0%\) .* 2 of 4 \(50.0%\)"
    ) as caught:
        refuse_leaks(found, 0.49)
    assert caught.value.exit_code == 1
    assert "test:2 ~ train:2 (0.933)" in caught.value.where


def test_dialogues_are_shown_as_they_are_said(tmp_path: Path) -> None:
    asked = f'[{{"role": "user", "content": "{LONG}"}}]'
    write(tmp_path, "test", [asked])
    write(tmp_path, "train", [asked])
    [leak] = find_leaks(tmp_path, ["test", "train"])
    assert leak.examples[0][3].startswith("user: one of the finest")


def test_what_is_shared_does_not_depend_on_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against counting in memory: many repeated texts and groups, one split far larger than the others."""
    random = np.random.default_rng(0)
    drawn = {
        split: (random.integers(0, most, num_rows), random.integers(0, 900, num_rows))
        for split, most, num_rows in (("train", 9000, 30_000), ("dev", 20_000, 5000), ("test", 30, 9000))
    }
    for split, (numbers, groups) in drawn.items():
        given = [f"g{number}" if number % 7 else None for number in groups.tolist()]
        write(tmp_path, split, [f"text {number}" for number in numbers.tolist()], given)
    monkeypatch.setattr(leaks, "MAX_TESTED", 10)
    monkeypatch.setattr(sorting, "_LEAST_RUN", 100)
    monkeypatch.setattr(sorting.Sorted.blocks, "__defaults__", (64,))
    found = find_leaks(tmp_path, list(drawn), max_bytes=0)
    for leak in found:
        (texts, groups), (other_texts, other_groups) = drawn[leak.split], drawn[leak.other]
        assert leak.same_text == np.isin(texts, other_texts).sum() > 0
        assert leak.same_group == np.isin(groups[groups % 7 > 0], other_groups).sum() > 0
    assert [leak.same_text for leak in find_leaks(tmp_path, list(drawn))] == [leak.same_text for leak in found]


def test_no_row_shares_with_none(tmp_path: Path) -> None:
    write(tmp_path, "train", ["..."], [None])
    write(tmp_path, "test", ["a", "b"], ["m", "n"])
    [leak] = find_leaks(tmp_path, ["train", "test"])
    assert (leak.same_text, leak.same_group) == (0, 0)

"""Rows with other words, in a refinery: train alone, accounted for, the same bytes, synonyms from file and model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.refine import Running, refine
from oreline.errors import DataError, UsageError

NAME = "augment_words"
TEXTS = [
    f"{'这部电影很好看' if n % 2 else 'a fine film with a'} cast {'abcdefgh'[n % 8]} 编号 number {n}" for n in range(60)
]
ROWS = {"text": TEXTS, "label": ["zh" if n % 2 else "en" for n in range(60)]}


def refined(out: Path, source: Any = ROWS, split: dict[str, float] | None = None, **options: Any) -> Dataset:
    running = options.pop("running", None)
    operators = [(NAME, registry.create("operator", NAME, **options))]
    shares = {"train": 0.6, "dev": 0.4} if split is None else split
    return refine(source, operators=operators, split=shares, out=out, running=running)


def test_rows_are_added_to_train_and_accounted_for(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("film movie\n电影 影片\ncast crew\n", "utf-8")
    data = refined(tmp_path / "data", synonyms=str(file), times=3)
    plain = refine(ROWS, operators=[], split={"train": 0.6, "dev": 0.4}, out=tmp_path / "plain")
    assert data.frame("dev").equals(plain.frame("dev"))
    train = data.frame("train")
    assert train.head(plain.num_rows("train")).equals(plain.frame("train"))
    lines = data.ledger().filter(action="added")
    assert lines.height == train.height - plain.num_rows("train") > 60
    assert set(lines["reason"]) == {"synonym", "insert", "swap", "delete"}
    assert set(lines["kept_id"]) <= set(plain.frame("train")["row_id"])
    origins = train.join(lines, on="row_id").join(train, left_on="kept_id", right_on="row_id")
    assert origins["label"].equals(origins["label_right"].alias("label"))
    titles = [table.title for table in data.report().tables]
    assert {f"{NAME}: rows added, by class", f"{NAME}: examples", "What the added rows are worth"} <= set(titles)
    card = (tmp_path / "data" / "README.md").read_text("utf-8")
    assert "+augment_words.1" in card
    assert "kept_id" in card


def test_bytes_depend_on_the_seed_alone(tmp_path: Path) -> None:
    found = [refined(tmp_path / str(n), seed=seed).manifest.fingerprint for n, seed in enumerate((0, 0, 1))]
    assert found[0] == found[1] != found[2]


def test_without_synonyms_the_report_says_so(tmp_path: Path) -> None:
    data = refined(tmp_path / "data")
    assert any("knows no synonyms" in warning for warning in data.report().warnings)
    assert set(data.ledger()["reason"]) == {"swap", "delete"}


def test_no_row_becomes_one_of_dev(tmp_path: Path) -> None:
    """Half the rows are the other half with two words exchanged: swapping makes rows of dev."""
    train = {"text": [f"fine film {n}" for n in range(30)], "label": ["a", "b"] * 15}
    dev = {"text": [f"film fine {n}" for n in range(30)], "label": ["a", "b"] * 15}
    data = refined(tmp_path / "data", {"train": train, "dev": dev}, {}, operations=["swap"], believable=0.0)
    assert data.manifest.counts["rows_added"] == 0
    found = data.report().facts["found"][NAME]
    assert found["refused: copy of a held-out row"] == 30


class Encoder:
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        group = {"film": 0, "cast": 0, "电影": 1, "好看": 1}
        return np.array([np.eye(6)[group.get(text, 2 + hash(text) % 4)] for text in texts], np.float32)


def test_the_nearest_words_of_a_model(tmp_path: Path) -> None:
    running = Running(open_model=lambda place: Encoder())  # type: ignore[arg-type, return-value]
    data = refined(tmp_path / "data", model="stand", operations=["synonym"], min_similarity=0.99, running=running)
    texts = data.frame("train")["text"]
    assert texts.str.contains("a fine cast with a cast").any()
    assert texts.str.contains("这部好看很好看").any()


def test_what_it_cannot_do_is_refused(tmp_path: Path) -> None:
    pairs = {"text": ["a", "b"], "text_pair": ["c", "d"], "label": ["x", "y"]}
    with pytest.raises(DataError, match="two texts, whose label is about both"):
        refined(tmp_path / "pairs", {"train": pairs}, {})
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    with pytest.raises(DataError, match="augment_words makes variants of one text"):
        refined(tmp_path / "chat", {"train": {"messages": [said]}}, {})
    with pytest.raises(UsageError, match="operations"):
        registry.create("operator", NAME, operations=[])
    with pytest.raises(UsageError, match="change"):
        registry.create("operator", NAME, change=0.0)
    with pytest.raises(UsageError, match="operations"):
        registry.create("operator", NAME, operations=["swop"])
    with pytest.raises(DataError, match="cannot be read"):
        refined(tmp_path / "none", synonyms=str(tmp_path / "none.txt"))


def test_empty_frames(tmp_path: Path) -> None:
    operator = registry.create("operator", NAME)
    frame = pl.DataFrame(schema={"row_id": pl.String, "text": pl.String})
    operator.learnt(operator.fit(frame.lazy()))
    assert operator.add(frame).is_empty()

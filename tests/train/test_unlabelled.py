"""Packed rows hold all tokens and no padding, and what is measured on is not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from oreline.data.refine import refine
from oreline.errors import DataError
from oreline.train.unlabelled import HELD_OUT_ROWS, pack, packed_texts, texts_of

WIDTH = 4


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30), st.integers(2, 16))
def test_packing_keeps_tokens_in_order_and_pads_nothing(lengths, width: int):
    rows = [np.full(length, number, np.int32) for number, length in enumerate(lengths)]
    packed_NT = pack(rows, width, seed=1)
    total = sum(lengths)
    assert packed_NT.shape == (max(total // width, 1), width)
    if total >= width:
        counts = np.bincount(packed_NT.ravel(), minlength=len(rows))
        assert (counts <= lengths).all()


@pytest.fixture
def tokenizer() -> Tokenizer:
    """Each word is a number, and its own id."""
    made = Tokenizer(WordLevel({str(number): number for number in range(3000)}, unk_token="0"))
    made.pre_tokenizer = Whitespace()
    return made


def numbers(first: int, num_texts: int) -> list[str]:
    """Texts of `WIDTH` numbers that occur in no other."""
    return [" ".join(str(first + WIDTH * row + place) for place in range(WIDTH)) for row in range(num_texts)]


def test_dev_is_held_out_and_all_of_train_is_trained_on(tokenizer: Tokenizer, tmp_path: Path):
    given_ = {"train": {"text": numbers(0, 60)}, "dev": {"text": numbers(1000, 40)}}
    data = refine(given_, operators=[], split={}, out=tmp_path / "data")
    packed = packed_texts(data, tokenizer, WIDTH, seed=0)
    assert sorted(packed.rows_NT.ravel()) == list(range(60 * WIDTH))
    assert packed.num_texts == 60
    assert packed.held_out_NT.shape == (HELD_OUT_ROWS, WIDTH)
    assert packed.held_out_NT.min() >= 1000


@pytest.mark.parametrize(("num_texts", "held_out"), [(2, 1), (60, 6), (500, HELD_OUT_ROWS)])
def test_without_dev_a_tenth_at_most_is_held_out_of_train(tokenizer, tmp_path: Path, num_texts: int, held_out: int):
    data = refine({"text": numbers(0, num_texts)}, operators=[], split={}, out=tmp_path / "data")
    packed = packed_texts(data, tokenizer, WIDTH, seed=0)
    assert len(packed.held_out_NT) == held_out
    together = np.concatenate([packed.held_out_NT, packed.rows_NT])
    assert sorted(together.ravel()) == list(range(num_texts * WIDTH)), "nothing twice, nothing lost"


def test_a_single_row_is_trained_and_measured_on(tokenizer: Tokenizer, tmp_path: Path):
    data = refine({"text": numbers(0, 1)}, operators=[], split={}, out=tmp_path / "data")
    packed = packed_texts(data, tokenizer, WIDTH, seed=0)
    assert packed.rows_NT.tolist() == packed.held_out_NT.tolist() == [[0, 1, 2, 3]]


def test_a_split_without_texts_says_where(tmp_path: Path):
    data = refine({"text": numbers(0, 3)}, operators=[], split={}, out=tmp_path / "data")
    for file in (data.path / "all").glob("*.parquet"):
        pl.read_parquet(file).with_columns(text=pl.lit(None, pl.String)).write_parquet(file)
    with pytest.raises(DataError, match="no text to train on") as caught:
        texts_of(data, "all")
    assert "split 'all'" in str(caught.value.where)

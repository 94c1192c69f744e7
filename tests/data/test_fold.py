"""Folding: what counts as the same text, against Python's own Unicode functions."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.fold import folded, row_hashes, wide_hashes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SPACES = re.compile(r"[\s\x85]+")


def fold(*texts: str | None) -> list[str | None]:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(folded("text"))["text"].to_list()


def slow_fold(text: str) -> str:
    """The definition, by the standard library. Its own white space knows four separators that Unicode's does not."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"[^\S\x1c-\x1f]+", " ", lowered).strip(" ")


@given(st.text(st.sampled_from("Aa ｂＢé\u0301\t\n\u3000\u00a0影片ß。!"), max_size=30))
def test_folding_equals_the_definition(text: str) -> None:
    assert fold(text) == [slow_fold(text)]


@given(TEXT, TEXT)
def test_a_column_is_folded_row_by_row(first: str, second: str) -> None:
    """Texts that need normalising are folded apart from those that do not; they must not change places."""
    assert fold(first, None, second) == [*fold(first), None, *fold(second)]


def test_what_counts_as_the_same() -> None:
    assert len(set(fold("Ｇｒｅａｔ　Film", "great film", " GREAT\t\nfilm "))) == 1
    assert len(set(fold("great film", "greatfilm", "great film!"))) == 3


def test_hashes_are_those_of_the_standard_library() -> None:
    """Artifacts store them, so they may not change between versions."""
    frame = pl.DataFrame({"text": ["Good  Film", None], "text_pair": ["x", "y"]})
    expected = [hashlib.blake2b(joined, digest_size=8).digest() for joined in (b"good film\x1fx", b"\x1fy")]
    assert row_hashes(frame, ["text", "text_pair"]).tolist() == [int.from_bytes(value, "little") for value in expected]
    wide = hashlib.blake2b(b"good film", digest_size=16).digest()
    assert wide_hashes(frame, ["text"]).row(0) == tuple(np.frombuffer(wide, "<u8").tolist())


def test_columns_do_not_run_together() -> None:
    frame = pl.DataFrame({"a": ["x y", "x"], "b": ["z", "y z"]})
    first, second = row_hashes(frame, ["a", "b"])
    assert first != second

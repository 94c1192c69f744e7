"""Numbers and foreign text: what is written can be read, and cannot do harm."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.report import formatting
from oreline.types import Estimate

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
        max_leaves=12,
    )
)
def test_plain_values_are_strict_json_in_utf8(value: object) -> None:
    written = json.dumps(formatting.plain(value), allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(written) == formatting.plain(value)


def test_plain_takes_numpy_values() -> None:
    assert formatting.plain({"a": np.float32(0.5), "b": np.arange(3), "c": np.bool_(True), "d": np.nan}) == {
        "a": 0.5,
        "b": [0, 1, 2],
        "c": True,
        "d": None,
    }


@given(ANY_TEXT)
def test_clean_text_holds_no_control_and_no_surrogate(text: str) -> None:
    for letter in formatting.clean(text):
        assert letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs"), repr(letter)
        assert unicodedata.bidirectional(letter) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@given(st.text(st.characters(categories=("L", "N", "P", "Zs"))))
def test_clean_leaves_ordinary_text_alone(text: str) -> None:
    assert formatting.clean(text) == text


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_a_number_is_within_its_rounding(value: float) -> None:
    read = float(formatting.number(value).replace(",", "").replace("−", "-"))
    assert read == pytest.approx(value, rel=0.06, abs=6e-5)


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        ([1, 2.5, None, ""], True),
        ([{"value": 0.5, "low": 0.4, "high": 0.6, "n": 3}], True),
        (["1", 2], False),
        ([True, 1], False),
        ([None, ""], False),
        ([], False),
    ],
)
def test_numeric_columns(cells: list[object], numeric: bool) -> None:
    assert formatting.is_numeric(cells) is numeric


def test_an_estimate_shows_what_is_not_known() -> None:
    entry = formatting.plain(Estimate(float("nan"), 0.1, float("inf"), 7))
    assert formatting.estimate(entry) == ("–", "[0.1000, –]", "n = 7")


@pytest.mark.parametrize(
    ("fact", "written"),
    [
        ({"wall_s": 7384.0}, ("wall", "2 h 3 min")),
        ({"served_p99_ms": 12.5}, ("served p99", "12.5 ms")),
        ({"gemm_share": 0.414}, ("GEMM share", "41.4 %")),
        ({"tokens_per_s": 3310}, ("tokens per second", "3,310")),
        ({"size_bytes": None}, ("size bytes", "–")),
        ({"early_stopped": False}, ("early stopped", "no")),
        ({"learning_rate": 5e-5}, ("learning rate", "5e-05")),
        ({"size_bytes_before": 90_867_952}, ("size before", "90.9 MB")),
        ({"rows_per_s_before": 247.9}, ("rows per second before", "247.9")),
        ({"latency_ms_after": 3.98}, ("latency after", "3.98 ms")),
        ({"steps_s": {"reviews": 11.3, "finetune": 75.2}}, ("steps", "reviews 11.3 s, finetune 1 min 15 s")),
        ({"refused": []}, ("refused", "none")),
    ],
)
def test_a_fact_is_written_with_its_unit(fact: dict[str, object], written: tuple[str, str]) -> None:
    (found,) = formatting.facts(fact)
    assert (found.name, found.value) == written


def test_mappings_of_mappings_are_for_programs() -> None:
    assert formatting.facts({"leaks": {"dev/train": {"rows": 3}}}) == []
    assert [fact.value for fact in formatting.facts({"splits": {"train": 3, "dev": 1}})] == ["train: 3, dev: 1"]


def test_a_fact_that_says_nothing_is_left_out() -> None:
    assert formatting.facts({"leaks": {}, "steps_s": {}, "by": {"a": {"b": 1}}}) == []

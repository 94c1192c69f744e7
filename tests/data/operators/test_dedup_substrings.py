"""Repeated stretches are cut between sentences, the first one stays."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from oreline.data.operators.dedup_substrings import Operator
from oreline.errors import UsageError

pytest.importorskip("pydivsufsort")

EN = "Subscribe to our newsletter for a weekly digest of the very best films, shows and books of the season. "
ZH = "欢迎关注我们的公众号，每周为您推送最新最好看的电影、电视剧和图书资讯，精彩内容不容错过。"


def edited(texts: list[str | None], **options: Any) -> tuple[list[str | None], list[str | None]]:
    frame = pl.DataFrame(
        {"row_id": [f"a:{n}" for n in range(len(texts))], "text": texts}, schema_overrides={"text": pl.String}
    )
    operator = Operator(**options)
    operator.learnt(json.loads(json.dumps(operator.fit(frame.lazy()))))
    found = operator.edit(frame)
    reasons = found["change_reason"].to_list() if "change_reason" in found.columns else [None] * len(texts)
    assert pl.concat([operator.edit(part) for part in frame.iter_slices(1)], how="diagonal")["text"].equals(
        found["text"]
    )
    return found["text"].to_list(), reasons


@pytest.mark.parametrize("boiler", [EN, ZH], ids=["en", "zh"])
def test_boilerplate_is_cut_from_all_texts_but_the_first(boiler: str) -> None:
    texts = [f"One. {boiler}Two.", f"甲。{boiler}乙。", None, boiler]
    found, reasons = edited(texts)
    assert found == [texts[0], "甲。乙。", None, ""]
    assert reasons == [None, "repeated_substring", None, "repeated_substring"]


def test_what_repeats_less_or_within_a_sentence_stays() -> None:
    texts = [f"One. {EN}Two.", f"One: {EN.strip()[:-1]} and more of the same kind.", f"{EN[:60]}here."]
    assert edited(texts)[0] == texts
    assert edited(texts, boundary="word", min_bytes=50)[0][1].endswith("and more of the same kind.")
    assert edited([EN, EN], min_tokens=50)[0] == [EN, EN]
    assert edited([EN, EN], min_tokens=10)[0] == [EN, ""]


def test_portions_bound_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oreline.data.operators.dedup_substrings._FRAME_ROWS", 1)
    operator = Operator()
    operator._portion_bytes = 2 * len(EN) + 1
    frame = pl.DataFrame({"row_id": ["a:1", "a:2", "a:3", "a:4"], "text": [EN] * 4})
    assert operator.fit(frame.lazy()) == {"rows": 2}
    assert operator.edit(frame)["text"].to_list() == [EN, "", EN, ""]


def test_what_is_cut_may_lie_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"Text {number}. {EN}" if number % 3 else f"Nothing of the kind, {number}." for number in range(300)]
    expected = edited(texts)
    monkeypatch.setattr("oreline.data.operators.dedup_substrings._MAX_BYTES", 0)
    monkeypatch.setattr("oreline.data.operators.dedup_substrings._FRAME_ROWS", 7)
    assert edited(texts) == expected
    assert sum(reason is not None for reason in expected[1]) == 199


def test_impossible_options() -> None:
    with pytest.raises(UsageError, match="min_bytes is 2"):
        Operator(min_bytes=2)
    with pytest.raises(UsageError, match="portion_mb is 0"):
        Operator(portion_mb=0)

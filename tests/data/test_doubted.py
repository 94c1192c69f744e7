"""A model says once that it hardly reads what it is given, and answers all the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oreline.data.doubted import doubting
from oreline.data.operators.dedup_semantic import Operator
from oreline.data.refine import Running, refine

TEXTS = [f"第{n}家店的房间很干净" for n in range(30)]


class Plain:
    """A model that says nothing of what it reads."""

    def embed(self, texts: Sequence[str]) -> Any:
        return np.eye(max(len(texts), 40), dtype=np.float32)[: len(texts)]

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> Any:
        return [[("好", 1.0)]] * len(gaps)

    predict = embed


class English(Plain):
    def doubts(self, texts: Sequence[str]) -> str:
        return "it hardly reads these texts" if "房" in texts[0] else ""


@pytest.mark.parametrize("use", ["embed", "fill", "predict"])
def test_it_is_asked_once_and_not_of_few_texts(use: str) -> None:
    told: list[str] = []
    model: Any = doubting(lambda place: English(), told.append)("here")  # type: ignore[arg-type,return-value]
    rows: list[Any] = TEXTS if use != "fill" else [(text, "") for text in TEXTS]
    more = () if use != "fill" else (1,)
    for few in (2, 30, 30):
        assert len(getattr(model, use)(rows[:few], *more)) == few
    assert told == ["it hardly reads these texts"]


def test_a_model_without_doubts_is_used_as_it_is() -> None:
    told: list[str] = []
    model: Any = doubting(lambda place: Plain(), told.append)("here")  # type: ignore[arg-type,return-value]
    assert len(model.embed(TEXTS)) == len(model.predict(TEXTS)) == 30
    assert told == []


@pytest.mark.parametrize("asks", ["operator", "report"])
def test_the_report_warns(asks: str, tmp_path: Path) -> None:
    operators: Any = [("dedup_semantic", Operator(model="catalog:english"))] if asks == "operator" else []
    encoder = "catalog:english" if asks == "report" else None
    running = Running(open_model=lambda place: English())  # type: ignore[arg-type,return-value]
    said: list[str] = []
    data = refine(
        {"text": TEXTS, "label": ["a", "b"] * 15}, operators=operators, split={}, out=tmp_path / "data",
        running=running, report_encoder=encoder, on_event=lambda event: said.append(event.message),
    )  # fmt: skip
    assert "it hardly reads these texts" in data.report().warnings
    assert said.count("warning: it hardly reads these texts") == 1

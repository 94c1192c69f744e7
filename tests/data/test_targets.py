"""Targets with what stands beside them."""

from __future__ import annotations

import json
from pathlib import Path

import oreline as ore
from oreline import registry
from oreline.data.targets import labelled_frame


def test_what_stands_beside_a_target_is_folded_into_it(tmp_path: Path):
    rows = {
        "text": ["what is it", "where is it", "who is it"],
        "text_pair": ["a thing", "over there", "nobody at all"],
        "label": ["1", "0", "1"],
        "negative": [["no", "never"], None, ["not this"]],
    }
    data = ore.refine(rows, operators=[], split={}, out=tmp_path / "data")
    frame = labelled_frame(data, "all", registry.get("task", "embedding"), ["row_id", "text", "text_pair"])
    assert frame.columns == ["row_id", "text", "text_pair"]
    first, second, _ = map(json.loads, frame["text_pair"])
    assert first == {"text_pair": "a thing", "label": "1", "negative": '["never", "no"]'}
    assert second == {"text_pair": "over there", "label": "0"}


def test_a_task_with_nothing_beside_its_target_reads_columns_as_they_are(tmp_path: Path):
    rows = {"text": ["one text", "two texts"], "text_pair": ["more", "most"], "label": ["yes", "no"]}
    data = ore.refine(rows, operators=[], split={}, out=tmp_path / "data")
    frame = labelled_frame(data, "all", registry.get("task", "pair"), ["text", "text_pair", "label"])
    assert frame["label"].to_list() == ["yes", "no"]
    alone = ore.refine({key: rows[key] for key in ("text", "text_pair")}, operators=[], split={}, out=tmp_path / "b")
    plain = labelled_frame(alone, "all", registry.get("task", "embedding"), ["text", "text_pair"])
    assert plain["text_pair"].to_list() == ["more", "most"]

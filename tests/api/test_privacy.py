"""`oreline.restore`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oreline
from oreline.errors import UsageError


def test_what_was_sealed_is_written_again(tmp_path: Path) -> None:
    key = tmp_path / "pii.key"
    key.write_text("k" * 40)
    operators = [{"mask_pii": {"action": "pseudonym", "key_file": str(key), "reversible": True}}]
    texts = ["电话13812345678", "nothing"]
    oreline.refine({"text": texts}, operators=operators, split={}, out=tmp_path / "data")
    dry = oreline.restore(tmp_path / "data", key_file=str(key), out=tmp_path / "back", dry_run=True)
    assert dry["rows"] == 2
    assert not (tmp_path / "back").exists()
    made = oreline.restore(tmp_path / "data", key_file=str(key), out=tmp_path / "back")
    assert made["rows"] == 2
    rows = (tmp_path / "back" / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row)["text"] for row in rows] == texts
    with pytest.raises(UsageError, match="exists"):
        oreline.restore(tmp_path / "data", key_file=str(key), out=tmp_path / "back")


@pytest.mark.parametrize("content", [None, "short"])
def test_without_its_key_nobody_is_told_to_make_another(content: str | None, tmp_path: Path) -> None:
    key = tmp_path / "pii.key"
    if content is not None:
        key.write_text(content)
    with pytest.raises(UsageError) as caught:
        oreline.restore(tmp_path / "data", key_file=str(key), out=tmp_path / "back")
    assert caught.value.remedy == "only the key file that refine was given opens what it sealed"

"""`oreline restore`, and `mask_pii` on the command line."""

from __future__ import annotations

import json
from pathlib import Path


def test_mask_and_restore(cli, tmp_path: Path) -> None:
    key, file = tmp_path / "pii.key", tmp_path / "calls.jsonl"
    key.write_text("k" * 40)
    file.write_text('{"text": "电话13812345678联系"}\n{"text": "Mail ann@example.com"}\n', encoding="utf-8")
    chosen = f"operators=[{{mask_pii: {{action: hash, key_file: {key}, reversible: true}}}}]"
    refined = cli("refine", file, "--set", chosen, "--set", "split={}", "--out", "data")
    assert refined.code == 0
    assert "Private data" in refined.out
    assert "13812345678" not in refined.out + refined.err
    assert cli("restore", "data", "--key-file", key, "--out", "back", "--dry-run").code == 0
    assert cli("restore", "data", "--key-file", key, "--out", "back", "--json").code == 0
    rows = [json.loads(line) for line in Path("back/all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["电话13812345678联系", "Mail ann@example.com"]
    assert cli("restore", "data", "--key-file", key, "--out", "back").code == 2
    assert cli("restore", "data", "--key-file", "absent", "--out", "b2").code == 2
    assert "the key file that refine was given" in cli("restore", "data", "--key-file", "absent", "--out", "b2").err
    assert cli("restore", "nowhere", "--key-file", key, "--out", "b2").code == 2

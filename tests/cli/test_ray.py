"""`engine: ray` through a recipe and the command line: the bytes of the local engine, near-duplicates among them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from oreline.data.dataset import Dataset

TEXTS = [
    f"{text} {number % 9}{'!' * number}"
    for number in range(12)
    for text in ("A  fine film", "a fine film", "好  片", f"so &amp; so, {'as they say in every one of them ' * 3}")
]
RECIPE = """
out: {out}
{engine}
steps:
  - refine:
      data: {data}
      workers: 2
      split: {{train: 0.8, test: 0.2}}
      operators: [normalize_text, dedup_exact, dedup_near, mask_pii]
"""


def written(folder: Path) -> dict[str, bytes]:
    names = [*folder.rglob("*.parquet"), folder / "dataset.json"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in names}


def facts(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))["facts"]


def test_a_recipe_with_the_engine_ray_writes_the_bytes_of_the_local_engine(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    rows = [{"text": text, "label": "ab"[number % 2]} for number, text in enumerate(TEXTS)]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="ray") as sessions:  # a short name: those of its sockets are longer
        for engine in ("local", "ray"):
            line = "engine: ray" if engine == "ray" else ""
            recipe = tmp_path / f"{engine}.yaml"
            recipe.write_text(RECIPE.format(out=tmp_path / engine, engine=line, data=data), encoding="utf-8")
            command = [sys.executable, "-m", "oreline", "run", str(recipe)]
            environment = {**os.environ, "RAY_TMPDIR": sessions}
            done = subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment)
            assert done.returncode == 0, done.stderr
            assert bool(list(Path(sessions).rglob("session_2*"))) == (engine == "ray")
    local, ray = (tmp_path / engine / "refine" for engine in ("local", "ray"))
    assert written(local) == written(ray)
    assert facts(local) == facts(ray)
    assert "near_duplicate" in Dataset.open(ray).ledger()["reason"].to_list()

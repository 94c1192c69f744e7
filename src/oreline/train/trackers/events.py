"""Training events as JSON Lines: what every run writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Tracker:
    """One line for each step in `events.jsonl`; a run that continues drops the lines of steps it makes again."""

    def __init__(self, folder: Path, *, run_name: str, config: Mapping[str, Any], first_step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "events.jsonl"
        kept = _steps_until(self.file, first_step) if first_step else []
        self._stream = self.file.open("w", encoding="utf-8")
        start = {"run": run_name, "config": dict(config)}
        self._stream.writelines(kept or [json.dumps(start, ensure_ascii=False, default=str) + "\n"])
        self._stream.flush()

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line: the step and its values."""
        self._stream.write(json.dumps({"step": step, **values}) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def _steps_until(file: Path, last: int) -> list[str]:
    """Return the lines up to a step. A line cut short by a kill is dropped."""
    kept = []
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if file.is_file() else []:
        try:
            if json.loads(line).get("step", 0) <= last:
                kept.append(line)
        except ValueError:
            continue
    return kept

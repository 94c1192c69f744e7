"""`oreline.calibrate` and `refine --calibrate`: a report, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import oreline
from oreline.api.calibrate import OPERATORS
from oreline.cli.main import app
from oreline.errors import UsageError


def _file(folder: Path) -> Path:
    file = folder / "a.csv"
    file.write_text(
        "body,label\n" + "".join(f"a fine film number {n},good\n这部电影很一般{n},bad\n" for n in range(20)),
        encoding="utf-8",
    )
    return file


def test_all_rules_when_none_is_named(tmp_path: Path):
    report = oreline.calibrate(_file(tmp_path), text="body", out=tmp_path / "out")
    shown = {row[0] for row in report.tables[0].rows}
    assert shown == {name for name in OPERATORS if name.startswith("keep")}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.json"]
    with pytest.raises(UsageError, match="exists"):
        oreline.calibrate(_file(tmp_path), text="body", out=tmp_path / "out")


def test_on_the_command_line(tmp_path: Path):
    command = [
        "refine",
        str(_file(tmp_path)),
        "--text",
        "body",
        "--calibrate",
        "--out",
        str(tmp_path / "out"),
        "--json",
        "--quiet",
    ]
    found = CliRunner().invoke(app, [*command, "--set", "rows=10", "--set", "operators=[{keep_length: {min: 12}}]"])
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert document["verb"] == "calibrate"
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_what_does_not_go_together_is_refused(tmp_path: Path):
    file = str(_file(tmp_path))
    found = CliRunner().invoke(app, ["refine", file, "--text", "body", "--calibrate", "--against", file])
    assert found.exit_code != 0
    assert "changes nothing with --calibrate" in found.output + found.stderr

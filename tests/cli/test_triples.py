"""`oreline triples`: answers as JSON Lines, and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oreline.cli.main import main

ROW = {
    "text": "the great with dull",
    "triples": [{"head": [4, 9, "PER"], "relation": "works_for", "tail": [15, 19, "ORG"]}],
}


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["triples", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_answers_scores_and_what_does_not_fit(
    triple_models: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [model.path for model in triple_models]
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(ROW), encoding="utf-8")
    code, out, _ = run(capsys, *models, file)
    assert code == 0
    assert json.loads(out)["triples"][0]["relation"] == "works_for"
    code, out, _ = run(capsys, *models, file, "--score")
    assert code == 0
    assert "triple f1" in out.lower()
    code, _, err = run(capsys, models[1], models[0], file)
    assert code == 2
    assert "finds entities is one for relation" in err
    code, _, err = run(capsys, *models, file, "--out", tmp_path / "x")
    assert code == 2
    assert "belong to a report" in err

from __future__ import annotations

import json
import shutil
from pathlib import Path

from oreline import registry


def test_list_kinds_and_plugs(cli) -> None:
    kinds = cli("list").out
    assert all(kind in kinds for kind in registry.KINDS)
    assert "Keep the first of the rows" in cli("list", "operator").out
    assert set(json.loads(cli("list", "catalog", "--json").out)) == set(registry.names("catalog"))
    wrong = cli("list", "operators")
    assert wrong.code == 2
    assert "did you mean 'operator'" in wrong.err


def test_doctor_of_the_machine(cli) -> None:
    done = cli("doctor", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert {"processor", "flags", "cores", "memory", "disk"} <= set(found["facts"])
    assert [table["title"] for table in found["tables"]] == ["Extras", "Matrix products", "Versions"]


def test_doctor_names_the_altered_file(cli, model_folder: Path) -> None:
    assert cli("doctor", model_folder).code == 0
    copy = shutil.copytree(model_folder, "copy")
    (Path(copy) / "linear.json").write_text("{}")
    done = cli("doctor", copy)
    assert done.code == 2
    assert "linear.json has 2 bytes" in done.out
    assert cli("doctor", "nowhere").code == 2


def test_schema(cli) -> None:
    schema = json.loads(cli("schema").out)
    assert schema["title"] == "Oreline recipe"
    assert "rehearse" in json.dumps(schema)

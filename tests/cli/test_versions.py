from __future__ import annotations

import json
from pathlib import Path

from oreline import store
from oreline.store import Artifact


def test_promote_and_roll_back(cli, model_folder: Path, data_folder: Path) -> None:
    assert cli("finetune", data_folder, "--method", "linear", "--seed", "9", "--out", "other").code == 0
    first, second = Artifact.open(model_folder), Artifact.open("other")
    for artifact in (first, second):
        store.add_version("home", artifact)
    store.set_aliases("home", {"champion": first.version, "challenger": second.version})
    refused = cli("promote", "home")
    assert refused.code == 1
    assert "never went through the gate" in refused.err
    assert cli("promote", "home", "--dry-run").code == 1, "a dry run checks what the run would check"
    assert cli("promote", "nowhere", "--dry-run").code == cli("rollback", "nowhere", "--dry-run").code == 2
    assert f"champion: {second.version}" in cli("promote", "home", "--force", "--dry-run").out
    assert store.aliases("home")["champion"] == first.version
    assert json.loads(cli("promote", "home@challenger", "--force", "--json").out)["champion"] == second.version
    assert f"champion: {first.version}" in cli("rollback", "home", "--dry-run").out
    assert store.aliases("home")["champion"] == second.version
    assert cli("rollback", "home").code == 0
    assert store.aliases("home")["champion"] == first.version
    assert cli("rollback", model_folder).code == 2

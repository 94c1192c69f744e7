"""Promote and roll back: aliases change only where the stored verdict allows it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oreline import store
from oreline.errors import ArtifactError, GateRefusedError, ResourceError, UsageError
from oreline.report.report import Report
from oreline.update.promote import REPORTS, locked, promote, rollback, stored_report


def add(home: Path, name: str) -> str:
    """Write an artifact and copy it into the home."""
    with store.writing(home.parent / name) as folder:
        (folder / "config.json").write_text(name)
        store.seal(folder, store.Manifest(runtime="torch", task="none"))
    return store.add_version(home, store.Artifact.open(home.parent / name)).version


def judge(home: Path, version: str, decision: str, champion: str) -> None:
    """Store a verdict as update does."""
    (home / REPORTS).mkdir(exist_ok=True)
    facts = {"decision": decision, "champion": champion, "verdict": f"{decision}: because"}
    Report("update", "Update", facts=facts).save(home / REPORTS, name=version)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a champion and a challenger."""
    home = tmp_path / "home"
    store.set_aliases(home, {"champion": add(home, "one"), "challenger": add(home, "two")})
    return home


def test_promote_after_a_verdict_that_passed(home: Path) -> None:
    before = store.aliases(home)
    judge(home, before["challenger"], "passed", before["champion"])
    after = promote(home)
    assert after == store.aliases(home)
    assert after == {
        "champion": before["challenger"],
        "challenger": before["challenger"],
        "previous": before["champion"],
    }
    assert store.Artifact.open(home).version == before["challenger"]


def test_promoting_twice_does_not_lose_the_previous_version(home: Path) -> None:
    first = promote(home, force=True)
    assert promote(home) == first
    assert first["previous"] != first["champion"]


@pytest.mark.parametrize("decision", ["refused", "undecided"])
def test_a_verdict_that_did_not_pass_refuses(home: Path, decision: str) -> None:
    before = store.aliases(home)
    judge(home, before["challenger"], decision, before["champion"])
    with pytest.raises(GateRefusedError, match=decision) as caught:
        promote(home)
    assert "--force" in caught.value.remedy
    assert store.aliases(home) == before
    assert promote(home, force=True)["champion"] == before["challenger"]


def test_no_verdict_refuses(home: Path) -> None:
    with pytest.raises(GateRefusedError, match="never went through the gate"):
        promote(home)


def test_a_verdict_against_another_champion_refuses(home: Path) -> None:
    before = store.aliases(home)
    judge(home, before["challenger"], "passed", before["champion"])
    store.set_aliases(home, {"champion": add(home, "three")})
    with pytest.raises(GateRefusedError, match="but the champion is now"):
        promote(home)


def test_rollback_and_back_again(home: Path) -> None:
    before = store.aliases(home)
    promoted = promote(home, force=True)
    rolled = rollback(home)
    assert rolled["champion"] == before["champion"]
    assert rolled["previous"] == promoted["champion"]
    assert rollback(home) == promoted


def test_rollback_needs_a_previous_version(home: Path) -> None:
    with pytest.raises(UsageError, match="no previous version"):
        rollback(home)


def test_a_damaged_version_is_never_made_champion(home: Path) -> None:
    before = store.aliases(home)
    shutil.copy(home.parent / "one" / "config.json", home / "versions" / before["challenger"] / "config.json")
    with pytest.raises(ArtifactError, match="damaged"):
        promote(home, force=True)
    store.set_aliases(home, {"previous": before["challenger"]})
    with pytest.raises(ArtifactError, match="damaged"):
        rollback(home)
    assert store.aliases(home)["champion"] == before["champion"]


@pytest.mark.parametrize("act", [promote, rollback])
def test_not_a_home(act: object, home: Path) -> None:
    with pytest.raises(UsageError, match="not a model home"):
        act(home / "versions")  # type: ignore[operator]


def test_an_unknown_alias_names_the_known_ones(home: Path) -> None:
    with pytest.raises(UsageError, match="no alias 'chalenger'") as caught:
        promote(home, alias="chalenger")
    assert "did you mean 'challenger'?" in caught.value.allowed


def test_stored_report(home: Path) -> None:
    version = store.aliases(home)["challenger"]
    assert stored_report(home, version) is None
    judge(home, version, "passed", "x")
    report = stored_report(home, version)
    assert report is not None
    assert report.facts["decision"] == "passed"


def test_a_lock_is_held_against_other_processes_and_freed_by_their_death(tmp_path: Path) -> None:
    file = tmp_path / ".lock"
    program = (
        "import sys, time; from pathlib import Path; from oreline.update.promote import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ResourceError, match="busy here"), locked(file, wait=False, busy="busy here"):
        pass
    holder.kill()
    holder.communicate()
    with locked(file, wait=False, busy="busy here"):
        pass

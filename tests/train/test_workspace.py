"""One job claims a workspace; another job's checkpoint goes."""

from __future__ import annotations

from pathlib import Path

from oreline.train.workspace import CHECKPOINT, Workspace


def test_claiming_keeps_the_same_job_and_removes_another(tmp_path: Path):
    work = Workspace.beside(tmp_path / "model")
    assert work.claim({"seed": 1}) is False
    (work.folder / CHECKPOINT).write_bytes(b"weights")
    assert work.claim({"seed": 1}) is True
    assert work.claim({"seed": 2}) is False
    assert not (work.folder / CHECKPOINT).exists()
    work.remove()
    assert not work.folder.exists()


def test_a_checkpoint_of_another_job_says_in_what_it_differs(tmp_path: Path):
    work, job = Workspace.beside(tmp_path / "model"), {"train": {"epochs": 3, "optimizer": "adamw"}, "seed": 1}
    assert work.differing(job) == []
    work.claim(job)
    assert work.differing({"seed": 2}) == [], "there is nothing yet that would be lost"
    (work.folder / CHECKPOINT).write_bytes(b"weights")
    assert work.differing(job) == []
    changed = {"train": {"epochs": 5, "optimizer": "adamw"}, "seed": 2}
    assert work.differing(changed) == ["seed: 1, now 2", "train.epochs: 3, now 5"]

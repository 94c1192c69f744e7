from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from safetensors import SafetensorError

from oreline import store
from oreline.errors import ArtifactError, ResourceError, UsageError
from oreline.store import Artifact, Manifest


def make(folder: Path, content: bytes = b"weights", **manifest: object) -> Artifact:
    with store.writing(folder) as temporary:
        (temporary / "model.safetensors").write_bytes(content)
        (temporary / "inner").mkdir()
        (temporary / "inner" / "config.json").write_text("{}")
        store.seal(temporary, Manifest(runtime="torch", task="text_classification", **manifest), {"seconds": 1.5})
    return Artifact.open(folder)


def test_an_artifact_opens_as_it_was_written(tmp_path: Path) -> None:
    artifact = make(tmp_path / "model", task_options={"labels": ["正", "负"]})
    assert artifact.manifest.files.keys() == {"model.safetensors", "inner/config.json"}
    assert len(artifact.id) == 64
    assert artifact.version == artifact.id[:12]
    assert artifact.size_bytes() == 9
    assert artifact.measurements() == {"seconds": 1.5}
    assert artifact.file("model.safetensors").read_bytes() == b"weights"
    assert artifact.has("model.safetensors")
    assert not artifact.has("model.onnx")
    with pytest.raises(ArtifactError, match=r"no file 'model\.onnx'"):
        artifact.file("model.onnx")
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o755


def test_it_says_what_it_is_in_a_line(tmp_path: Path) -> None:
    figure = {"value": 0.51237, "low": 0.4, "high": 0.6, "n": 9}
    artifact = make(tmp_path / "<model>", metrics={"accuracy": figure, "loss": 2})
    line = f"torch model {artifact.version} (0.0 MB) at {artifact.path}"
    assert str(artifact) == f"{line}\n  dev: accuracy 0.5124, loss 2"
    assert repr(artifact) == f"<{line}>"
    assert "&lt;model&gt;" in artifact._repr_html_()


def test_the_id_is_a_hash_of_the_content_alone(tmp_path: Path) -> None:
    first, second = make(tmp_path / "a"), make(tmp_path / "b")
    assert first.id == second.id
    assert make(tmp_path / "c", b"other").id != first.id
    store.write_json(tmp_path / "a" / store.MEASUREMENTS, {"seconds": 99})
    assert Artifact.open(tmp_path / "a").id == first.id


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "link"])
def test_every_damage_is_found(tmp_path: Path, damage: str) -> None:
    file = make(tmp_path / "model").file("model.safetensors")
    if damage == "flip":
        file.write_bytes(b"weightz")
    elif damage == "truncate":
        file.write_bytes(b"weight")
    else:
        file.unlink()
    if damage == "link":
        (tmp_path / "elsewhere").write_bytes(b"weights")
        file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match=r"damaged: model\.safetensors") as caught:
        Artifact.open(tmp_path / "model")
    assert "oreline doctor" in caught.value.remedy
    Artifact.open(tmp_path / "model", verify=False)


def test_manifests_that_are_not_ours(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not a model folder"):
        Artifact.open(tmp_path)
    with pytest.raises(ArtifactError, match="no model folder"):
        Artifact.open(tmp_path / "none")
    artifact = make(tmp_path / "model")
    file = artifact.path / store.MANIFEST
    content = json.loads(file.read_text())
    for change, message in [
        ({"format_version": 99}, "newer Oreline: format 99"),
        ({"runtime": "onnx"}, "was altered"),
        ({"surprise": 1}, "cannot be read"),
        ({"files": {"../../etc/passwd": {"size_bytes": 1, "sha256": "x"}}}, "outside of the folder"),
        ({"files": {"model.pkl": {"size_bytes": 1, "sha256": "x"}}}, "a pickle or code"),
    ]:
        file.write_text(json.dumps({**content, **change}))
        with pytest.raises(ArtifactError, match=message):
            Artifact.open(artifact.path)
    file.write_text("{")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Artifact.open(artifact.path)


@pytest.mark.parametrize("name", ["model.pkl", "weights.bin", "code.py", "model.pt"])
def test_pickles_and_code_cannot_be_sealed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ArtifactError, match="never opened"):
        store.seal(tmp_path, Manifest(runtime="torch", task="none"))
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_what_is_written_can_be_read_by_other_users(tmp_path: Path) -> None:
    with store.writing(tmp_path / "out") as folder:
        (folder / "inner").mkdir(mode=0o700)
        (folder / "inner" / "weights").touch(mode=0o600)  # as safetensors creates its files
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out", *(tmp_path / "out").rglob("*"))}
    assert modes == {"out": 0o755, "inner": 0o755, "weights": 0o644}


def test_new_parents_of_what_failed_are_removed_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(ZeroDivisionError), store.writing(tmp_path / "old" / "new" / "out"):
        raise ZeroDivisionError
    assert [entry.name for entry in tmp_path.rglob("*")] == ["old"]


def test_a_refusal_names_the_output_and_not_a_temporary_name(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught, store.translating(tmp_path / "out"):
        raise PermissionError(13, "Permission denied", str(tmp_path / ".out.x7k2"))
    assert caught.value.where == str(tmp_path / "out")


def test_a_full_disk_under_safetensors_is_a_full_disk(tmp_path: Path) -> None:
    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(ResourceError, match="the disk is full") as caught, store.translating(tmp_path / "out"):
        raise SafetensorError(said)
    assert caught.value.where == str(tmp_path / "out")
    with pytest.raises(SafetensorError), store.translating(tmp_path / "out"):
        raise SafetensorError("invalid header")
    with pytest.raises(ValueError, match="28"), store.translating(tmp_path / "out"):
        raise ValueError(said)


def test_writing_leaves_all_or_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def fail(*, force: bool = False) -> None:
        with store.writing(out, force=force) as folder:
            (folder / "half").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with store.writing(out) as folder:
        (folder / "first").write_text("x")
    with pytest.raises(UsageError, match="exists already") as caught, store.writing(out):
        pass
    assert "--force" in caught.value.remedy
    with pytest.raises(ZeroDivisionError):
        fail(force=True)
    assert [file.name for file in out.iterdir()] == ["first"], "the old one stays when the new one fails"
    with store.writing(out, force=True) as folder:
        (folder / "second").write_text("x")
    assert [file.name for file in out.iterdir()] == ["second"]
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("number", "message"),
    [(28, "disk is full"), (122, "quota"), (13, "no permission"), (1, "no permission"), (30, "read-only")],
)
def test_the_systems_refusals_are_translated(number: int, message: str) -> None:
    with pytest.raises(ResourceError, match=message), store.translating("/here"):
        raise OSError(number, os.strerror(number), "/there/file")
    with pytest.raises(OSError, match="Input/output"), store.translating("/here"):
        raise OSError(5, os.strerror(5))


def test_homes_aliases_and_versions(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, second = make(tmp_path / "a"), make(tmp_path / "b", b"other")
    for artifact in (first, second, first):
        assert store.add_version(home, artifact).id == artifact.id
    assert {folder.name for folder in (home / "versions").iterdir()} == {first.version, second.version}
    assert not store.is_home(home)
    store.set_aliases(home, {"champion": first.version})
    store.set_aliases(home, {"challenger": second.version})
    assert store.aliases(home) == {"champion": first.version, "challenger": second.version}
    assert Artifact.open(home).id == first.id
    assert Artifact.open(f"{home}@challenger").id == second.id
    with pytest.raises(UsageError, match="no alias 'previous'"):
        store.resolve(f"{home}@previous")
    with pytest.raises(UsageError, match="no version"):
        store.set_aliases(home, {"champion": "000000000000"})
    with pytest.raises(UsageError, match="not a home"):
        store.resolve(f"{tmp_path / 'a'}@champion")
    (home / "aliases.json").write_text('{"champion": "../../a"}')
    with pytest.raises(ArtifactError, match=r"names the version '\.\./\.\./a'"):
        store.resolve(home)
    (home / "aliases.json").write_text("{")
    with pytest.raises(ArtifactError, match="cannot be read"):
        store.aliases(home)


def test_json_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    store.write_json(file, {"正": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        store.write_json(file, {"bad": float("nan")})
    assert json.loads(file.read_text(encoding="utf-8")) == {"正": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_what_an_earlier_seal_has_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    manifest = Manifest(runtime="torch", task="text_classification", task_options={})
    first = store.seal(tmp_path, manifest)
    (tmp_path / "README.md").write_text("a card", encoding="utf-8")
    read: list[str] = []
    plain = store.file_sha256
    monkeypatch.setattr(store, "file_sha256", lambda file: read.append(file.name) or plain(file))
    second = store.seal(tmp_path, manifest, seen=first.files)
    assert read == ["README.md"]
    assert second == store.seal(tmp_path, manifest)


def test_a_place_below_a_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text")
    with pytest.raises(UsageError, match=r"a\.csv is a file"):
        store.refuse_existing(tmp_path / "a.csv" / "model", force=True)


def test_a_dataset_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(ArtifactError, match="it is a dataset"):
        store.read_manifest(tmp_path)

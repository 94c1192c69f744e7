from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from oreline import store
from oreline.errors import ArtifactError, UsageError
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


def test_a_dataset_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(ArtifactError, match="it is a dataset"):
        store.read_manifest(tmp_path)


@pytest.mark.parametrize(("options", "split"), [({}, "dev"), ({"split": "all"}, "all")])
def test_figures_name_the_split_that_they_were_measured_on(
    options: dict[str, object], split: str, tmp_path: Path
) -> None:
    with store.writing(tmp_path / "model") as folder:
        recipe, metrics = (
            {"verb": "compress", "options": options},
            {"accuracy": {"value": 0.5, "low": 0, "high": 1, "n": 3}},
        )
        store.seal(folder, store.Manifest(runtime="onnx", task="none", recipe=recipe, metrics=metrics))
    assert f"\n  {split}: accuracy 0.5" in str(store.Artifact.open(tmp_path / "model"))

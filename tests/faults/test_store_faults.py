"""Faults of the disk and of hostile hands: a reader sees the old model or the new one, or an error that says why."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oreline import store
from oreline.errors import ArtifactError, ResourceError, UsageError

DRIVER = Path(__file__).with_name("crash_driver.py")


def write_model(out: Path, weights: bytes = b"weights" * 100, *, force: bool = False) -> store.Artifact:
    """Write a small artifact."""
    with store.writing(out, force=force) as folder:
        (folder / "config.json").write_text('{"hidden_size": 32}')
        (folder / "model.safetensors").write_bytes(weights)
        store.seal(folder, store.Manifest(runtime="torch", task="none"))
    return store.Artifact.open(out)


def reseal(folder: Path, **changes: object) -> None:
    """Change the manifest as an attacker would, with an id that fits."""
    raw = {**json.loads((folder / store.MANIFEST).read_text()), **changes}
    content = {key: value for key, value in raw.items() if key != "id"}
    raw["id"] = hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    (folder / store.MANIFEST).write_text(json.dumps(raw))


def opened(folder: Path) -> store.Artifact | ArtifactError:
    """Open a folder; the refusal is a result too."""
    try:
        return store.Artifact.open(folder)
    except ArtifactError as error:
        return error


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole artifact."""
    return write_model(tmp_path / "model").path


# --- killed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", ["new", "replaced", "aliases", "promoted"])
def test_killed_anywhere_leaves_the_old_or_the_new(scenario: str, tmp_path: Path) -> None:
    """SIGKILL before each step on the disk and at random moments; the same command then gets through."""
    done = subprocess.run(
        [sys.executable, str(DRIVER), scenario, str(tmp_path), "6", "1"], capture_output=True, text=True, check=True
    )
    outcome = json.loads(done.stdout)
    assert outcome["faults"] == [], done.stderr
    assert outcome["killed"] >= 8  # the steps of one write, at least
    assert outcome["finished"] >= 1


def test_the_crash_test_sees_a_writer_that_is_not_atomic(tmp_path: Path) -> None:
    """The oracle itself: a writer without temporary folder and rename must be found out."""
    program = tmp_path / "naive.py"
    program.write_text(
        "import contextlib, sys, json\n"
        f"sys.path.insert(0, {str(DRIVER.parent)!r})\n"
        "from pathlib import Path\n"
        "import crash_driver\n"
        "from oreline import store\n"
        "@contextlib.contextmanager\n"
        "def writing(out, force=False):\n"
        "    out.mkdir(exist_ok=True)\n"
        "    yield out\n"
        "store.writing = writing\n"
        "print(json.dumps(crash_driver.run('new', Path(sys.argv[1]), 0, 0)))\n"
    )
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "work")], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["faults"]


def test_a_reader_beside_a_writer_never_sees_half_a_flip(tmp_path: Path) -> None:
    """One process flips champion and previous as fast as it can; each reading finds one of the two pairs."""
    home = tmp_path / "home"
    versions = [
        store.add_version(home, write_model(tmp_path / name, name.encode())).version for name in ("first", "second")
    ]
    store.set_aliases(home, {"champion": versions[0], "previous": versions[1]})
    program = (
        "import sys; from oreline import store\n"
        "home, first, second = sys.argv[1:]\n"
        "for turn in range(150):\n"
        "    pair = (first, second) if turn % 2 else (second, first)\n"
        "    store.set_aliases(home, {'champion': pair[0], 'previous': pair[1]})\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(home), *versions])
    seen = set()
    while writer.poll() is None:
        found = store.aliases(home)
        assert store.Artifact.open(home).version in versions
        seen.add((found["champion"], found["previous"]))
    assert writer.returncode == 0
    assert seen == {(versions[0], versions[1]), (versions[1], versions[0])}


# --- no room, no permission ------------------------------------------------------------------------------------


def test_full_disk_leaves_nothing_half_written(small_disk: Path) -> None:
    with pytest.raises(ResourceError, match="the disk is full") as caught:
        write_model(small_disk / "model", b"x" * 3_000_000)
    assert "free some space" in caught.value.remedy
    assert list(small_disk.iterdir()) == []


def test_full_disk_keeps_the_model_that_was_to_be_replaced(small_disk: Path) -> None:
    before = write_model(small_disk / "model", b"y" * 1_000_000)
    with pytest.raises(ResourceError, match="the disk is full"):
        write_model(small_disk / "model", b"x" * 1_500_000, force=True)
    assert store.Artifact.open(small_disk / "model").id == before.id
    assert [path.name for path in small_disk.iterdir()] == ["model"]


def test_full_disk_keeps_the_aliases(small_disk: Path) -> None:
    home = small_disk / "home"
    first = store.add_version(home, write_model(small_disk / "model"))
    before = store.set_aliases(home, {"champion": first.version})
    with (small_disk / "ballast").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"z" * 4096)
    with pytest.raises(ResourceError, match="the disk is full"):
        store.set_aliases(home, {"previous": first.version})
    assert store.aliases(home) == before
    assert sorted(path.name for path in home.iterdir()) == ["aliases.json", "versions"]


def test_full_disk_keeps_a_home_from_getting_half_a_version(small_disk: Path, tmp_path: Path) -> None:
    large = write_model(tmp_path / "large", b"x" * 3_000_000)
    with pytest.raises(ResourceError, match="the disk is full"):
        store.add_version(small_disk / "home", large)
    assert not (small_disk / "home").exists()


def test_read_only_file_system(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ResourceError, match="read-only"):
        write_model(small_disk / "model")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; the read-only test stands in")
def test_no_permission(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(ResourceError, match="no permission"):
        write_model(folder / "model")


# --- altered ----------------------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_altered_byte_is_noticed_wherever_it_is(model: Path, data: st.DataObject) -> None:
    """Opening raises and names the file, or (white space in the manifest) reads the very same manifest."""
    file = data.draw(st.sampled_from(sorted(model.iterdir())))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    mask = data.draw(st.integers(1, 255))
    before = store.Artifact.open(model)
    try:
        file.write_bytes(content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :])
        found = opened(model)
        if isinstance(found, ArtifactError):
            assert file.name in str(found)
        else:
            assert file.name == store.MANIFEST
            assert found.manifest == before.manifest
    finally:
        file.write_bytes(content)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_truncated_file_is_noticed(model: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(sorted(model.iterdir())))
    content = file.read_bytes()
    # The last byte of the manifest is a line break, without which it reads the same.
    keep = data.draw(st.integers(0, len(content) - 2))
    try:
        file.write_bytes(content[:keep])
        with pytest.raises(ArtifactError, match=file.name):
            store.Artifact.open(model)
    finally:
        file.write_bytes(content)


def test_a_missing_file_is_noticed(model: Path) -> None:
    (model / "config.json").unlink()
    with pytest.raises(ArtifactError, match=r"config\.json is missing"):
        store.Artifact.open(model)


def test_verify_names_every_fault(model: Path) -> None:
    (model / "config.json").unlink()
    (model / "model.safetensors").write_bytes(b"short")
    faults = store.verify_files(model, store.read_manifest(model))
    assert faults == ["config.json is missing", "model.safetensors has 5 bytes, not 700"]


def test_a_symlink_is_not_followed_even_to_the_same_bytes(model: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(model / "model.safetensors", elsewhere)
    (model / "model.safetensors").symlink_to(elsewhere)
    with pytest.raises(ArtifactError, match=r"model\.safetensors is missing"):
        store.Artifact.open(model)


@pytest.mark.parametrize("member", ["../secret.json", "/etc/passwd", "inner/../../secret.json", ""])
def test_a_manifest_may_not_name_files_outside(member: str, model: Path) -> None:
    (model.parent / "secret.json").write_text("{}")
    entry = {"size_bytes": 2, "sha256": store.file_sha256(model.parent / "secret.json")}
    reseal(model, files={member: entry})
    with pytest.raises(ArtifactError, match="outside of the folder"):
        store.Artifact.open(model)


@pytest.mark.parametrize("name", ["weights.pkl", "pytorch_model.bin", "model.pt", "modeling.py", "model.joblib"])
def test_pickles_and_code_are_refused_on_reading_and_on_writing(name: str, model: Path, tmp_path: Path) -> None:
    (model / name).write_bytes(pickle.dumps({"weights": [1.0]}))
    reseal(model, files={name: {"size_bytes": 1, "sha256": "0" * 64}})
    with pytest.raises(ArtifactError, match="pickle or code") as caught:
        store.Artifact.open(model)
    assert "safetensors" in caught.value.allowed
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / name).write_bytes(b"x")
    with pytest.raises(ArtifactError, match="pickle or code"):
        store.seal(folder, store.Manifest(runtime="torch", task="none"))
    assert not (folder / store.MANIFEST).exists()


def test_a_pickle_where_a_model_is_expected(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"weights": [1.0]}))
    with pytest.raises(ArtifactError, match="there is no model folder"):
        store.Artifact.open(file)


def test_a_newer_format_says_so(model: Path) -> None:
    reseal(model, format_version=store.FORMAT_VERSION + 1)
    with pytest.raises(ArtifactError, match="written by a newer Oreline") as caught:
        store.Artifact.open(model)
    assert "upgrade" in caught.value.remedy


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"runtime": 3}', '"text"', "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_manifest_that_is_none(text: str | bytes, model: Path) -> None:
    (model / store.MANIFEST).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ArtifactError, match="cannot be read"):
        store.Artifact.open(model)


@pytest.mark.parametrize(
    "entry", [{}, {"size_bytes": 700}, {"sha256": "0" * 64}, {"size_bytes": "many", "sha256": "0" * 64}]
)
def test_a_manifest_with_a_crooked_file_entry(entry: dict[str, object], model: Path) -> None:
    reseal(model, files={"model.safetensors": entry})
    with pytest.raises(ArtifactError):
        store.Artifact.open(model)


# --- homes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["{", "[]", '"text"', '{"champion": "../../etc"}', '{"champion": ""}'])
def test_aliases_that_are_none(content: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    store.add_version(home, write_model(tmp_path / "model"))
    (home / "aliases.json").write_text(content)
    with pytest.raises(ArtifactError):
        store.Artifact.open(home)


def test_an_alias_of_a_version_that_is_gone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    version = store.add_version(home, write_model(tmp_path / "model")).version
    store.set_aliases(home, {"champion": version})
    shutil.rmtree(home / "versions" / version)
    with pytest.raises(ArtifactError, match="not a model folder"):
        store.Artifact.open(home)
    with pytest.raises(UsageError, match="has no version"):
        store.set_aliases(home, {"previous": version})


def test_threads_that_add_the_same_version_store_it_once(tmp_path: Path) -> None:
    artifact = write_model(tmp_path / "model", b"x" * 200_000)
    home = tmp_path / "home"
    failures: list[BaseException] = []

    def add() -> None:
        try:
            store.add_version(home, artifact)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [path.name for path in (home / "versions").iterdir()] == [artifact.version]

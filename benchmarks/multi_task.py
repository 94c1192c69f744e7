"""Several tasks in one model beside a model for each: what every task gains or loses, by temperature.

The data is read from a folder with `NAME/train.jsonl` and `NAME/test.jsonl` for each task (rows of `text`, `label`):

    python benchmarks/multi_task.py --data DIR --tasks sst2 phrasebank agnews --temperatures 1 4 --seeds 0 1 2

A set without a test split is divided. `--rows` bounds the training rows of each task, drawn once; `--quick` takes few.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

TASKS = ("sst2", "phrasebank", "agnews")
OPERATORS = ("normalize_text", "drop_empty", "dedup_exact", "resolve_label_conflicts")


def main() -> None:
    """Run every temperature and seed and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of the data (ORELINE_DATA)")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--temperatures", nargs="*", type=float, default=[1.0, 4.0])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, help="training rows of each task, at most")
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument(
        "--quick", action="store_true", help="300 rows a task, one epoch, the first temperature and seed"
    )
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.data is None or not Path(given.data).is_dir():
        print("skipped: no data (--data DIR or ORELINE_DATA)", file=sys.stderr)
        return
    if given.quick:
        given.rows, given.epochs = 300, 1.0
        given.temperatures, given.seeds = given.temperatures[:1], given.seeds[:1]
    measured = measure(given)
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_table(given, measured)


def measure(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return one entry for each temperature, seed and task."""
    import oreline as ore

    found = []
    with tempfile.TemporaryDirectory() as scratch:
        tasks = {name: {"data": str(refined(given, name, Path(scratch)))} for name in given.tasks}
        for temperature in given.temperatures:
            for seed in given.seeds:
                report = ore.multitask(
                    tasks, start=given.start, temperature=temperature, train={"epochs": given.epochs}, seed=seed,
                    out=Path(scratch) / "out", force=True,
                )  # fmt: skip
                for judged, told in zip(*(table.rows for table in report.tables)):
                    line = {
                        name: cell
                        for table, row in zip(report.tables, (judged, told))
                        for name, cell in zip(table.columns, row)
                    }
                    entry = {"temperature": temperature, "seed": seed, "task": line["task"]}
                    entry |= {"rows": line["training rows"], "steps": line["steps of its own"], "so": line["so"]}
                    entry |= {name: round(line[name].value, 4) for name in ("together", "alone")}
                    difference = line["together minus alone"]
                    entry |= {"low": round(difference.low, 4), "high": round(difference.high, 4)}
                    found.append(entry)
                    print(entry, file=sys.stderr, flush=True)
    return found


def refined(given: argparse.Namespace, name: str, scratch: Path) -> Path:
    """Refine a task's files, without what test and train share, and with as many training rows as asked for."""
    import oreline as ore

    folder = Path(given.data) / name
    files = {split: str(folder / f"{split}.jsonl") for split in ("train", "dev", "test")}
    splits = {split: file for split, file in files.items() if Path(file).is_file()}
    against = [files["test"]] if "test" in splits else []
    if given.rows and "train" in splits:
        splits["train"] = drawn(Path(splits["train"]), given.rows, scratch / f"{name}.jsonl")
    source: Any = splits if "test" in splits else str(folder / "all.jsonl")
    if given.rows and "test" not in splits:
        source = drawn(folder / "all.jsonl", round(given.rows / 0.8), scratch / f"{name}.jsonl")
    return ore.refine(source, operators=list(OPERATORS), against=against, out=scratch / name).path


def drawn(file: Path, rows: int, out: Path) -> str:
    """Write so many rows of a file, drawn once."""
    import numpy as np

    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    chosen = np.random.default_rng(0).permutation(len(lines))[:rows]
    out.write_text("\n".join(lines[row] for row in sorted(chosen)), encoding="utf-8")
    return str(out)


def print_table(given: argparse.Namespace, measured: list[dict[str, Any]]) -> None:
    """Print one row for each temperature and task, as Markdown."""
    print(f"start {given.start}, {given.epochs:g} epochs, seeds {given.seeds}; differences by seed with 95 % intervals")
    print()
    print("| temperature | task | rows | steps | together | alone | together minus alone |")
    print("|---|---|---|---|---|---|---|")
    for temperature in given.temperatures:
        for task in given.tasks:
            runs = [run for run in measured if (run["temperature"], run["task"]) == (temperature, task)]
            together, alone = (mean(run[name] for run in runs) for name in ("together", "alone"))
            differences = "; ".join(
                f"{run['together'] - run['alone']:+.3f} [{run['low']:+.3f}, {run['high']:+.3f}] {run['so']}"
                for run in runs
            )
            steps = round(mean(run["steps"] for run in runs))
            print(
                f"| {temperature:g} | {task} | {runs[0]['rows']:,} | {steps:,} | {together:.3f} | {alone:.3f} "
                f"| {differences} |"
            )


if __name__ == "__main__":
    main()

"""LoRA against full fine-tuning of MiniLM-L6 on film reviews (imdb): accuracy, trained weights, time, memory, size.

Each run is a process of its own, one after the other, several times; both train with this loop, at the method's own
learning rate unless told otherwise. Rows are drawn from `train.parquet`, the test rows from `test.parquet`, columns
`text` and `label`, in the folder that `--data` or `ORELINE_DATA` names; without it nothing is run.

    python benchmarks/lora.py --data /data/imdb --rows 5000 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

from oreline.memory import peak_bytes


def main() -> None:
    """Run the methods in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"))
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--test-rows", type=int, default=5000)
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3, help="seeds")
    parser.add_argument("--methods", nargs="*", default=["full", "lora"])
    parser.add_argument("--learning-rate", type=float, help="of every method; its own when not given")
    parser.add_argument("--options", type=json.loads, default={}, help="options of the adapters, as JSON")
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", nargs=2, metavar=("METHOD", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.data is None or not (given.data / "train.parquet").is_file():
        print(f"skipped: no train.parquet in {given.data}; name the folder with --data or ORELINE_DATA")
        return
    if given.child:
        print(json.dumps(run_one(given, given.child[0], int(given.child[1]))))
        return
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in given.methods}
    for seed in range(given.repeats):
        for name in given.methods:
            command = [sys.executable, __file__, *sys.argv[1:], "--data", str(given.data), "--child", name, str(seed)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{name}, seed {seed}: {runs[name][-1]}", file=sys.stderr, flush=True)
    if given.json:
        given.json.write_text(json.dumps(runs, indent=2), encoding="utf-8")
    print_table(given, runs)


def run_one(given: argparse.Namespace, method: str, seed: int) -> dict[str, float]:
    """Train and test one method in this process, as a user would."""
    import polars as pl

    import oreline as ore

    train = pl.read_parquet(given.data / "train.parquet").sample(given.rows, seed=seed, shuffle=True)
    test = pl.read_parquet(given.data / "test.parquet").sample(given.test_rows, seed=0, shuffle=True)
    options = {"epochs": given.epochs, "max_tokens": given.max_tokens}
    if given.learning_rate:
        options["learning_rate"] = given.learning_rate
    with tempfile.TemporaryDirectory() as scratch:
        data = ore.refine(
            train.select("text", "label"), operators=["drop_empty"], split={"train": 0.9, "dev": 0.1},
            out=Path(scratch) / "data", seed=seed,
        )  # fmt: skip
        begun = time.perf_counter()
        model = ore.finetune(
            "catalog:minilm-l6-en", data, method=method, method_options={} if method == "full" else given.options,
            train=options, out=Path(scratch) / "model", seed=seed,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        told, peak_mib = model.measurements(), peak_bytes() / 2**20
        answers = ore.predict(model, test.select("text"))
        hits = [answer["label"] == label for answer, label in zip(answers, test["label"])]
        beside = ("samples.parquet", "train_rows.bin")
        size = sum(entry["size_bytes"] for name, entry in model.manifest.files.items() if name not in beside)
    return {
        "accuracy": round(mean(hits), 4),
        "share_trained": round(told.get("weights_trained", 1) / told.get("weights", 1), 5),
        "seconds": round(seconds, 1),
        "rows_per_s": round(told["rows_per_s"], 2),
        "peak_mib": round(peak_mib),
        "size_kb": round(size / 1000),
        "samples_kb": round((model.size_bytes() - size) / 1000),
    }


def print_table(given: argparse.Namespace, runs: dict[str, list[dict[str, float]]]) -> None:
    """Print one row for each method, as Markdown."""
    print(f"{given.rows} rows, {given.epochs:g} epochs at most, {given.max_tokens} tokens, {given.repeats} seeds")
    print()
    print("| | test accuracy | weights that train | seconds (all of it) | rows/s | peak MiB | model, kB |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, found in runs.items():
        middle: dict[str, Any] = {key: median(run[key] for run in found) for key in found[0]}
        accuracy = " ".join(f"{run['accuracy']:.4f}" for run in found)
        print(
            f"| {name} | {accuracy} | {middle['share_trained']:.2%} "
            f"| {middle['seconds']:.0f} | {middle['rows_per_s']:.1f} | {middle['peak_mib']:.0f} "
            f"| {middle['size_kb']:.0f} |"
        )


if __name__ == "__main__":
    main()

"""Networks without pretraining beside character n-grams and a pretrained encoder, on the same leak-free rows.

Each run is a process of its own, in turn. Figures are of the test split, which training never saw; texts that stand in
train and in test are taken out of train. Seconds are of training; rows a second while training and when predicting,
with torch and, in brackets, after `compress` to int8.

The data is read from a folder with `sst2/train.jsonl`, `sst2/test.jsonl` and so on (rows with `text` and `label`):

    python benchmarks/from_scratch.py --data DIR --datasets sst2 agnews --seeds 0 1 2
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
from statistics import mean, stdev
from typing import Any

PEERS = ("linear", "new:bilstm", "new:textcnn", "new:transformer-tiny", "pretrained")
DATASETS = ("sst2", "agnews")
TIMED_ROWS = 1000
SPLIT = {"train": 0.9, "dev": 0.1}
"""Where dev is not given."""


def main() -> None:
    """Run all peers in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of the data (ORELINE_DATA)")
    parser.add_argument("--datasets", nargs="*", default=list(DATASETS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--start", default="catalog:minilm-l6-en", help="the pretrained encoder")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="training options of the networks")
    parser.add_argument("--quick", action="store_true", help="one epoch, 500 test rows, no compression")
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", nargs=3, metavar=("PEER", "DATASET", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.data is None or not Path(given.data).is_dir():
        print("skipped: no data (--data DIR or ORELINE_DATA)", file=sys.stderr)
        return
    if given.child:
        peer, name, seed = given.child
        print(json.dumps(run_one(given, peer, Path(given.data) / name, int(seed))))
        return
    measured = measure(given)
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_table(given, measured)


def measure(given: argparse.Namespace) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Run each peer on each dataset and seed, each in a process of its own."""
    measured: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name in given.datasets:
        runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in given.peers}
        for seed in given.seeds:
            for peer in given.peers:
                command = [sys.executable, __file__, "--data", given.data, "--start", given.start]
                command += [*(["--set", *given.set] if given.set else []), *(["--quick"] if given.quick else [])]
                command += ["--child", peer, name, str(seed)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                runs[peer].append(json.loads(done.stdout.splitlines()[-1]))
                print(f"{name} seed {seed} {peer}: {runs[peer][-1]}", file=sys.stderr, flush=True)
        measured[name] = runs
    return measured


def run_one(given: argparse.Namespace, peer: str, folder: Path, seed: int) -> dict[str, Any]:
    """Refine, train, judge and time one peer in this process."""
    import oreline as ore
    from oreline.recipe import assign, parse_assignment
    from oreline.runtime.open import open_runtime

    train: dict[str, Any] = {"epochs": 1} if given.quick else {}
    for text in given.set if peer.startswith("new:") else []:
        assign(train, *parse_assignment(text))
    method = {"method": "linear"} if peer == "linear" else {"method": "full", "train": train}
    start = {"linear": None, "pretrained": given.start}.get(peer, peer)
    with tempfile.TemporaryDirectory() as scratch:
        files = {split: str(folder / f"{split}.jsonl") for split in ("train", "dev", "test")}
        splits = {split: file for split, file in files.items() if Path(file).is_file()}
        leak_free = ["normalize_text", "drop_empty", "dedup_exact", "resolve_label_conflicts"]
        against = [files["test"]] if "test" in splits else []
        data = ore.refine(splits, operators=leak_free, against=against, split=SPLIT, out=Path(scratch) / "data")
        begun = time.perf_counter()
        model = ore.finetune(start, data, **method, out=Path(scratch) / "model", seed=seed)
        seconds = time.perf_counter() - begun
        report = ore.evaluate(model, data, baseline="none")
        texts = {"text": data.frame("test", ["text"])["text"].to_list()[:TIMED_ROWS]}
        int8 = 0.0
        if peer != "linear" and not given.quick:
            small, _ = ore.compress(model, data=data, max_drop=0.1, out=Path(scratch) / "int8")
            int8 = rows_per_s(open_runtime(small), texts)
        measured = model.measurements()
        return {
            "accuracy": round(report.metrics["accuracy"].value, 4),
            "train_rows": data.num_rows("train"),
            "seconds": round(seconds, 1),
            "steps": measured.get("steps", 0),
            "train_rows_per_s": round(measured.get("rows_per_s", 0.0)),
            "predict_rows_per_s": round(rows_per_s(open_runtime(model), texts)),
            "int8_rows_per_s": round(int8),
        }


def rows_per_s(runtime: Any, texts: dict[str, list[str]]) -> float:
    """Return the rows a second of a second pass."""
    runtime.predict(texts)
    begun = time.perf_counter()
    runtime.predict(texts)
    return len(texts["text"]) / (time.perf_counter() - begun)


def print_table(given: argparse.Namespace, measured: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """Print one row for each dataset and peer, as Markdown."""
    print(f"pretrained: {given.start}; seeds {given.seeds}; rows/s are medians")
    print()
    print("| dataset | rows | | accuracy | by seed | seconds | rows/s training | rows/s predicting (int8) |")
    print("|---|---|---|---|---|---|---|---|")
    for name, runs in measured.items():
        for peer, found in runs.items():
            accuracy = [run["accuracy"] for run in found]
            spread = f" ± {stdev(accuracy):.3f}" if len(accuracy) > 1 else ""
            by_seed = " ".join(f"{value:.3f}" for value in accuracy)
            seconds = " ".join(f"{run['seconds']:.0f}" for run in found)
            middle = {key: sorted(run[key] for run in found)[len(found) // 2] for key in found[0] if key != "accuracy"}
            int8 = f" ({middle['int8_rows_per_s']:,})" if middle["int8_rows_per_s"] else ""
            training = f"{middle['train_rows_per_s']:,}" if middle["train_rows_per_s"] else ""
            print(
                f"| {name} | {middle['train_rows']:,} | {peer} | {mean(accuracy):.3f}{spread} | {by_seed} | {seconds} "
                f"| {training} | {middle['predict_rows_per_s']:,}{int8} |"
            )


if __name__ == "__main__":
    main()

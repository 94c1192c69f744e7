"""Training the top 2 of 6 layers of MiniLM-L6 on movie-review quotes: what keeping the frozen layers' states is worth.

Variants, each run in a process of its own, in turn, several times, with the same rows, seed and number of steps:

* `full`: every weight trains.
* `top2`: four layers are frozen and computed in every step (`frozen_cache: off`).
* `top2-cache`: their states are kept in bf16; the first epoch computes them, the others read them.
* `top2-cache-fp32`: the same, kept in fp32.
* `head`: the method `head`, whose embeddings are computed once; what its fit takes is told apart from the embedding.

Rows a second are told by epoch, without evaluations. Ratios are those within a repeat, in which runs are neighbours.

    python benchmarks/frozen_cache.py --rows 3000 --epochs 3 --repeats 3
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from finetune_cpu import machine
from oreline.memory import peak_bytes

VARIANTS = ("full", "top2", "top2-cache", "top2-cache-fp32", "head")
SEED = 0
MAX_TOKENS = 256
FIT_ROWS, FIT_WIDTH, FIT_EPOCHS = 10_000, 384, 100


def main() -> None:
    """Run all variants in turn and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument("--data", default="catalog:rotten-tomatoes")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.child:
        print(json.dumps(run_one(given.child, Path(given.start), Path(given.data), given.rows, given.epochs)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        measured = measure(given, Path(scratch))
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_tables(given, measured)


def measure(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Refine the data once, then run each variant in a process of its own, one after the other, several times."""
    import oreline as ore
    from oreline.api import names

    start = names.start_folder(given.start)
    roles = {"text": "text", "label": "category", "group": "movie_name"}
    data = ore.refine(
        given.data, **roles, split={"train": 0.8, "dev": 0.1, "test": 0.1}, out=scratch / "data", seed=SEED
    )
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in given.variants}
    for _ in range(given.repeats):
        for name in given.variants:
            command = [sys.executable, __file__, "--child", name, "--start", str(start), "--data", str(data.path)]
            command += ["--rows", str(given.rows), "--epochs", str(given.epochs)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{name}: {runs[name][-1]}", file=sys.stderr, flush=True)
    return {"runs": runs, "machine": machine(), "load": os.getloadavg()}


def run_one(name: str, start: Path, data: Path, num_rows: int, epochs: int) -> dict[str, Any]:
    """Train and test one variant in this process."""
    from oreline.data.dataset import Dataset
    from oreline.evaluate.estimates import point_values
    from oreline.recipe import TrainOptions
    from oreline.runtime.open import open_runtime
    from oreline.train.finetune import finetune

    opened = Dataset.open(data)
    test = opened.frame("test", ["text", "label"])
    cache = {"top2-cache": "bf16", "top2-cache-fp32": "fp32"}.get(name, "off")
    options = TrainOptions(
        epochs=epochs, warmup=0, max_tokens=MAX_TOKENS, patience=1000, evaluations_per_epoch=1, frozen_cache=cache
    )
    seen: list[dict[str, float]] = []
    since = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        model = finetune(
            start,
            opened,
            task="text_classification",
            method="head" if name == "head" else "full",
            method_options={} if name == "head" else {"pooling": "mean", "freeze_layers": 4 * (name != "full")},
            options=options,
            out=Path(scratch) / "model",
            seed=SEED,
            score=point_values,
            rows=opened.frame("train", ["row_id", "text", "label"]).sample(num_rows, seed=SEED),
            on_event=lambda event: seen.append({"step": event.step, **event.values}),
        )
        cpu_s = time.process_time() - since
        runtime = open_runtime(model)
        outputs = runtime.predict({"text": test["text"].to_list()}).outputs
        targets_N = runtime.task.encode_target(test["label"].to_list())
        return {
            "rows_per_s": [model.measurements()["rows_per_s"]] if name == "head" else by_epoch(seen, num_rows, epochs),
            "accuracy": round(point_values(runtime.task, targets_N, outputs)["accuracy"], 4),
            "kept_mib": round(model.measurements().get("frozen_cache_bytes", 0) / 2**20, 1),
            "peak_mib": round(peak_bytes() / 2**20),
            "cpu_s": round(cpu_s, 1),
            **(fit_s(num_labels=2) if name == "head" else {}),
        }


def by_epoch(seen: list[dict[str, float]], num_rows: int, epochs: int) -> list[float]:
    """Return rows a second of each epoch, from the rates since the beginning that each step told."""
    rates = {int(values["step"]): values["rows_per_s"] for values in seen if "loss" in values}
    per_epoch = max(rates) // epochs
    spent_s = [0.0, *(num_rows * epoch / rates[per_epoch * epoch] for epoch in range(1, epochs + 1))]
    return [round(num_rows / (after - before), 1) for before, after in itertools.pairwise(spent_s)]


def fit_s(num_labels: int) -> dict[str, float]:
    """Time what the method `head` does after the embedding, for 10,000 rows of 384 numbers; and 100 epochs of AdamW."""
    import numpy as np
    import torch
    from sklearn.linear_model import LogisticRegression

    source = np.random.default_rng(SEED)
    features_ND = source.normal(size=(FIT_ROWS, FIT_WIDTH)).astype(np.float32)
    truth_DK = source.normal(size=(FIT_WIDTH, num_labels)).astype(np.float32)
    noise_NK = source.gumbel(size=(FIT_ROWS, num_labels)).astype(np.float32)
    targets_N = (features_ND @ truth_DK / FIT_WIDTH**0.5 * 2 + noise_NK).argmax(axis=1)
    start = time.perf_counter()
    model = LogisticRegression(max_iter=5000, warm_start=True)
    for strength in (1.0, 10.0, 100.0):
        model.set_params(C=strength).fit(features_ND, targets_N)
    fitted_s = time.perf_counter() - start
    layer = torch.nn.Linear(FIT_WIDTH, num_labels)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-3, fused=True)
    features, targets = torch.from_numpy(features_ND), torch.from_numpy(targets_N)
    start = time.perf_counter()
    for _ in range(FIT_EPOCHS):
        for rows in torch.randperm(FIT_ROWS).split(256):
            torch.nn.functional.cross_entropy(layer(features[rows]), targets[rows]).backward()
            optimizer.step()
            optimizer.zero_grad()
    return {"fit_s": round(fitted_s, 2), "adamw_100_epochs_s": round(time.perf_counter() - start, 2)}


def print_tables(given: argparse.Namespace, measured: dict[str, Any]) -> None:
    """Print machine, versions, one row for each variant, and what a head costs, as Markdown."""
    runs = measured["runs"]
    print(f"{given.rows} rows, {given.epochs} epochs, 32 rows a step, {given.repeats} repeats; {measured['machine']}; ")
    print(f"load at the end {measured['load'][0]:.1f}")
    print()
    print("| | rows/s by epoch | later epochs x full (spread) | test accuracy | kept MiB | peak MiB | CPU s |")
    print("|---|---|---|---|---:|---:|---:|")
    for name, found in runs.items():
        speeds = " ".join(f"{median(rates):.0f}" for rates in zip(*(run["rows_per_s"] for run in found)))
        accuracy = " ".join(f"{run['accuracy']:.4f}" for run in found)
        cells = [name, speeds, _ratio(runs, name), accuracy, f"{found[0]['kept_mib']:.0f}"]
        cells += [f"{max(run['peak_mib'] for run in found)}", f"{median(run['cpu_s'] for run in found):.0f}"]
        print(f"| {' | '.join(cells)} |")
    for run in runs.get("head", []):
        print(
            f"\n{FIT_ROWS:,} rows x {FIT_WIDTH}, after the embedding: three logistic regressions {run['fit_s']} s, "
            f"{FIT_EPOCHS} epochs of AdamW {run['adamw_100_epochs_s']} s"
        )


def _ratio(runs: dict[str, list[dict[str, Any]]], name: str) -> str:
    """Return the median over repeats of (mean of the later epochs' rates) / (full's), with the spread."""
    if name in ("full", "head") or "full" not in runs:
        return ""
    ratios = sorted(_later(ours) / _later(full) for ours, full in zip(runs[name], runs["full"]))
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def _later(run: dict[str, Any]) -> float:
    """Return rows a second over all epochs but the first."""
    later = run["rows_per_s"][1:] or run["rows_per_s"]
    return len(later) / sum(1 / rate for rate in later)


if __name__ == "__main__":
    main()

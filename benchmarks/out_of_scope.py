"""In-scope accuracy and out-of-scope recall on clinc150: ways of training, and every rejector over each trained model.

One model is trained for each way of training; all rejectors are fitted to it on dev and judged on test, so that they
differ in nothing else. The way of training and the rejector are chosen by dev: the highest out-of-scope recall among
those that keep an in-scope accuracy of `--in-scope` there (else the highest mean of both). The chosen way is then
trained with the other seeds. Test rows decide nothing.

    python benchmarks/out_of_scope.py --data DIR --seeds 3
    python benchmarks/out_of_scope.py --data DIR --quick

DIR holds `clinc150/train.jsonl`, `train_oos.jsonl`, and the same of dev and test (rows with `text` and `label`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

import oreline as ore
from oreline import registry
from oreline.evaluate.estimates import figures
from oreline.evaluate.table import Table
from oreline.runtime.open import open_runtime
from oreline.train.scope import logits

START = "catalog:minilm-l6-en"
COMMON: dict[str, Any] = {
    "epochs": 10,
    "learning_rate": 2e-4,
    "dropout": 0.1,
    "evaluations_per_epoch": 1,
    "patience": 99,
}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "long": {"epochs": 20},
    "smooth": {"label_smoothing": 0.1},
    "no_rows": {},
    "r_drop": {"regularizers": ["r_drop"]},
    "slow": {"learning_rate": 1e-4},
    "fast": {"learning_rate": 4e-4, "rows_per_step": 64},
    "ema": {"regularizers": ["ema"], "epochs": 15},
    "fgm": {"regularizers": ["fgm"]},
    "upper": {"freeze_layers": 4, "learning_rate": 5e-4},
    "contrast": {"method": "contrastive", "epochs": 4, "learning_rate": 1e-4},
    "averaged": {"folds": 5, "output": "averaged", "epochs": 6},
    "distilled": {"folds": 3, "output": "distilled", "epochs": 6},
}
"""Ways of training, as differences from `COMMON`; `no_rows` leaves the out-of-scope training rows out.

`contrast` draws the rows of a class together and fits a linear head afterwards; with `folds` several models are
trained, each without a part of the rows, and averaged or taught to one more.
"""
REJECTORS: dict[str, tuple[str, dict[str, Any]]] = {
    "softmax": ("softmax", {}),
    "energy": ("energy", {}),
    "mahalanobis": ("distance", {}),
    "cosine": ("distance", {"measure": "cosine"}),
    "trained": ("trained", {}),
}
LOSSES: tuple[float | None, ...] = (None, 0.0025, 0.005, 0.0075, 0.01, 0.015)
"""`max_loss` of each threshold that is tried: None makes the mean of accuracy and recall as high as it gets."""
FIGURES = ("in_scope_accuracy", "out_of_scope_recall", "out_of_scope_auroc")


def main() -> None:
    """Train, judge, choose on dev, repeat the chosen, and print tables and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of the data (ORELINE_DATA)")
    parser.add_argument("--seeds", type=int, default=3, help="how many; the ways are compared by the first one")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--in-scope", type=float, default=0.965, help="in-scope accuracy that dev has to keep")
    parser.add_argument("--epochs", type=float, help="instead of each way's own")
    parser.add_argument("--minutes", type=float, help="no further way is begun that the other seeds need the time of")
    parser.add_argument("--train-minutes", type=float, help="of each training, which then ends well-decayed")
    parser.add_argument("--start", default=START)
    parser.add_argument("--quick", action="store_true", help="one way, one epoch of every fifth row, one seed")
    parser.add_argument("--json", type=Path, help="write all figures there too")
    given = parser.parse_args()
    if given.quick:
        given.ways, given.seeds, given.epochs = given.ways[:1], 1, given.epochs or 1
    folder = Path(given.data or ".") / "clinc150"
    if not (folder / "train_oos.jsonl").is_file():
        print(f"skipped: {folder} is not there (--data DIR or ORELINE_DATA)", file=sys.stderr)
        return
    begun, measured, longest = time.perf_counter(), list[dict[str, Any]](), 0.0
    for way in given.ways:
        started = time.perf_counter()
        if given.minutes and started - begun + given.seeds * longest > 60 * given.minutes:
            print(f"\nnot tried, for want of time: {way}")
            continue
        measured += measure(folder, way, 0, given)
        longest = max(longest, time.perf_counter() - started)
    chosen = best(measured, given.in_scope)
    for seed in range(1, given.seeds):
        measured += measure(folder, chosen["way"], seed, given)
    print_chosen(measured, chosen)
    done = {"benchmark": "out_of_scope", "chosen": chosen, "runs": measured}
    if given.json:
        given.json.write_text(json.dumps(done, indent=2), encoding="utf-8")
    print(json.dumps({**done, "runs": [run for run in measured if is_of(run, chosen)]}))


def measure(folder: Path, way: str, seed: int, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Train one model and judge every rejector over it, on dev and test; prints and returns a row for each."""
    train = {**COMMON, **WAYS[way], "reject": "softmax", **({"epochs": given.epochs} if given.epochs else {})}
    method = train.pop("method", "full")
    inside = {"pooling": "mean", "freeze_layers": train.pop("freeze_layers", 0)} if method == "full" else {}
    method_options: dict[str, Any] = inside
    if folds := {name: train.pop(name) for name in ("folds", "output") if name in train}:
        method, method_options = "k_fold", {"method": method, "method_options": inside, **folds}
    if given.train_minutes:
        train["minutes"] = given.train_minutes
    with tempfile.TemporaryDirectory() as scratch:
        every = 5 if given.quick else 1
        data = ore.refine(splits(folder, way != "no_rows", every), operators=[], out=Path(scratch) / "data")
        begun = time.perf_counter()
        model = ore.finetune(
            given.start, data, method=method, method_options=method_options, train=train, seed=seed,
            out=Path(scratch) / "model",
        )  # fmt: skip
        seconds = round(time.perf_counter() - begun, 1)
        answers = answers_of(model, data)
    rows = []
    for name, (rejector, options) in REJECTORS.items():
        if name == "trained" and way == "no_rows":
            continue
        for max_loss in LOSSES:
            judged = judge(answers, rejector, {**options, "max_loss": max_loss})
            rows.append(
                {"way": way, "seed": seed, "rejector": name, "max_loss": max_loss, **judged, "train_s": seconds}
            )
    print_rows(rows)
    return rows


def splits(folder: Path, with_rows: bool, every: int) -> dict[str, dict[str, list[str]]]:
    """Return the rows of each split; of train every so many, without out-of-scope rows unless `with_rows`."""
    found: dict[str, dict[str, list[str]]] = {}
    for split in ("train", "dev", "test"):
        parts = ("", "_oos") if with_rows or split != "train" else ("",)
        lines = [line for part in parts for line in (folder / f"{split}{part}.jsonl").read_text("utf-8").splitlines()]
        rows = [json.loads(line) for line in lines][:: every if split == "train" else 1]
        found[split] = {name: [row[name] for row in rows] for name in ("text", "label")}
    return found


def answers_of(model: Any, data: Any) -> dict[str, Any]:
    """Return labels, and of each split targets, logits and embeddings."""
    opened = open_runtime(model)
    found: dict[str, Any] = {"labels": list(opened.task.labels)}
    for split in ("train", "dev", "test"):
        frame = data.frame(split, ["text", "label"])
        targets = opened.task.encode_target(frame["label"].to_list())
        found[split] = (targets, *logits(opened, {"text": frame["text"].to_list()}, embeddings=True))
    return found


def judge(answers: dict[str, Any], rejector: str, options: dict[str, Any]) -> dict[str, Any]:
    """Fit a rejector on dev, and return its figures on dev and test."""
    given = {"rejector": rejector, "options": options}
    task = registry.create("task", "text_classification", labels=answers["labels"], temperature=1.0, reject=given)
    targets, _, embedding_ND = answers["train"]
    if task.scope.rejector.reads_embedding:
        inside = targets != task.outside
        task = task.holding(task.scope.rejector.remember(embedding_ND[inside], targets[inside]))
    task = task.fitted(*answers["dev"])
    judged = {}
    for split in ("dev", "test"):
        targets, *outputs = answers[split]
        blank = [""] * len(targets)
        table = Table(task, targets, task.activate(*outputs), blank, blank)
        found = figures(table, ["scope", "ece"])
        inside_NK = np.delete(outputs[0], task.outside, axis=1)
        places = np.delete(np.arange(len(answers["labels"])), task.outside)
        right_N = places[inside_NK.argmax(axis=1)] == targets
        found["without_rejection"] = float(right_N[targets != task.outside].mean())
        judged[split] = {name: round(value, 4) for name, value in found.items()}
    return judged


def best(runs: list[dict[str, Any]], in_scope: float) -> dict[str, Any]:
    """Return what dev chooses: way, rejector and max_loss."""

    def aim(run: dict[str, Any]) -> tuple[bool, float]:
        accuracy, recall = run["dev"]["in_scope_accuracy"], run["dev"]["out_of_scope_recall"]
        return accuracy >= in_scope, recall if accuracy >= in_scope else (accuracy + recall) / 2

    run = max(runs, key=aim)
    return {key: run[key] for key in ("way", "rejector", "max_loss")}


def is_of(run: dict[str, Any], chosen: dict[str, Any]) -> bool:
    """Whether a run is one of the chosen combination."""
    return all(run[key] == value for key, value in chosen.items())


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print what one trained model gives, as a table."""
    first = rows[0]
    print(f"\n{first['way']}, seed {first['seed']}, {first['train_s']} s; in-scope accuracy without rejection: "
          f"dev {first['dev']['without_rejection']:.4f}, test {first['test']['without_rejection']:.4f}")  # fmt: skip
    print("| rejector | max_loss | dev in-scope | dev recall | test in-scope | test recall | test AUROC | test ECE |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for run in rows:
        dev, test = run["dev"], run["test"]
        cells = [dev[FIGURES[0]], dev[FIGURES[1]], *(test[name] for name in FIGURES), test["ece"]]
        print(f"| {run['rejector']} | {run['max_loss']} | {' | '.join(f'{cell:.4f}' for cell in cells)} |")
    sys.stdout.flush()


def print_chosen(runs: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
    """Print the figures of the chosen combination over its seeds."""
    print(f"\nchosen on dev: {chosen}")
    of_chosen = [run for run in runs if is_of(run, chosen)]
    for split in ("dev", "test"):
        for name in FIGURES:
            values = [run[split][name] for run in of_chosen]
            spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
            print(f"  {split} {name}: {mean(values):.4f}{spread} ({len(values)} seeds)")


if __name__ == "__main__":
    main()

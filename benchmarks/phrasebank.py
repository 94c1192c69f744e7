"""Sentiment of finance sentences (Financial PhraseBank): MiniLM-L6 fine-tuned, five folds, beside character n-grams.

The set has no split of its own. Texts that occur twice are left out; each fold is tested with a model trained on
the other four, of which a tenth is dev. Figures are those of all folds together, with intervals, and of each fold. With
`--test-rows 300` one model is tested on so many rows drawn at random, as short reports do: the intervals say what that
is worth.

    python benchmarks/phrasebank.py --data /data --folds 5
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

import numpy as np
import polars as pl

import oreline as ore

START = "catalog:minilm-l6-en"
TRAIN: dict[str, Any] = {"epochs": 4, "learning_rate": 1e-4, "dropout": 0.1, "patience": 9}
FIGURES = ("accuracy", "macro_f1", "weighted_f1")


def main() -> None:
    """Train and judge each fold, and print one table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--folds", type=int, default=5, help="how many of the five are run")
    parser.add_argument("--test-rows", type=int, help="one model, tested on so many rows")
    parser.add_argument("--methods", nargs="*", default=["full", "linear"])
    parser.add_argument("--train", type=json.loads, default={}, help="training options over the script's own, as JSON")
    parser.add_argument("--options", type=json.loads, default={}, help="options of the first method, as JSON")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    file = Path(given.data or ".") / "phrasebank" / "all.jsonl"
    if not file.is_file():
        print(f"skipped: no {file}", file=sys.stderr)
        return
    rows = pl.read_ndjson(file).select("text", "label").unique(subset=["text"], keep="none", maintain_order=True)
    fold_N = np.random.default_rng(0).permutation(rows.height) % 5
    if given.test_rows:
        fold_N = np.where(np.random.default_rng(1).permutation(rows.height) < given.test_rows, 0, 1)
    tests = range(1 if given.test_rows else given.folds)
    measured = {
        method: [judged(method, given if number == 0 else None, given, rows, fold_N == fold) for fold in tests]
        for number, method in enumerate(given.methods)
    }
    print_table(measured, rows.height)
    print(json.dumps({"benchmark": "phrasebank", "seed": given.seed, "train": {**TRAIN, **given.train}, **measured}))


def judged(
    method: str, own: argparse.Namespace | None, given: argparse.Namespace, rows: pl.DataFrame, tested_N: Any
) -> dict[str, Any]:
    """Return the figures of one fold: value, interval and number of rows."""
    rest = rows.filter(~pl.Series(tested_N))
    dev_N = np.random.default_rng(given.seed + 1).permutation(rest.height) % 10 == 0
    splits = {
        "train": rest.filter(~pl.Series(dev_N)),
        "dev": rest.filter(pl.Series(dev_N)),
        "test": rows.filter(pl.Series(tested_N)),
    }
    with tempfile.TemporaryDirectory() as scratch:
        data = ore.refine(splits, operators=[], out=Path(scratch) / "data")
        model = ore.finetune(
            None if method == "linear" else START, data, method=method, method_options=own.options if own else {},
            train={} if method == "linear" else {**TRAIN, **given.train}, seed=given.seed, out=Path(scratch) / "model",
        )  # fmt: skip
        report = ore.evaluate(model, data, baseline="none")
    found = {name: (one.value, one.low, one.high, one.n) for name, one in report.metrics.items() if name in FIGURES}
    print(f"{method}: {found}", file=sys.stderr, flush=True)
    return found


def print_table(measured: dict[str, list[dict[str, Any]]], num_rows: int) -> None:
    """Print one row for each method, as Markdown: the mean over folds, and each fold with its interval."""
    print(f"{num_rows:,} sentences, each once")
    print()
    print("| method | " + " | ".join(FIGURES) + " | by fold: accuracy [95 %] |")
    print("|---|" + "---|" * len(FIGURES) + "---|")
    for method, folds in measured.items():
        means = " | ".join(f"{mean(fold[name][0] for fold in folds):.4f}" for name in FIGURES)
        each = ", ".join(f"{value:.3f} [{low:.3f}, {high:.3f}] n={n}" for value, low, high, n in
                         (fold["accuracy"] for fold in folds))  # fmt: skip
        print(f"| {method} | {means} | {each} |")


if __name__ == "__main__":
    main()

"""Entities of CoNLL-2003, and intents with slots of ATIS: MiniLM-L6 fine-tuned by the one loop, judged twice.

The published splits are kept; rows of test that stand in train too are left out of the figures, as `evaluate` does.
Every entity figure is computed a second time by seqeval from the answers of `predict`, and must be the same.

    python benchmarks/tagging.py --data /data --sets atis conll2003
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from seqeval.metrics import f1_score

import oreline as ore
from oreline.words import string_list

START = "catalog:minilm-l6-en"
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "atis": ("intent_slots", {"epochs": 20, "learning_rate": 3e-4, "patience": 8, "evaluations_per_epoch": 1}),
    "conll2003": (
        "token_classification",
        {
            "epochs": 5,
            "learning_rate": 2e-4,
            "evaluations_per_epoch": 1,
            "regularizers": ["ema"],
            "weight_decay": 0.05,
        },
    ),
}


def main() -> None:
    """Train and judge each set, and print one table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--sets", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", type=json.loads, default={}, help="training options over each set's own, as JSON")
    given = parser.parse_args()
    measured = []
    for name in given.sets:
        folder = Path(given.data or ".") / name
        if not (folder / "train.jsonl").is_file():
            print(f"{name}: skipped, {folder} is not there", file=sys.stderr)
            continue
        measured.append(measure(name, folder, given.seed, given.train))
        print(f"\n{name}: {measured[-1]['rows_per_s']} rows/s, {measured[-1]['train_s']:.0f} s")
        for figure, (value, low, high, n) in measured[-1]["figures"].items():
            print(f"  {figure:20} {value:.4f} [{low:.4f}, {high:.4f}] n={n}")
    print(json.dumps({"benchmark": "tagging", "sets": measured}))


def measure(name: str, folder: Path, seed: int, own: dict[str, Any]) -> dict[str, Any]:
    """Return the figures on test, and the time that training took."""
    task, train = SETTINGS[name]
    train = {**train, "dropout": 0.1, **own}
    with tempfile.TemporaryDirectory() as scratch:
        splits = {split: str(folder / f"{split}.jsonl") for split in ("train", "dev", "test")}
        data = ore.refine(splits, out=Path(scratch) / "data")
        begun = time.perf_counter()
        model = ore.finetune(START, data, task=task, method="full", train=train, seed=seed, out=Path(scratch) / "model")
        train_s = time.perf_counter() - begun
        report = ore.evaluate(model, data, baseline="none")
        true, given = tags_of(model, data)
        check_by_seqeval(ore.load(model).task, true, given)
        figures = {figure: (e.value, e.low, e.high, e.n) for figure, e in report.metrics.items()}
        figures["bio_weighted_f1"] = bio_weighted_f1(true, given)
        return {
            "set": name,
            "seed": seed,
            "train": train,
            "train_s": train_s,
            "rows_per_s": model.measurements().get("rows_per_s"),
            "figures": figures,
        }


def tags_of(model: Any, data: Any) -> tuple[list[list[str]], list[list[str]]]:
    """Return the true tags of all test rows, and those that `predict` gives."""
    frame = data.frame("test")
    answers = ore.predict(model, frame.select("row_id", "text"))
    return [string_list(tags) or [] for tags in frame["tags"]], [answer["tags"] for answer in answers]


def bio_weighted_f1(true: list[list[str]], given: list[list[str]]) -> tuple[float, float, float, int]:
    """Return the weighted F1 of single tags as B, I or O, whatever the label, and its interval over resampled rows."""
    counts_N33 = np.zeros((len(true), 3, 3))
    for row, (of_true, of_given) in enumerate(zip(true, given)):
        for one, other in zip(of_true, of_given):
            counts_N33[row, "BIO".index(one[0]), "BIO".index(other[0])] += 1

    def weighted(counts_33: Any) -> float:
        num_true, num_given = counts_33.sum(axis=1), counts_33.sum(axis=0)
        return float(num_true @ (2 * np.diag(counts_33) / (num_true + num_given)) / num_true.sum())

    draws = np.random.default_rng(0).multinomial(len(true), np.full(len(true), 1 / len(true)), size=1000)
    low, high = np.quantile([weighted(np.tensordot(draw, counts_N33, 1)) for draw in draws], [0.025, 0.975])
    return weighted(counts_N33.sum(axis=0)), float(low), float(high), len(true)


def check_by_seqeval(task: Any, true: list[list[str]], given: list[list[str]]) -> None:
    """Raise `SystemExit` unless seqeval counts the entities of all test rows as our metric does."""
    theirs = f1_score(true, given)
    slots = getattr(task, "slots", task)
    counts = [0, 0, 0]
    for of_true, of_given in zip(true, given):
        pair = (
            set(slots.entities(slots.encode_judged([of_true])[0])),
            set(slots.entities(slots.encode_target([of_given])[0])),
        )
        for place, group in enumerate((*pair, pair[0] & pair[1])):
            counts[place] += len(group)
    ours = 2 * counts[2] / (counts[0] + counts[1])
    if abs(ours - theirs) > 1e-9:
        raise SystemExit(f"seqeval finds an F1 of {theirs:.6f} on all test rows, this project {ours:.6f}")
    print(f"seqeval agrees: F1 {theirs:.4f} on all {len(true):,} test rows")


if __name__ == "__main__":
    main()

"""Active learning on clinc150: how many labels bring the accuracy of all of them, chosen and at random.

150 intents, 15,000 training rows, test 4,500 rows. Frozen MiniLM-L6 vectors; in the loop and in the end a linear layer
over them. Each round selects `--batch` rows as `oreline refine --select` does (cold start by clusters, then margin and
clusters, a share always at random) and looks their labels up; the other line draws all rows at random. Per seed both
begin from nothing. The stopping rule's verdict is printed for each round.

    python benchmarks/active_learning.py --data /data --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oreline.api.operator_models import open_model
from oreline.data.labels.confident import fitted
from oreline.data.labels.features import unit
from oreline.data.labels.rounds import Round, Rounds, judge, kappa
from oreline.data.labels.selecting import select_rows

ENCODER = "catalog:minilm-l6-en"
STRENGTH = 10.0
"""Inverse penalty of the layer, the same everywhere."""
SPLITS = ("train", "dev", "test")
SAMPLE = 2000


def main() -> None:
    """Run both arms for each seed, and print one table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--batch", type=int, default=1000, help="rows of one round")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--random-share", type=float, default=0.2)
    parser.add_argument("--vectors", type=Path, help="a folder of vectors: read if there, else written")
    given = parser.parse_args()
    folder = Path(given.data or ".") / "clinc150"
    if not (folder / "train.jsonl").is_file():
        print(f"skipped: no {folder}/train.jsonl", file=sys.stderr)
        return
    rows = {name: pl.read_ndjson(folder / f"{name}.jsonl") for name in SPLITS}
    labels = rows["train"]["label"].unique().sort().to_list()
    vectors = {name: vectors_of(rows[name]["text"].to_list(), name, given.vectors) for name in SPLITS}
    codes = {
        name: rows[name]["label"].replace_strict(labels, np.arange(len(labels)), return_dtype=pl.Int64).to_numpy()
        for name in SPLITS
    }
    whole = right_of(fitted(vectors["train"], codes["train"], STRENGTH), vectors["test"], codes["test"])
    print(f"all {len(codes['train']):,} labels: {whole.mean():.4f}", file=sys.stderr, flush=True)
    found = [run(vectors, codes, arm, seed, given) for seed in given.seeds for arm in ("chosen", "random")]
    table(found, whole, given)
    print(json.dumps({"benchmark": "active_learning", "all_labels": float(whole.mean()), "runs": [*map(plain, found)]}))


def vectors_of(texts: list[str], name: str, folder: Path | None) -> Any:
    """Return the frozen vectors of texts, kept in a folder where one is named."""
    file = folder / f"clinc150_{name}.npy" if folder is not None else None
    if file is not None and file.is_file():
        return unit(np.load(file))
    found = open_model(ENCODER).embed(texts)
    if file is not None:
        np.save(file, found)
    return unit(found)


def run(
    vectors: dict[str, Any], codes: dict[str, Any], arm: str, seed: int, given: argparse.Namespace
) -> dict[str, Any]:
    """Return the accuracy after each round of one arm, and what the stopping rule said."""
    num_rows, random = len(codes["train"]), np.random.default_rng(1000 + seed)
    known = np.zeros(num_rows, bool)
    state, model, steps = Rounds(), None, []
    for number in range(given.rounds):
        pool = np.flatnonzero(~known)
        if arm == "random":
            rows = random.permutation(pool)[: given.batch]
        else:
            scores = model.predict_proba(vectors["train"][pool]) if model is not None else None
            choices = select_rows(
                given.batch, vectors["train"][pool], scores, random_share=given.random_share, seed=100 * seed + number
            )
            rows = pool[[choice.row for choice in choices]]
            remember(state, rows, choices, scores, model)
        known[rows] = True
        model = fitted(vectors["train"][known], codes["train"][known], STRENGTH)
        right_N = right_of(model, vectors["test"], codes["test"])
        verdict = said(state, known, codes["train"], model, vectors["train"]) if arm == "chosen" else ""
        steps.append(
            {"labels": int(known.sum()), "accuracy": float(right_N.mean()), "right_N": right_N, "verdict": verdict}
        )
        print(f"seed {seed} {arm}: {steps[-1]['labels']:,} {right_N.mean():.4f} {verdict}", file=sys.stderr, flush=True)
    return {"seed": seed, "arm": arm, "steps": steps}


def remember(state: Rounds, rows: Any, choices: Any, scores: Any, model: Any) -> None:
    """Note what the model said of the rows before they were labelled."""
    says = model.classes_[scores[[choice.row for choice in choices]].argmax(axis=1)] if model is not None else None
    selected = {
        str(row): [choice.arm] if says is None else [choice.arm, str(says[place])]
        for place, (row, choice) in enumerate(zip(rows, choices))
    }
    state.rounds.append(Round(0, selected))


def said(state: Rounds, known: Any, codes_N: Any, model: Any, vectors_ND: Any) -> str:
    """Return the stopping rule's sentence; models are compared on rows that are not labelled yet."""
    rows = np.flatnonzero(~known)[:SAMPLE]
    sample = dict(zip(map(str, rows), map(str, model.predict(vectors_ND[rows]))))
    state.rounds[-1].kappa = kappa(state.sample, sample)
    state.sample = sample
    return judge(state, {str(row): str(codes_N[row]) for row in np.flatnonzero(known)}).sentence


def right_of(model: Any, vectors_ND: Any, codes_N: Any) -> Any:
    """Return which rows a model is right on."""
    return model.predict(vectors_ND) == codes_N


def table(found: list[dict[str, Any]], whole_N: Any, given: argparse.Namespace) -> None:
    """Print accuracies by number of labels, and the paired difference of the arms with its interval."""
    print(f"all labels: {whole_N.mean():.4f}, wanted {whole_N.mean() - 0.01:.4f}")
    for number in range(given.rounds):
        arms = {arm: [one["steps"][number] for one in found if one["arm"] == arm] for arm in ("chosen", "random")}
        differences = [
            one["right_N"].astype(float) - other["right_N"] for one, other in zip(arms["chosen"], arms["random"])
        ]
        difference_N = np.mean(differences, axis=0)
        reach = 1.96 * difference_N.std() / np.sqrt(len(difference_N))
        means = {arm: np.mean([one["accuracy"] for one in some]) for arm, some in arms.items()}
        middle = difference_N.mean()
        print(
            f"{arms['chosen'][0]['labels']:6,} labels  chosen {means['chosen']:.4f}  random {means['random']:.4f}  "
            f"difference {middle:+.4f} [{middle - reach:+.4f}, {middle + reach:+.4f}]"
        )


def plain(one: dict[str, Any]) -> dict[str, Any]:
    """Return a run without the rows."""
    return {**one, "steps": [{key: value for key, value in step.items() if key != "right_N"} for step in one["steps"]]}


if __name__ == "__main__":
    main()

"""Active learning: how many labels bring the accuracy of all of them, chosen and at random.

clinc150 (150 intents, 15,000 training rows, test 4,500) in rounds of 1,000, and small pools in rounds of 40 or 50: 20
of its intents, agnews, and Chinese reviews by category and messages about stocks by feeling, both read by n-grams.
English sets are read by frozen MiniLM vectors; in the loop and in the end a linear layer. Each round selects rows as
`oreline refine --select` does (those that settle most of what is in doubt, a share always at random) and looks their
labels up; the other line draws all rows at random. Per seed both begin from nothing. The stopping rule's verdict is
printed for each round.

    python benchmarks/active_learning.py --data /data --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from scipy.stats import t as student

from oreline.api.operator_models import open_model
from oreline.data.labels.confident import fitted
from oreline.data.labels.features import dense, row_features, unit
from oreline.data.labels.rounds import Round, Rounds, judge, kappa
from oreline.data.labels.selecting import select_rows

ENCODER = "catalog:minilm-l6-en"
STRENGTH = 10.0
"""Inverse penalty of the layer, the same everywhere."""
SAMPLE = 2000
TEST_ROWS = 2000


class Kind(NamedTuple):
    """A set, and how it is labelled."""

    folder: str
    label: str
    files: tuple[str, str]
    """Of pool and test; one file twice is divided."""
    rows: int
    encoder: bool
    batch: int
    rounds: int
    classes: int | None = None
    """Only so many, the first by name."""
    tests: int = 4500


BOTH = ("train.jsonl", "test.jsonl")
SETS = {
    "clinc150": Kind("clinc150", "label", BOTH, 15_000, True, 1000, 6),
    "clinc150_20": Kind("clinc150", "label", BOTH, 2000, True, 50, 6, 20),
    "agnews": Kind("agnews", "label", BOTH, 4000, True, 40, 8, None, TEST_ROWS),
    "online_shopping_zh": Kind("online_shopping_zh", "category", ("all.jsonl", "all.jsonl"), 3000, False, 40, 8),
    "finfe_zh": Kind("finfe_zh", "label", ("train.jsonl", "train.jsonl"), 3000, False, 40, 8),
}


class Data(NamedTuple):
    """Pool and test as a layer reads them, and their classes."""

    vectors_ND: Any
    codes_N: Any
    test_TD: Any
    test_codes_T: Any


def main() -> None:
    """Run both arms for each set and seed, and print a table each and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--sets", nargs="*", default=[*SETS], choices=[*SETS])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--random-share", type=float, default=0.2)
    parser.add_argument("--vectors", type=Path, help="a folder of vectors: read if there, else written")
    given = parser.parse_args()
    told = []
    for name in given.sets:
        kind, begun = SETS[name], time.process_time()
        folder = Path(given.data or ".") / kind.folder
        if not (folder / kind.files[0]).is_file():
            print(f"skipped: no {folder / kind.files[0]}", file=sys.stderr)
            continue
        data = opened(kind, folder, given.vectors)
        whole_T = right_of(fitted(data.vectors_ND, data.codes_N, STRENGTH), data)
        found = [run(data, kind, arm, seed, given.random_share) for seed in given.seeds for arm in ("chosen", "random")]
        print(f"{name}: all {len(data.codes_N):,} labels {whole_T.mean():.4f}")
        table(found, kind.rounds)
        print(f"{name}: {time.process_time() - begun:.0f} s of processor", file=sys.stderr, flush=True)
        told.append({"set": name, "all_labels": float(whole_T.mean()), "runs": [*map(plain, found)]})
    print(json.dumps({"benchmark": "active_learning", "sets": told}))


def opened(kind: Kind, folder: Path, kept: Path | None) -> Data:
    """Return a set's pool and test rows, drawn where there are more than are wanted."""
    frames = [pl.read_ndjson(folder / file).select("text", label=kind.label) for file in kind.files]
    random = np.random.default_rng(7)
    if kind.files[0] == kind.files[1]:  # a text is in one of both
        frame = frames[0].unique("text", maintain_order=True)
        order = random.permutation(frame.height)
        frames = [frame[order[: kind.rows]], frame[order[kind.rows : kind.rows + TEST_ROWS]]]
    elif frames[1].height > kind.tests:
        frames[1] = frames[1][np.sort(np.random.default_rng(0).permutation(frames[1].height)[: kind.tests])]
    texts = [frame["text"].to_list() for frame in frames]
    labels = frames[0]["label"].unique().sort()[: kind.classes]
    rows = [np.flatnonzero(frame["label"].is_in(labels.to_list())) for frame in frames]
    rows[0] = rows[0][random.permutation(len(rows[0]))[: kind.rows]]
    codes = [frame["label"].replace_strict(labels, range(len(labels)), default=-1).to_numpy() for frame in frames]
    if kind.encoder:
        places = [kept / f"{folder.name}_{part}.npy" if kept else None for part in ("train", "test")]
        read = [vectors_of(some, place) for some, place in zip(texts, places)]
    else:
        both = dense(row_features([*texts[0], *texts[1]]))
        read = [both[: len(texts[0])], both[len(texts[0]) :]]
    return Data(read[0][rows[0]], codes[0][rows[0]], read[1][rows[1]], codes[1][rows[1]])


def vectors_of(texts: list[str], place: Path | None) -> Any:
    """Return the frozen vectors of texts, kept in a file where one is named."""
    if place is not None and place.is_file():
        return unit(np.load(place))
    found = open_model(ENCODER).embed(texts)
    if place is not None:
        np.save(place, found)
    return unit(found)


def run(data: Data, kind: Kind, arm: str, seed: int, random_share: float) -> dict[str, Any]:
    """Return the accuracy after each round of one arm, and what the stopping rule said."""
    num_rows, random = len(data.codes_N), np.random.default_rng(1000 + seed)
    known = np.zeros(num_rows, bool)
    state, model, steps = Rounds(), None, []
    for number in range(kind.rounds):
        pool = np.flatnonzero(~known)
        if arm == "random":
            rows = random.permutation(pool)[: kind.batch]
        else:
            scores = model.predict_proba(data.vectors_ND[pool]) if model is not None else None
            choices = select_rows(
                kind.batch,
                data.vectors_ND[pool],
                scores,
                known_LD=data.vectors_ND[known],
                random_share=random_share,
                seed=100 * seed + number,
            )
            rows = pool[[choice.row for choice in choices]]
            remember(state, rows, choices, scores, model)
        known[rows] = True
        model = fitted(data.vectors_ND[known], data.codes_N[known], STRENGTH)
        right_T = right_of(model, data)
        verdict = said(state, known, data, model) if arm == "chosen" else ""
        steps.append({"labels": int(known.sum()), "accuracy": float(right_T.mean()), "right": right_T, "said": verdict})
        print(f"seed {seed} {arm}: {known.sum():,} {right_T.mean():.4f} {verdict}", file=sys.stderr, flush=True)
    return {"seed": seed, "arm": arm, "steps": steps}


def remember(state: Rounds, rows: Any, choices: Any, scores: Any, model: Any) -> None:
    """Note what the model said of the rows before they were labelled."""
    says = model.classes_[scores[[choice.row for choice in choices]].argmax(axis=1)] if model is not None else None
    selected = {
        str(row): [choice.arm] if says is None else [choice.arm, str(says[place])]
        for place, (row, choice) in enumerate(zip(rows, choices))
    }
    state.rounds.append(Round(0, selected))


def said(state: Rounds, known: Any, data: Data, model: Any) -> str:
    """Return the stopping rule's sentence; models are compared on rows that are not labelled yet."""
    rows = np.flatnonzero(~known)[:SAMPLE]
    sample = dict(zip(map(str, rows), map(str, model.predict(data.vectors_ND[rows]))))
    state.rounds[-1].kappa = kappa(state.sample, sample)
    state.sample = sample
    return judge(state, {str(row): str(data.codes_N[row]) for row in np.flatnonzero(known)}).sentence


def right_of(model: Any, data: Data) -> Any:
    """Return which test rows a model is right on."""
    return model.predict(data.test_TD) == data.test_codes_T


def table(found: list[dict[str, Any]], num_rounds: int) -> None:
    """Print accuracies by number of labels, and the paired difference of the arms with its intervals.

    The first interval is of the test rows, for these seeds; the second (Student's, from two seeds on) is of the seeds,
    by which the rows that both arms begin with differ: of a small pool it is the wider one.
    """
    for number in range(num_rounds):
        arms = {arm: [one["steps"][number] for one in found if one["arm"] == arm] for arm in ("chosen", "random")}
        pairs = zip(arms["chosen"], arms["random"])
        differences_ST = np.array([one["right"].astype(float) - other["right"] for one, other in pairs])
        difference_T = differences_ST.mean(axis=0)
        reach = 1.96 * difference_T.std() / np.sqrt(len(difference_T))
        means = {arm: np.mean([one["accuracy"] for one in some]) for arm, some in arms.items()}
        middle, by_seed = difference_T.mean(), differences_ST.mean(axis=1)
        print(
            f"{arms['chosen'][0]['labels']:6,} labels  chosen {means['chosen']:.4f}  random {means['random']:.4f}  "
            f"difference {middle:+.4f} [{middle - reach:+.4f}, {middle + reach:+.4f}]  "
            f"seeds ± {reach_of_seeds(by_seed):.4f}  by seed {by_seed.round(4).tolist()}"
        )


def reach_of_seeds(differences_S: Any) -> float:
    """Return half the width of the 95 % interval of the mean over seeds (Student's t); infinite for one seed."""
    num = len(differences_S)
    if num < 2:
        return math.inf
    return float(student.ppf(0.975, num - 1) * differences_S.std(ddof=1) / math.sqrt(num))


def plain(one: dict[str, Any]) -> dict[str, Any]:
    """Return a run without the rows."""
    return {**one, "steps": [{key: value for key, value in step.items() if key != "right"} for step in one["steps"]]}


if __name__ == "__main__":
    main()

"""Wrong labels found and repaired, as a user does it: `refine` with `flag_label_errors`, its review file, `finetune`.

Planted errors: a fifth of the labels of a training set are replaced by another one drawn at random. What the operator
finds is compared with what was planted (labels that were wrong before count as false alarms), by its own rule and by
cleanlab's. Then one linear model each is trained on the rows as they are, without the found rows, with the suggested
labels, with rows that count as far as their labels are believed, and on the labels before anything was planted: all on
the same clean test rows. agnews and clinc150 are judged by frozen MiniLM vectors, Chinese reviews by n-grams; the model
is over n-grams everywhere.

cic_zh (118 intents, train and dev noisy, test clean): the same linear model before and after; nothing is chosen by
test.

    python benchmarks/label_noise.py --data /data --vectors /tmp/vectors
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import polars as pl

import oreline as ore
from oreline.api.operator_models import StartModel, open_model
from oreline.evaluate.compare import paired_difference
from oreline.evaluate.estimates import point_values
from oreline.evaluate.table import Table, predict_table
from oreline.runtime.open import open_runtime

ENCODER = "catalog:minilm-l6-en"
SHARE = 0.2
RULES = ("posterior", "prune_by_noise_rate")
MODEL = {"longest": 3, "max_features": 40_000, "regularization": [3.0]}
"""Options of the linear model, the same before and after a repair."""
TEST_ROWS = 2000
WEIGHED = {"flag_label_errors": {"weigh": True}}


class Planted(NamedTuple):
    """A set in which errors are planted."""

    rows: int
    label: str
    encoder: str
    files: tuple[str, str]
    """Of train and test; one file twice is divided."""


SETS = {
    "agnews": Planted(4000, "label", ENCODER, ("train.jsonl", "test.jsonl")),
    "clinc150": Planted(5000, "label", ENCODER, ("train.jsonl", "test.jsonl")),
    "online_shopping_zh": Planted(4000, "category", "", ("all.jsonl", "all.jsonl")),
}


def main() -> None:
    """Measure, print a line for each figure and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--sets", nargs="*", default=[*SETS, "cic_zh"], choices=[*SETS, "cic_zh"])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of what is planted")
    parser.add_argument("--repaired-seeds", type=int, nargs="*", default=[0], help="for which models are trained")
    parser.add_argument("--rows", type=int, default=sys.maxsize, help="only so many training rows")
    parser.add_argument("--vectors", type=Path, help="a folder of vectors by set: read if there, else written")
    given = parser.parse_args()
    found: dict[str, Any] = {"benchmark": "label_noise"}
    for name in given.sets:
        folder, begun = Path(given.data or ".") / name, time.process_time()
        if not folder.is_dir():
            print(f"skipped: no {folder}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as place:
            if name == "cic_zh":
                found[name] = repaired(folder, Path(place), given.rows)
            else:
                found[name] = planted(name, folder, Path(place), given)
        print(f"{name}: {time.process_time() - begun:.0f} s of processor", file=sys.stderr, flush=True)
    print(json.dumps(found, ensure_ascii=False))


class Vectors:
    """Vectors of one list of texts, made once and kept in a file."""

    def __init__(self, file: Path | None, texts: Sequence[str]) -> None:
        if file is not None and file.is_file():
            self._all = np.load(file)
        else:
            self._all = open_model(ENCODER).embed(list(texts))
            if file is not None:
                np.save(file, self._all)
        self._row_of = {text: row for row, text in enumerate(texts)}

    def embed(self, model: StartModel, texts: Sequence[str]) -> Any:
        """Return the vectors of some of the texts, in the place of a start model's own method."""
        return self._all[[self._row_of[text] for text in texts]]


def planted(name: str, folder: Path, place: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what was found of planted errors for each seed and rule, and what repairs bring."""
    kind = SETS[name]
    train, test, every = divided(kind, folder, given.rows)
    vectors = None
    if kind.encoder:
        vectors = Vectors(given.vectors / f"{name}_train.npy" if given.vectors else None, every)
    measured = []
    for seed in given.seeds:
        noisy, wrong = with_errors(train, seed)
        for rule in RULES:
            options = {"filter_by": rule, "encoder": kind.encoder}
            data = refined(noisy, [{"flag_label_errors": options}], place / f"{seed}{rule}", vectors)
            figures = scored(reviewed(data), wrong, train["label"].to_list())
            measured.append({"set": name, "seed": seed, "rule": rule, **figures})
            print(measured[-1], file=sys.stderr, flush=True)
            if rule == RULES[0] and seed in given.repaired_seeds:
                weigh = [{"flag_label_errors": {**options, "weigh": True}}]
                models = {
                    "as it is": refined(noisy, [], place / f"{seed}raw"),
                    "dropped": applied(data, "drop", place / f"{seed}dropped"),
                    "relabelled": applied(data, "label", place / f"{seed}relabelled"),
                    "weighed": refined(noisy, weigh, place / f"{seed}weighed", vectors),
                    "no error planted": refined(train, [], place / f"{seed}clean"),
                }
                for what, made in models.items():
                    value = trained(made, test, made.path.with_name(f"{seed}{what} model"))
                    measured.append({"set": name, "seed": seed, "trained on": what, "accuracy": round(value, 4)})
                    print(measured[-1], file=sys.stderr, flush=True)
    return measured


def divided(kind: Planted, folder: Path, most: int) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Return training and test rows, drawn, with the texts of the whole training file."""
    train, test = (pl.read_ndjson(folder / file).select("text", label=kind.label) for file in kind.files)
    order = np.random.default_rng(0).permutation(train.height)
    num = min(kind.rows, most)
    if kind.files[0] == kind.files[1]:
        rest = order[num : num + TEST_ROWS]
        return train[order[:num]], train[rest], train["text"].to_list()
    rest = np.random.default_rng(0).permutation(test.height)[:TEST_ROWS]
    return train[order[:num]], test[rest], train["text"].to_list()


def with_errors(train: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, Any]:
    """Return the rows with a share of other labels, and which rows have them."""
    labels = train["label"].unique().sort().to_list()
    random = np.random.default_rng(seed)
    code_N = train["label"].replace_strict(labels, np.arange(len(labels)), return_dtype=pl.Int64).to_numpy().copy()
    wrong = random.permutation(len(code_N))[: round(len(code_N) * SHARE)]
    code_N[wrong] = (code_N[wrong] + random.integers(1, len(labels), len(wrong))) % len(labels)
    return train.with_columns(pl.Series("label", [labels[code] for code in code_N])), wrong


def refined(
    rows: pl.DataFrame, operators: list[Any], out: Path, vectors: Vectors | None = None, split: str = "train"
) -> Any:
    """Refine rows into one split, with kept vectors where there are some."""
    source = {split: rows}
    if vectors is None:
        return ore.refine(source, operators=operators, split={}, out=out)
    with mock.patch.object(StartModel, "embed", lambda model, texts: vectors.embed(model, texts)):
        return ore.refine(source, operators=operators, split={}, out=out)


def reviewed(data: Any) -> list[dict[str, Any]]:
    """Return the lines of a review file."""
    return [json.loads(line) for line in (data.path / "review.jsonl").read_text("utf-8").splitlines()]


def applied(data: Any, decision: str, out: Path) -> Any:
    """Return the data with one decision about every line of its review file."""
    file = out.with_suffix(".jsonl")
    lines = [json.dumps({**line, "decision": decision}, ensure_ascii=False) for line in reviewed(data)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ore.refine(data, apply_review=str(file), split={}, out=out)


def scored(lines: list[dict[str, Any]], wrong: Any, truth: list[str]) -> dict[str, float]:
    """Return precision and recall of all that was found, and of the worst rows down to a recall of 0.7."""
    rows = np.array([int(line["row_id"].rsplit(":", 1)[1]) - 1 for line in lines], np.int64)
    hits = np.isin(rows, wrong)
    wanted = int(np.ceil(0.7 * len(wrong)))
    read = int(np.searchsorted(np.cumsum(hits), wanted)) + 1
    right = np.array([truth[row] == line["suggested"] for row, line in zip(rows, lines)])
    return {
        "found": len(rows),
        "precision": round(float(hits.mean()), 4),
        "recall": round(float(hits.sum() / len(wrong)), 4),
        "precision_at_recall_0.7": round(wanted / read, 4) if hits.sum() >= wanted else float("nan"),
        "suggestion_right_of_hits": round(float(right[hits].mean()), 4),
    }


def trained(data: Any, test: pl.DataFrame, out: Path) -> float:
    """Return the accuracy of a linear model of the data; rows of a class that a repair took away count as wrong."""
    model = ore.finetune(None, data, method="linear", method_options=MODEL, out=out)
    known = test.filter(pl.col("label").is_in(data.frame("train")["label"].unique().to_list()))
    tests = refined(known, [], out.with_name(f"{out.name} tests"), split="test")
    return figure(table(model, tests), "accuracy") * known.height / test.height


def table(model: Any, data: Any, split: str = "test") -> Table:
    """Return the answers to a split."""
    return predict_table(open_runtime(model), data, split, refuse_trained=False)


def figure(found: Table, name: str) -> float:
    """Return a figure of answers."""
    return float(point_values(found.task, found.targets, {"scores": found.scores})[name])


def repaired(folder: Path, place: Path, most: int) -> dict[str, Any]:
    """Return the figures of the same linear model before and after the repair of cic_zh's training rows."""
    source = {
        name: pl.read_ndjson(folder / f"{name}.jsonl").select("text", "label") for name in ("train", "dev", "test")
    }
    source["train"] = source["train"].head(most)
    tables = {}
    for name, operators in (("before", []), ("after", [WEIGHED])):
        data = ore.refine(source, operators=operators, split={}, out=place / name)
        model = ore.finetune(None, data, method="linear", method_options=MODEL, out=place / f"{name} model")
        tables[name] = table(model, data)
        print(f"cic_zh {name}: macro-F1 {figure(tables[name], 'macro_f1'):.4f}", file=sys.stderr, flush=True)
    difference = paired_difference(tables["before"], tables["after"], metric="macro_f1")
    figures = {name: {key: figure(one, key) for key in ("macro_f1", "accuracy")} for name, one in tables.items()}
    return {**figures, "difference": difference.to_json()}


if __name__ == "__main__":
    main()

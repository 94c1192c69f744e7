"""What augmentation is worth: few labelled rows, with and without rows made of them, measured on test.

For each data set and seed, so many rows are drawn from train (evenly by class), and a model is trained on them alone
and with what each augmenter adds; the same rows, the same test. `ngrams` is the logistic regression that the report of
refine shows, here measured on test; `linear` is the n-gram model of finetune, `head` a logistic regression on the
vectors of a start model (English sets only). Changes are paired over the rows of test, with a 95 % interval for each
seed; the table has their mean over the seeds, and in how many seeds the interval lies above or below 0.

    python benchmarks/augment.py --data DIR --rows 200 --seeds 0 1 2
    python benchmarks/augment.py --data DIR --masked FOLDER --there FOLDER --back FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import polars as pl

import oreline as ore
from oreline.evaluate.compare import paired_difference
from oreline.evaluate.estimates import point_values
from oreline.evaluate.table import Table, predict_table
from oreline.runtime.open import open_runtime

ENCODER = "catalog:minilm-l6-en"
SETS = {"sst2": "en", "agnews": "en", "online_shopping_zh": "zh"}
FIGURES = ("accuracy", "macro_f1")
METHODS: dict[str, dict[str, Any]] = {
    "ngrams": {},
    "linear": {"start": None, "method": "linear"},
    "head": {"start": ENCODER, "method": "head"},
}


def main() -> None:
    """Measure, print a table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--rows", type=int, default=200, help="labelled rows of train")
    parser.add_argument("--test-rows", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--methods", nargs="*", default=["ngrams"], choices=list(METHODS))
    parser.add_argument("--only", nargs="*", help="names of augmenters")
    parser.add_argument("--masked", help="an encoder with its masked-language head")
    parser.add_argument("--there", help="a seq2seq model")
    parser.add_argument("--back", help="a seq2seq model that reads what the other writes")
    given = parser.parse_args()
    found = []
    for name in given.sets:
        folder = Path(given.data or ".") / name
        if not folder.is_dir():
            print(f"skipped: no {folder}", file=sys.stderr)
            continue
        for method in given.methods:
            if method == "head" and SETS[name] != "en":
                continue
            found += measured(name, method, folder, given)
    show(found)
    print(json.dumps({"benchmark": "augment", "rows": given.rows, "seeds": given.seeds, "found": found}))


def augmenters(name: str, given: argparse.Namespace) -> dict[str, list[Any]]:
    """Return chains of operators by name, for a data set's language."""
    cilin = Path(given.data) / "cilin_zh" / "all.jsonl"
    synonyms = {"model": ENCODER} if SETS[name] == "en" else {"synonyms": str(cilin)}
    found: dict[str, list[Any]] = {
        "words: swap, delete": [{"augment_words": {"operations": ["swap", "delete"]}}],
        "words: synonym": [{"augment_words": {"operations": ["synonym"], **synonyms}}],
        "words: all four": [{"augment_words": synonyms}],
        "words: all four, no filter": [{"augment_words": {**synonyms, "believable": 0.0}}],
        "characters": ["augment_characters"],
    }
    if given.masked:
        found["masked"] = [{"augment_masked": {"model": given.masked}}]
    if given.there and given.back:
        found["translated"] = [{"augment_translated": {"there": given.there, "back": given.back}}]
    return {key: chain for key, chain in found.items() if not given.only or key in given.only}


def measured(name: str, method: str, folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the figures of every augmenter on one data set, a line each."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for seed in given.seeds:
        source = drawn(folder, given.rows, given.test_rows, seed)
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            if method == "ngrams":
                for key, line in of_report(source, augmenters(name, given), place / "data", seed).items():
                    lines.setdefault(key, []).append(line)
                    print(name, method, seed, key, line, file=sys.stderr, flush=True)
                continue
            before, _ = answers(source, [], method, place / "none", seed)
            lines.setdefault("none", []).append(told(before, before, given.rows))
            for number, (key, chain) in enumerate(augmenters(name, given).items()):
                after, rows = answers(source, chain, method, place / str(number), seed)
                lines.setdefault(key, []).append(told(before, after, rows))
                print(name, method, seed, key, lines[key][-1], file=sys.stderr, flush=True)
    return [{"set": name, "method": method, "augmenter": key, "seeds": own} for key, own in lines.items()]


def of_report(
    source: Mapping[str, pl.DataFrame], chains: Mapping[str, list[Any]], out: Path, seed: int
) -> dict[str, dict[str, Any]]:
    """Return what refine itself reports of each augmenter alone, test standing for dev."""
    given = {"train": source["train"], "dev": source["test"]}
    operators = [operator for chain in chains.values() for operator in chain]
    data = ore.refine(given, operators=operators, split={}, out=out, seed=seed)
    table = next(one for one in data.report().tables if one.title == "What the added rows are worth")
    used: Counter[str] = Counter()
    key_of = {"no added rows": "none"}
    for key, [operator] in chains.items():
        plug = operator if isinstance(operator, str) else next(iter(operator))
        used[plug] += 1
        key_of[plug if used[plug] == 1 else f"{plug}{used[plug]}"] = key
    found = {}
    for arm, rows, accuracy, macro_f1, *changes in table.rows:
        if arm in key_of:
            figures = {"rows": rows, "accuracy": accuracy, "macro_f1": macro_f1}
            same = {"value": 0.0, "low": 0.0, "high": 0.0}
            change = {name: same if cell is None else value_of(cell) for name, cell in zip(FIGURES, changes)}
            found[key_of[arm]] = {**figures, "change": change}
    return found


def value_of(cell: Any) -> dict[str, float]:
    """Return an estimate of a table as a mapping."""
    told: dict[str, float] = cell if isinstance(cell, dict) else cell.to_json()
    return told


def drawn(folder: Path, rows: int, test_rows: int, seed: int) -> dict[str, pl.DataFrame]:
    """Return rows drawn evenly by class for train, some for dev, and test."""
    if (folder / "all.jsonl").is_file():
        everything = (
            pl.read_ndjson(folder / "all.jsonl").select("text", "label").drop_nulls().unique(maintain_order=True)
        )
        everything = everything.sample(fraction=1, shuffle=True, seed=7)
        test, rest = everything.head(test_rows), everything.slice(test_rows)
    else:
        test = pl.read_ndjson(folder / "test.jsonl").select("text", "label").head(test_rows)
        rest = pl.read_ndjson(folder / "train.jsonl").select("text", "label").unique(maintain_order=True)
    rest = rest.filter(~pl.col("text").is_in(test["text"].implode())).sample(fraction=1, shuffle=True, seed=seed)
    most = -(-rows // rest["label"].n_unique())
    train = rest.group_by("label", maintain_order=True).head(most)
    dev = rest.filter(~pl.col("text").is_in(train["text"].implode())).head(200)
    return {"train": train, "dev": dev, "test": test}


def answers(
    source: Mapping[str, pl.DataFrame], chain: Sequence[Any], method: str, place: Path, seed: int
) -> tuple[Table, int]:
    """Refine, train, and return the answers to test with the number of rows that were trained on."""
    data = ore.refine(dict(source), operators=list(chain), split={}, out=place / "data", seed=seed)
    named = METHODS[method]
    model = ore.finetune(named["start"], data, method=named["method"], out=place / "model", seed=seed)
    return predict_table(open_runtime(model), data, "test", refuse_trained=False), data.num_rows("train")


def told(before: Table, after: Table, rows: int) -> dict[str, Any]:
    """Return figures, and changes with their intervals."""
    figures = point_values(after.task, after.targets, {"scores": after.scores})
    changes = {name: paired_difference(before, after, metric=name).to_json() for name in FIGURES}
    return {"rows": rows, **{name: round(float(figures[name]), 4) for name in FIGURES}, "change": changes}


def show(found: Sequence[dict[str, Any]]) -> None:
    """Print the lines as a table of Markdown."""
    print("| data | model | augmenter | rows | accuracy | change | up, down | macro-F1 | change | up, down |")
    print("|" + "---|" * 10)
    for line in found:
        cells = [line["set"], line["method"], line["augmenter"], f"{mean(one['rows'] for one in line['seeds']):,.0f}"]
        for name in FIGURES:
            changes = [one["change"][name] for one in line["seeds"]]
            up, down = sum(one["low"] > 0 for one in changes), sum(one["high"] < 0 for one in changes)
            cells += [f"{mean(one[name] for one in line['seeds']):.4f}"]
            cells += [f"{mean(one['value'] for one in changes):+.4f}", f"{up}, {down}"]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

"""Questions answered by spans: slots of ATIS asked as questions, half of them without an answer, and CMRC 2018.

* atis: "city name of from loc?" about a sentence that has such a slot, or has none: the published splits; MiniLM-L6.
* cmrc2018_zh: the published dev file is trained on (a part of its contexts chooses), the trial file is the test; the
  set has no large train split here. It wants a Chinese start model (`--start-zh`); with the English MiniLM, which knows
  few Chinese characters, it shows that the chain works, and no more.

A model that answers every question with the first word, or none, stands beside as the floor.

    python benchmarks/question_answering.py --data /data --sets atis --quick
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oreline as ore
from oreline.metrics.answers import compared, parse
from oreline.metrics.tags import entities
from oreline.words import units

START = "catalog:minilm-l6-en"
SETTINGS: dict[str, dict[str, Any]] = {
    "atis": {"epochs": 3, "learning_rate": 2e-4, "evaluations_per_epoch": 2},
    "cmrc2018_zh": {"epochs": 3, "learning_rate": 1e-4, "max_tokens": 256},
}
QUICK = {"atis": 600, "cmrc2018_zh": 60}
"""Sentences, or questions, that a quick run trains on."""


def main() -> None:
    """Train and judge each set, and print one table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"), help="or ORELINE_DATA")
    parser.add_argument("--sets", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--start-zh", default=START, help="start model for Chinese")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few rows, one epoch")
    given = parser.parse_args()
    measured = []
    for name in given.sets:
        folder = Path(given.data or ".") / name
        if not folder.is_dir():
            print(f"{name}: skipped, {folder} is not there", file=sys.stderr)
            continue
        start = given.start_zh if name.endswith("_zh") else START
        measured.append(measure(name, folder, start, seed=given.seed, quick=given.quick))
        print(f"\n{name}: {measured[-1]['rows_per_s']} rows/s, {measured[-1]['train_s']:.0f} s")
        for figure, (value, low, high, n) in measured[-1]["figures"].items():
            print(f"  {figure:24} {value:.4f} [{low:.4f}, {high:.4f}] n={n}")
        print(f"  always the first word: {measured[-1]['first_word']}, never an answer: {measured[-1]['none']}")
    print(json.dumps({"benchmark": "question_answering", "sets": measured}))


def measure(name: str, folder: Path, start: str, *, seed: int, quick: bool) -> dict[str, Any]:
    """Return the figures on test, those of two floors, and the time that training took."""
    train = {**SETTINGS[name], **({"epochs": 1} if quick else {})}
    with tempfile.TemporaryDirectory() as scratch:
        files = written(name, folder, Path(scratch), QUICK[name] if quick else None, seed)
        data = ore.refine(files, operators=["dedup_exact"], seed=seed, out=Path(scratch) / "data")
        begun = time.perf_counter()
        model = ore.finetune(
            start, data, task="question_answering", method="full", train=train, seed=seed, out=Path(scratch) / "model"
        )
        train_s = time.perf_counter() - begun
        report = ore.evaluate(model, data, baseline="none")
        test = data.frame("test")
        truths = [[text for text, _ in parse(cell)] for cell in test["answers"]]
        firsts = [units(context)[0].word if context.strip() else "" for context in test["text_pair"]]
        return {
            "set": name,
            "start": start,
            "seed": seed,
            "train": train,
            "train_rows": data.num_rows("train"),
            "train_s": train_s,
            "rows_per_s": model.measurements().get("rows_per_s"),
            "task_options": model.manifest.task_options,
            "figures": {figure: (e.value, e.low, e.high, e.n) for figure, e in report.metrics.items()},
            "first_word": mean_f1(firsts, truths),
            "none": mean_f1([""] * len(truths), truths),
        }


def mean_f1(answers: list[str], truths: list[list[str]]) -> float:
    """Return the mean F1 of some answers."""
    return round(sum(compared(given, true)[1] for given, true in zip(answers, truths)) / len(truths), 4)


def written(name: str, folder: Path, scratch: Path, limit: int | None, seed: int) -> dict[str, str]:
    """Write the rows of each split with the columns that refine knows, and return the files."""
    splits = ("train", "dev", "test") if name == "atis" else ("train", "test")
    files = {}
    for split in splits:
        source = folder / (f"{split}.jsonl" if name == "atis" else {"train": "dev", "test": "trial"}[split] + ".jsonl")
        lines = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
        if limit is not None:
            lines = random.Random(seed).sample(lines, min(limit, len(lines)))
        rows = asked(lines, seed) if name == "atis" else chinese(lines)
        files[split] = str(scratch / f"{split}.jsonl")
        Path(files[split]).write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return files


def chinese(lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield CMRC's rows; those of one context stay in one split."""
    for line in lines:
        context = line["context"]
        yield {"text": line["question"], "text_pair": context, "answers": line["answers"], "group": context[:200]}


def asked(lines: list[dict[str, Any]], seed: int) -> Iterator[dict[str, Any]]:
    """Yield a question for each slot of a sentence, and as many for slots that it does not have."""
    source = random.Random(seed)
    slots = sorted({tag[2:] for line in lines for tag in line["tags"] if tag != "O"})
    for line in lines:
        text = " ".join(line["tokens"])
        begins = [len(" ".join(line["tokens"][:word])) + (word > 0) for word in range(len(line["tokens"]))]
        answers: dict[str, list[dict[str, Any]]] = {}
        for start, end, slot in entities(line["tags"], "bio"):
            span = {"text": " ".join(line["tokens"][start:end]), "start": begins[start]}
            answers.setdefault(slot, []).append(span)
        absent = source.sample([slot for slot in slots if slot not in answers], len(answers) or 1)
        for slot in [*answers, *absent]:
            yield {"text": question(slot), "text_pair": text, "answers": answers.get(slot, [])}


def question(slot: str) -> str:
    """Return a slot's name as a question.

    >>> question("fromloc.city_name")
    'city name of from loc ?'
    """
    *places, what = slot.replace("fromloc", "from loc").replace("toloc", "to loc").replace("_", " ").split(".")
    return f"{what}{''.join(f' of {place}' for place in reversed(places))} ?"


if __name__ == "__main__":
    main()

"""Few labels: eight rows a class, this package beside SetFit, same rows, same seeds, same start model.

Each run is a process of its own, in turn. Seconds are from texts in memory to a model that answers: opening the start
model, training and fitting the head, without imports and without the test. Oreline's include writing the artifact, and
stand without it in brackets. Peers:

* `oreline`: `finetune --method auto`, which takes `contrastive` here.
* `oreline-head`: a logistic regression on the start model's embeddings.
* `setfit`: SetFit with its defaults (pairs by oversampling, one epoch); with 150 classes its default makes 1.4 million
  pairs, so that clinc150 runs with `num_iterations=20`.

The data is read from a folder with `sst2/train.jsonl`, `sst2/test.jsonl` and so on (rows with `text` and `label`):

    python benchmarks/few_labels.py --data DIR --datasets sst2 agnews --seeds 0 1 2
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

import numpy as np

PEERS = ("oreline", "oreline-head", "setfit")
DATASETS = ("sst2", "agnews", "clinc150")
NUM_ITERATIONS = {"clinc150": 20}
ROWS_A_CLASS = 8


def main() -> None:
    """Run all peers in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of the data (ORELINE_DATA)")
    parser.add_argument("--datasets", nargs="*", default=list(DATASETS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument("--test-rows", type=int, default=2000, help="at most so many rows of test, drawn once")
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", nargs=3, metavar=("PEER", "DATASET", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.data is None or not Path(given.data).is_dir():
        print("skipped: no data (--data DIR or ORELINE_DATA)", file=sys.stderr)
        return
    if given.child:
        peer, name, seed = given.child
        print(json.dumps(run_one(peer, Path(given.data) / name, int(seed), Path(given.start), given.test_rows)))
        return
    measured = measure(given)
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_table(given, measured)


def measure(given: argparse.Namespace) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Run each peer on each dataset and seed, neighbours in turn, each in a process of its own."""
    from oreline.api import names

    start = names.start_folder(given.start)
    measured: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name in given.datasets:
        runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in given.peers}
        for seed in given.seeds:
            for peer in given.peers:
                command = [sys.executable, __file__, "--data", given.data, "--start", str(start)]
                command += ["--test-rows", str(given.test_rows), "--child", peer, name, str(seed)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                runs[peer].append(json.loads(done.stdout.splitlines()[-1]))
                print(f"{name} seed {seed} {peer}: {runs[peer][-1]}", file=sys.stderr, flush=True)
        measured[name] = runs
    return measured


def run_one(peer: str, folder: Path, seed: int, start: Path, test_rows: int) -> dict[str, float]:
    """Train and test one peer in this process."""
    train, test = rows(folder / "train.jsonl"), rows(folder / "test.jsonl")
    few = shots(train["label"], seed)
    train = {name: [values[row] for row in few] for name, values in train.items()}
    known = set(train["label"])
    drawn = np.random.default_rng(0).permutation(len(test["text"]))[:test_rows]
    judged = [row for row in drawn if test["label"][row] in known]
    test = {name: [values[row] for row in judged] for name, values in test.items()}
    if peer == "setfit":
        return run_setfit(train, test, seed, start, NUM_ITERATIONS.get(folder.name))
    return run_oreline("head" if peer == "oreline-head" else "auto", train, test, seed, start)


def run_oreline(
    method: str, train: dict[str, list[str]], test: dict[str, list[str]], seed: int, start: Path
) -> dict[str, Any]:
    """Train as a user would: `finetune` on the rows, nothing kept back."""
    import oreline as ore
    from oreline import registry
    from oreline.runtime import torch as _runtime  # noqa: F401
    from oreline.runtime.open import open_runtime
    from oreline.train import finetune as _finetune  # noqa: F401

    for name in ("contrastive", "head"):  # imports are not counted, neither here nor for SetFit
        registry.get("method", name)

    with tempfile.TemporaryDirectory() as scratch:
        data = ore.refine(train, operators=[], split={}, out=Path(scratch) / "data", seed=seed)
        begun = time.perf_counter()
        model = ore.finetune(str(start), data, method=method, out=Path(scratch) / "model", seed=seed)
        seconds = time.perf_counter() - begun
        answers = open_runtime(model).predict({"text": test["text"]}).outputs["scores"].argmax(axis=1)
        labels = open_runtime(model).task.labels
        hits = [labels[answer] == label for answer, label in zip(answers, test["label"])]
        measurements = model.measurements()
        used = str(model.manifest.recipe["options"]["method"])
    return {
        "accuracy": round(float(np.mean(hits)), 4),
        "seconds": round(seconds, 2),
        "train_s": measurements["train_s"],
        "method": used,
    }


def run_setfit(
    train: dict[str, list[str]], test: dict[str, list[str]], seed: int, start: Path, num_iterations: int | None
) -> dict[str, Any]:
    """Train with SetFit's defaults, on the start model as its authors published it: mean pooling, normalised."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, models
    from setfit import SetFitModel, Trainer, TrainingArguments
    from transformers.utils import logging

    logging.set_verbosity_error()
    labels = sorted(set(train["label"]))
    with tempfile.TemporaryDirectory() as scratch:
        body = models.Transformer(str(start), max_seq_length=256)
        pooled = models.Pooling(body.get_word_embedding_dimension(), pooling_mode="mean")
        SentenceTransformer(modules=[body, pooled, models.Normalize()], device="cpu").save(scratch)
        begun = time.perf_counter()
        model = SetFitModel.from_pretrained(scratch, labels=labels, device="cpu")
        options = {"num_iterations": num_iterations} if num_iterations else {}
        arguments = TrainingArguments(
            output_dir=scratch, seed=seed, report_to="none", save_strategy="no", use_amp=False, **options
        )
        targets = [labels.index(label) for label in train["label"]]
        trainer = Trainer(model, args=arguments, train_dataset=Dataset.from_dict({**train, "label": targets}))
        trainer.train()
        seconds = time.perf_counter() - begun
        answers = [labels.index(str(answer)) for answer in model.predict(test["text"], batch_size=64)]
    hits = [labels[answer] == label for answer, label in zip(answers, test["label"])]
    return {"accuracy": round(float(np.mean(hits)), 4), "seconds": round(seconds, 2)}


def rows(file: Path) -> dict[str, list[str]]:
    """Read a JSON Lines file's texts and labels."""
    read = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {"text": [str(row["text"]) for row in read], "label": [str(row["label"]) for row in read]}


def shots(labels: list[str], seed: int) -> list[int]:
    """Draw so many rows of each class."""
    source, array = np.random.default_rng(seed), np.asarray(labels)
    drawn = [source.permutation(np.flatnonzero(array == label))[:ROWS_A_CLASS] for label in sorted(set(labels))]
    return [int(row) for row in np.concatenate(drawn)]


def print_table(given: argparse.Namespace, measured: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """Print one row for each dataset and peer, as Markdown; the ratio is within each seed, of neighbouring runs."""
    print(f"{ROWS_A_CLASS} rows a class, start {given.start}, {given.test_rows} test rows at most, seeds {given.seeds}")
    print()
    print("| dataset | | method | accuracy | by seed | seconds | SetFit's time / this |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in measured.items():
        for peer, found in runs.items():
            accuracy = [run["accuracy"] for run in found]
            spread = f" ± {stdev(accuracy):.3f}" if len(accuracy) > 1 else ""
            seconds = " ".join(
                f"{run['seconds']:.1f}" + (f" ({run['train_s']:.1f})" if "train_s" in run else "") for run in found
            )
            ratio = ""
            if peer != "setfit" and runs.get("setfit"):
                ratio = " ".join(f"{b['seconds'] / a['seconds']:.1f}" for a, b in zip(found, runs["setfit"]))
            by_seed = " ".join(f"{value:.3f}" for value in accuracy)
            method = found[0].get("method", "its defaults")
            print(f"| {name} | {peer} | {method} | {mean(accuracy):.3f}{spread} | {by_seed} | {seconds} | {ratio} |")


if __name__ == "__main__":
    main()

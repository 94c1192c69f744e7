"""Retrieval: a bi-encoder fine-tuned on question–answer pairs, beside sentence-transformers, same rows, same batch.

Each run is a process of its own, in turn. Both train on the same pairs with in-batch negatives (multiple negatives
ranking, scale 20), the same number of pairs a step, the same epochs, rate, warm-up and seed, in fp32 on a CPU and bf16
on a GPU, and are judged by one function: each test question looks for its answers among all answers of the data.
No question of test stands in train (same text after folding of case, width and white space). Rates are pairs a second
of training alone; seconds are from texts in memory to a model that answers, writing it included. Peers:

* `start`: the start model as it is.
* `oreline`: the method `pairs` with its defaults.
* `oreline-mined`: with hard negatives mined before each epoch.
* `oreline-sizes`: with the sizes 384, 256, 128, 64 (Matryoshka).
* `sentence-transformers`: its trainer with MultipleNegativesRankingLoss and `BatchSamplers.NO_DUPLICATES`.

The data is read from a folder with `bank_faq_en/all.jsonl` (`Question`, `Answer`):

    python benchmarks/retrieval.py --data DIR --seeds 0 1 2
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

PEERS = ("start", "oreline", "oreline-mined", "oreline-sizes", "sentence-transformers")
FIGURES = ("recall_at_1", "recall_at_10", "mrr_at_10", "ndcg_at_10")
SIZES = (384, 256, 128, 64)
TEST_SHARE = 0.25
WARMUP = 0.1


def main() -> None:
    """Run all peers in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of the data (ORELINE_DATA)")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument("--rows-per-step", type=int, default=32)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument(
        "--quick", action="store_true", help="256 pairs, one epoch, one seed, fewer texts to look through"
    )
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", nargs=2, metavar=("PEER", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.data is None or not Path(given.data).is_dir():
        print("skipped: no data (--data DIR or ORELINE_DATA)", file=sys.stderr)
        return
    if given.quick:
        given.seeds, given.epochs = given.seeds[:1], 1
    if given.child:
        print(json.dumps(run_one(given, given.child[0], int(given.child[1]))))
        return
    measured = measure(given)
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    print_table(given, measured)


def measure(given: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Run each peer with each seed, neighbours in turn, each in a process of its own."""
    from oreline.api import names

    start = names.start_folder(given.start)
    runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in given.peers}
    for seed in given.seeds:
        for peer in given.peers:
            command = [sys.executable, __file__, "--data", given.data, "--start", str(start)]
            for name in ("rows-per-step", "epochs", "rate", "max-tokens"):
                command += [f"--{name}", str(getattr(given, name.replace("-", "_")))]
            command += [*(["--quick"] if given.quick else []), "--child", peer, str(seed)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs[peer].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"seed {seed} {peer}: {runs[peer][-1]}", file=sys.stderr, flush=True)
    return runs


def run_one(given: argparse.Namespace, peer: str, seed: int) -> dict[str, Any]:
    """Train one peer in this process and judge it."""
    pairs = read_pairs(Path(given.data) / "bank_faq_en" / "all.jsonl")
    train, test = divide(pairs, seed)
    if given.quick:
        train, test = train[:256], test[:200]
        pairs = [*train, *test]
    with tempfile.TemporaryDirectory() as scratch:
        if peer == "sentence-transformers":
            embed, measured = with_sentence_transformers(given, train, seed, Path(scratch))
        elif peer == "start":
            embed, measured = as_it_is(given, Path(scratch)), {}
        else:
            embed, measured = with_oreline(given, peer, train, seed, Path(scratch))
        questions, texts, relevant = to_find(test, pairs)
        found = figures(embed(questions), embed(texts), relevant)
        if peer == "oreline-sizes":
            vectors = embed(questions), embed(texts)
            for size in SIZES[1:]:
                cut = figures(*(each[:, :size] for each in vectors), relevant)
                found |= {f"{name}_{size}": value for name, value in cut.items() if name == "ndcg_at_10"}
    return {**found, **measured, "train_pairs": len(train), "questions": len(questions), "texts": len(texts)}


def with_oreline(given: argparse.Namespace, peer: str, train: list[tuple[str, str]], seed: int, scratch: Path) -> Any:
    """Train as a user would: `finetune` on the pairs, nothing kept back."""
    import oreline as ore
    from oreline.runtime.open import open_runtime
    from oreline.train import finetune as _imported  # noqa: F401  (imports are not counted)

    columns = {"text": [question for question, _ in train], "text_pair": [answer for _, answer in train]}
    options: dict[str, Any] = {
        "oreline-mined": {"mine": "epoch"},
        "oreline-sizes": {"sizes": list(SIZES)},
    }.get(peer, {})
    data = ore.refine(columns, operators=[], split={}, out=scratch / "data", seed=seed)
    begun = time.perf_counter()
    training = {
        "epochs": given.epochs,
        "learning_rate": given.rate,
        "rows_per_step": given.rows_per_step,
        "max_tokens": given.max_tokens,
        "warmup": WARMUP,
    }
    model = ore.finetune(
        given.start, data, task="embedding", method_options=options, train=training, out=scratch / "m", seed=seed
    )
    seconds = time.perf_counter() - begun
    runtime = open_runtime(model)
    measured = model.measurements()
    rates = {"rows_per_s": round(measured["rows_per_s"], 1), "seconds": round(seconds, 1)}
    return lambda texts: runtime.predict({"text": texts}).outputs["scores"], rates


def with_sentence_transformers(
    given: argparse.Namespace, train: list[tuple[str, str]], seed: int, scratch: Path
) -> Any:
    """Train with its trainer, opening and writing included in the seconds."""
    import torch
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
    from sentence_transformers.training_args import BatchSamplers
    from transformers.utils import logging

    logging.set_verbosity_error()
    columns = {"anchor": [question for question, _ in train], "positive": [answer for _, answer in train]}
    begun = time.perf_counter()
    model = opened(given, Path(given.start))
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(scratch / "st"),
        seed=seed,
        num_train_epochs=given.epochs,
        per_device_train_batch_size=given.rows_per_step,
        learning_rate=given.rate,
        warmup_steps=WARMUP,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        bf16=torch.cuda.is_available(),
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = SentenceTransformerTrainer(
        model, args=arguments, train_dataset=Dataset.from_dict(columns), loss=losses.MultipleNegativesRankingLoss(model)
    )
    training = time.perf_counter()
    trainer.train()
    trained = time.perf_counter()
    model.save(str(scratch / "st-model"))
    seconds = time.perf_counter() - begun
    rate = len(train) * given.epochs / (trained - training)
    rates = {"rows_per_s": round(rate, 1), "seconds": round(seconds, 1)}
    return lambda texts: model.encode(texts, batch_size=64, normalize_embeddings=True), rates


def as_it_is(given: argparse.Namespace, scratch: Path) -> Any:
    """Open the start model with its own pooling."""
    model = opened(given, Path(given.start))
    return lambda texts: model.encode(texts, batch_size=64, normalize_embeddings=True)


def opened(given: argparse.Namespace, start: Path) -> Any:
    """Open an encoder in sentence-transformers, read by its mean."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    body = Transformer(str(start), max_seq_length=given.max_tokens)
    return SentenceTransformer(
        modules=[body, Pooling(body.get_embedding_dimension(), pooling_mode="mean"), Normalize()]
    )


def read_pairs(file: Path) -> list[tuple[str, str]]:
    """Read questions and answers, each pair once."""
    read = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return list(dict.fromkeys((row["Question"].strip(), row["Answer"].strip()) for row in read))


def divide(pairs: list[tuple[str, str]], seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Divide by question, so that none stands on both sides."""
    keys = sorted({key(question) for question, _ in pairs})
    order = np.random.default_rng(seed).permutation(len(keys))
    held_out = {keys[place] for place in order[: round(TEST_SHARE * len(keys))]}
    train = [pair for pair in pairs if key(pair[0]) not in held_out]
    return train, [pair for pair in pairs if key(pair[0]) in held_out]


def key(text: str) -> str:
    """Fold case and white space."""
    return " ".join(text.casefold().split())


def to_find(test: list[tuple[str, str]], pairs: list[tuple[str, str]]) -> tuple[list[str], list[str], list[set[int]]]:
    """Return the test questions, all answers of the data, and which of these belong to each question."""
    texts = list(dict.fromkeys(answer for _, answer in pairs))
    number = {text: place for place, text in enumerate(texts)}
    questions: dict[str, tuple[str, set[int]]] = {}
    for question, answer in test:
        questions.setdefault(key(question), (question, set()))[1].add(number[answer])
    return [text for text, _ in questions.values()], texts, [found for _, found in questions.values()]


def figures(query_QD: Any, text_CD: Any, relevant: list[set[int]]) -> dict[str, float]:
    """Return the means over questions, from a full sort: no code of either side."""
    query_QD, text_CD = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (query_QD, text_CD))
    sums = dict.fromkeys(FIGURES, 0.0)
    for query_D, wanted in zip(query_QD, relevant):
        order = np.argsort(-(text_CD @ query_D), kind="stable")[:10]
        hits = [int(text) in wanted for text in order]
        sums["recall_at_1"] += hits[0] / len(wanted)
        sums["recall_at_10"] += sum(hits) / len(wanted)
        sums["mrr_at_10"] += next((1 / (rank + 1) for rank, hit in enumerate(hits) if hit), 0.0)
        best = sum(1 / np.log2(rank + 2) for rank in range(min(len(wanted), 10)))
        sums["ndcg_at_10"] += sum(1 / np.log2(rank + 2) for rank, hit in enumerate(hits) if hit) / best
    return {name: round(value / len(relevant), 4) for name, value in sums.items()}


def print_table(given: argparse.Namespace, measured: dict[str, list[dict[str, Any]]]) -> None:
    """Print one row for each peer, as Markdown; ratios are within each seed, of neighbouring runs."""
    first = next(iter(measured.values()))[0]
    print(
        f"bank_faq_en, {first['train_pairs']:,} pairs, {given.epochs:g} epochs, {given.rows_per_step} pairs a step, "
        f"rate {given.rate:g}, start {given.start}; {first['questions']} questions of test, "
        f"{first['texts']:,} answers to look through; seeds {given.seeds}"
    )
    print()
    print(f"| | {' | '.join(FIGURES)} | pairs/s | seconds | pairs/s against sentence-transformers |")
    print("|---" * (len(FIGURES) + 4) + "|")
    peers = measured.get("sentence-transformers", [])
    for peer, runs in measured.items():
        cells = [cell([run[name] for run in runs], 3) for name in FIGURES]
        rates = [run["rows_per_s"] for run in runs if "rows_per_s" in run]
        ratios = [run["rows_per_s"] / other["rows_per_s"] for run, other in zip(runs, peers) if "rows_per_s" in run]
        seconds = [run["seconds"] for run in runs if "seconds" in run]
        shown = [cell(values, digits) for values, digits in ((rates, 1), (seconds, 1), (ratios, 2))]
        print(f"| {peer} | {' | '.join([*cells, *shown])} |")
    for run in measured.get("oreline-sizes", [])[:1]:
        sizes = [f"{size}: {run[f'ndcg_at_10_{size}']:.3f}" for size in SIZES[1:]]
        shown = "; ".join([f"{SIZES[0]}: {run['ndcg_at_10']:.3f}", *sizes])
        print(f"\nnDCG@10 of oreline-sizes by width of the vectors, seed {given.seeds[0]}: {shown}")


def cell(values: list[float], digits: int) -> str:
    """Return mean and spread."""
    if not values:
        return ""
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


if __name__ == "__main__":
    main()

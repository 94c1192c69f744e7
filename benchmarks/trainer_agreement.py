"""The same run in this loop and in the Hugging Face Trainer: same start, same batches, no dropout, fp32.

Both train MiniLM-L6 with its first-token head on movie-review quotes. The Trainer is handed the rows in the order in
which this loop takes them, and this loop's learning rates (its own warm-up begins at zero, one step earlier). The
row-wise update of embeddings, which is not AdamW's to the letter, is off. What is left may differ by rounding only:
this loop cuts a step into several forward passes, and has attention kernels of its own.

    python benchmarks/trainer_agreement.py --steps 50
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
ROWS_PER_STEP = 32
RATE = 5e-5
WARMUP = 0.1
MAX_TOKENS = 256


def main() -> None:
    """Run both and print how far their losses are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument("--data", default="catalog:rotten-tomatoes")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        ours_S, theirs_S = losses(given, Path(scratch))
    gaps_S = np.abs(ours_S - theirs_S)
    print(f"{given.steps} steps of {ROWS_PER_STEP} rows; loss of the first and the last step, of both:")
    print(f"ours    {ours_S[0]:.6f} {ours_S[-1]:.6f}")
    print(f"Trainer {theirs_S[0]:.6f} {theirs_S[-1]:.6f}")
    print(f"largest difference {gaps_S.max():.2e}, in step {gaps_S.argmax() + 1}; mean {gaps_S.mean():.2e}")


def losses(given: argparse.Namespace, scratch: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of each step of both."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    import oreline as ore
    from oreline.api import names

    folder = names.start_folder(given.start)
    torch.manual_seed(SEED)
    start = scratch / "start"  # with a head, so that both begin with the same
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2, **dropout).save_pretrained(start)
    AutoTokenizer.from_pretrained(folder).save_pretrained(start)
    roles = {"text": "text", "label": "category", "group": "movie_name"}
    data = ore.refine(given.data, **roles, split={"train": 0.9, "test": 0.1}, out=scratch / "data", seed=SEED)
    rows = data.frame("train", ["row_id", "text", "label"]).sample(given.steps * ROWS_PER_STEP, seed=SEED)
    return ours(start, data, rows, scratch), theirs(start, rows, given.steps)


def ours(start: Path, data: Any, rows: Any, scratch: Path) -> np.ndarray:
    """Train with `finetune` and return the losses that it told."""
    from oreline.evaluate.estimates import point_values
    from oreline.recipe import TrainOptions
    from oreline.store import EVENTS
    from oreline.train.finetune import finetune

    options = TrainOptions(
        epochs=1,
        learning_rate=RATE,
        warmup=WARMUP,
        rows_per_step=ROWS_PER_STEP,
        max_tokens=MAX_TOKENS,
        dropout=0,
        precision="fp32",
        optimizer_options={"rowwise": False},
    )
    first = {"pooling": "first"}
    task = {"task": "text_classification", "method": "full", "method_options": first, "options": options, "seed": SEED}
    model = finetune(start, data, **task, out=scratch / "model", score=point_values, rows=rows)
    lines = [json.loads(line) for line in model.file(EVENTS).read_text(encoding="utf-8").splitlines()]
    return np.asarray([line["loss"] for line in lines if "loss" in line])


def theirs(start: Path, rows: Any, steps: int) -> np.ndarray:
    """Train with the Trainer, in the same order and at the same rates, and return its losses."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments
    from transformers.utils import logging

    from oreline.train.batches import plan_epoch
    from oreline.train.loop import schedule

    logging.set_verbosity_error()
    told: list[float] = []

    class Telling(Trainer):
        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            loss = super().compute_loss(*args, **kwargs)
            told.append(float((loss[0] if isinstance(loss, tuple) else loss).detach()))
            return loss

    tokenizer = AutoTokenizer.from_pretrained(start)
    labels = sorted(set(rows["label"]))
    encoded = [
        {**tokenizer(text, truncation=True, max_length=MAX_TOKENS), "labels": labels.index(label)}
        for text, label in rows.select("text", "label").iter_rows()
    ]
    lengths_N = np.asarray([len(row["input_ids"]) for row in encoded])
    plan = plan_epoch(lengths_N, rows_per_step=ROWS_PER_STEP, token_budget=1 << 20, seed=SEED, epoch=0)
    ordered = [encoded[row] for step in plan for part in step for row in part]
    rate = schedule("linear", 1.0, steps, WARMUP)
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=1,
            per_device_train_batch_size=ROWS_PER_STEP,
            learning_rate=RATE,
            weight_decay=0.01,
            train_sampling_strategy="sequential",
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        )
        model = AutoModelForSequenceClassification.from_pretrained(start)
        trainer = Telling(model=model, args=arguments, train_dataset=ordered, processing_class=tokenizer)
        optimizer = trainer.create_optimizer()
        trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        trainer.train()
    return np.asarray(told)


if __name__ == "__main__":
    main()

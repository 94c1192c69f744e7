"""What `--dry-run` says that a run will take, beside what it takes: time and memory of training, evaluation, merging.

Each case runs in processes of its own: one asks for the forecast, another does the work, timed from the start of the
verb (packages are imported before it) and with the peak of its own memory (on a GPU: what torch allocated at most).
Rows are quotes of films; the long ones are one to twenty quotes in a row, the tagged ones have a name where a word in
the middle of a sentence begins with a capital letter, the pairs are two halves of a quote, or of two; questions ask for
a word of their quote, and what is written or answered in a dialogue is its second half. Models that write are new ones
of four layers, whose start is made here. `--busy` is for a
machine that does other work beside it: one thread, and its processor time in place of the clock, in the forecast and in
the work.

    python benchmarks/forecast.py --rows 400 800
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from oreline import memory

CASES: dict[str, dict[str, Any]] = {
    "full": {"task": "text_classification", "method": "full"},
    "long": {"task": "text_classification", "method": "full", "data": "long", "train": {"max_tokens": 256}},
    "head": {"task": "text_classification", "method": "head"},
    "linear": {"task": "text_classification", "method": "linear"},
    "lora": {"task": "text_classification", "method": "lora"},
    "top2": {"task": "text_classification", "method": "full", "method_options": {"freeze_layers": 4}},
    "checkpointing": {"task": "text_classification", "method": "full", "train": {"gradient_checkpointing": True}},
    "contrastive": {"task": "text_classification", "method": "contrastive"},
    "token_classification": {"task": "token_classification", "method": "full"},
    "pair": {"task": "pair", "method": "full"},
    "embedding": {"task": "embedding", "method": "pairs"},
    "question_answering": {"task": "question_answering", "method": "full"},
    "seq2seq": {"task": "seq2seq", "method": "full"},
    "chat": {"task": "chat", "method": "full"},
    "k_fold": {"task": "text_classification", "method": "k_fold", "method_options": {"folds": 3}},
    "muon": {"task": "text_classification", "method": "full", "train": {"optimizer": "muon"}},
    "multitask": {"tasks": ("text_classification", "token_classification")},
}
WRITERS = ("seq2seq", "chat")
"""Tasks that begin with a model that is made here."""
AFTER = {"full": "evaluate", "lora": "merge"}
"""Verbs that are forecast and done with what a case made."""
EPOCHS, SEED = 2.0, 0


def main() -> None:
    """Print forecast, actual and ratio of every case and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[400, 800], help="training rows")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--start", default="catalog:minilm-l6-en")
    parser.add_argument("--busy", action="store_true", help="count processor time, on one thread")
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.child:
        print(json.dumps(run_child(json.loads(given.child))))
        return
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for kind in WRITERS:
            make_writer(kind, Path(scratch) / kind)
        for rows in given.rows:
            data = datasets(rows, Path(scratch) / str(rows))
            for case in given.cases:
                found += measured(case, rows, data, given, Path(scratch))
    if given.json:
        given.json.write_text(json.dumps({"load": os.getloadavg(), "runs": found}, indent=2), encoding="utf-8")


def measured(
    case: str, rows: int, data: dict[str, str], given: argparse.Namespace, scratch: Path
) -> list[dict[str, Any]]:
    """Forecast and do a case, and the verb that follows it, and print a line for each."""
    described = dict(CASES[case])
    train = {"epochs": EPOCHS, **described.pop("train", {})}
    out = str(scratch / f"{case}-{rows}")
    train |= {"threads": 1} if given.busy else {}
    if names := described.pop("tasks", None):
        options = {"tasks": {name: {"data": data[name], "task": name} for name in names}, "alone": False}
        jobs = [("multitask", {**options, "start": given.start, "train": train}, out)]
    else:
        used = data[described.pop("data", described["task"])]
        start = str(scratch / described["task"]) if described["task"] in WRITERS else given.start
        jobs = [("finetune", {**described, "start": start, "data": used, "train": train}, out)]
    if after := AFTER.get(case):
        its = {"model": out, "data": used} if after == "evaluate" else {"model": out}
        jobs.append((after, its, f"{out}-{after}" if after == "merge" else None))
    found = []
    for verb, its, place in jobs:
        job = {"verb": verb, "options": its, "out": place, "busy": given.busy}
        told, took = (child({**job, "do": what}) for what in ("forecast", "work"))
        found.append({"case": case, "verb": verb, "rows": rows, "forecast": told, "actual": took})
        print(line(found[-1]), flush=True)
    return found


def line(found: dict[str, Any]) -> str:
    """Return one row of the table."""
    told, took = found["forecast"], found["actual"]
    cells = [found["case"], found["verb"], f"{found['rows']:,}"]
    for name, unit in (("s", 1.0), ("bytes", 2.0**20)):
        ratio = told[name] / took[name] if told[name] else float("nan")
        cells += [f"{told[name] / unit:,.1f}", f"{took[name] / unit:,.1f}", f"{ratio:.2f}"]
    return "| " + " | ".join(cells) + " |"


def child(job: dict[str, Any]) -> dict[str, float]:
    """Run a job in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps(job)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"} if job["busy"] else None
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_child(job: dict[str, Any]) -> dict[str, float]:
    """Forecast a verb or do it."""
    if job["busy"]:
        time.perf_counter = time.process_time
    import oreline as ore
    from oreline.api.plan import estimate

    for package in (
        "train.finetune",
        "train.encoder",
        "train.merge",
        "train.linear",
        "train.multitask",
        "evaluate.evaluate",
        "runtime.torch",
    ):
        importlib.import_module(f"oreline.{package}")
    if job["do"] == "forecast":
        found = estimate(job["verb"], job["options"], SEED)
        seconds = sum(found.seconds) / 2 if found.seconds else 0.0
        return {"s": seconds, "bytes": float(found.memory_bytes or 0)}
    given = {**job["options"], **({"out": job["out"]} if job["out"] else {})}
    begun = time.perf_counter()
    getattr(ore, job["verb"])(**given)
    return {"s": time.perf_counter() - begun, "bytes": float(peak_bytes())}


def peak_bytes() -> int:
    """Return the most that torch allocated on a GPU, or that this process held."""
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else memory.peak_bytes()


def datasets(rows: int, folder: Path) -> dict[str, str]:
    """Write one dataset for each task, with a quarter as many rows for dev and for test; returns their folders."""
    import oreline as ore
    from oreline.data.sources import frames

    frame = next(iter(frames("catalog:rotten-tomatoes", rows=8 * rows)))
    frame = frame.filter(frame["text"].str.contains(" "))
    texts, labels = frame["text"].to_list(), frame["category"].to_list()
    halves = [text.split() for text in texts]
    places = range(len(halves))
    starts = [" ".join(words[: len(words) // 2]) for words in halves]
    ends = [" ".join(words[len(words) // 2 :]) for words in halves]
    columns: dict[str, dict[str, Any]] = {
        "text_classification": {"text": texts, "label": labels},
        "long": {"text": [" ".join(texts[p : p + 1 + p % 20]) for p in places], "label": labels},
        "token_classification": {"text": halves, "tags": [tags(words) for words in halves]},
        "pair": {
            "text": starts,
            "text_pair": [ends[place - place % 2] for place in places],
            "label": ["one" if place % 2 == 0 else "two" for place in places],
        },
        "embedding": {"text": starts, "text_pair": ends},
        "question_answering": {
            "text": [f"which word comes after {words[len(words) // 2 - 1]}" for words in halves],
            "text_pair": texts,
            "answers": [[words[len(words) // 2]] for words in halves],
        },
        "seq2seq": {"text": starts, "target_text": ends},
        "chat": {"messages": [[said("user", start), said("assistant", end)] for start, end in zip(starts, ends)]},
    }
    found = {}
    for task, given in columns.items():
        parts = {"train": (0, rows), "dev": (rows, rows + rows // 4), "test": (rows + rows // 4, rows + rows // 2)}
        sources = {name: {key: values[a:b] for key, values in given.items()} for name, (a, b) in parts.items()}
        found[task] = str(ore.refine(sources, split={}, out=folder / task, seed=SEED).path)
    return found


def said(role: str, content: str) -> dict[str, str]:
    """Return a message."""
    return {"role": role, "content": content}


def make_writer(kind: str, folder: Path) -> None:
    """Write a start model of random weights that writes: a T5 for `seq2seq`, a Llama for `chat`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

    from oreline.data.sources import frames

    texts = next(iter(frames("catalog:rotten-tomatoes", rows=4000)))["text"].to_list()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "</s>", "<s>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=8000, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    torch.manual_seed(SEED)
    if kind == "seq2seq":
        tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
        sizes = {"d_model": 256, "d_kv": 32, "d_ff": 1024, "num_layers": 4, "num_heads": 8}
        config = T5Config(vocab_size=8000, decoder_start_token_id=0, **sizes)
        model: Any = T5ForConditionalGeneration(config)
    else:
        sizes = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 8}
        ids = {"bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0}
        model = LlamaForCausalLM(LlamaConfig(vocab_size=8000, max_position_embeddings=512, **ids, **sizes))
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")


def tags(words: list[str]) -> list[str]:
    """Return a tag for each word: a name where a word after the first begins with a capital letter."""
    named = [place > 0 and word[:1].isupper() for place, word in enumerate(words)]
    return [
        "O" if not is_name else "I-NAME" if place and named[place - 1] else "B-NAME"
        for place, is_name in enumerate(named)
    ]


if __name__ == "__main__":
    main()

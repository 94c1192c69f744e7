"""Translation from nothing: a small T5 on pairs of sentences, this package beside transformers' Seq2SeqTrainer.

Both begin with the same random weights and the same vocabulary, learn the same rows for as many epochs at the same peak
rate, 32 rows a step, in fp32, and answer the same test rows greedily; sacrebleu counts both. A model this small learns
little of a language; what is compared is whether it learns the same, and in what time. Each run is a process of its
own, in turn. `answer_s` is the time to answer the test rows with the trained model.

The data is a JSON Lines file of `source` and `target`, in a folder `tatoeba_en_zh`:

    python benchmarks/seq2seq.py --data DIR --rows 4000 --epochs 3
    python benchmarks/seq2seq.py --data DIR --quick
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PEERS = ("oreline", "trainer")
LEARNING_RATE = 1e-3
VOCABULARY = 4000


def main() -> None:
    """Run both in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of the data (ORELINE_DATA)")
    parser.add_argument("--rows", type=int, default=4000, help="training rows")
    parser.add_argument("--test-rows", type=int, default=200)
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--quick", action="store_true", help="300 rows, one epoch, 40 test rows: does it run?")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--json", type=Path, help="write the measurements there too")
    parser.add_argument("--child", nargs=2, metavar=("PEER", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.quick:
        given.rows, given.test_rows, given.epochs = 300, 40, 1.0
    os.environ["HF_HUB_OFFLINE"] = "1"
    if given.child:
        run = run_oreline if given.child[0] == "oreline" else run_trainer
        print(json.dumps(run(Path(given.child[1]), given.epochs)))
        return
    if given.data is None or not Path(given.data, "tatoeba_en_zh").is_dir():
        print("skipped: no data (--data DIR or ORELINE_DATA)", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(given.data), Path(folder), given)
        found = {}
        for peer in given.peers:
            command = [sys.executable, __file__, "--child", peer, folder, "--epochs", str(given.epochs)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            found[peer] = json.loads(done.stdout.splitlines()[-1])
            print(f"{peer:8}  " + "  ".join(f"{name} {value:.2f}" for name, value in found[peer].items()), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


def prepare(data: Path, folder: Path, given: argparse.Namespace) -> None:
    """Draw the rows, train a vocabulary on those of train, and write a model of random weights."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import T5Config, T5ForConditionalGeneration

    [file] = data.joinpath("tatoeba_en_zh").glob("*.jsonl")
    pairs = {row["source"]: row["target"] for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())}
    drawn = random.Random(0).sample(sorted(pairs.items()), given.rows + given.test_rows)
    parts = {"train": drawn[: given.rows], "test": drawn[given.rows :]}
    for name, rows in parts.items():
        lines = [json.dumps({"text": text, "target_text": target}, ensure_ascii=False) for text, target in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator([text for row in parts["train"] for text in row], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    torch.manual_seed(0)
    sizes = {"d_model": 128, "d_kv": 32, "d_ff": 256, "num_layers": 3, "num_heads": 4}
    config = T5Config(vocab_size=tokenizer.get_vocab_size(), decoder_start_token_id=0, **sizes)
    T5ForConditionalGeneration(config).save_pretrained(folder / "start")
    tokenizer.save(str(folder / "start" / "tokenizer.json"))


def run_oreline(folder: Path, epochs: float) -> dict[str, float]:
    """Fine-tune and answer with this package."""
    import oreline as ore

    data = ore.refine(str(folder / "train.jsonl"), operators=[], split={}, out=folder / "data")
    train = {"epochs": epochs, "learning_rate": LEARNING_RATE, "max_tokens": 64, "precision": "fp32"}
    train["generation"] = {"max_new_tokens": 32}
    start = time.perf_counter()
    model = ore.finetune(str(folder / "start"), data, task="seq2seq", method="full", train=train, out=folder / "model")
    train_s = json.loads((model.path / "measurements.json").read_text())["train_s"]
    whole_s = time.perf_counter() - start
    rows = read(folder / "test.jsonl")
    runtime = ore.load(model)
    start = time.perf_counter()
    written = runtime.task.predicted(runtime.predict({"text": rows["text"]}).outputs["scores"])
    answer_s = time.perf_counter() - start
    measured = {"train_s": train_s, "with_artifact_s": whole_s, "answer_s": answer_s}
    return {**measured, **scores(written.tolist(), rows["target_text"])}


def run_trainer(folder: Path, epochs: float) -> dict[str, float]:
    """Fine-tune and answer with transformers' Seq2SeqTrainer."""
    from transformers import (
        DataCollatorForSeq2Seq,
        PreTrainedTokenizerFast,
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        T5ForConditionalGeneration,
    )

    model = T5ForConditionalGeneration.from_pretrained(folder / "start")
    file = str(folder / "start" / "tokenizer.json")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=file, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    parts = {}
    for name in ("train", "test"):
        rows = read(folder / f"{name}.jsonl")
        read_ids, written_ids = (
            tokenizer(rows[role], truncation=True, max_length=limit)["input_ids"]
            for role, limit in (("text", 64), ("target_text", 32))
        )
        parts[name] = [{"input_ids": ids, "labels": labels} for ids, labels in zip(read_ids, written_ids, strict=True)]
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(folder / "trainer"), num_train_epochs=epochs, learning_rate=LEARNING_RATE, warmup_steps=0.1,
        per_device_train_batch_size=32, per_device_eval_batch_size=64, weight_decay=0.01, predict_with_generate=True,
        generation_max_length=33, save_strategy="no", report_to=[], disable_tqdm=True, seed=0,
    )  # fmt: skip
    collator = DataCollatorForSeq2Seq(tokenizer, model=model)
    trainer = Seq2SeqTrainer(model=model, args=arguments, train_dataset=parts["train"], data_collator=collator)
    start = time.perf_counter()
    trainer.train()
    train_s = time.perf_counter() - start
    start = time.perf_counter()
    predicted: Any = trainer.predict(parts["test"]).predictions
    answer_s = time.perf_counter() - start
    written = tokenizer.batch_decode(np.where(predicted < 0, 0, predicted), skip_special_tokens=True)
    return {"train_s": train_s, "answer_s": answer_s, **scores(written, read(folder / "test.jsonl")["target_text"])}


def scores(written: list[str], true: list[str]) -> dict[str, float]:
    """Return chrF and BLEU of the answers, by sacrebleu, Chinese by its tokenizer."""
    from sacrebleu import corpus_bleu, corpus_chrf

    return {
        "chrf": corpus_chrf(written, [true]).score,
        "bleu": corpus_bleu(written, [true], tokenize="zh").score,
        "mean_characters": float(np.mean([len(text) for text in written])),
    }


def read(file: Path) -> dict[str, list[str]]:
    """Return the columns of a file."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {role: [row[role] for row in rows] for role in ("text", "target_text")}


if __name__ == "__main__":
    main()

"""Small real components for the tests: a tiny start model, a tiny corpus. Nothing is fetched."""

from __future__ import annotations

import fcntl
import gc
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import HealthCheck, settings
from tests.film_words import BAD, FILLER, GOOD

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Collect without looking for garbage: millions of objects that all stay are not walked again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, Any, Any]:
    """Look for examples in docstrings below `src` only: tests have none."""
    found = yield
    return [collector for collector in found if not isinstance(collector, DoctestModule)]


def make_reviews(rows: int, seed: int = 0) -> list[dict[str, str]]:
    """Return reviews whose words decide the label, with a `movie` to group by and a `day` to order by."""
    source = random.Random(seed)
    reviews = []
    for number in range(rows):
        good = source.random() < 0.55
        words = source.choices(FILLER, k=source.randint(4, 18)) + source.choices(GOOD if good else BAD, k=2)
        source.shuffle(words)
        reviews.append(
            {
                "text": f"{' '.join(words)} {number}",
                "label": "fresh" if good else "rotten",
                "movie": f"movie {number % max(rows // 8, 2)}",
                "day": f"2026-01-{number % 28 + 1:02d}",
            }
        )
    return reviews


@pytest.fixture(scope="session")
def warm() -> Iterator[list[str]]:
    """The command that stands for `python` in a process of its own, where torch is imported already."""
    program = Path(__file__).with_name("warm.py")
    with tempfile.TemporaryDirectory(prefix="warm") as folder:  # a short path: a socket's has a limit
        path = Path(folder) / "socket"
        command = [sys.executable, str(program), "serve", str(path)]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        while not path.exists():
            assert server.poll() is None, "what warm.py imports cannot be imported"
            time.sleep(0.05)
        yield [sys.executable, "-IS", str(program), "run", str(path)]
        server.communicate()  # the end of its input ends it


@pytest.fixture(scope="session")
def reviews_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 400 reviews: text, label, movie, day."""
    import csv

    file = tmp_path_factory.mktemp("raw") / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["text", "label", "movie", "day"])
        writer.writeheader()
        writer.writerows(make_reviews(400))
    return file


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Path:
    """Return a folder that appears complete, made by the first test process that needs it; the others wait for it."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / name).exists():
            make(base / name)
    return base / name


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"this machine does not let us mount a tmpfs: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def make_encoder(folder: Path, layers: int) -> Path:
    """Write a start model in Hugging Face layout: 32 wide, random weights, its own WordPiece vocabulary."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    words = [*GOOD, *BAD, *FILLER]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*specials, *words, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": layers, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=128, **sizes)).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 128,'
        ' "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}'
    )
    return folder


@pytest.fixture(scope="session")
def tiny_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A start model of two layers."""
    return make_encoder(tmp_path_factory.mktemp("start") / "tiny", layers=2)


@pytest.fixture(scope="session")
def shallow_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A start model of one layer, for what is exported: tracing takes seconds for each layer."""
    return make_encoder(tmp_path_factory.mktemp("start") / "shallow", layers=1)


@pytest.fixture(scope="session")
def reviews(reviews_csv: Path, tmp_path_factory: pytest.TempPathFactory):
    """The reviews as a refined dataset with train, dev and test, grouped by movie."""
    from oreline import registry
    from oreline.data.refine import refine

    names = ["normalize_text", "drop_empty", "keep_length", "dedup_exact", "resolve_label_conflicts"]
    return refine(
        str(reviews_csv),
        roles={"group": "movie"},
        operators=[(name, registry.create("operator", name)) for name in names],
        split={"train": 0.7, "dev": 0.15, "test": 0.15},
        out=tmp_path_factory.mktemp("refined") / "reviews",
        seed=1,
    )


def make_verdicts(rows: int, seed: int = 0) -> dict[str, list[str]]:
    """Return texts with one telling word, and for each a text of three words that names it."""
    source = random.Random(seed)
    made: dict[str, list[str]] = {"text": [], "target_text": []}
    for _ in range(rows):
        told = source.choice([*GOOD, *BAD])
        words = [*source.choices(FILLER, k=source.randint(2, 6)), told]
        source.shuffle(words)
        made["text"].append(" ".join(words))
        made["target_text"].append(f"a {told} film")
    return made


def save_writer(model, tokenizer, folder: Path) -> Path:
    """Write a model that writes, as a start folder."""
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 of two layers with random weights, and its own unigram vocabulary of English words and some Chinese."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator([" ".join([*GOOD, *BAD, *FILLER]), "这部电影很好看", "012345678 9.,!"] * 20, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    torch.manual_seed(0)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0}
    config = T5Config(vocab_size=tokenizer.get_vocab_size(), decoder_start_token_id=0, **sizes)
    return save_writer(T5ForConditionalGeneration(config), tokenizer, tmp_path_factory.mktemp("t5") / "tiny")


@pytest.fixture(scope="session")
def tiny_bart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BART of two layers with random weights, 64 positions, and a byte-level vocabulary like its own."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "<pad>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([" ".join([*GOOD, *BAD, *FILLER])] * 20, trainer)
    specials = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=specials)
    torch.manual_seed(0)
    layers = {"encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
    config = BartConfig(
        vocab_size=tokenizer.get_vocab_size(), d_model=32, max_position_embeddings=64, **layers, **heads
    )
    return save_writer(BartForConditionalGeneration(config), tokenizer, tmp_path_factory.mktemp("bart") / "tiny")


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory):
    """Texts answered with texts, as a refined dataset with train, dev and test."""
    import oreline as ore

    return ore.refine(make_verdicts(300), out=tmp_path_factory.mktemp("verdicts") / "data")


@pytest.fixture(scope="session")
def writer_model(verdicts, tiny_t5: Path, tmp_path_factory: pytest.TempPathFactory):
    """A small T5, fully fine-tuned on the verdicts."""
    import oreline as ore

    train = {"epochs": 6, "learning_rate": 1.5e-2, "rows_per_step": 16, "threads": 1, "precision": "fp32"}
    given = {"task": "seq2seq", "method": "full", "train": train}
    folder = made_once(tmp_path_factory, "writer", lambda out: ore.finetune(str(tiny_t5), verdicts, **given, out=out))
    return ore.Artifact.open(folder)


COLOURS = {"apple": "red", "sky": "blue", "grass": "green", "sun": "yellow"}


def make_chats(rows: int, seed: int = 0) -> list[dict]:
    """Return dialogues of two questions in ShareGPT's form; the second one can be answered from its own words."""
    source = random.Random(seed)
    made = []
    for number in range(rows):
        first, second = source.choices(list(COLOURS), k=2)
        turns = [
            ("human", f"what is the colour of the {first} {number}"),
            ("gpt", f"it is {COLOURS[first]}"),
            ("human", f"and the {second}"),
            ("gpt", COLOURS[second]),
        ]
        made.append({"conversations": [{"from": who, "value": said} for who, said in turns]})
    return made


def chat_tokenizer():
    """Return a byte-level tokenizer with the special tokens of ChatML, and those of Llama beside them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    words = ["user", "assistant", "system", "what is the colour of the", "and", *COLOURS, *COLOURS.values()]
    tokenizer.train_from_iterator([" ".join(["it is", *words, *GOOD, *BAD, *FILLER])] * 20, trainer)
    return tokenizer


def make_causal(kind: str, folder: Path, *, width: int = 48) -> Path:
    """Write a causal language model of two layers with random weights: `llama`, `qwen3` or `gpt2`."""
    import json

    import torch
    from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen3Config

    tokenizer = chat_tokenizer()
    torch.manual_seed(0)
    size = {"vocab_size": tokenizer.get_vocab_size(), "bos_token_id": 0, "eos_token_id": 1}
    layers = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2, "num_attention_heads": 4}
    grouped = {**layers, "num_key_value_heads": 2, "max_position_embeddings": 128}
    config = {
        "llama": lambda: LlamaConfig(**size, **grouped),
        "qwen3": lambda: Qwen3Config(**size, **grouped, head_dim=width // 4),
        "gpt2": lambda: GPT2Config(**size, n_embd=width, n_layer=2, n_head=4, n_positions=128),
    }[kind]()
    save_writer(AutoModelForCausalLM.from_config(config), tokenizer, folder)
    names = {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def causal_start(tmp_path_factory: pytest.TempPathFactory):
    """A function that returns the folder of a tiny causal language model of some kind, made once."""
    import functools

    return functools.cache(lambda kind: make_causal(kind, tmp_path_factory.mktemp(kind) / "tiny"))


@pytest.fixture(scope="session")
def tiny_llama(causal_start) -> Path:
    """A Llama of two layers with random weights and a tokenizer that knows ChatML."""
    return causal_start("llama")


@pytest.fixture(scope="session")
def chats(tmp_path_factory: pytest.TempPathFactory):
    """Dialogues as a refined dataset with train, dev and test."""
    import oreline as ore

    return ore.refine(make_chats(260), out=tmp_path_factory.mktemp("chats") / "data")


@pytest.fixture(scope="session")
def chat_model(chats, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory):
    """A small Llama, fully fine-tuned on the dialogues until it answers them and stops by itself."""
    import oreline as ore

    train = {"epochs": 10, "learning_rate": 5e-3, "rows_per_step": 16, "threads": 1, "max_tokens": 128, "patience": 30}
    given = {"task": "chat", "method": "full", "train": train}
    folder = made_once(tmp_path_factory, "chat", lambda out: ore.finetune(str(tiny_llama), chats, **given, out=out))
    return ore.Artifact.open(folder)


@pytest.fixture(scope="session")
def linear_model(reviews, tmp_path_factory: pytest.TempPathFactory):
    """A linear artifact trained on the reviews."""
    from oreline.evaluate.estimates import point_values
    from oreline.train.finetune import finetune

    out = tmp_path_factory.mktemp("linear") / "model"
    return finetune(None, reviews, task="text_classification", method="linear", out=out, score=point_values)


def finetune_encoder(start: Path, reviews, out: Path):
    """Fine-tune a small encoder on the reviews, all of it, until it knows their words."""
    from oreline.evaluate.estimates import point_values
    from oreline.recipe import TrainOptions
    from oreline.train.finetune import finetune

    return finetune(
        start,
        reviews,
        task="text_classification",
        method="full",
        method_options={"pooling": "mean"},
        options=TrainOptions(epochs=6, learning_rate=5e-3, threads=1),
        out=out,
        score=point_values,
    )


@pytest.fixture(scope="session")
def torch_model(reviews, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory):
    """A small encoder, fully fine-tuned on the reviews."""
    return finetune_encoder(tiny_start, reviews, tmp_path_factory.mktemp("torch") / "model")


@pytest.fixture(scope="session")
def export_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """A function in place of `export` that exports a model once and then copies the graph: exporting takes seconds."""
    from oreline.compress.export import export

    folder, made = tmp_path_factory.mktemp("exported"), {}

    def exported(artifact, file: Path, *, attention: str) -> None:
        key = (artifact.id, attention)
        if key not in made:
            export(artifact, folder / f"{len(made)}.onnx", attention=attention)
            made[key] = folder / f"{len(made)}.onnx"
        shutil.copyfile(made[key], file)

    return exported


@pytest.fixture(scope="session")
def triple_models(tiny_start: Path, tmp_path_factory: pytest.TempPathFactory):
    """A tagger that finds great ones (PER) and dull ones (ORG), and a model of their relations, told by one word.

    In "the great with dull", PER works_for ORG; with "of" PER owns ORG; with "and" there is no relation.
    """
    import oreline as ore

    folder, source = tmp_path_factory.mktemp("triples"), random.Random(0)
    tagged, related = [], []
    for number in range(300):
        words = [source.choice(FILLER), source.choice(GOOD), source.choice(["with", "of", "and"]), source.choice(BAD)]
        label = {"with": "works_for", "of": "owns", "and": "no_relation"}[words[2]]
        tagged.append({"tokens": [*words, str(number)], "tags": ["O", "B-PER", "O", "B-ORG", "O"]})
        related.append({"tokens": [*words, str(number)], "head": [1, 2, "PER"], "tail": [3, 4, "ORG"], "label": label})
    train = {"epochs": 4, "learning_rate": 5e-3, "threads": 1}
    data = ore.refine({name: [row[name] for row in tagged] for name in tagged[0]}, out=folder / "tagged")
    ner = ore.finetune(tiny_start, data, task="token_classification", method="full", train=train, out=folder / "ner")
    data = ore.refine({name: [row[name] for row in related] for name in related[0]}, out=folder / "related")
    relations = ore.finetune(None, data, task="relation", method="linear", out=folder / "relations")
    return ner, relations

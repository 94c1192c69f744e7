"""Small real components for the tests: a tiny start model, a tiny corpus. Nothing is fetched."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

GOOD = ["great", "wonderful", "moving", "funny", "brilliant", "charming", "delightful", "superb", "warm", "clever"]
BAD = ["awful", "boring", "dull", "terrible", "clumsy", "tedious", "lifeless", "poor", "weak", "silly"]
FILLER = [
    "the",
    "film",
    "a",
    "movie",
    "story",
    "plot",
    "actor",
    "scene",
    "with",
    "and",
    "of",
    "in",
    "its",
    "very",
    "quite",
    "this",
    "that",
]


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
def reviews_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 400 reviews: text, label, movie, day."""
    import csv

    file = tmp_path_factory.mktemp("raw") / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["text", "label", "movie", "day"])
        writer.writeheader()
        writer.writerows(make_reviews(400))
    return file


@pytest.fixture(scope="session")
def tiny_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A start model in Hugging Face layout: 2 layers, 32 wide, random weights, its own WordPiece vocabulary."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    words = [*GOOD, *BAD, *FILLER]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *words,
        *letters,
        *(f"##{letter}" for letter in letters),
    ]
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
    model = BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=128,
        )
    )
    folder = tmp_path_factory.mktemp("start") / "tiny"
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 128,'
        ' "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}'
    )
    return folder


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


@pytest.fixture(scope="session")
def linear_model(reviews, tmp_path_factory: pytest.TempPathFactory):
    """A linear artifact trained on the reviews."""
    from oreline.evaluate.estimates import point_values
    from oreline.train.finetune import finetune

    out = tmp_path_factory.mktemp("linear") / "model"
    return finetune(None, reviews, task="text_classification", method="linear", out=out, score=point_values)


@pytest.fixture(scope="session")
def torch_model(reviews, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory):
    """A small encoder, fully fine-tuned on the reviews."""
    from oreline.evaluate.estimates import point_values
    from oreline.recipe import TrainOptions
    from oreline.train.finetune import finetune

    return finetune(
        tiny_start,
        reviews,
        task="text_classification",
        method="full",
        method_options={"pooling": "mean"},
        options=TrainOptions(epochs=6, learning_rate=5e-3, threads=1),
        out=tmp_path_factory.mktemp("torch") / "model",
        score=point_values,
    )


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

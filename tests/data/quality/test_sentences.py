"""Sentences of many texts at once, against the count line by line."""

from __future__ import annotations

import random

from oreline.data.quality.c4 import LineRules
from oreline.data.quality.sentences import num_sentences
from oreline.data.quality.tokens import Tokens

PARTS = [
    "It rained.",
    "so",
    'he said "no!"',
    "we left",
    "then...",
    "ok?",
    "\n",
    "end.')",
    "a.b",
    "(see.)",
    "…",
    "3.5",
    ")",
    "x" * 1001,
    "’",
    "!?",
]


def test_it_equals_the_count_line_by_line():
    draw = random.Random(0)
    texts = ["", "\n", *(" ".join(draw.choices(PARTS, k=draw.randint(1, 25))) for _ in range(300))]
    found = num_sentences(Tokens(texts, chinese=False)).tolist()
    assert found == [LineRules().num_sentences(text, "en") for text in texts]
    assert len(set(found)) > 5

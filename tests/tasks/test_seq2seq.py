"""What an encoder–decoder model reads and writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.models.tokenizing import tokenizer
from oreline.tasks.seq2seq import Task


@pytest.mark.parametrize("start", ["tiny_t5", "tiny_bart"])
def test_answers_end_with_the_end_token_once(start: str, request: pytest.FixtureRequest):
    folder: Path = request.getfixturevalue(start)
    opened = tokenizer(folder)
    end = opened.token_to_id("</s>")
    found = Task().pieces({"text": ["a dull film", "great"]}, ["dull", "a great film"], opened, 20, end)
    assert [target.tolist().count(end) for target in found.targets] == [1, 1]
    assert all(target[-1] == end for target in found.targets)
    assert [opened.decode(target.tolist()).strip() for target in found.targets] == ["dull", "a great film"]
    assert found.num_cut == 0
    assert found.encoded.ids[0].tolist() == opened.encode("a dull film").ids


def test_long_answers_are_cut_and_still_end(tiny_t5: Path):
    opened = tokenizer(tiny_t5)
    found = Task(generation={"max_new_tokens": 4}).pieces({"text": ["a"]}, ["a dull film " * 5], opened, 20, 1)
    assert len(found.targets[0]) == 4
    assert found.targets[0][-1] == 1
    assert found.num_cut == 1


def test_a_tokenizer_that_adds_no_end_is_helped(tiny_t5: Path):
    from tokenizers import processors

    opened = tokenizer(tiny_t5)
    opened.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    [target] = Task().pieces({"text": ["a"]}, ["dull"], opened, 3, 1).targets
    assert target[-1] == 1
    assert len(target) <= 3

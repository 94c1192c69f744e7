"""Relations: the marks that the model reads, long texts, the negative class, rows that cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from oreline.errors import DataError
from oreline.tasks.relation import MARKS, Task, kept_tokens, marks_for

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "@", "#", "*", "^", "per", "ann", "works", "for", "acme", "far", "x", "z"]


def tokenizer(*without: str) -> Tokenizer:
    pieces = [piece for piece in PIECES if piece not in without]
    made = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def read(text: str, max_tokens: int = 64) -> str:
    made = tokenizer()
    encoded = Task(labels=["a", "b"]).encode({"text": [text]}, made, max_tokens)
    return made.decode(encoded.ids[0].tolist(), skip_special_tokens=False)


def test_the_model_reads_marks_in_punctuation_with_types() -> None:
    assert read("<e1:PER>Ann</e1> works for <e2>Acme</e2>") == "[CLS] @ * per * ann @ works for # acme # [SEP]"
    assert read("<e2>Acme</e2> for <e1>Ann</e1>") == "[CLS] # acme # for @ ann @ [SEP]"
    assert read("<e1>Ann <e2>works</e2></e1> for") == "[CLS] @ ann # works # @ for [SEP]"


def test_entities_stay_where_a_text_is_cut() -> None:
    far = "far " * 50
    assert read(f"{far}<e1>Ann</e1> works for <e2>Acme</e2> {far}", 14).count("@") == 2
    apart = read(f"<e1>Ann</e1> {far} <e2>Acme</e2>", 14)
    assert apart.startswith("[CLS] @ ann @ far")
    assert apart.endswith("far # acme # [SEP]")
    encoded = Task(labels=["a", "b"]).encode({"text": [f"<e1>Ann</e1> {far} <e2>Acme</e2>"]}, tokenizer(), 14)
    assert encoded.truncated_N.tolist() == [True]
    assert len(encoded.ids[0]) == 14


@pytest.mark.parametrize("max_tokens", [64, 14, 6, 3])
def test_the_opening_marks_are_what_is_read(max_tokens: int) -> None:
    made, far = tokenizer(), "far " * 50
    texts = [
        "<e1:PER>Ann</e1> works for <e2>Acme</e2>",
        f"{far}<e2>Acme</e2> for <e1>Ann</e1>",
        f"<e1>Ann</e1> {far} <e2>Acme</e2>",
        f"{far} <e2>Acme <e1>Ann</e1></e2> {far}",
    ]
    encoded = Task(labels=["a", "b"]).encode({"text": texts}, made, max_tokens)
    for ids, places in zip(encoded.ids, encoded.places):
        assert len(ids) <= max_tokens
        read = [made.id_to_token(int(ids[place])) for place in places]
        assert read in ([["@", "#"]] if max_tokens >= 14 else [["@", "#"], ["@", "[CLS]"], ["[CLS]", "#"]])


@given(st.integers(1, 60), st.integers(4, 40), st.data())
def test_as_many_tokens_are_kept_as_fit_and_the_spans_among_them(
    num_tokens: int, room: int, data: st.DataObject
) -> None:
    spans = []
    for _ in range(2):
        start = data.draw(st.integers(0, num_tokens - 1))
        spans.append((start, data.draw(st.integers(start + 1, min(start + 3, num_tokens)))))
    kept = kept_tokens(spans, num_tokens, room)
    assert kept == sorted(set(kept))
    assert len(kept) <= min(room, num_tokens)
    assert set(kept) <= set(range(num_tokens))
    if room >= 6:
        assert all(place in kept for start, end in spans for place in range(start, end))
    if num_tokens <= room:
        assert len(kept) == num_tokens


def test_marks_that_the_tokenizer_does_not_know_give_way_to_others() -> None:
    assert marks_for(tokenizer()) == MARKS
    assert marks_for(tokenizer("#", "*")) == ("@", "^", "x", "z")
    assert len(marks_for(tokenizer("@", "#", "*", "^", "x", "z"))) == 4


def test_the_negative_class_is_found_by_its_name_or_named() -> None:
    assert Task.options_from(["NA", "owns"])["negative"] == "NA"
    assert Task.options_from(["owns", "works_for"])["negative"] is None
    assert Task.options_from(["Other", "no_relation"])["negative"] == "no_relation"
    assert Task(labels=["0", "1"], negative="0").options == {"labels": ["0", "1"], "negative": "0"}
    fitted = {"temperature": 1.5, "reject": {"rejector": "softmax", "options": {"label": "2"}}}
    assert Task(labels=["0", "1", "2"], **fitted).options["temperature"] == 1.5
    with pytest.raises(DataError, match="no row has the label 'nix'"):
        Task(labels=["0", "1"], negative="nix")


def test_rows_with_places_are_read_as_marked_ones() -> None:
    task = Task(labels=["a", "b"])
    row = {"text": "Ann works for Acme", "head": [0, 3, "PER"], "tail": "Acme"}
    assert task.as_read(row)["text"] == "<e1:PER>Ann</e1> works for <e2>Acme</e2>"
    assert task.as_read({"text": "x"}) == {"text": "x"}
    with pytest.raises(DataError, match="occurs 0 times"):
        task.as_read({**row, "tail": "Rome", "row_id": "f:1"})


def test_a_text_without_marks_is_refused() -> None:
    task = Task(labels=["a", "b"])
    with pytest.raises(DataError, match="no relation can be told") as caught:
        task.encode({"text": ["<e1>a</e1> <e2>b</e2>", "plain"]}, tokenizer(), 16)
    assert caught.value.row == 1
    assert np.array_equal(task.encode({"text": []}, tokenizer(), 16).truncated_N, np.empty(0, bool))

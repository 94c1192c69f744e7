"""Gaps filled by a masked language model: as transformers does, words only, and only with a head."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertForMaskedLM

from oreline.errors import ArtifactError
from oreline.train.fill import GapFiller

GAPS = [("a ", " film"), ("", " film was great"), ("this was a great ", ""), ("a b " * 300, " film" * 300)]


@pytest.fixture(scope="module")
def masked(tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masked") / "model"
    shutil.copytree(tiny_start, folder)
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig.from_pretrained(tiny_start)).save_pretrained(folder)
    return folder


def test_it_says_what_transformers_says(masked: Path) -> None:
    filler = GapFiller(masked)
    found = filler.fill(GAPS, 5)
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(masked).eval(), AutoTokenizer.from_pretrained(masked)
    for (before, after), words in zip(GAPS[:3], found):
        ids = tokenizer(f"{before}[MASK]{after}", return_tensors="pt")
        place = int((ids["input_ids"][0] == tokenizer.convert_tokens_to_ids("[MASK]")).nonzero()[0])
        with torch.no_grad():
            shares = model(**ids).logits[0, place].softmax(dim=-1)
        assert len(words) == 5
        for word, share in words:
            assert word.isalpha()
            assert float(shares[tokenizer.convert_tokens_to_ids(word)]) == pytest.approx(share, rel=1e-4)
        assert [share for _, share in words] == sorted((share for _, share in words), reverse=True)
    assert len(found[3]) == 5, "a long text is read around its gap"
    assert [filler.fill([gap], 5)[0] for gap in GAPS] == [
        [(word, pytest.approx(share, rel=1e-4)) for word, share in words] for words in found
    ]
    assert filler.fill([], 5) == []


def test_an_encoder_without_a_head_is_refused(tiny_start: Path) -> None:
    with pytest.raises(ArtifactError, match="no masked-language head"):
        GapFiller(tiny_start)

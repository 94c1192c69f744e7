"""Words that a masked language model would put between two texts.

Shape suffixes: N gaps, B rows of one batch, T tokens, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oreline.errors import ArtifactError
from oreline.models.batch import make_batch
from oreline.models.load import HEAD, load_masked, max_positions
from oreline.models.tokenizing import tokenizer
from oreline.runtime.batching import CHUNK_ROWS, length_batches
from oreline.tasks.prompts import mask_id
from oreline.train.embed import MAX_TOKENS
from oreline.train.encoder import GPU_PREDICT_TOKENS, PREDICT_TOKENS
from oreline.train.precision import best_device

_LOOKED_AT = 8
"""Tokens that are looked at for each word that is wanted: some are parts of words, or marks."""
_BEGINS = ("Ġ", "▁")
"""What tokens that begin a word start with, in vocabularies that mark the beginning."""
_CONTINUES = "##"
"""Likewise in those that mark the rest."""


class GapFiller:
    """A masked language model that is asked for one word between two texts.

    Args:
        folder: a model folder in transformers' layout with its masked-language head, or what `pretrain` wrote.
        name: what the user calls it, where that is not the folder.

    Raises `ArtifactError` when the folder holds no such model, `UsageError` when its tokenizer has no mask token.
    """

    def __init__(self, folder: str | Path, name: str = "") -> None:
        place, name = Path(folder), name or str(folder)
        model = load_masked(place)
        body = f"{model.base_model_prefix}."
        if not (place / HEAD).is_file() and any(not name.startswith(body) for name in model.new_weights):
            raise ArtifactError(
                "the model has no masked-language head: it would fill gaps with anything",
                where=name,
                allowed="a folder saved from a …ForMaskedLM model, or one that oreline pretrain wrote",
                remedy=f"oreline pretrain DATA --start {name} --out DIR teaches it one",
            )
        self._device = best_device()
        self._model = model.to(self._device).eval()
        self._tokenizer = tokenizer(place)
        self._mask = mask_id(self._tokenizer)
        self._max_tokens = min(MAX_TOKENS, max_positions(model))
        self._pad_id = int(model.config.pad_token_id or 0)
        self._token_budget = PREDICT_TOKENS if self._device == "cpu" else GPU_PREDICT_TOKENS
        self._before, self._after = self._frame()
        self._words = self._vocabulary()
        self._marks_beginnings = any(begins for _, begins in self._words.values())

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        """Return for each gap the likeliest words, at most `top`, with their probabilities.

        Args:
            gaps: the text before each gap, and the text behind it; of long ones, what is next to the gap is read.
            top: words for each.
        """
        found: list[list[tuple[str, float]]] = [[] for _ in gaps]
        for start in range(0, len(gaps), CHUNK_ROWS):
            part = gaps[start : start + CHUNK_ROWS]
            rows, places = self._encoded(part)
            for batch in length_batches(np.asarray([len(row) for row in rows], np.int64), self._token_budget):
                shares, tokens = self._likeliest([rows[n] for n in batch], [places[n] for n in batch], top)
                for n, own_shares, own_tokens in zip(batch.tolist(), shares.tolist(), tokens.tolist()):
                    found[start + n] = self._named(part[n][0], own_tokens, own_shares)[:top]
        return found

    def _frame(self) -> tuple[list[int], list[int]]:
        """Return the special tokens before and behind a text."""
        plain = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        start = next((n for n in range(len(whole)) if whole[n : n + len(plain)] == plain), 0)
        return whole[:start], whole[start + len(plain) :]

    def _vocabulary(self) -> dict[int, tuple[str, bool]]:
        """Return the tokens that are words, and whether each is marked as the beginning of one."""
        found = {}
        for token, number in self._tokenizer.get_vocab(with_added_tokens=False).items():
            text = self._tokenizer.decode([number], skip_special_tokens=False).strip()
            if text and text.isalpha() and not token.startswith(_CONTINUES):
                found[number] = (text, token.startswith(_BEGINS))
        return found

    def _encoded(self, gaps: Sequence[tuple[str, str]]) -> tuple[list[NDArray[np.int32]], list[int]]:
        sides = [
            [encoding.ids for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]
            for texts in ([before.rstrip() for before, _ in gaps], [after for _, after in gaps])
        ]
        room = self._max_tokens - len(self._before) - len(self._after) - 1
        rows, places = [], []
        for before, after in zip(*sides):
            num_after = min(len(after), max(room // 2, room - len(before)))
            num_before = min(len(before), room - num_after)
            kept = before[len(before) - num_before :]
            rows.append(np.asarray([*self._before, *kept, self._mask, *after[:num_after], *self._after], np.int32))
            places.append(len(self._before) + num_before)
        return rows, places

    def _likeliest(self, rows: list[NDArray[np.int32]], places: list[int], top: int) -> tuple[Tensor, Tensor]:
        """Return the probabilities of the likeliest tokens at the masked places, and the tokens."""
        batch = make_batch(rows, self._pad_id, device=self._device)
        at = torch.arange(len(rows), device=self._device), torch.tensor(places, device=self._device)
        with torch.inference_mode():
            beside = [child for child in self._model.children() if child is not self._model.base_model]
            if len(beside) == 1:
                hidden_BTD = self._model.base_model(**batch.inputs()).last_hidden_state
                logits_BV: Any = beside[0](hidden_BTD[at])
            else:
                logits_BV = self._model(**batch.inputs()).logits[at]
            shares_BV = logits_BV.float().softmax(dim=-1)
            found = shares_BV.topk(min(top * _LOOKED_AT, shares_BV.shape[-1]), dim=-1)
        return found.values.cpu(), found.indices.cpu()

    def _named(self, before: str, tokens: Sequence[int], shares: Sequence[float]) -> list[tuple[str, float]]:
        """Return tokens as words, without those that would go on with the word before the gap."""
        begins = not before or before[-1].isspace()
        named = []
        for token, share in zip(tokens, shares):
            text, is_beginning = self._words.get(token, ("", False))
            if text and (not self._marks_beginnings or is_beginning == begins):
                named.append((text, share))
        return named

"""Write texts with transformers' own `generate`: greedily, by beams, or by samples that do not depend on the company.

Shape suffixes: B rows of one batch, A answers (some for each row), U tokens of an answer, V vocabulary.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from oreline.errors import ArtifactError, UsageError
from oreline.generation import Generation
from oreline.models.load import max_positions, quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEPT = (
    "decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id", "forced_bos_token_id",
    "forced_eos_token_id", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens",
)  # fmt: skip
"""What a start model's own settings say of its tokens; how texts are written is said by `Generation` alone."""


class Answer(NamedTuple):
    """One written answer."""

    ids: list[int]
    """Its tokens, the end token included where it was written."""
    log_probability: float
    """Mean over them, in nats."""


def keep_token_settings(model: Any) -> None:
    """Leave of a model's own settings for writing what is about its tokens (such as where a decoder starts)."""
    given = {name: getattr(model.generation_config, name, None) for name in _KEPT}
    given["decoder_start_token_id"] = given["decoder_start_token_id"] or getattr(
        model.config, "decoder_start_token_id", None
    )
    model.generation_config = GenerationConfig(**{name: value for name, value in given.items() if value is not None})


def keys_of(rows: Sequence[NDArray[np.int32]]) -> NDArray[np.uint64]:
    """Return a number for each row of ids, by which its samples are drawn: equal rows have equal ones, (B,)."""
    return np.asarray([zlib.crc32(row.tobytes()) for row in rows], dtype=np.uint64)


def sequences(
    model: Any,
    inputs: Mapping[str, Any],
    generation: Generation,
    keys_B: NDArray[np.uint64],
    *,
    end_ids: Sequence[int] | None = None,
    prompt_length: int = 1,
) -> list[list[list[int]]]:
    """Write answers to the rows of a batch; returns for each row the tokens of each of its answers.

    Args:
        model: a transformers model that can generate.
        inputs: what it is handed: ids and mask (prompts of a causal model padded on the left), or encoder outputs and
            mask.
        generation: how; `max_new_tokens` is set.
        keys_B: what a row's samples are drawn by, see `keys_of`.
        end_ids: tokens that end an answer; the model's own when not given.
        prompt_length: tokens at the front of what `generate` returns that are not the answer's: 1 for a decoder that
            has its own start token.

    An answer's tokens end with the end token, unless there was no room for it.
    """
    num_each = generation.num_answers
    # A copy in any case: `generate` repeats encoder outputs for its beams in place.
    inputs = {name: repeated(value, num_each if generation.samples else 1) for name, value in inputs.items()}
    settings = GenerationConfig(
        max_new_tokens=generation.max_new_tokens,
        do_sample=False,
        num_beams=generation.num_beams,
        num_return_sequences=1 if generation.samples else num_each,
        repetition_penalty=generation.repetition_penalty,
        no_repeat_ngram_size=generation.no_repeat_ngram,
        **({"length_penalty": generation.length_penalty} if generation.num_beams > 1 else {}),
        **({"eos_token_id": list(end_ids)} if end_ids else {}),
    )
    with torch.inference_mode(), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written_AU = model.generate(
            **inputs, generation_config=settings, logits_processor=_samplers(generation, keys_B)
        )
    ends = set(end_ids or _as_list(model.generation_config.eos_token_id))
    answers = [_until(row, ends) for row in written_AU[:, prompt_length:].tolist()]
    return [answers[start : start + num_each] for start in range(0, len(answers), num_each)]


def repeated(value: Any, times: int) -> Any:
    """Return a batch with each row several times in a row: a tensor, or encoder outputs."""
    if isinstance(value, Tensor):
        return value.repeat_interleave(times, dim=0)
    return type(value)(**{name: repeated(part, times) for name, part in value.items() if isinstance(part, Tensor)})


def taken(value: Any, rows: slice) -> Any:
    """Return some rows of a batch: a tensor, or encoder outputs."""
    if isinstance(value, Tensor):
        return value[rows]
    return type(value)(**{name: taken(part, rows) for name, part in value.items() if isinstance(part, Tensor)})


def refuse_too_long(model: Any, generation: Generation) -> None:
    """Raise `UsageError` for answers longer than a model has positions for."""
    longest = max_positions(model)
    if generation.max_new_tokens and generation.max_new_tokens > longest:
        raise UsageError(
            f"max_new_tokens is {generation.max_new_tokens:,}, and the model has {longest:,} positions",
            allowed=f"1 to {longest:,}",
        )


def end_id(model: Any, task: Any) -> int:
    """Return the token that ends an answer by a model's own settings, the first of several.

    -1 where it has none and the task knows better. Raises `ArtifactError` where nobody knows.
    """
    known = _as_list(model.generation_config.eos_token_id)
    if not known and not hasattr(task, "end_ids"):
        raise ArtifactError(
            "the model's configuration names no end token, so no answer would end",
            where=str(getattr(model, "name_or_path", "")),
            remedy="set eos_token_id in its config.json",
        )
    return known[0] if known else -1


def token_costs(logits_BUV: Tensor, targets_BU: Tensor) -> Tensor:
    """Return −log p of each target in nats, (B, U); 0 where there is none (-100)."""
    costs_X = F.cross_entropy(logits_BUV.float().flatten(0, 1), targets_BU.flatten(), reduction="none")
    return costs_X.view(targets_BU.shape)


def mean_log_probabilities(costs_BU: Tensor, targets_BU: Tensor) -> list[float]:
    """Return the mean log-probability of each row's targets, (B,), in nats; 0 for a row without any."""
    counts_B = (targets_BU != -100).sum(dim=1).clamp(min=1)
    means: list[float] = (-costs_BU.sum(dim=1) / counts_B).tolist()
    return means


def best_first(answers: Sequence[Answer]) -> list[Answer]:
    """Return answers by their mean log-probability, each text once.

    >>> [answer.ids for answer in best_first([Answer([1], -2.0), Answer([2], -1.0), Answer([1], -2.0)])]
    [[2], [1]]
    """
    once = {tuple(answer.ids): answer for answer in answers}
    return sorted(once.values(), key=lambda answer: -answer.log_probability)


class GumbelNoise(LogitsProcessor):  # type: ignore[misc]
    """Makes the most probable token a sample: argmax (log p + g), with Gumbel noise g = −log(−log u), u uniform.

    Each row draws from a generator of its own, so that its sample is the same in any batch.

    Source: Gumbel, Statistical Theory of Extreme Values, 1954; Maddison et al., A* Sampling, NeurIPS 2014.
    """

    def __init__(self, seeds_A: Sequence[int]) -> None:
        """Make a generator for each row."""
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds_A]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Add noise to the scores of the next token, (A, V)."""
        width = scores.shape[1]
        # −log u is exponentially distributed.
        waits_AV = torch.stack([torch.empty(width).exponential_(generator=source) for source in self._generators])
        return scores.float().log_softmax(dim=1) - waits_AV.clamp(min=1e-20).log().to(scores.device)


def _samplers(generation: Generation, keys_B: NDArray[np.uint64]) -> LogitsProcessorList:
    processors = LogitsProcessorList()
    if not generation.samples:
        return processors
    processors.append(TemperatureLogitsWarper(float(generation.temperature)))
    if generation.top_k:
        processors.append(TopKLogitsWarper(generation.top_k))
    if generation.top_p < 1:
        processors.append(TopPLogitsWarper(generation.top_p))
    seeds = [
        int(np.random.SeedSequence([generation.seed, int(key), number]).generate_state(1, np.uint64)[0] >> 1)
        for key in keys_B
        for number in range(generation.num_answers)
    ]
    processors.append(GumbelNoise(seeds))
    return processors


def _until(ids: list[int], ends: set[int]) -> list[int]:
    """Return tokens up to the first end token, itself included; what follows is padding.

    >>> _until([5, 6, 1, 0, 0], {1}), _until([5, 6], {1})
    ([5, 6, 1], [5, 6])
    """
    place = next((place for place, token in enumerate(ids) if token in ends), len(ids))
    return ids[: place + 1]


def _as_list(value: int | Sequence[int] | None) -> list[int]:
    if value is None:
        return []
    return [value] if isinstance(value, int) else list(value)

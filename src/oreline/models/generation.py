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
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from oreline.errors import ArtifactError, UsageError
from oreline.generation import Asked, Generation, Tell
from oreline.models.load import max_positions, quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RULES = ("forced_bos_token_id", "forced_eos_token_id", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens")
_KEPT = ("decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id", *_RULES)
"""What a start model's own settings say of its tokens; how texts are written is said by `Generation` alone."""


class Manner(NamedTuple):
    """How the rows of one batch are written."""

    generation: Generation
    """`max_new_tokens` is set."""
    keys_B: NDArray[np.uint64]
    """What a row's samples are drawn by, see `keys_of`."""
    end_ids: Sequence[int] | None = None
    """Tokens that end an answer; the model's own when None."""
    tell: Sequence[Tell] | None = None
    """For each row, who is told each token as it is written; not of beams, or of several answers to a row."""


def keep_token_settings(model: Any) -> None:
    """Leave of a model's own settings for writing what is about its tokens (such as where a decoder starts)."""
    given = {name: getattr(model.generation_config, name, None) for name in _KEPT}
    given["decoder_start_token_id"] = given["decoder_start_token_id"] or getattr(
        model.config, "decoder_start_token_id", None
    )
    model.generation_config = GenerationConfig(**{name: value for name, value in given.items() if value is not None})


def keys_of(rows: Sequence[NDArray[np.int32]], asked: Sequence[Asked] | None = None) -> NDArray[np.uint64]:
    """Return a number for each row of ids, by which its samples are drawn, (B,): what is asked for, or the row's own.

    >>> keys_of([np.array([1, 2], np.int32), np.array([1, 2], np.int32)]).tolist()  # equal rows have equal samples
    [58791804, 58791804]
    """
    given = [None] * len(rows) if asked is None else [one.key for one in asked]
    own = [zlib.crc32(row.tobytes()) if key is None else key for row, key in zip(rows, given, strict=True)]
    return np.asarray(own, dtype=np.uint64)


def sequences(
    model: Any, inputs: Mapping[str, Any], manner: Manner, *, prompt_length: int = 1
) -> tuple[list[list[list[int]]], list[float] | None]:
    """Write answers to the rows of a batch.

    Returns for each row the tokens of each of its answers, and for all answers in a row the mean log-probability of
    their tokens, in nats; None of beams, or where rules change the scores: then they have to be computed again.

    Args:
        model: a transformers model that can generate.
        inputs: what it is handed: ids and mask (prompts of a causal model padded on the left), or encoder outputs and
            mask.
        manner: how.
        prompt_length: tokens at the front of what `generate` returns that are not the answer's: 1 for a decoder that
            has its own start token.

    An answer's tokens end with the end token, unless there was no room for it, or who was told them ended it.
    """
    generation, end_ids = manner.generation, manner.end_ids
    num_each = generation.num_answers
    # A copy in any case: `generate` repeats encoder outputs for its beams in place.
    inputs = {name: repeated(value, num_each if generation.samples else 1) for name, value in inputs.items()}
    ends = set(end_ids or _as_list(model.generation_config.eos_token_id))
    told = Told(manner.tell, ends) if manner.tell and generation.tells else None
    costs = None if generation.num_beams > 1 or _has_rules(model, generation) else Costs()
    with torch.inference_mode(), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written_AU = model.generate(
            **inputs,
            generation_config=_settings(generation, end_ids),
            logits_processor=_processors(generation, manner.keys_B, costs),
            stopping_criteria=StoppingCriteriaList([told] if told else []),
        )
    answers = [_until(row, ends) for row in written_AU[:, prompt_length:].tolist()]
    if told:
        answers = [ids[:count] for ids, count in zip(answers, told.counts, strict=True)]
    means = costs.means(written_AU[:, prompt_length:], list(map(len, answers))) if costs else None
    return [answers[start : start + num_each] for start in range(0, len(answers), num_each)], means


class Costs(LogitsProcessor):  # type: ignore[misc]
    """Keeps the log-probability of each token while it is written, before temperature and noise.

    Scores are kept for one step, until it is known which token was taken.
    """

    def __init__(self) -> None:
        """Begin with no tokens."""
        self._log_p_AV: Tensor | None = None
        self._taken: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Keep the scores of the next token, (A, V), and the log-probability of the newest one; change nothing."""
        self._take(input_ids[:, -1])
        self._log_p_AV = scores.float().log_softmax(dim=1)
        return scores

    def means(self, written_AU: Tensor, lengths: Sequence[int]) -> list[float]:
        """Return the mean log-probability of each answer's first tokens, as many as it has, in nats."""
        if len(self._taken) < written_AU.shape[1]:
            self._take(written_AU[:, len(self._taken)])
        log_p_AU = torch.stack(self._taken, dim=1)[:, : written_AU.shape[1]].double().cpu()
        return [float(row_U[:length].mean()) for row_U, length in zip(log_p_AU, lengths, strict=True)]

    def _take(self, tokens_A: Tensor) -> None:
        if self._log_p_AV is not None:
            self._taken.append(self._log_p_AV.gather(1, tokens_A[:, None])[:, 0])


class Told(StoppingCriteria):  # type: ignore[misc]
    """Tells of each token of each row as it is written, and ends the rows of whoever has heard enough."""

    def __init__(self, tell: Sequence[Tell], ends: set[int]) -> None:
        """Begin with a listener for each row, (B,), and the tokens that end a row."""
        self._tell, self._ends = tell, ends
        self.counts = [0] * len(tell)
        """Tokens of each row, the last one included; what stands behind them is padding."""
        self._is_open = [True] * len(tell)

    def __call__(self, input_ids: Tensor, scores: Any, **given: Any) -> Tensor:
        """Tell of the newest tokens, the last of each row of (B, T); returns which rows are over, (B,)."""
        for row, token in enumerate(input_ids[:, -1].tolist()):
            if self._is_open[row]:
                self.counts[row] += 1
                heard_enough = self._tell[row](token)
                self._is_open[row] = not heard_enough and token not in self._ends
        return ~torch.tensor(self._is_open, device=input_ids.device)


def _has_rules(model: Any, generation: Generation) -> bool:
    """Whether tokens are forced or forbidden: the scores that then choose are not the model's own."""
    is_rule = generation.repetition_penalty != 1 or generation.no_repeat_ngram
    return bool(is_rule) or any(getattr(model.generation_config, name, None) is not None for name in _RULES)


def _settings(generation: Generation, end_ids: Sequence[int] | None) -> GenerationConfig:
    return GenerationConfig(
        max_new_tokens=generation.max_new_tokens,
        do_sample=False,
        num_beams=generation.num_beams,
        num_return_sequences=1 if generation.samples else generation.num_answers,
        repetition_penalty=generation.repetition_penalty,
        no_repeat_ngram_size=generation.no_repeat_ngram,
        **({"length_penalty": generation.length_penalty} if generation.num_beams > 1 else {}),
        **({"eos_token_id": list(end_ids)} if end_ids else {}),
    )


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


def _processors(generation: Generation, keys_B: NDArray[np.uint64], costs: Costs | None) -> LogitsProcessorList:
    """Return what looks at the scores of the next token after transformers' own rules: costs first, then samples."""
    processors = LogitsProcessorList([costs] if costs else [])
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

"""How a model writes a text: one token after another, by what rule, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oreline.errors import UsageError, did_you_mean

Tell = Callable[[int], bool]
"""Is told each token of an answer as it is written, and says whether the answer ends with it."""


_MOST = 256
"""Answers to one row that are written at the same time: what is kept of each token grows with them."""
_MEANINGLESS = {("temperature", 0): ("top_k", "top_p"), ("num_beams", 1): ("length_penalty",)}
"""What says nothing where a setting has a value."""


class Asked(NamedTuple):
    """What one row of a batch asks for that others may not."""

    tell: Tell
    key: int | None = None
    """What its samples are drawn by; what the row says when None, so that equal rows have equal samples."""


class Generation(BaseModel):
    """How texts are written: greedily, by beams, or (a temperature above 0) by sampling."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_new_tokens: int | None = Field(
        None, ge=1, description="an answer ends here at the latest; the longest training answer when not set"
    )
    num_beams: int = Field(
        1, ge=1, le=_MOST, description="beginnings that are followed at the same time, 256 at most; 1 is greedy"
    )
    num_answers: int = Field(
        1, ge=1, le=_MOST, description="answers for each row, best first, 256 at most; of beams, at most their number"
    )
    length_penalty: float = Field(
        1.0, description="of beams (refused without): above 1 prefers longer answers, below 1 shorter ones"
    )
    repetition_penalty: float = Field(1.0, gt=0, description="above 1: what has been written becomes less likely")
    no_repeat_ngram: int = Field(0, ge=0, description="so many tokens in a row are not written twice; 0: they may be")
    temperature: float = Field(0.0, ge=0, description="0: the most probable; above 0, samples, the bolder the higher")
    top_k: int = Field(0, ge=0, description="sample among the k most probable tokens only; 0: among all")
    top_p: float = Field(1.0, gt=0, le=1, description="sample among the most probable tokens of this joint share only")
    seed: int = Field(0, ge=0, description="of the samples: a row gets the same ones in any company")

    @model_validator(mode="after")
    def _agree(self) -> Generation:
        return _consistent(self)

    @property
    def samples(self) -> bool:
        """Whether answers are drawn."""
        return self.temperature > 0

    @property
    def tells(self) -> bool:
        """Whether the tokens of one answer are written one after another, so that each can be told of."""
        return self.num_beams == 1 and self.num_answers == 1


def generation(given: Mapping[str, Any] | Generation | None, base: Generation | None = None) -> Generation:
    """Return checked settings: those given, over those of `base`.

    Where no samples, or no beams, are asked for, what `base` says of these alone does not count. Raises `UsageError`
    for an unknown name, a wrong value, or settings that contradict each other.

    >>> generation({"num_beams": 4}, Generation(max_new_tokens=20)).model_dump(exclude_defaults=True)
    {'max_new_tokens': 20, 'num_beams': 4}
    """
    if isinstance(given, Generation):
        given = given.model_dump(exclude_unset=True)
    known = list(Generation.model_fields)
    if unknown := next((name for name in given or {} if name not in known), None):
        raise UsageError(f"generation has no setting {unknown!r}", allowed=did_you_mean(str(unknown), known))
    kept = base.model_dump(exclude_unset=True) if base else {}
    for (name, value), names in _MEANINGLESS.items():
        if (given or {}).get(name) == value:
            kept = {other: setting for other, setting in kept.items() if other not in names}
    try:
        made = Generation(**{**kept, **(given or {})})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"generation: {name} is {first.get('input')!r}: {first['msg']}") from error
    if made.num_beams == 1 and made.length_penalty != 1:
        raise UsageError(
            f"generation: length_penalty is about beams, and there is {'none' if made.samples else 'one'}",
            allowed="num_beams above 1 beside it",
            remedy="set num_beams=4 (and no temperature), or length_penalty=1",
        )
    return made


def _consistent(made: Generation) -> Generation:
    if made.samples and made.num_beams > 1:
        raise UsageError(
            f"generation: {made.num_beams} beams and a temperature of {made.temperature:g}",
            allowed="beams, or sampling",
            remedy="set temperature=0 for beams, or num_beams=1 for samples",
        )
    if not made.samples and made.num_answers > made.num_beams:
        raise UsageError(
            f"generation: {made.num_answers} answers of {made.num_beams} beam{'s' * (made.num_beams > 1)}",
            allowed="at most as many answers as beams",
            remedy=f"set num_beams={made.num_answers}, or temperature=0.7 for samples",
        )
    if not made.samples and (made.top_k or made.top_p < 1):
        raise UsageError(
            "generation: top_k and top_p are about samples, and the temperature is 0",
            allowed="a temperature above 0 beside them",
            remedy="set temperature=1, or leave them out",
        )
    return made

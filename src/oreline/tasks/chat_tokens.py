"""Which tokens of a dialogue the assistant says, and which template says so.

Shape suffixes: T tokens.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oreline.dialogue import ASSISTANT, USER, Message
from oreline.errors import UsageError
from oreline.tasks.chat_template import (
    ChatTemplate,
    Rendered,
    built_in_names,
    named_tokens,
    own_template,
    template_source,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_PROBE = [Message(USER, "One"), Message(ASSISTANT, "Two"), Message(USER, "Three"), Message(ASSISTANT, "Four")]
_ENDS = {"chatml": "<|im_end|>", "llama3": "<|eot_id|>", "gemma": "<end_of_turn>"}
"""The tokens that built-in templates end a turn with; `plain` takes the tokenizer's own end token."""


def chosen_template(
    folder: Path, tokenizer: Tokenizer, *, asked: str | None, known: ChatTemplate | None, answers: str
) -> ChatTemplate:
    """Return the template to train with: the one asked for, the one known, the folder's own, or a built-in one.

    Args:
        folder: the start model's folder.
        tokenizer: its tokenizer.
        asked: what `oreline.tasks.chat_template.template_source` takes, or None.
        known: the template of the artifact that is trained on, or None.
        answers: `all`, or `last`: which answers have to be found.

    Raises:
        UsageError: a template that does not end the assistant's turns with one token, or whose answers cannot be found.
    """
    if asked is None and known is not None:
        return known
    tokens = named_tokens(folder)
    tokens["eos_token"] = tokens["eos_token"] or _token_of_config(folder, tokenizer, "eos_token_id")
    tokens["bos_token"] = tokens["bos_token"] or _token_of_config(folder, tokenizer, "bos_token_id")
    source = template_source(asked) if asked is not None else own_template(folder)
    if source is None:
        fitting = (name for name, end in _ENDS.items() if tokenizer.token_to_id(end) is not None)
        source = template_source(next(fitting, "plain"))
    template = ChatTemplate(source, tokens)
    template.end = _end_token(template, tokenizer, folder)
    _check(template, tokenizer, folder, answers)
    return template


def spans(
    rendered: Sequence[Rendered], tokenizer: Tokenizer, end: str
) -> list[tuple[NDArray[np.int32], list[tuple[int, int]]]]:
    """Return the ids of each dialogue, and where in them the assistant speaks, its end-of-turn token included.

    An answer begins behind the tokens of the text before it, as when it will be written: where the first of its
    characters melt into the token before, that token is the answer's.
    """
    texts = [text for text, _ in rendered]
    before = [text[:start] for text, answers in rendered for start, _ in answers]
    end_id = tokenizer.token_to_id(end)
    whole = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    heads = iter(encoding.ids for encoding in tokenizer.encode_batch(before, add_special_tokens=False))
    found = []
    for ids, (_, answers) in zip(whole, rendered):
        spoken = []
        for _ in answers:
            start = _common(ids, next(heads))
            stop = next((place for place in range(start, len(ids)) if ids[place] == end_id), len(ids) - 1)
            spoken.append((start, stop + 1))
        found.append((np.asarray(ids, dtype=np.int32), spoken))
    return found


def only_last(rendered: Rendered) -> Rendered:
    """Return a dialogue of which the last answer alone is trained on."""
    return Rendered(rendered.text, rendered.answers[-1:])


def harmless(content: str, tokenizer: Tokenizer) -> str:
    """Return what somebody says without the power of special tokens: `<|im_end|>` becomes `< |im_end|>`."""
    pattern = _special_pattern(tuple(special_tokens(tokenizer).values()))
    return pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", content) if pattern else content


def special_tokens(tokenizer: Tokenizer) -> dict[int, str]:
    """Return the special tokens of a tokenizer by id."""
    return {number: token.content for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}


@functools.lru_cache(maxsize=16)
def _special_pattern(tokens: tuple[str, ...]) -> re.Pattern[str] | None:
    long = sorted((token for token in tokens if len(token) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, long))) if long else None


def _end_token(template: ChatTemplate, tokenizer: Tokenizer, folder: Path) -> str:
    """Return the special token that a template writes behind an answer. Raises `UsageError` where there is none."""
    try:
        text = template.rendered(_PROBE[:2], by_markers=True).text
    except ValueError as error:
        raise UsageError(str(error), where=str(folder), allowed=_allowed(), remedy=_REMEDY) from error
    behind = text.rpartition(_PROBE[1].content)[2]
    special = special_tokens(tokenizer)
    for number in tokenizer.encode(behind, add_special_tokens=False).ids:
        if number in special:
            return special[number]
    raise UsageError(
        "the chat template ends the assistant's turn with no special token of the start model's tokenizer, so that "
        f"nothing could teach it to stop; it writes {behind!r:.80} there",
        where=str(folder),
        allowed=_allowed(),
        remedy="--set train.chat_template=plain, which ends turns with the tokenizer's own end token, or another",
    )


def _check(template: ChatTemplate, tokenizer: Tokenizer, folder: Path, answers: str) -> None:
    """Raise `UsageError` for a template whose answers cannot be found, or are not written as they are read."""
    try:
        rendered = template.rendered(_PROBE, last_only=answers == "last")
    except ValueError as error:
        lacking = "" if template.has_markers else " (it has no generation markers either)"
        raise UsageError(f"{error}{lacking}", where=str(folder), allowed=_allowed(), remedy=_REMEDY) from error
    if not rendered.answers:
        raise UsageError("the chat template marks no answer", where=str(folder), allowed=_allowed(), remedy=_REMEDY)
    start, end = rendered.answers[-1]
    if ASSISTANT in rendered.text[start:end].lower():
        raise UsageError(
            "the chat template does not say that the assistant is to speak (it ignores add_generation_prompt), so that "
            "the model would have to write who speaks",
            where=str(folder),
            allowed=_allowed(),
            remedy=_REMEDY,
        )
    prompt = tokenizer.encode(template.prompt(_PROBE[:3]), add_special_tokens=False).ids
    whole = tokenizer.encode(rendered.text, add_special_tokens=False).ids
    if whole[: len(prompt)] != prompt:
        raise UsageError(
            "the chat template asks for an answer with other tokens than stand before an answer when it is trained on "
            "(white space at the end of the question melts into the answer, or the template adds a text)",
            where=str(folder),
            allowed=_allowed(),
            remedy=_REMEDY,
        )


_REMEDY = "--set train.chat_template=plain (or another), or --set train.answers=last to train on last answers alone"


def _allowed() -> str:
    return f"built-in templates: {', '.join(built_in_names())}"


def _common(ids: Sequence[int], others: Sequence[int]) -> int:
    """Return how many tokens two rows begin with in common."""
    return next(
        (place for place, (one, other) in enumerate(zip(ids, others)) if one != other), min(len(ids), len(others))
    )


def _token_of_config(folder: Path, tokenizer: Tokenizer, name: str) -> str:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError):
        return ""
    number = found[0] if isinstance(found, list) and found else found
    return (tokenizer.id_to_token(number) or "") if isinstance(number, int) else ""

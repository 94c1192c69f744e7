"""Occlusion: leave one word out and see how much the answer loses.

Shape suffixes: V a row and its variants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oreline.errors import UsageError
from oreline.explain.answers import explained
from oreline.explain.part import Part, Place, parts_of, row_of, variants
from oreline.tasks.texts import split_room

if TYPE_CHECKING:
    from oreline.types import Explained, Runtime
    from oreline.words import Word


class Explainer:
    """Weight of a word: the number by which the answer is followed, minus that number without the word.

    A positive weight speaks for the answer, a negative one against it. What the number is, the task says: a label's
    probability, the predicted value, the probability of a span or of an entity, the cosine of two texts, how surely a
    text is written. Words of all inputs are weighed. All variants of a row are predicted in one call.
    Where answers are texts, the label is the text that the model writes, or any other one that it might have written.
    Works with every runtime, since it only asks for predictions. Words that say the same thing twice hide each other:
    leaving one of them out changes little.

    Args:
        max_words: of a longer row so many words get a weight, the answer says so: the first ones of each text, of a
            text that an answer is a place in those around it.

    Source: Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014 (occlusion); Li, Monroe &
    Jurafsky, Understanding Neural Networks through Representation Erasure, 2016 (words).
    """

    def __init__(self, *, max_words: int = 200) -> None:
        if max_words < 1:
            raise UsageError(f"max_words is {max_words}", allowed="1 or more")
        self.max_words = max_words

    def explain(self, runtime: Runtime, row: Mapping[str, str], *, label: str | None = None) -> dict[str, Any]:
        """Explain one answer.

        Args:
            runtime: the model.
            row: its inputs by role; of a model that makes vectors also the text to compare with, `text_pair`.
            label: the answer to explain, the model's own if not given: a label (of entities too), a text that might
                have been written, a span of the context, or the text to compare a vector with.

        Returns:
            `{"label", "score", "number", "span", "texts", "words": [{"input", "word", "start", "end", "weight"}, …],
            "note"}`; words in the order of the texts, places in characters of `texts[input]` (of a dialogue its last
            turn). `number` says what score and weights are; `span` where the answer stands, if it is a place in a
            text, else null. A note says where only a part of the row is explained, else "".

        Raises:
            UsageError: an answer that the model does not give, or no text to compare vectors with.
            DataError: a row that the task cannot read.
        """
        task = runtime.task
        row = row_of(task, row)
        parts = parts_of(task, row)
        num_words = sum(len(part.words) for part in parts)
        # Where words have to be chosen, it is asked first where the answer stands.
        span = explained(runtime, variants(row, []), label).span if num_words > self.max_words else None
        places = [Place(part, word) for part, words in _chosen(parts, self.max_words, span) for word in words]
        found = explained(runtime, variants(row, [[place] for place in places]), label)
        score = float(found.numbers_V[0])
        return {
            "label": found.label,
            "score": round(score, 6),
            "number": found.number,
            "span": _as_json(found),
            "texts": {part.role: part.text for part in parts},
            "words": [
                {"input": part.role, **word._asdict(), "weight": round(score - float(without_it), 6)}
                for (part, word), without_it in zip(places, found.numbers_V[1:])
            ],
            "note": _note([part.note for part in parts], len(places), num_words, found),
        }


def _chosen(parts: Sequence[Part], most: int, span: tuple[str, int, int] | None) -> list[tuple[Part, list[Word]]]:
    """Return the parts with those of their words that are weighed, at most `most` in all."""
    counts = [len(part.words) for part in parts]
    kept = split_room(counts[0], counts[1], most) if len(parts) == 2 else [min(count, most) for count in counts]
    return [(part, _around(part, count, span)) for part, count in zip(parts, kept)]


def _around(part: Part, count: int, span: tuple[str, int, int] | None) -> list[Word]:
    """Return so many words of a part: the first ones, or those nearest to the answer where it stands in it."""
    if span is None or span[0] != part.role:
        return part.words[:count]
    _, start, end = span
    nearest = sorted(part.words, key=lambda word: max(start - word.end, word.start - end, 0))
    return sorted(nearest[:count], key=lambda word: word.start)


def _as_json(found: Explained) -> dict[str, Any] | None:
    return None if found.span is None else dict(zip(("input", "start", "end"), found.span))


def _note(of_parts: Sequence[str], num_shown: int, num_words: int, found: Explained) -> str:
    notes = [note for note in of_parts if note]
    if num_shown < num_words:
        which = "first" if found.span is None else "nearest"
        notes.append(f"only the {which} {num_shown:,} of {num_words:,} words were weighed")
    if found.truncated:
        notes.append("the text is longer than the model reads; its end has no influence")
    return "; ".join(notes)

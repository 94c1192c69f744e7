"""The relation between two marked entities of a text.

Shape suffixes: N rows, T tokens, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.errors import DataError, did_you_mean
from oreline.metrics.marked import Marked, mention_of, read_marked, write_marked
from oreline.tasks.classes import OneOfClasses
from oreline.tasks.reading import refuse_unreadable
from oreline.types import Columns, Encoded
from oreline.words import words_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

NEGATIVE_NAMES = ("no_relation", "no relation", "norelation", "na", "n/a", "none", "other", "无关系", "无关", "无")
"""What data call the class of pairs without a relation, case aside."""
MARKS = ("@", "#", "*", "^")
"""Marks of head and tail, and of their types."""
_OTHER_MARKS = ("$", "%", "&", "+", "=", "~", "|", "x", "z", "q", "j")
"""For tokenizers that do not know these, at last letters that hardly are words."""
_UNKNOWN = ("[UNK]", "<unk>")


class Task(OneOfClasses):
    """Relation classification: one of K labels for a text with two marked entities, `<e1>…</e1>` and `<e2>…</e2>`.

    The model reads the marks as punctuation that its tokenizer knows, with the entities' types where the marks have
    them: `@ * person * Ann @ works for # ^ company ^ Acme #`, and answers by the states of the two opening marks, side
    by side. Of a long text the entities and what stands around them are kept; an entity that is cut off is read by the
    first token.

    Args:
        labels: class names in index order, each once.
        negative: the class that says that there is no relation; None where there is none. When not given, the class
            with a usual name for it, such as `no_relation`.
        temperature: what logits are divided by; fitted on dev where it is set, 1 where it is not.
        reject: how rows of no class are told: `rejector`, its `options`, and what was fitted on dev.

    Source: Zhou & Chen, An Improved Baseline for Sentence-level Relation Extraction, https://arxiv.org/abs/2102.01373
    (typed entity markers in punctuation); Soares et al., Matching the Blanks, https://arxiv.org/abs/1906.03158 (what is
    read: entity start).
    """

    metrics: ClassVar[tuple[str, ...]] = ("relation_f1", "accuracy", "f1", "log_loss", "ece")
    pooling: ClassVar[str] = "marks"
    covered: ClassVar[tuple[str, ...]] = ("text",)
    """An entity without its words could not be read."""

    def __init__(
        self,
        *,
        labels: Sequence[str],
        negative: str | None = None,
        temperature: float | None = None,
        reject: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(labels=labels, temperature=temperature, reject=reject)
        if negative is not None and negative not in self._labels:
            raise DataError(
                f"no row has the label {negative!r}, which is to say that there is no relation",
                allowed=did_you_mean(negative, self._labels),
                remedy="name the label that says so: task_options: {negative: LABEL}",
            )
        self.negative = negative

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return labels, sorted, and the negative one, where one has a usual name. Raises as tasks of classes do."""
        found = super().options_from(targets)
        named = {label.strip().lower(): label for label in reversed(found["labels"])}
        negative = next((named[name] for name in NEGATIVE_NAMES if name in named), None)
        return {**found, "negative": negative}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().options, "negative": self.negative}

    def as_read(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row whose text marks the entities of its `head` and `tail`; a row without these as it is."""
        if row.get("head") is None or row.get("tail") is None or not isinstance(row.get("text"), str):
            return row
        cell = row["text"]
        try:
            text = write_marked(words_of(cell)[0], mention_of(row["head"], cell), mention_of(row["tail"], cell))
        except ValueError as error:
            raise DataError(str(error), where=str(row.get("row_id", "")), remedy="correct the row") from error
        return {**row, "text": text}

    def fault(self, row: Mapping[str, Any]) -> DataError | None:
        """Return what keeps a row's inputs from being read: marks that are missing."""
        try:
            read_marked(str(row["text"]))
        except ValueError as error:
            return DataError(
                f"no relation can be told: {error}",
                allowed="a text such as <e1>Ann</e1> works for <e2>Acme</e2>.",
                remedy="mark both entities, or refine rows with the columns head and tail",
            )
        return None

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn texts into ids, special tokens included, marks in punctuation; long ones are cut away from the entities.

        Raises `DataError` for a text without its two marks.
        """
        refuse_unreadable(self, columns)
        marked = [read_marked(str(cell)) for cell in columns["text"]]
        marks = marks_for(tokenizer)
        texts = [in_punctuation(each, marks) for each in marked]
        encodings = tokenizer.encode_batch([text for text, _ in texts], add_special_tokens=False)
        room = max_tokens - tokenizer.num_special_tokens_to_add(is_pair=False)
        ids, truncated, places = [], [], []
        for encoding, (_, spans) in zip(encodings, texts):
            truncated.append(len(encoding.ids) > room)
            tokens = _tokens_of(encoding, spans)
            kept = kept_tokens(tokens, len(encoding.ids), room)
            row, num_prefix = _with_special(tokenizer, encoding, kept)
            ids.append(row)
            begins = [num_prefix + kept.index(start) if start in kept else 0 for start, _ in tokens]
            places.append(np.asarray(begins, dtype=np.int32))
        return Encoded(ids, np.asarray(truncated, dtype=bool), places=places)


def marks_for(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Return four marks that a tokenizer knows, those of the paper if it does; unknown ones where it knows too few."""
    unknown = {tokenizer.token_to_id(token) for token in _UNKNOWN} - {None}
    candidates = (*MARKS, *_OTHER_MARKS)
    encodings = tokenizer.encode_batch(list(candidates), add_special_tokens=False)
    known = [mark for mark, found in zip(candidates, encodings) if found.ids and not unknown & set(found.ids)]
    return tuple([*known, *(mark for mark in MARKS if mark not in known)][:4])


def in_punctuation(marked: Marked, marks: Sequence[str] = MARKS) -> tuple[str, list[tuple[int, int]]]:
    """Return a text whose entities are marked by punctuation, and where they stand in it, marks included.

    >>> from oreline.metrics.marked import Mention
    >>> in_punctuation(Marked("Ann works for Acme.", Mention(0, 3, "PER"), Mention(14, 18)))
    ('@ * per * Ann @ works for # Acme #.', [(0, 15), (26, 34)])
    """
    # At one place what ends stands before what begins, and of two that nest the inner one is closed first.
    pieces: list[tuple[tuple[int, int, int], int, str]] = []
    for order, mention in enumerate((marked.head, marked.tail)):
        mark, type_mark = marks[order], marks[2 + order]
        type_ = mention.type.replace("_", " ").replace("-", " ").lower()
        before = f"{mark} {type_mark} {type_} {type_mark} " if type_ else f"{mark} "
        pieces.append(((mention.start, 1, -mention.end), order, before))
        pieces.append(((mention.end, 0, -mention.start), order, f" {mark}"))
    text, spans, done = "", {0: [0, 0], 1: [0, 0]}, 0
    for (place, opens, _), order, piece in sorted(pieces):
        text += marked.text[done:place]
        done = place
        if opens:
            spans[order][0] = len(text)
        text += piece
        if not opens:
            spans[order][1] = len(text)
    return text + marked.text[done:], [(start, end) for start, end in spans.values()]


def _tokens_of(encoding: Encoding, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the first token and the one after the last of each span of characters."""
    found = []
    for start, end in spans:
        inside = [place for place, (first, last) in enumerate(encoding.offsets) if first < end and start < last]
        found.append((inside[0], inside[-1] + 1) if inside else (0, 0))
    return found


def kept_tokens(spans: Sequence[tuple[int, int]], num_tokens: int, room: int) -> list[int]:
    """Return the numbers of the tokens of a text that are kept where `room` fit: both spans, and what is around them.

    The spans with all between them where that fits, widened to both sides alike; else half of the room for each.

    >>> kept_tokens([(4, 6), (8, 9)], num_tokens=20, room=9), kept_tokens([(0, 2), (18, 19)], num_tokens=20, room=6)
    ([2, 3, 4, 5, 6, 7, 8, 9, 10], [0, 1, 2, 17, 18, 19])
    """
    if num_tokens <= room:
        return list(range(num_tokens))
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    if last - first <= room:
        return list(_around(first, last, num_tokens, room))
    left, right = sorted(spans)
    half = room // 2
    kept = {*_around(*left, num_tokens, room - half), *_around(*right, num_tokens, half)}
    return sorted(kept)


def _around(start: int, end: int, num_tokens: int, room: int) -> range:
    """Return `room` tokens with a span in their middle; of a longer span, its beginning."""
    free = room - (end - start)
    begin = start if free < 0 else min(max(start - free // 2, 0), num_tokens - room)
    return range(begin, begin + room)


def _with_special(tokenizer: Tokenizer, encoding: Encoding, kept: Sequence[int]) -> tuple[NDArray[np.int32], int]:
    """Return some tokens of a text between the special ones that the tokenizer puts around it, and how many lead."""
    body = [encoding.ids[place] for place in kept]
    num_tokens = len(encoding.ids)
    whole = tokenizer.post_process(encoding, None, add_special_tokens=True)
    num_prefix = next((place for place, special in enumerate(whole.special_tokens_mask) if not special), 0)
    ids = [*whole.ids[:num_prefix], *body, *whole.ids[num_prefix + num_tokens :]]
    return np.asarray(ids, dtype=np.int32), num_prefix

"""One label for each text and one tag for each of its words, by one model: what is wanted, and with what.

Shape suffixes: N rows, W words of one row, T tokens, I intents, K outputs (tags, then intents).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from oreline import registry
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.tasks.surprise import of_words
from oreline.types import FRAME, Columns, Encoded, Explained, Runtime, WordTokens
from oreline.words import string_list

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from oreline.recipe import TrainOptions


class Task:
    """Joint intents and slots: a label for the text, tags for its words, from one pass of one encoder.

    The text's first, special token answers the intent, every word its tag; both share the layer above the encoder, as
    in JointBERT (https://arxiv.org/abs/1902.10909). Rows need label and tags; refine joins them in the column `frame`.

    Args:
        intents: labels in index order, each once.
        tags: tags in index order, each once, in BIO or BIOES.
        capitals: tell the model which words have a capital letter, as in `token_classification`.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    target: ClassVar[str] = FRAME
    head: ClassVar[str] = "token_classification"
    metrics: ClassVar[tuple[str, ...]] = ("frame_accuracy",)
    view: ClassVar[str] = "frames"
    covered: ClassVar[tuple[str, ...]] = ("text",)
    reads_words: ClassVar[bool] = True

    def __init__(self, *, intents: Sequence[str], tags: Sequence[str], capitals: bool | None = None) -> None:
        self.slots = registry.create("task", "token_classification", labels=tags, capitals=capitals)
        self.classes = registry.create("task", "text_classification", labels=intents)
        self._first = len(tags)
        self._intent_index = {intent: self._first + place for place, intent in enumerate(intents)}

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return intents and tags. Raises `DataError` for fewer than two of either, or tags that break their scheme."""
        rows = [parse(target) for target in targets if target is not None]
        intents = registry.get("task", "text_classification").options_from([intent for intent, _ in rows])
        tags = registry.get("task", "token_classification").options_from([tags for _, tags in rows])
        return {"intents": intents["labels"], "tags": tags["labels"]}

    def refuse_malformed(self, targets: Sequence[Any]) -> None:
        """Raise `DataError` for a row whose tags break their scheme."""
        self.slots.refuse_malformed([tags for _, tags in map(parse, targets)])

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        slots = self.slots.options
        return {"intents": list(self.classes.labels), "tags": slots.pop("labels"), **slots}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the tags, then the intents."""
        return (*self.slots.labels, *self.classes.labels)

    @property
    def found_entities(self) -> tuple[str, ...]:
        """Labels of the slots that answers name as entities, sorted."""
        found: tuple[str, ...] = self.slots.found_entities
        return found

    def prepared(self, folder: Path, tokenizer: Tokenizer, options: TrainOptions) -> Self:
        """Return this task with `capitals` settled for a start model. Raises `UsageError` where it cannot have them."""
        capitals = self.slots.prepared(folder, tokenizer, options).capitals
        return type(self)(intents=self.classes.labels, tags=self.slots.labels, capitals=capitals)

    def as_read(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row whose `text` is a list of words as the cell that refine makes of it."""
        read: Mapping[str, Any] = self.slots.as_read(row)
        return read

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn rows into ids as `token_classification` does; the first special token counts as the first word."""
        encoded: Encoded = self.slots.encode(columns, tokenizer, max_tokens)
        words = [row._replace(places_W=np.insert(row.places_W, 0, 0)) for row in encoded.words or ()]
        return encoded._replace(words=words)

    def token_targets(self, words: WordTokens, targets_W: NDArray[np.int64], num_tokens: int) -> NDArray[np.int64]:
        """Return what each token is trained to answer, (T,): the intent first."""
        own = words._replace(places_W=words.places_W[1:])
        targets_T: NDArray[np.int64] = self.slots.token_targets(own, targets_W[1:], num_tokens)
        targets_T[0] = targets_W[0]
        return targets_T

    def knows(self, target: Any) -> bool:
        """Whether intent and all tags of a target were seen in training."""
        intent, tags = parse(target)
        return intent in self._intent_index and self.slots.knows(tags)

    def misfit(self, row: Mapping[str, str], target: Any) -> DataError | None:
        """Return what refuses tags that are not one for each word of a row, or break their scheme; None for others."""
        fault: DataError | None = self.slots.misfit(row, parse(target)[1])
        return fault

    def encode_target(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Turn targets into N arrays (1 + W,): intent, then tags, by index. Raises `DataError` for unseen ones."""
        rows = [parse(target) for target in targets]
        for number, (intent, _) in enumerate(rows):
            if intent not in self._intent_index:
                raise DataError(
                    f"the label {intent!r} was never seen in training",
                    allowed=did_you_mean(intent, self.classes.labels),
                    remedy="correct the label, or train again with rows that have it",
                    row=number,
                )
        return self._joined(rows, self.slots.encode_target([tags for _, tags in rows]))

    def encode_judged(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Encode targets that an answer is judged by: unseen tags and intents are missed."""
        rows = [parse(target) for target in targets]
        return self._joined(rows, self.slots.encode_judged([tags for _, tags in rows]))

    def tuned(self, targets: NDArray[Any], scores: NDArray[Any]) -> Task:
        """Return this task: nothing in it is chosen on dev."""
        return self

    def activate(self, logits_WK: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn the logits of a row into probabilities: of intents for its first token, of tags for its words."""
        scores_WK = np.zeros(logits_WK.shape, np.float32)
        scores_WK[:1, self._first :] = self.classes.activate(logits_WK[:1, self._first :])
        scores_WK[1:, : self._first] = self.slots.activate(logits_WK[1:, : self._first])
        return scores_WK

    def predicted(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable intent and tags of each row."""
        tags = self.slots.predicted(_each(scores, lambda row_WK: row_WK[1:, : self._first]))
        intents = [int(row_WK[0].argmax()) for row_WK in scores]
        return _each(tags, lambda row_W, intent: np.insert(row_W, 0, intent), intents)

    def credit(self, targets: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of 1 for the right intent (else 0) and the F1 of the row's entities."""
        right = [float(true_W[0] == given_W[0]) for true_W, given_W in zip(targets, predicted)]
        slots_N: NDArray[np.float64] = self.slots.credit(_tags(targets), _tags(predicted))
        return (np.asarray(right) + slots_N) / 2

    def surprise(self, targets: NDArray[Any], scores: NDArray[Any]) -> float:
        """Return how improbable intents are, and how improbable tags, in nats: the sum of both means."""
        intents = of_words(_each(targets, lambda row_W: row_W[:1]), _each(scores, lambda row_WK: row_WK[:1]))
        return intents + of_words(_tags(targets), _each(scores, lambda row_WK: row_WK[1:, : self._first]))

    def names(self, targets: NDArray[Any]) -> list[str]:
        """Return intent and entities of each row, such as `flight: from 5, to 7-8`."""
        return [f"{self.intent(row)}: {slots}" for row, slots in zip(targets, self.slots.names(_tags(targets)))]

    def outcomes(self, targets: NDArray[Any]) -> list[str]:
        """Return the intents, which answers are counted by."""
        return [self.intent(row_W) for row_W in targets]

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn scores into `{"label", "scores", "entities", "words", "tags"}` for each row."""
        scores = outputs["scores"]
        intents_NI = np.asarray([row_WK[0, self._first :] for row_WK in scores]).reshape(
            len(scores), len(self.classes.labels)
        )
        tags = _each(scores, lambda row_WK: row_WK[1:, : self._first])
        labelled = self.classes.decode({"scores": intents_NI}, columns) if len(scores) else []
        return [{**one, **other} for one, other in zip(labelled, self.slots.decode({"scores": tags}, columns))]

    def explained(self, runtime: Runtime, columns: Columns, label: str | None) -> Explained:
        """Explain the intent, or any other one by its probability; the surest slot of a label where one is named."""
        predictions = runtime.predict(columns)
        scores, truncated = predictions.outputs["scores"], bool(predictions.truncated_N[0])
        if label is not None and label not in self._intent_index:
            slots = (*self.slots.labels, *self.slots.entity_labels)
            if label not in slots:
                known = [*self.classes.labels, *self.slots.entity_labels]
                raise UsageError(f"the model has no label {label!r}", allowed=did_you_mean(label, known))
            tags = _each(scores, lambda row_WK: row_WK[1:, : self._first])
            found: Explained = self.slots.explained_entity(tags, columns, label, truncated)
            return found
        place = int(scores[0][0].argmax()) if label is None else self._intent_index[label]
        numbers_V = np.asarray([row_WK[0, place] for row_WK in scores], dtype=np.float64)
        return Explained(self.labels[place], numbers_V, truncated)

    def intent(self, target_W: NDArray[np.int64]) -> str:
        """Return the intent of an encoded row; what training never saw is `(unseen in training)`."""
        place = int(target_W[0]) - self._first
        return self.classes.labels[place] if place < len(self.classes.labels) else "(unseen in training)"

    def _joined(self, rows: Sequence[tuple[str, list[str]]], tags: NDArray[Any]) -> NDArray[Any]:
        unseen = len(self.labels)
        intents = [self._intent_index.get(intent, unseen) for intent, _ in rows]
        return _each(tags, lambda row_W, intent: np.insert(row_W, 0, intent), intents)


def parse(target: Any) -> tuple[str, list[str]]:
    """Return intent and tags of a target: a JSON list or a list whose first entry is the intent.

    >>> parse('["flight", "O", "B-to"]'), parse(["flight"])
    (('flight', ['O', 'B-to']), ('flight', []))
    """
    listed = string_list(target) if isinstance(target, str) else [str(part) for part in target or ()]
    return (listed[0], listed[1:]) if listed else (str(target), [])


def _tags(targets: NDArray[Any]) -> NDArray[Any]:
    return _each(targets, lambda row_W: row_W[1:])


def _each(rows: NDArray[Any], change: Any, *others: Sequence[Any]) -> NDArray[Any]:
    """Return an object array of what becomes of each row."""
    changed = np.empty(len(rows), dtype=object)
    for place, given in enumerate(zip(rows, *others, strict=True)):
        changed[place] = change(*given)
    return changed

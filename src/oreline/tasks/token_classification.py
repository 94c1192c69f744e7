"""One tag for each word: named entities, slots, parts of speech.

Shape suffixes: N rows, W words of one row, T tokens, K tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from oreline.errors import DataError, amount, did_you_mean
from oreline.metrics.tags import OUTSIDE, UNSEEN, Entity, entities, first_break, may_follow, parts, scheme_of, strays
from oreline.tasks.capitals import capitals_of, tells_capitals
from oreline.tasks.explaining import followed_entity
from oreline.tasks.surprise import of_words
from oreline.types import Columns, Encoded, Explained, Runtime, WordTokens
from oreline.words import as_cell, string_list, words_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from oreline.recipe import TrainOptions

NO_ENTITY = "(none)"
_REPAIR = "correct the row, or repair all tags first: oreline refine FILE --operator repair_tags --out DIR"


class Task:
    """Token classification: a tag for each word, in BIO, BIOES (BMES, BILOU) or plain; entities where tags are spans.

    The input is a text, or a JSON list of words. A text is cut into words at white space and punctuation, Chinese by
    character. A target is a list of tags, a JSON list, or one string with spaces between them. Rows of any length are
    read, in overlapping windows; entities come with their place in characters.

    Args:
        labels: tags in index order, each once.
        capitals: tell the model in the tokens' segments which words have a capital letter; where it is not said,
            training does so for a start model that would not see them (`oreline.tasks.capitals`).
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    target: ClassVar[str] = "tags"
    head: ClassVar[str] = "token_classification"
    metrics: ClassVar[tuple[str, ...]] = ("entity_f1", "token_f1")
    view: ClassVar[str] = "tags"
    covered: ClassVar[tuple[str, ...]] = ("text",)
    reads_words: ClassVar[bool] = True

    def __init__(self, *, labels: Sequence[str], capitals: bool | None = None) -> None:
        self._labels, self.capitals = tuple(labels), capitals
        if len(self._labels) < 2 or len(set(self._labels)) < len(self._labels):
            raise DataError(
                f"the tags are {', '.join(map(repr, self._labels)) or 'none'}", allowed="two tags or more, each once"
            )
        self._index = {label: index for index, label in enumerate(self._labels)}
        self.scheme = scheme_of(self._labels)
        # A tag that training never saw stands behind the others in encoded rows, which are then only judged.
        single = {"plain": UNSEEN, "bio": f"B-{UNSEEN}", "bioes": f"S-{UNSEEN}"}[self.scheme]
        self._names = (*self._labels, single)

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return the tags: `O` first, then by label; of each label all tags that its scheme has.

        Raises `DataError` for a row whose tags break the scheme, or when there is only one tag.
        """
        rows = [parse(target) for target in targets if target is not None]
        found = {tag for row in rows for tag in row}
        _refuse_strays(rows, strays(found))
        scheme = scheme_of(found)
        _refuse_breaks(rows, scheme)
        if len(found) < 2:
            raise DataError(
                f"the training rows have only {len(found)} tag: {', '.join(found) or 'none'}",
                allowed="two tags or more",
                remedy="check the column of the tags",
            )
        return {"labels": _complete(found, scheme)}

    def refuse_malformed(self, targets: Sequence[Any]) -> None:
        """Raise `DataError` for a row whose tags break the scheme; one that training never saw breaks nothing."""
        rows = [parse(target) for target in targets]
        if self.scheme != "plain":
            _refuse_strays(rows, strays({*self._labels, *(tag for row in rows for tag in row)}))
        _refuse_breaks(rows, self.scheme)

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        told = {} if self.capitals is None else {"capitals": self.capitals}
        return {"labels": list(self._labels), **told}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the tags in index order."""
        return self._labels

    @cached_property
    def entity_labels(self) -> tuple[str, ...]:
        """Labels of entities, sorted; of plain tags the tags themselves."""
        found = (parts(tag, self.scheme) for tag in self._labels)
        return tuple(sorted({label for meaning, label in found if meaning != OUTSIDE}))

    @property
    def found_entities(self) -> tuple[str, ...]:
        """Labels of the entities that answers name, sorted; plain tags name none."""
        return () if self.scheme == "plain" else self.entity_labels

    def entities(self, tags_W: NDArray[np.int64]) -> list[Entity]:
        """Return the entities of a row of encoded tags."""
        return entities([self._names[tag] for tag in tags_W], self.scheme)

    def prepared(self, folder: Path, tokenizer: Tokenizer, options: TrainOptions) -> Self:
        """Return this task with `capitals` settled for a start model. Raises `UsageError` where it cannot have them."""
        return type(self)(labels=self._labels, capitals=tells_capitals(folder, tokenizer, self.capitals))

    def as_read(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row whose `text` is a list of words as the cell that refine makes of it; any other as it is."""
        words = row.get("text")
        is_list = isinstance(words, list) and all(isinstance(word, str) for word in words)
        return {**row, "text": as_cell(words)} if is_list and words else row

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn rows into ids, special tokens included, and note where their words begin. Nothing is cut."""
        words = [[word for word, _, _ in words_of(str(cell))[1]] for cell in columns["text"]]
        encodings = tokenizer.encode_batch(words, is_pretokenized=True)
        ids = [np.asarray(encoding.ids, dtype=np.int32) for encoding in encodings]
        places = [_word_tokens(encoding, len(row)) for encoding, row in zip(encodings, words)]
        segments = [capitals_of(*row) for row in zip(encodings, words)] if self.capitals else None
        return Encoded(ids, np.zeros(len(ids), dtype=bool), segments, places)

    def token_targets(self, words: WordTokens, tags_W: NDArray[np.int64], num_tokens: int) -> NDArray[np.int64]:
        """Return what each token of a row is trained to answer, (T,); -100 for special tokens.

        A word's later tokens answer what continues its tag: where a running text is cut finer than the training rows
        were, they are words of their own.
        """
        targets_T = np.full(num_tokens, -100, dtype=np.int64)
        ends_W = np.append(words.places_W[1:], num_tokens - words.num_suffix)
        for place, end, tag in zip(words.places_W, ends_W, tags_W):
            targets_T[place + 1 : end] = self._inside[tag]
            if end > place:
                targets_T[place] = tag
        return targets_T

    def knows(self, target: Any) -> bool:
        """Whether all tags of a target were seen in training."""
        return all(tag in self._index for tag in parse(target))

    def misfit(self, row: Mapping[str, str], target: Any) -> DataError | None:
        """Return what refuses tags that are not one for each word of a row, or break their scheme; None for others."""
        words, tags = words_of(str(row["text"]))[1], parse(target)
        if len(words) != len(tags):
            return DataError(
                f"the row has {amount(len(words), 'word')} and {amount(len(tags), 'tag')}",
                allowed="a tag for each word",
                remedy="the answer's `words` are what tags are counted by",
            )
        try:
            self.refuse_malformed([tags])
        except DataError as error:
            return error
        return None

    def encode_target(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Turn targets into N arrays of tag indices (W,). Raises `DataError` for a tag never seen in training."""
        rows = np.empty(len(targets), dtype=object)
        for number, target in enumerate(targets):
            tags = parse(target)
            if unseen := next((tag for tag in tags if tag not in self._index), None):
                raise DataError(
                    f"the tag {unseen!r} was never seen in training",
                    allowed=did_you_mean(unseen, self._labels),
                    remedy="correct the tag, or train again with rows that have it",
                    row=number,
                )
            rows[number] = np.asarray([self._index[tag] for tag in tags], dtype=np.int64)
        return rows

    def encode_judged(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Encode targets that an answer is judged by: an unseen tag is one that the model cannot give, and misses."""
        rows = np.empty(len(targets), dtype=object)
        for number, target in enumerate(targets):
            tags = [self._index.get(tag, len(self._labels)) for tag in parse(target)]
            rows[number] = np.asarray(tags, dtype=np.int64)
        return rows

    def tuned(self, targets: NDArray[Any], scores: NDArray[Any]) -> Task:
        """Return this task: nothing in it is chosen on dev."""
        return self

    def activate(self, logits_WK: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn the logits of words into probabilities: the softmax over tags."""
        exponent_WK = np.exp(logits_WK - logits_WK.max(axis=1, keepdims=True, initial=-np.inf))
        scores_WK: NDArray[np.float32] = (exponent_WK / exponent_WK.sum(axis=1, keepdims=True)).astype(np.float32)
        return scores_WK

    def predicted(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Turn the scores of rows into tag indices: the most probable row of tags that keeps to the scheme."""
        found = np.empty(len(scores), dtype=object)
        for row, scores_WK in enumerate(scores):
            found[row] = self._best_tags(scores_WK)
        return found

    def credit(self, targets: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
        """Return each row's F1 of entities (1 where there are none); of plain tags, the share of right words."""
        credit_N = np.ones(len(targets))
        for row, (true_W, given_W) in enumerate(zip(targets, predicted)):
            if self.scheme == "plain":
                credit_N[row] = float((true_W == given_W).mean()) if len(true_W) else 1.0
                continue
            true, given = set(self.entities(true_W)), set(self.entities(given_W))
            if true or given:
                credit_N[row] = 2 * len(true & given) / (len(true) + len(given))
        return credit_N

    def surprise(self, targets: NDArray[Any], scores: NDArray[Any]) -> float:
        """Return the mean over words of how improbable their tags are, in nats; tags never seen are left out."""
        return of_words(targets, scores)

    def names(self, targets: NDArray[Any]) -> list[str]:
        """Return the entities of each row by its words, such as `PER 1-2, LOC 5`; plain tags as they are."""
        if self.scheme == "plain":
            return [" ".join(self._names[tag] for tag in tags_W) for tags_W in targets]
        return [", ".join(map(_shown, self.entities(tags_W))) or NO_ENTITY for tags_W in targets]

    def outcomes(self, targets: NDArray[Any]) -> list[str]:
        """Return what answers are counted by: the first label of a row's entities, and whether there are others."""
        return [self._outcome({entity.label for entity in self.entities(tags_W)}) for tags_W in targets]

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn scores into `{"entities": […], "words": […], "tags": […]}` for each row; plain tags have no entities.

        An entity has `label`, `text`, `start`, `end` (characters) and `score`, the mean probability of its tags.
        """
        answers = []
        for cell, scores_WK, tags_W in zip(columns["text"], outputs["scores"], self.predicted(outputs["scores"])):
            text, words = words_of(str(cell))
            chosen_W = scores_WK[np.arange(len(tags_W)), tags_W]
            answer: dict[str, Any] = {}
            if self.scheme != "plain":
                answer["entities"] = [
                    {
                        "label": label,
                        "text": text[words[start].start : words[end - 1].end],
                        "start": words[start].start,
                        "end": words[end - 1].end,
                        "score": round(float(chosen_W[start:end].mean()), 6),
                    }
                    for start, end, label in self.entities(tags_W)
                ]
            answers.append(
                {**answer, "words": [word for word, _, _ in words], "tags": [self._labels[tag] for tag in tags_W]}
            )
        return answers

    def explained(self, runtime: Runtime, columns: Columns, label: str | None) -> Explained:
        """Explain the surest entity, or the surest of a label: how probable its words are to belong to one."""
        predictions = runtime.predict(columns)
        return self.explained_entity(predictions.outputs["scores"], columns, label, bool(predictions.truncated_N[0]))

    def explained_entity(self, scores: NDArray[Any], columns: Columns, label: str | None, truncated: bool) -> Explained:
        """Explain an entity of the first of some rows, from the scores (W, K) of their words."""
        given = self.entities(self.predicted(scores[:1])[0])
        found = followed_entity(list(scores), given, self._labels, self.scheme, label)
        if found is None:
            return Explained(label or self.entity_labels[0], np.zeros(len(scores)), truncated)
        _, words = words_of(str(columns["text"][0]))
        span = ("text", words[found.start].start, words[found.end - 1].end)
        return Explained(found.label, found.scores_V, truncated, span=span)

    def _outcome(self, labels: set[str]) -> str:
        first = next((label for label in self.entity_labels if label in labels), NO_ENTITY)
        return f"{first} and more" if len(labels) > 1 else first

    @cached_property
    def _inside(self) -> NDArray[np.int64]:
        """For each tag, the target of a word's later tokens; only in BIO is what continues a word sure."""
        inside = []
        for tag in self._labels:
            meaning, label = parts(tag, self.scheme)
            name = f"I-{label}" if self.scheme == "bio" and meaning != OUTSIDE else tag
            inside.append(self._index[name] if self.scheme == "bio" else -100)
        return np.asarray(inside, dtype=np.int64)

    @cached_property
    def _steps_KK(self) -> NDArray[np.float64]:  # noqa: N802  an array, named by its shape
        """0 where the second tag may follow the first, minus infinity where not."""
        return np.asarray(
            [
                [0.0 if may_follow(tag, follower, self.scheme) else -np.inf for follower in self._labels]
                for tag in self._labels
            ]
        )

    def _best_tags(self, scores_WK: NDArray[np.floating]) -> NDArray[np.int64]:
        """Viterbi's algorithm, where the most probable tags of the single words do not already keep to the scheme."""
        alone_W: NDArray[np.int64] = scores_WK.argmax(axis=1) if len(scores_WK) else np.empty(0, np.int64)
        if first_break([self._labels[tag] for tag in alone_W], self.scheme) is None:
            return alone_W
        log_WK = np.log(np.maximum(scores_WK, 1e-30)).astype(np.float64)
        first_K = np.asarray([0.0 if may_follow(OUTSIDE, tag, self.scheme) else -np.inf for tag in self._labels])
        last_K = np.asarray([0.0 if may_follow(tag, OUTSIDE, self.scheme) else -np.inf for tag in self._labels])
        best_K, came_from = log_WK[0] + first_K, []
        for log_K in log_WK[1:]:
            sums_KK = best_K[:, None] + self._steps_KK
            came_from.append(sums_KK.argmax(axis=0))
            best_K = sums_KK.max(axis=0) + log_K
        tags = [int((best_K + last_K).argmax())]
        for from_K in reversed(came_from):
            tags.append(int(from_K[tags[-1]]))
        return np.asarray(tags[::-1], dtype=np.int64)


def parse(target: Any) -> list[str]:
    """Return the tags of a target.

    >>> parse("B-PER O"), parse('["B-PER", "O"]'), parse(["NN"])
    (['B-PER', 'O'], ['B-PER', 'O'], ['NN'])
    """
    if isinstance(target, str):
        listed = string_list(target)
        return target.split() if listed is None else listed
    return [str(tag) for tag in target] if target is not None else []


def _complete(found: set[str], scheme: str) -> list[str]:
    """Return all tags of the labels that occur, `O` first, sorted by label; plain tags as they are."""
    if scheme == "plain":
        return sorted(found)
    means = {"B": "B", "I": "I"} if scheme == "bio" else {parts(tag, scheme)[0]: tag[0] for tag in found - {OUTSIDE}}
    if scheme == "bioes":
        means = {"B": "B", "I": "I", "E": "E", "S": "S"} | means  # the letters that the data use
    labels = sorted({parts(tag, scheme)[1] for tag in found - {OUTSIDE}})
    return [OUTSIDE, *(f"{letter}-{label}" for label in labels for letter in means.values())]


def _word_tokens(encoding: Encoding, num_words: int) -> WordTokens:
    """Find where words begin among the tokens of a row."""
    word_of_T = [-1 if word is None else word for word in encoding.word_ids]
    body = [place for place, word in enumerate(word_of_T) if word >= 0]
    if not body:
        first = min(1, len(word_of_T))
        return WordTokens(np.zeros(num_words, np.int32), first, len(word_of_T) - first)
    begins = body[0] + np.searchsorted([word_of_T[place] for place in body], np.arange(num_words))
    # A word that the tokenizer drops altogether (a lone accent) shares the token of a neighbour.
    places_W = np.minimum(begins, body[-1]).astype(np.int32)
    return WordTokens(places_W, body[0], len(word_of_T) - 1 - body[-1])


def _shown(entity: Entity) -> str:
    last = f"-{entity.end}" if entity.end > entity.start + 1 else ""
    return f"{entity.label} {entity.start + 1}{last}"


def _refuse_strays(rows: Sequence[Sequence[str]], wrong: set[str]) -> None:
    """Raise `DataError` for the first row with one of the tags: a single one would make all others plain."""
    span = next((tag for row in rows for tag in row if tag not in wrong and tag != OUTSIDE), "B-X") if wrong else ""
    for number, row in enumerate(rows):
        for place, tag in enumerate(row):
            if tag in wrong:
                raise DataError(
                    f"the tag of word {place + 1} is {tag!r}, among tags of spans such as {span!r}",
                    row=number,
                    allowed="O, or a letter of BIO or BIOES, a dash and a label, such as B-X",
                    remedy="correct the row; tags that are no spans are written without such letters, all of them",
                )


def _refuse_breaks(rows: Sequence[Sequence[str]], scheme: str) -> None:
    for number, row in enumerate(rows):
        if broken := first_break(row, scheme):
            place, why = broken
            # A single S- makes rows wrong that are right in BIO: what to correct may be that one.
            other = next((tag for tags in rows for tag in tags if tag[:2] not in ("O", "B-", "I-")), None)
            since = f" (what the tags are since there is {other!r})" if scheme == "bioes" and other else ""
            raise DataError(
                f"the tag of word {place + 1} breaks {scheme.upper()}: {why}{since}",
                row=number,
                allowed="I-X after B-X or I-X" + (", E-X at the end of them" if scheme == "bioes" else ""),
                remedy=_REPAIR,
            )

"""Questions answered by spans of a text, or by none.

Shape suffixes: N rows, T tokens, W places of one row: 0 says "no answer", then the words of the context.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.errors import DataError, UsageError
from oreline.metrics.answers import NO_ANSWER, Answer, locate, located, parse, row_scores
from oreline.tasks.spans import Spans, best_margin, best_spans, log_p_of
from oreline.types import Columns, Encoded, Explained, Runtime, WordTokens
from oreline.words import Word, units

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

START, END = 1, 2
"""Marks of a token that an answer begins or ends at; 0 for one that it could, -100 for one that it could not."""
_LENGTHS = (1, 3, 8)


class Task:
    """Extractive question answering: the span of a context that answers a question, or that there is none.

    `text` is the question, `text_pair` the context, `answers` the true answers: see `oreline.metrics.answers.parse` for
    their forms; none, or empty, means that the context does not say. Contexts of any length are read in overlapping
    windows that each begin with the question. Answers are whole words, Chinese ones whole characters.

    Args:
        max_answer_words: words of the longest answer that is given.
        threshold: how much more probable "no answer" must be than the best span to be given, in nats; tuned on dev.
            None: training had no such question, so that every question gets an answer.
        n_best: spans that an answer lists, the chosen one included.

    Source: Devlin et al., https://arxiv.org/abs/1810.04805, section 4.3.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text", "text_pair")
    target: ClassVar[str] = "answers"
    head: ClassVar[str] = "question_answering"
    metrics: ClassVar[tuple[str, ...]] = ("qa_f1", "exact_match")
    view: ClassVar[str] = "answers"
    covered: ClassVar[tuple[str, ...]] = ("text_pair",)
    window_prefix: ClassVar[str] = "lowest"
    """Of a context in windows, "no answer" is as probable as where it is least probable: one window has the answer."""

    def __init__(self, *, max_answer_words: int = 30, threshold: float | None = None, n_best: int = 3) -> None:
        if max_answer_words < 1 or n_best < 1:
            raise DataError(f"max_answer_words is {max_answer_words}, n_best is {n_best}", allowed="1 or more of each")
        self.max_answer_words, self.threshold, self.n_best = max_answer_words, threshold, n_best
        self._contexts: Sequence[str] | None = None

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Return the length of the longest answer, and a threshold where some question has no answer.

        Raises `DataError` for a row that is no answer, or when no row has one.
        """
        rows = [_parsed(target, number) for number, target in enumerate(targets)]
        longest = max((len(units(text)) for row in rows for text, _ in row), default=0)
        if not longest:
            raise DataError(
                f"none of the {len(rows):,} training rows has an answer",
                allowed='a text, or a list such as [{"text": "1912", "start": 8}]',
                remedy="check the column of the answers: --role answers=COLUMN",
            )
        return {"max_answer_words": longest, "threshold": None if all(rows) else 0.0}

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        threshold = None if self.threshold is None else round(float(self.threshold), 6)
        return {"max_answer_words": self.max_answer_words, "threshold": threshold, "n_best": self.n_best}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return what the two outputs of each word mean."""
        return ("start", "end")

    def reading(self, columns: Columns) -> Task:
        """Return this task with the contexts of some rows at hand: answers then have their texts and places."""
        bound = copy.copy(self)
        bound._contexts = [str(context) for context in columns["text_pair"]]
        return bound

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn rows into ids, question first, and note where the context's words begin. Contexts are not cut.

        A question keeps its beginning, as many tokens as leave half of a window to the context.
        """
        room = max((max_tokens - tokenizer.num_special_tokens_to_add(is_pair=True)) // 2, 1)
        sides = [
            tokenizer.encode_batch([str(text) for text in columns[role]], add_special_tokens=False)
            for role in self.inputs
        ]
        ids, segments, truncated, places = [], [], [], []
        for question, context, text in zip(*sides, columns["text_pair"], strict=True):
            truncated.append(len(question.ids) > room)
            question.truncate(room)
            begins = _first_tokens(context, units(str(text)))
            joined = tokenizer.post_process(question, context, add_special_tokens=True)
            ids.append(np.asarray(joined.ids, dtype=np.int32))
            segments.append(np.asarray(joined.type_ids, dtype=np.int32))
            places.append(_word_tokens(joined, begins))
        has_types = any(row.any() for row in segments)
        return Encoded(ids, np.asarray(truncated, dtype=bool), segments if has_types else None, places)

    def token_targets(self, words: WordTokens, answers: Sequence[Answer], num_tokens: int) -> NDArray[np.int64]:
        """Return the mark of each token of a row, (T,), for the first of its answers: words count where they begin."""
        targets_T = np.full(num_tokens, -100, dtype=np.int64)
        targets_T[words.places_W] = 0
        if not answers or answers[0].first < 0:
            targets_T[0] = START + END
        else:
            targets_T[words.places_W[1 + answers[0].first]] += START
            targets_T[words.places_W[1 + answers[0].last]] += END
        return targets_T

    def knows(self, target: Any) -> bool:
        """Whether a target has the form of answers."""
        try:
            parse(target)
        except ValueError:
            return False
        return True

    def misfit(self, row: Mapping[str, str], target: Any) -> DataError | None:
        """Return what refuses an answer that is not in its row's context; None for any other."""
        try:
            self.reading({role: [row[role]] for role in self.inputs}).encode_target([target])
        except DataError as error:
            return error
        return None

    def encode_target(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Turn targets into N tuples of answers, with their places where the contexts are at hand.

        Raises `DataError` for what is no answer, or is not in its context.
        """
        rows = np.empty(len(targets), dtype=object)
        for number, target in enumerate(targets):
            given = _parsed(target, number)
            if self._contexts is None:
                rows[number] = tuple(Answer(text, -1 if start is None else start) for text, start in given)
            else:
                rows[number] = tuple(_placed(self._contexts[number], given, number))
        return rows

    def tuned(self, targets: NDArray[Any], scores: NDArray[Any]) -> Task:
        """Return this task with the threshold that gives the highest F1 on these rows, if both kinds are among them."""
        if self.threshold is None or all(targets) or not any(targets):
            return Task(**self.options)
        always = copy.copy(self)
        always.threshold = None
        given = always.predicted(scores)
        f1_N = np.asarray([f1 for _, f1 in row_scores(targets, given)])
        none_N = np.asarray([not truths for truths in targets], dtype=np.float64)
        margins_N = np.asarray([best_spans(row_W2, self.max_answer_words).margin for row_W2 in scores])
        threshold = best_margin(margins_N, f1_N - none_N)
        return Task(max_answer_words=self.max_answer_words, threshold=threshold, n_best=self.n_best)

    def activate(self, logits_W2: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn the logits of a row into probabilities of where the answer begins and ends: the softmax over words."""
        exponent_W2 = np.exp(logits_W2 - logits_W2.max(axis=0, keepdims=True, initial=-np.inf))
        scores_W2: NDArray[np.float32] = (exponent_W2 / exponent_W2.sum(axis=0, keepdims=True)).astype(np.float32)
        return scores_W2

    def predicted(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Turn scores into N tuples of one answer or none; its text is empty where the contexts are not at hand."""
        found = np.empty(len(scores), dtype=object)
        for row, scores_W2 in enumerate(scores):
            spans = best_spans(scores_W2, self.max_answer_words)
            words = None if self._contexts is None else units(self._contexts[row])
            found[row] = () if self._is_none(spans) else (self._answer(row, words, *spans.best[0][:2]),)
        return found

    def credit(self, targets: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
        """Return the F1 of each row's answer with the nearest true one."""
        return np.asarray([f1 for _, f1 in row_scores(targets, predicted)], dtype=np.float64)

    def surprise(self, targets: NDArray[Any], scores: NDArray[Any]) -> float:
        """Return the mean over rows of how improbable the nearest true span is, or "no answer", in nats."""
        none = Answer("")
        best = [
            max(log_p_of(row_W2, answer.first, answer.last) for answer in truths or (none,))
            for truths, row_W2 in zip(targets, scores, strict=True)
        ]
        return -float(np.mean(best)) if best else 0.0

    def names(self, targets: NDArray[Any]) -> list[str]:
        """Return the different answers of each row."""
        return [" | ".join(dict.fromkeys(answer.text for answer in row)) or NO_ANSWER for row in targets]

    def outcomes(self, targets: NDArray[Any]) -> list[str]:
        """Return what answers are counted by: how many words they have."""
        return [_length(row[0]) if row else NO_ANSWER for row in targets]

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn scores into `{"answer", "start", "end", "score", "no_answer", "alternatives"}` for each row.

        Places are characters of the context. `score` and `no_answer` are probabilities among all spans and "no answer";
        without an answer, `answer`, `start` and `end` are null and `score` is that of "no answer".
        """
        bound = self.reading(columns)
        return [bound._decoded(row, scores_W2) for row, scores_W2 in enumerate(outputs["scores"])]

    def _decoded(self, row: int, scores_W2: NDArray[np.floating]) -> dict[str, Any]:
        spans = best_spans(scores_W2, self.max_answer_words, num=self.n_best)
        words = units((self._contexts or ())[row])
        log_total, never_none = self._log_total(spans), self._gives_always(spans)
        null_score = 0.0 if never_none else float(np.exp(spans.null_log_p - log_total))
        listed = []
        for first, last, log_p in spans.best:
            answer = self._answer(row, words, first, last)
            score = round(float(np.exp(log_p - log_total)), 6)
            listed.append({"answer": answer.text, "start": answer.start, "end": answer.end, "score": score})
        if self._is_none(spans):
            chosen: dict[str, Any] = {"answer": None, "start": None, "end": None, "score": round(null_score, 6)}
        else:
            chosen = listed.pop(0)
        return {**chosen, "no_answer": round(null_score, 6), "alternatives": listed}

    def explained(self, runtime: Runtime, columns: Columns, label: str | None) -> Explained:
        """Explain the span that answers, by its probability among all spans and "no answer".

        Another span is explained where the label is its text, and "no answer" where the label is `(no answer)`.
        """
        predictions = runtime.predict(columns)
        rows, truncated = predictions.outputs["scores"], bool(predictions.truncated_N[0])
        context = str(columns["text_pair"][0])
        bound = self.reading({"text_pair": [context]})
        if label is None:
            answer = next(iter(bound.predicted(rows[:1])[0]), None)
        elif label == NO_ANSWER:
            answer = None
        else:
            answer = self._asked(context, label)
        numbers_V = np.asarray([self._probability(scores_W2, answer) for scores_W2 in rows], dtype=np.float64)
        if answer is None:
            return Explained(NO_ANSWER, numbers_V, truncated)
        return Explained(answer.text, numbers_V, truncated, span=("text_pair", answer.start, answer.end))

    def _asked(self, context: str, label: str) -> Answer:
        """Return the first span that has a text, in whole words."""
        words = units(context)
        try:
            found = _in_words(locate(context, label, None)[0], words)
        except ValueError as error:
            raise UsageError(str(error), allowed=f"a span of the context, or {NO_ANSWER}") from error
        if found.last - found.first >= self.max_answer_words:
            raise UsageError(
                f"the answer has {found.last - found.first + 1} words",
                allowed=f"at most {self.max_answer_words}, as the longest of the training rows",
            )
        start, end = words[found.first].start, words[found.last].end
        return found._replace(text=context[start:end], start=start, end=end)

    def _probability(self, scores_W2: NDArray[np.floating], answer: Answer | None) -> float:
        spans = best_spans(scores_W2, self.max_answer_words)
        if answer is None:
            return float(np.exp(spans.null_log_p - np.logaddexp(spans.log_total, spans.null_log_p)))
        return float(np.exp(log_p_of(scores_W2, answer.first, answer.last) - self._log_total(spans)))

    def _gives_always(self, spans: Spans) -> bool:
        return self.threshold is None and bool(spans.best)

    def _log_total(self, spans: Spans) -> float:
        """Return the log of the sum over all that may be answered."""
        return spans.log_total if self._gives_always(spans) else float(np.logaddexp(spans.log_total, spans.null_log_p))

    def _is_none(self, spans: Spans) -> bool:
        return not spans.best or (self.threshold is not None and spans.margin > self.threshold)

    def _answer(self, row: int, words: Sequence[Word] | None, first: int, last: int) -> Answer:
        if words is None or self._contexts is None:
            return Answer("", first=first, last=last)
        start, end = words[first].start, words[last].end
        return Answer(self._contexts[row][start:end], start, end, first, last)


def _parsed(target: Any, row: int) -> list[tuple[str, int | None]]:
    try:
        return parse(target)
    except ValueError as error:
        raise DataError(
            f"{error}: a row's target is no answer",
            row=row,
            allowed='a text, [{"text": "1912", "start": 8}], or nothing where the context has no answer',
            remedy="correct the row",
        ) from error


def _placed(context: str, given: Sequence[tuple[str, int | None]], row: int) -> list[Answer]:
    """Return answers with their places in characters and in words; a word that is in one in part is all in it."""
    try:
        found = [answer for answer, _ in located(context, given)]
    except ValueError as error:
        raise DataError(
            str(error),
            row=row,
            allowed="answers that are spans of their context; none where it does not say",
            remedy="correct the row, or empty its answers",
        ) from error
    words = units(context) if found else []
    return [_in_words(answer, words) for answer in found]


def _in_words(answer: Answer, words: Sequence[Word]) -> Answer:
    touched = [place for place, word in enumerate(words) if word.start < answer.end and answer.start < word.end]
    return answer._replace(first=touched[0], last=touched[-1]) if touched and answer.start >= 0 else answer


def _first_tokens(context: Encoding, words: Sequence[Word]) -> NDArray[np.int32]:
    """Return the number of the token in which each word of a context begins."""
    # A token may hold several words, or be none of them: only where tokens end is asked.
    ends = np.maximum.accumulate(np.asarray([end for _, end in context.offsets], dtype=np.int64))
    found = np.searchsorted(ends, [word.start for word in words], side="right")
    return np.minimum(found, max(len(ends) - 1, 0)).astype(np.int32)


def _word_tokens(joined: Encoding, begins: NDArray[np.int32]) -> WordTokens:
    """Return where the places of a row stand among its tokens: "no answer" at the first, then the words."""
    of_context = [place for place, side in enumerate(joined.sequence_ids) if side == 1]
    num_tokens = len(joined.ids)
    if not of_context:  # an empty context, or one of which the tokenizer keeps nothing
        num_prefix = max(num_tokens - 1, 0)
        return WordTokens(np.zeros(1 + len(begins), np.int32), num_prefix, num_tokens - num_prefix)
    places_W = np.concatenate([[0], of_context[0] + begins]).astype(np.int32)
    return WordTokens(places_W, of_context[0], num_tokens - 1 - of_context[-1])


def _length(answer: Answer) -> str:
    num_words = answer.last - answer.first + 1 if answer.first >= 0 else len(units(answer.text))
    longest = next((length for length in _LENGTHS if num_words <= length), None)
    return (
        f"{_LENGTHS[-1] + 1} words or more"
        if longest is None
        else "1 word"
        if longest == 1
        else f"up to {longest} words"
    )

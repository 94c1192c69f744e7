"""Occlusion: leave one word out and see how much the answer loses.

Shape suffixes: V variants of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.errors import UsageError, did_you_mean
from oreline.explain.answers import probabilities
from oreline.explain.part import part_of
from oreline.explain.words import split, without
from oreline.metrics.tags import OUTSIDE
from oreline.runtime.windows import by_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Runtime, Task


class Explainer:
    """Weight of a word: the label's probability for the text, minus its probability without the word.

    A positive weight speaks for the label, a negative one against it. All variants of a text are predicted in one call.
    Where answers are texts, the label is the text that the model writes, or any other one that it might have written.
    Works with every runtime, since it only asks for predictions. Words that say the same thing twice hide each other:
    leaving one of them out changes little.

    Args:
        max_words: of a longer text only the first words get a weight; the answer says so.

    Source: Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014 (occlusion); Li, Monroe &
    Jurafsky, Understanding Neural Networks through Representation Erasure, 2016 (words).
    """

    def __init__(self, *, max_words: int = 200) -> None:
        if max_words < 1:
            raise UsageError(f"max_words is {max_words}", allowed="1 or more")
        self.max_words = max_words

    def explain(self, runtime: Runtime, text: str, *, label: str | None = None) -> dict[str, Any]:
        """Explain one answer.

        Args:
            runtime: the model.
            text: the input.
            label: explain this label's probability; the most probable label's if not given. Of a model that makes
                vectors: the text to compare with, and the score is the cosine of both.

        Returns:
            `{"label", "score", "words": [{"word", "start", "end", "weight"}, …], "note"}`; words in the order of the
            text, places in characters of `text` (of a dialogue: of its last turn), and a note where only a part of the
            text is explained, else "".

        Raises:
            UsageError: an unknown label, no text to compare vectors with, or a task that reads more than one text.
        """
        task = runtime.task
        if len(task.inputs) != 1:
            raise UsageError(
                f"occlusion explains tasks with one input, this one has {', '.join(task.inputs)}",
                remedy="explain a model of a task that reads one text, such as text_classification",
            )
        if label is not None and task.view not in ("texts", "retrieval") and label not in task.labels:
            raise UsageError(f"the model has no label {label!r}", allowed=did_you_mean(label, task.labels))
        check = getattr(task, "fault", None)
        if check is not None and (fault := check({task.inputs[0]: text})):
            raise fault
        # What a task cannot do without (the marks of entities) is no word of the text.
        part = part_of(task, text)
        words = [
            word
            for word in split(part.text)
            if check is None or check({task.inputs[0]: part.put(without(part.text, [word]))}) is None
        ]
        shown = words[: self.max_words]
        variants = [text, *(part.put(without(part.text, [word])) for word in shown)]
        rate = _closeness if task.view == "retrieval" else _rated
        answer, scores_V, truncated = rate(runtime, variants, label)
        score = float(scores_V[0])
        return {
            "label": answer,
            "score": round(score, 6),
            "words": [
                {"word": word, "start": start, "end": end, "weight": round(score - float(without_it), 6)}
                for (word, start, end), without_it in zip(shown, scores_V[1:])
            ],
            "note": _note(part.note, len(shown), len(words), truncated),
        }


def _rated(runtime: Runtime, variants: list[str], label: str | None) -> tuple[str, NDArray[np.float64], bool]:
    """Return the answer to the first of some texts (or the asked one), its score for each, and whether it was cut."""
    task = runtime.task
    if task.view == "texts":
        whole = runtime.predict({task.inputs[0]: variants[:1]})
        answer = label if label is not None else str(task.predicted(whole.outputs["scores"])[0])
        return answer, probabilities(runtime, variants, answer), bool(whole.truncated_N[0])
    predictions = runtime.predict({task.inputs[0]: variants})
    scores_VK = by_row(predictions.outputs["scores"], len(task.labels))
    index = _answered(task, scores_VK[0]) if label is None else task.labels.index(label)
    return task.labels[index], scores_VK[:, index].astype(np.float64), bool(predictions.truncated_N[0])


def _closeness(runtime: Runtime, variants: Sequence[str], other: str | None) -> tuple[str, NDArray[np.floating], bool]:
    """Return the text that is compared with, its cosine with each variant, and whether the text was cut."""
    if other is None:
        raise UsageError(
            "a vector alone cannot be explained: nothing is answered until two texts are compared",
            remedy="name the text to compare with as the label: --label TEXT",
        )
    predictions = runtime.predict({runtime.task.inputs[0]: [*variants, other]})
    vectors_ND = predictions.outputs["scores"]  # of length 1, so products are cosines
    return other, vectors_ND[:-1] @ vectors_ND[-1], bool(predictions.truncated_N[0])


def _answered(task: Task, scores_K: NDArray[np.floating]) -> int:
    """Return the label with the highest score; the one that says "nothing here" only where there is no other."""
    order = np.argsort(-scores_K, kind="stable")
    return next((int(k) for k in order if task.labels[k] != OUTSIDE), int(order[0]))


def _note(of_part: str, num_shown: int, num_words: int, truncated: bool) -> str:
    notes = [of_part] if of_part else []
    if num_shown < num_words:
        notes.append(f"only the first {num_shown:,} of {num_words:,} words were weighed")
    if truncated:
        notes.append("the text is longer than the model reads; its end has no influence")
    return "; ".join(notes)

"""Copy the beginning of what is read: the honest baseline of summaries, rewriting and translation."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from oreline.errors import UsageError
from oreline.runtime.lead import FILE, lead
from oreline.runtime.windows import ragged
from oreline.store import write_json
from oreline.train.job import Job, Outcome
from oreline.types import Written
from oreline.words import units


class Method:
    """The first words of a text are its answer, as many as the training answers have on average; no weights.

    Of news that is the lead, which summaries are hard put to beat; where answers are as long as the texts, it is the
    text itself, which says how much a rewriting has to change. Evaluations of such tasks have it beside their figures.

    Args:
        num_words: words (characters of Chinese) that are copied; measured on the training answers when not given.
    """

    runtime = "lead"
    writes = True

    def __init__(self, *, num_words: int | None = None) -> None:
        if num_words is not None and num_words < 1:
            raise UsageError(f"lead: num_words is {num_words}", allowed="1 or more")
        self.num_words = num_words

    def train(self, job: Job) -> Outcome:
        """Count the words of the training answers."""
        if job.task.inputs != ("text",) or job.task.view != "texts":
            raise UsageError(
                "the method lead copies the text that is read, and this task answers with something else",
                allowed="a task of one text that is answered with a text (seq2seq)",
            )
        start = time.perf_counter()
        measured = round(float(np.mean([len(units(text)) for text in job.train.targets])))
        num_words = self.num_words or max(measured, 1)
        outputs = None
        if job.dev is not None:
            copied = [Written((lead(text, num_words),), (1.0,)) for text in job.dev.columns["text"]]
            outputs = {"scores": ragged(copied)}
        return Outcome(
            save=lambda folder: write_json(Path(folder) / FILE, {"num_words": num_words}),
            max_tokens=0,
            dev_outputs=outputs,
            resolved={"num_words": num_words},
            measurements={"train_s": round(time.perf_counter() - start, 3)},
        )

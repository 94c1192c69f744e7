"""Classes from their descriptions alone: nothing is trained.

Shape suffixes: K classes, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.train.describe import check, label_texts
from oreline.train.encoder import EncoderTraining, start_of
from oreline.train.job import Job, Outcome
from oreline.train.precision import training_on


class Method:
    """Zero-shot classification: each text gets the label whose description is most like it, without any training.

    The start model embeds the descriptions; they become the weights of the head, so that the score of a class grows
    with the cosine between text and description. It needs an encoder made for comparing texts, such as
    catalog:minilm-l6-en. No row is trained on: all labelled rows are left to evaluate with.

    Args:
        descriptions: a text, or a list of texts that are averaged, for every label; the labels' names when not given.
            Given, they are the classes, and the data needs no labels.
        temperature: what cosines are divided by before the softmax.
    """

    runtime = "torch"
    one_text = True
    trains = False

    def __init__(self, *, descriptions: Mapping[str, Any] | None = None, temperature: float = 0.05) -> None:
        if not temperature > 0:
            raise UsageError(f"zero_shot: temperature is {temperature!r}", allowed="a number above 0")
        self.texts, self.temperature = check(descriptions or {}, "zero_shot"), temperature

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the classes that are known without a row of them."""
        return tuple(sorted(self.texts))

    def train(self, job: Job) -> Outcome:
        """Embed the descriptions and make a head of them."""
        folder = start_of(job, "zero_shot")
        texts = label_texts(job.task.labels, self.texts)
        head = registry.create("head", job.task.head, num_labels=len(texts), pooling="mean")
        with training_on((job.resolved or {}).get("threads") or job.options.threads) as threads:
            training = EncoderTraining(job, folder, head)
            flat = [text for of_label in texts for text in of_label]
            encoded = job.task.encode({"text": flat}, training.tokenizer, training.max_tokens)
            vectors = training.embeddings(encoded)
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            of_text = np.repeat(np.arange(len(texts)), [len(of_label) for of_label in texts])
            weight_KD = np.stack([(vectors / norms)[of_text == k].mean(axis=0) for k in range(len(texts))])
            weight_KD /= np.linalg.norm(weight_KD, axis=1, keepdims=True)
            # The head reads embeddings of any length: that of the descriptions stands for the texts'.
            weight_KD /= self.temperature * norms.mean()
            with torch.no_grad():
                training.model.classifier.weight.copy_(torch.from_numpy(weight_KD))
                training.model.classifier.bias.zero_()
            outputs = training.outputs(training.dev) if training.dev is not None else None
        shown = "; ".join(f"{label}: {' | '.join(of_label)}" for label, of_label in zip(job.task.labels, texts))
        job.say(f"described as {shown[:500]}")
        return Outcome(
            save=training.save,
            max_tokens=training.max_tokens,
            dev_outputs=outputs,
            resolved={"threads": threads, "precision": "fp32"},
        )

"""Prompt-based classification: the label's word in a pattern, through the masked-language head.

Schick and Schütze, https://arxiv.org/abs/2001.07676; Gao, Fisch and Chen, https://arxiv.org/abs/2012.15723.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from oreline.errors import UsageError
from oreline.models.attention import use_short_attention
from oreline.models.load import HEAD, load_masked
from oreline.models.masked_choice import MaskedChoice
from oreline.models.sequence import SequenceHead
from oreline.models.tokenizing import tokenizer
from oreline.tasks.prompts import check_pattern, mask_id, word_ids
from oreline.train.encoder import EncoderTraining, start_of
from oreline.train.freeze import freeze_in
from oreline.train.job import Job, Outcome
from oreline.types import Task


class Method:
    """Prompt-based fine-tuning: the model fills a masked place in a pattern with the word of a label.

    What a masked language model learnt in pretraining is asked for, so that few rows go far; a start model without a
    masked-language head (sentence encoders have none) has to be pretrained first (`oreline pretrain`).

    Args:
        pattern: what each text is put into: `{text}` once, `[MASK]` once, such as `{text} It was [MASK].` or
            `{text}。总体来说很[MASK]。`
        words: for each label its word, one token of the start model: `{positive: great, negative: terrible}`.
        freeze_layers: so many of the lowest layers stay as they are, with the embeddings below them.
        freeze: shell patterns of parameter names that stay as they are, such as `*.attention.*`.
    """

    runtime = "torch"
    one_text = True
    weighs = True
    learning_rate = 5e-5

    def __init__(
        self, *, pattern: str, words: Mapping[str, str], freeze_layers: int = 0, freeze: Sequence[str] = ()
    ) -> None:
        check_pattern(pattern)
        if not isinstance(words, Mapping) or not all(isinstance(word, str) and word for word in words.values()):
            raise UsageError(f"prompt: words is {words!r}", allowed="{label: word}")
        self.freeze_layers, self.freeze = freeze_layers, tuple(freeze)
        self.pattern, self.words = pattern, {str(label): word for label, word in words.items()}

    def adapted(self, task: Task) -> Task:
        """Return the task with its texts in the pattern."""
        with_pattern: Task = type(task)(**{**task.options, "pattern": self.pattern})
        return with_pattern

    def train(self, job: Job) -> Outcome:
        """Train encoder and masked-language head on `job.train`, choosing on `job.dev`."""
        for name in ("label_smoothing", "focal_gamma"):
            if value := getattr(job.options, name):
                raise UsageError(
                    f"{name} is {value!r}, and the method 'prompt' does not know it", remedy="method: full"
                )
        folder = start_of(job, "prompt")
        opened = tokenizer(folder)
        words = word_ids(self.words, job.task.labels, opened)
        if not _has_masked_head(folder):
            job.say("warning: the start model has no masked-language head: a new one is trained; pretrain it first")
        training = EncoderTraining(job, folder, _PromptHead(words, mask_id(opened)))
        freeze_in(job, training.model, layers=self.freeze_layers, patterns=self.freeze)
        return training.fit(self.learning_rate)


class _PromptHead(SequenceHead):
    """The cross-entropy over the words of the labels at the masked place."""

    def __init__(self, words: list[int], mask: int) -> None:
        super().__init__(num_labels=len(words))
        self.words, self.mask = words, mask

    def module(self, folder: Path) -> Any:
        """Open the start model with its masked-language head."""
        model = MaskedChoice(load_masked(folder), self.words, self.mask)
        use_short_attention(model.encoder)
        return model

    def terms(self, logits_BK: Tensor, targets: Tensor) -> Tensor:
        """Return -log p(word) of each row, (B,), in nats, among the labels' words."""
        return F.cross_entropy(logits_BK, targets, reduction="none")


def _has_masked_head(folder: Path) -> bool:
    if (folder / HEAD).is_file():
        return True
    for file in folder.glob("model*.safetensors"):
        with safe_open(file, "pt") as stream:
            if any("predictions.transform" in name or "lm_head" in name for name in stream.keys()):  # noqa: SIM118
                return True
    return False

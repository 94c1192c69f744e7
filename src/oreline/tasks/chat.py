"""The assistant's next turn in a dialogue, by a causal language model.

Shape suffixes: N rows, T tokens.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from oreline.dialogue import ASSISTANT, REPAIR, SYSTEM, Message, cell_of_row, fault, is_dialogue, messages_of
from oreline.errors import DataError, UsageError
from oreline.tasks.chat_template import ChatTemplate
from oreline.tasks.chat_tokens import chosen_template, harmless, only_last, spans
from oreline.tasks.written import Pieces, WrittenText
from oreline.types import Columns, Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from oreline.recipe import TrainOptions

_FEWEST_PROMPT_TOKENS = 8
_SHOWN = 160
"""Characters of one part of a dialogue that is shown before training."""


class Task(WrittenText):
    """Chat: instructions and dialogues are answered by a causal language model, which ends its turn by itself.

    `text` is a JSON list of messages, or a text that is one message of the user; `target_text` is the answer. Refine
    makes them from columns `messages` or `conversations` (OpenAI's and ShareGPT's form) and from Alpaca's. Only what
    the assistant says is trained on, with the token that ends its turn. Start models are folders of GPT-2, Llama, Qwen,
    Gemma and their like. The model's own chat template is used, or `chat_template` of the training options.

    Args:
        generation: how answers are written, see `oreline.generation.Generation`.
        template: the chat template, in Jinja; set by training.
        tokens: the special tokens that it may write, by name; set by training.
        end: the token that ends a turn of the assistant; set by training.
        answers: `all` of a dialogue's answers are trained on, or the `last` one.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    head: ClassVar[str] = "causal"
    dialogues: ClassVar[bool] = True
    """Rows to answer may come as messages."""
    metrics: ClassVar[tuple[str, ...]] = ("chrf", "rouge", "bleu", "perplexity")

    def __init__(
        self,
        *,
        generation: Mapping[str, Any] | None = None,
        template: str = "",
        tokens: Mapping[str, str] | None = None,
        end: str = "",
        answers: str = "all",
    ) -> None:
        super().__init__(generation=generation)
        if answers not in ("all", "last"):
            raise UsageError(f"answers is {answers!r}", allowed="all, last")
        self.template, self.tokens, self.end, self.answers = template, dict(tokens or {}), end, answers

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"template": self.template, "tokens": self.tokens, "end": self.end, "answers": self.answers}
        return {**super().options, **own}

    def prepared(self, folder: Path, tokenizer: Tokenizer, options: TrainOptions) -> Self:
        """Return this task with the template of a start model's folder, or the one that the training options name.

        Raises `UsageError` for a template that is none, or that nothing could be learned to stop with.
        """
        task = super().prepared(folder, tokenizer, options)
        asked = options.chat_template
        answers = options.answers or self.answers
        chosen = chosen_template(folder, tokenizer, asked=asked, known=self._known, answers=answers)
        found = {"template": chosen.source, "tokens": chosen.tokens, "end": chosen.end, "answers": answers}
        return type(self)(**{**task.options, **found})

    def as_read(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row to answer with its dialogue in `text`, where it has it in `messages`, `conversations`, ….

        Raises `DataError` for what is no dialogue, or one that nobody can answer.
        """
        where = str(row.get("row_id", ""))
        try:
            cell = cell_of_row(row)
        except ValueError as error:
            allowed = '[{"role": "user", "content": "…"}, …]'
            raise DataError(str(error), where=where, allowed=allowed, remedy="correct the row") from error
        named = row if cell is None else {**row, "text": cell}
        try:
            if isinstance(named.get("text"), str):
                self._messages(named["text"], 0)
        except DataError as error:
            raise DataError(error.what, where=where, remedy=error.remedy) from error
        return named

    def write_files(self, folder: Path) -> None:
        """Write the template and the end of a turn beside a model, so that transformers asks it as it was trained."""
        (folder / "chat_template.jinja").write_text(self.template, encoding="utf-8")
        if (folder / "tokenizer.json").is_file():
            from tokenizers import Tokenizer  # here: what only counts answers needs none

            [end_id] = self.end_ids(Tokenizer.from_file(str(folder / "tokenizer.json")))
            settings = json.dumps({"eos_token_id": end_id}, indent=2)
            (folder / "generation_config.json").write_text(settings, encoding="utf-8")

    def end_ids(self, tokenizer: Tokenizer) -> list[int]:
        """Return the ids of the tokens that end the assistant's turn."""
        found = tokenizer.token_to_id(self.end)
        return [] if found is None else [int(found)]

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn dialogues into the ids after which the assistant speaks, with room left for what it will say.

        Of one that is too long the oldest questions go, with their answers; the last question is cut at its end.
        """
        new = self.generation.max_new_tokens or max_tokens // 2
        room = max_tokens - new
        if room < _FEWEST_PROMPT_TOKENS and columns["text"]:
            raise UsageError(
                f"max_new_tokens is {new:,}, and the model reads and writes {max_tokens:,} tokens in all",
                remedy="set max_new_tokens lower, or train with a higher max_tokens",
            )
        rows, truncated = [], []
        for row, cell in enumerate(columns["text"]):
            ids, is_cut = self._prompt(self._messages(str(cell), row), tokenizer, room, row)
            rows.append(ids)
            truncated.append(is_cut)
        return Encoded(rows, np.asarray(truncated, dtype=bool))

    def pieces(
        self, columns: Columns, targets: Sequence[Any], tokenizer: Tokenizer, max_tokens: int, end_id: int
    ) -> Pieces:
        """Return dialogues as ids, and the ids again as targets where the assistant speaks, -100 elsewhere.

        Dialogues longer than `max_tokens` are cut at their end; one of which no token of an answer is left is left out.
        """
        dialogues = [
            self._messages(str(cell), row, answer=str(answer))
            for row, (cell, answer) in enumerate(zip(columns["text"], targets, strict=True))
        ]
        ids, marked, truncated, rows = [], [], [], []
        for row, (ids_T, spoken) in enumerate(
            self._spans([self._safe(messages, tokenizer) for messages in dialogues], tokenizer)
        ):
            target_T = np.full(len(ids_T), -100, dtype=np.int64)
            for start, end in spoken:
                target_T[start:end] = ids_T[start:end]
            last = int(np.flatnonzero(target_T[:max_tokens] != -100)[-1:].max(initial=-1))
            if last >= 0:
                # Behind the last answer nothing is learned: the line's end of a template, or a question without room.
                ids.append(ids_T[: last + 1].astype(np.int32))
                marked.append(target_T[: last + 1])
                truncated.append(len(ids_T) > max_tokens)
                rows.append(row)
        encoded = Encoded(ids, np.asarray(truncated, dtype=bool))
        return Pieces(encoded, marked, sum(truncated), np.asarray(rows, dtype=np.int64))

    def longest_answer(self, targets: Sequence[NDArray[np.int64]], max_tokens: int) -> int:
        """Return the tokens of the longest answer, at most half of what the model reads: prompts need room too."""
        longest = max((_longest_run(target_T != -100) for target_T in targets), default=1)
        return max(min(longest, max_tokens // 2), 1)

    def shown(self, ids_T: NDArray[np.int32], target_T: NDArray[np.int64], tokenizer: Tokenizer) -> str:
        """Return a dialogue as the model sees it, what it is trained to say between 【 and 】, long parts cut."""
        is_said = (np.asarray(target_T) != -100).tolist()
        edges = [place for place in range(1, len(is_said)) if is_said[place] != is_said[place - 1]]
        parts = []
        for start, end in zip([0, *edges], [*edges, len(is_said)]):
            text = _without_middle(tokenizer.decode(list(ids_T[start:end]), skip_special_tokens=False))
            parts.append(f"【{text}】" if is_said[start] else text)
        return "".join(parts)

    @property
    def _known(self) -> ChatTemplate | None:
        return ChatTemplate(self.template, self.tokens, self.end) if self.template else None

    def _template(self) -> ChatTemplate:
        if known := self._known:
            return known
        raise UsageError("the chat task has no template yet", remedy="fine-tune it on a start model first")

    def _messages(self, cell: str, row: int, answer: str | None = None) -> list[Message]:
        """Return the messages of a row, without white space around them. Raises `DataError` for a broken dialogue."""
        try:
            given = [*messages_of(cell), *([Message(ASSISTANT, answer)] if answer is not None else [])]
        except ValueError as error:
            raise DataError(str(error), row=row, remedy="correct the row, or leave it out") from error
        messages = [Message(role, content.strip()) for role, content in given]
        if answer is None and not is_dialogue(cell):
            return messages  # an empty text can be answered, as in every other task
        if broken := fault(messages, answered=answer is not None):
            remedy = REPAIR if answer is not None else "end with a message of the user; user and assistant take turns"
            raise DataError(broken, row=row, remedy=remedy)
        return messages

    def _safe(self, messages: Sequence[Message], tokenizer: Tokenizer) -> list[Message]:
        return [Message(role, harmless(content, tokenizer)) for role, content in messages]

    def _spans(
        self, dialogues: Sequence[list[Message]], tokenizer: Tokenizer
    ) -> list[tuple[NDArray[np.int32], list[tuple[int, int]]]]:
        template, rendered = self._template(), []
        for row, messages in enumerate(dialogues):
            try:
                found = template.rendered(messages, last_only=self.answers == "last")
            except ValueError as error:
                raise DataError(
                    str(error),
                    row=row,
                    remedy="name another template, such as chat_template=chatml, or train on the last answers alone "
                    "(answers=last)",
                ) from error
            rendered.append(only_last(found) if self.answers == "last" else found)
        return spans(rendered, tokenizer, self.end)

    def _prompt(
        self, messages: list[Message], tokenizer: Tokenizer, room: int, row: int
    ) -> tuple[NDArray[np.int32], bool]:
        safe = self._safe(messages, tokenizer)
        head = safe[:1] if safe[0].role == SYSTEM else []
        turns = safe[len(head) :]

        def asked(turns: Sequence[Message]) -> list[int]:
            try:
                text = self._template().prompt([*head, *turns])
            except ValueError as error:
                raise DataError(str(error), row=row, remedy="leave out what the template refuses") from error
            return list(tokenizer.encode(text, add_special_tokens=False).ids)

        ids = asked(turns)
        if len(ids) <= room:
            return np.asarray(ids, dtype=np.int32), False
        # By halves: a client may send thousands of turns, and each try reads them all.
        pairs = range(1, (len(turns) - 1) // 2 + 1)
        dropped = bisect.bisect_left(pairs, True, key=lambda pairs: len(asked(turns[2 * pairs :])) <= room)
        [*before, question] = turns[2 * min(dropped + 1, len(pairs)) :]
        ids = asked([*before, question])
        while len(ids) > room and question.content:
            length = min(int(len(question.content) * room / len(ids)), len(question.content) - 1)
            question = Message(question.role, question.content[:length])
            ids = asked([*before, question])
        # Where the template alone is longer, its end is what asks for an answer.
        return np.asarray(ids[-room:], dtype=np.int32), True


def _without_middle(text: str) -> str:
    """Return a text of which the first and the last characters are enough to know it by.

    >>> len(_without_middle("a" * 1000))
    161
    """
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"


def _longest_run(marked_T: NDArray[np.bool_]) -> int:
    """Return the length of the longest run of True.

    >>> _longest_run(np.array([True, False, True, True]))
    2
    """
    edges = np.diff(np.concatenate([[0], marked_T.astype(np.int8), [0]]))
    return int((np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)).max(initial=0))

"""Add rows with other words: synonyms, insertions, swaps, deletions (EDA), Chinese by jieba words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.augment.making import Making, some_texts
from oreline.data.augment.rewording import Operation, Rewording
from oreline.data.augment.synonyms import nearest_words, read_synonyms, vocabulary
from oreline.errors import UsageError

_WORDS = "words"
_NONE = (
    "augment_words knows no synonyms, so it only swaps and deletes words: give it synonyms: FILE, or "
    "model: catalog:minilm-l6-en"
)


class Operator:
    """Add rows to train whose words are replaced by synonyms, inserted, swapped or deleted (EDA).

    Works on English and on Chinese, which jieba cuts into words. Negations, numbers and words of entities (rows with
    tags) stay as they are. How many variants a row gets and how much of it changes follow from the number of training
    rows unless given, as Wei and Zou (2019) recommend.

    Args:
        operations: what is done, in turn: `synonym`, `insert` (of a synonym of another word), `swap`, `delete`.
        synonyms: a file with a group of words a line, or JSON Lines with `words`.
        model: an encoder that gives the nearest words of the rows as synonyms, such as `catalog:minilm-l6-en`.
        min_similarity: cosine from which on two words count as near for `model`.
        times: variants of each row; 16 for up to 500 rows, 8 for up to 2,000, 4 for more when not given.
        change: share of the words that change, at least one; 0.05 for up to 2,000 rows, 0.1 for more when not given.
        share: share of the rows that get variants.
        labels: only rows of these classes get variants, such as the rare ones.
        believable: what the label must keep of its probability beside the most probable one, 0 to 1, against the row
            that the text is made of; by n-grams of the other rows. 0 believes everything.
        seed: of what is drawn.
    """

    def __init__(
        self,
        *,
        operations: Sequence[Operation] = ("synonym", "insert", "swap", "delete"),
        synonyms: str | None = None,
        model: str | None = None,
        min_similarity: float = 0.6,
        times: int | None = None,
        change: float | None = None,
        share: float = 1.0,
        labels: Sequence[str] = (),
        believable: float = 0.25,
        seed: int = 0,
    ) -> None:
        if not operations or (change is not None and not 0 < change <= 1):
            raise UsageError(
                f"augment_words: operations {list(operations)}, change {change}",
                allowed="one operation or more, and a share above 0, to 1",
            )
        self._making = Making("augment_words", times, share, labels, believable, seed)
        self._operations, self._change = tuple(operations), change
        self._file, self._min_similarity = synonyms, min_similarity
        self.models = {_WORDS: model} if model is not None else {}
        self._model: Any = None
        self._rewording = Rewording((), {}, 0)

    def bind(self, models: Mapping[str, Any]) -> None:
        """Take the encoder."""
        self._model = models.get(_WORDS)

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Learn from train what the label filter needs, and which words are near to one another."""
        learnt = self._making.fit(scan)
        known = read_synonyms(self._file) if self._file is not None else {}
        if self._model is not None and learnt["rows"]:
            texts = some_texts(scan)
            near = nearest_words(vocabulary(texts), self._model.embed, self._min_similarity)
            known |= {word: [*known.get(word, ()), *others] for word, others in near.items()}
        return {**learnt, "synonyms": known}

    def learnt(self, learnt: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self._making.learnt(learnt)
        change = self._change if self._change is not None else self._making.changes
        self._rewording = Rewording(self._operations, learnt["synonyms"], change)
        if not learnt["synonyms"] and {"synonym", "insert"} & set(self._operations):
            self._making.accounts.notes.append(_NONE)

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return variants of the rows, with the row that each comes from."""
        return self._making.add(frame, self._rewording.variants)

    def findings(self) -> dict[str, Any]:
        """Return what was added and refused, for the report."""
        return self._making.findings()

"""The values that packages hand to one another; what each kind of plug promises about them says `oreline.types`.

Shape suffixes, here and everywhere: N rows, B rows of one batch, T tokens, W words of one row, D embedding width,
K classes, R bootstrap resamples, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Role = Literal[
    "text", "text_pair", "negative", "label", "tokens", "tags", "answers", "head", "tail", "target_text", "messages",
    "image", "audio", "entities", "user", "item", "time", "group", "source", "weight", "id",
]  # fmt: skip
ROLES: tuple[str, ...] = get_args(Role)

FRAME = "frame"
"""Column that refine adds where rows have a label and tags: the JSON list of the label and then the tags."""


def naming(role: str) -> str:
    """Return the options that name the column of a role; of `frame`, those of the two columns that are joined in it.

    >>> naming("label"), naming("tags"), naming(FRAME)
    ('--label COLUMN', '--role tags=COLUMN', '--label COLUMN --role tags=COLUMN')
    """
    if role == FRAME:
        return f"{naming('label')} {naming('tags')}"
    return f"--{role} COLUMN" if role in ("text", "label", "group", "time") else f"--role {role}=COLUMN"


Columns = Mapping[str, Sequence[Any]]
"""Rows as columns: `{"text": [...]}`. Keys are roles; every value has the same length."""


@dataclass(frozen=True, slots=True)
class Event:
    """Progress of a verb, for whoever watches: the command line's bar, `events.jsonl`, a page."""

    stage: str
    """What is being done: `read`, `train`, `dev`, `export`, …"""
    step: int = 0
    total: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    """Figures at this moment: `loss`, `rows_per_s`, `tokens_per_s`, `left_s`, `gemm_share`, …"""
    message: str = ""
    """A sentence for the user; shown as its own line."""


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Watch nothing: the default `on_event`."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, float | int]:
        """Return the form that reports store."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}] n={self.n}"


class WordTokens(NamedTuple):
    """Where the words of one row stand among its tokens."""

    places_W: NDArray[np.int32]
    """Each word's first token, ascending; a word that no token stands for shares the one before it."""
    num_prefix: int
    """Tokens before the words (special ones), repeated in every window of a long row."""
    num_suffix: int
    """Tokens after the words, likewise."""


class Encoded(NamedTuple):
    """Rows as token ids, not yet padded."""

    ids: list[NDArray[np.int32]]
    """One array of ids for each row (for the linear runtime: ids of its n-grams)."""
    truncated_N: NDArray[np.bool_]
    """Rows that were longer than the model and were cut."""
    segments: list[NDArray[np.int32]] | None = None
    """Token types for each row, where a task has two texts; in shared rows, the number of each token's."""
    words: list[WordTokens] | None = None
    """For a task that answers every word: such rows are not cut, the runtime reads long ones in windows."""
    places: list[NDArray[np.int32]] | None = None
    """Two tokens of each row that a head with the pooling `marks` reads, where a task marks some; 0 for one cut off."""


class Written(NamedTuple):
    """What a model wrote for one row."""

    texts: tuple[str, ...]
    """Its answers, the best one first."""
    probabilities: tuple[float, ...]
    """How sure it is of each: the geometric mean of its tokens' probabilities, the end token's included."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a runtime computed for some rows, in the order of the rows."""

    outputs: dict[str, NDArray[Any]]
    """`scores` of shape (N, K); of a task that answers every word, an object array of N arrays (W, K); of a task whose
    answers are texts (view `texts`), an object array of N `Written`."""
    embedding_ND: NDArray[np.float32] | None
    num_tokens_N: NDArray[np.int64]
    truncated_N: NDArray[np.bool_]


class Signals(NamedTuple):
    """What a classifier says of some rows, to judge by whether they belong to its classes at all."""

    inside_NK: NDArray[np.floating]
    """Logits of the classes, after temperature scaling."""
    outside_N: NDArray[np.floating]
    """Logit of the out-of-scope label, which says something only where training rows had it."""
    embedding_ND: NDArray[np.floating] | None
    """The vectors that the head reads; only for a rejector that reads them."""


class Judged(NamedTuple):
    """What a task's answers are judged by, where that is not the answers themselves but what they find."""

    task: Any
    """The task whose targets and scores these are."""
    rows_N: NDArray[np.int64]
    """Which of the given rows are judged."""
    targets: NDArray[Any]
    scores: NDArray[Any]
    found: list[str]
    """What was found, in words."""


class Explained(NamedTuple):
    """An answer that is explained, and the one number by which it is followed."""

    label: str
    """The answer: a label, a text that was written, a span, the text that is compared with."""
    numbers_V: NDArray[np.float64]
    """Of each row how much it speaks for the answer, (V,): of the row itself, then of its variants."""
    truncated: bool
    """Whether the row itself is longer than the model reads."""
    number: str = "probability"
    """What the number is: `probability`, `value` or `cosine`."""
    span: tuple[str, int, int] | None = None
    """Where the answer stands, if it is a place in a text: role, first character, the one after the last."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What a detector found."""

    detector: str
    drifted: bool
    p_value: float
    effect: Estimate
    effect_name: str
    row_scores: dict[str, float] = field(default_factory=dict)
    """How much each live row speaks for the drift, by prediction id; larger is more."""
    details: dict[str, Any] = field(default_factory=dict)
    """Detector-specific facts, JSON-ready (for `label_shift`: share per label in reference and live)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows that a detector compares: what the model saw, and what it said."""

    ids: list[str]
    texts: list[str]
    labels: list[str]
    """Predicted labels."""
    scores_NK: NDArray[np.float32]
    embedding_ND: NDArray[np.float32]

"""What each kind of plug promises, on one page, with the values of `oreline.values` that they are about.

Shape suffixes, here and everywhere: N rows, B rows of one batch, T tokens, W words of one row, D embedding width,
K classes, R bootstrap resamples, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from oreline.values import (
    FRAME,
    ROLES,
    Columns,
    Drift,
    Encoded,
    Estimate,
    Event,
    Explained,
    Judged,
    OnEvent,
    Predictions,
    Role,
    Sample,
    Signals,
    WordTokens,
    Written,
    ignore,
    naming,
)  # fmt: skip

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from oreline.store import Artifact

__all__ = [
    "FRAME", "ROLES", "Columns", "Detector", "Drift", "Encoded", "Estimate", "Event", "Explained", "Explainer",
    "Judged", "Metric", "Model", "OnEvent", "OpenModel", "Operator", "Policy", "Predictions", "Reader", "Rejector",
    "Role", "Runtime", "Sample", "Signals", "Task", "WordTokens", "Written", "ignore", "naming",
]  # fmt: skip


class Task(Protocol):
    """What is predicted: columns, encode, decode, metrics, the name of its head. NumPy and tokenizers, no torch.

    A task is built from its options (`registry.create("task", name, **options)`) and its options are saved in
    the artifact, so that predicting rebuilds the same task. What is too large for options are its `arrays`, by name:
    they are saved beside, and a task that has any takes them again by `holding(arrays)`. A task whose
    `reads_embedding` is true is handed the embeddings too: `activate(logits_NK, embedding_ND)`.

    A task may have more to it. `beside`: roles whose columns, where data have them, belong to the target
    (`data.targets` folds them into it). `method`: the only method that teaches it. `judged(columns, targets, embed)`:
    answers are judged by what they find among all texts of a split, returned as a `Judged`. `several`: a row's inputs
    may have several right targets, so that rows are told apart by both (`tasks.reading.identity`).

    A task whose answers are places in its rows' texts has `reading(columns)`: itself with these texts at hand, for
    `encode_target`, `predicted` and `tuned` of exactly these rows (`tasks/reading.py`). `window_prefix` says which
    window answers for the special tokens of a row in several: the `first` (default), or that which scores `lowest`.
    A task with `pooling` wants its texts read so (`train.encoder.pooling_of`); for `marks` it gives `Encoded.places`.
    A task whose answers name entities has `found_entities`: the labels that these may have, in any order.
    A task that cannot read every text has `fault(row)`: the `DataError` that refuses the inputs of one row, or None;
    and `as_read(row)`: a row that is to be predicted, in the form that its inputs have. One whose targets go by the
    row's texts has `misfit(row, target)`: the `DataError` that refuses a target beside these inputs, or None. One that
    has no `log_loss` among its metrics may have `surprise(targets, scores)`: the mean negative log probability of the
    truth, in nats, by which equal figures on dev are told apart, and whether anything is still being learnt.

    An explanation leaves words out and follows one number: `explained(runtime, columns, label)` returns an `Explained`
    for a row and its variants; without it that is a label's score. `occluded` are the roles whose words may be left
    out, where they are not its `inputs`. In the roles that it says are `covered`, places count: there “…” stands for a
    word that is left out. `reads_words`: a text may be a JSON list of words.
    """

    inputs: ClassVar[tuple[str, ...]]
    """Roles it reads, such as `("text",)`."""
    target: ClassVar[str]
    """Role it predicts, such as `label`, or the column `FRAME`."""
    head: ClassVar[str]
    """Name of the head plug."""
    metrics: ClassVar[tuple[str, ...]]
    """Names of metric plugs; the first one, a figure's own name too, decides early stopping."""
    view: ClassVar[str]
    """Name of the view plug: what a report shows of its answers."""

    @classmethod
    def options_from(cls, targets: Sequence[Any]) -> dict[str, Any]:
        """Derive the task's options (such as its labels) from the target column of the training rows."""
        ...

    @property
    def options(self) -> dict[str, Any]:
        """Return the constructor's arguments, JSON-ready."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the model's K outputs, in their order."""
        ...

    def encode(self, columns: Columns, tokenizer: Tokenizer, max_tokens: int) -> Encoded:
        """Turn input columns into ids, special tokens included, cut to `max_tokens` unless every word is answered."""
        ...

    def knows(self, target: Any) -> bool:
        """Whether `encode_target` takes this target."""
        ...

    def encode_target(self, targets: Sequence[Any]) -> NDArray[Any]:
        """Turn targets into what the head's loss takes, a row each. Raises `DataError` for one it does not know.

        Where every word has a target: an object array of N arrays (W,). Where targets are spans: of N tuples.
        """
        ...

    def activate(self, logits_NK: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn a head's logits into scores, (N, K): probabilities where the task has classes. Rows may be words."""
        ...

    def tuned(self, targets: NDArray[Any], scores_NK: NDArray[np.floating]) -> Task:
        """Return this task with what is chosen on dev after training (thresholds), from encoded targets and scores."""
        ...

    def predicted(self, scores_NK: NDArray[np.floating]) -> NDArray[Any]:
        """Turn scores into answers in the form of encoded targets."""
        ...

    def credit(self, targets: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
        """Return how right each answer is, from 0 to 1, (N,): what the gate compares and errors are ranked by."""
        ...

    def names(self, targets: NDArray[Any]) -> list[str]:
        """Return encoded targets in words, for reports."""
        ...

    def outcomes(self, targets: NDArray[Any]) -> list[str]:
        """Return what answers are counted by, a bounded set of words: meters, drift, strata."""
        ...

    def decode(self, outputs: Mapping[str, NDArray[Any]], columns: Columns) -> list[dict[str, Any]]:
        """Turn outputs into one JSON-ready answer for each row; `columns` are the rows' inputs."""
        ...


class Runtime(Protocol):
    """An opened model: the only thing that predicts. Built by `oreline.runtime.open.open_runtime(artifact)`."""

    artifact: Artifact
    task: Task
    precision: str
    token_budget: int
    """Padded tokens that one forward pass takes."""

    def encode(self, columns: Columns) -> Encoded:
        """Tokenise rows."""
        ...

    def forward(self, encoded: Encoded, *, embeddings: bool = False) -> Predictions:
        """Run one batch, padded to its longest row, in the given order."""
        ...

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        """Run any number of rows: sorted by length, cut into batches by token budget, restored to order."""
        ...


class Reader(Protocol):
    """Turns a file into frames of rows, a bounded number at a time; what more it may have: `oreline.data.readers`."""

    suffixes: ClassVar[tuple[str, ...]]
    """File name endings it reads, such as `(".csv", ".tsv")`."""

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield frames of at most `rows` rows with the file's own columns, in the file's order."""
        ...


class Model(Protocol):
    """A model as operators see it: texts in, answers or vectors out.

    One that may not know the language of texts has `doubts(texts)`: a sentence that says so, or nothing. A trained one
    has `entities`: the labels of the entities that its answers may name, empty where they name none.
    """

    def predict(self, texts: Sequence[str]) -> pl.DataFrame:
        """Return a row for each text: the answer of `oreline predict`, a column for each of its keys (`label`, …)."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector for each text, (N, D)."""
        ...

    def fill(self, gaps: Sequence[tuple[str, str]], top: int) -> list[list[tuple[str, float]]]:
        """Return, for each text before a gap and text behind it, the likeliest words between, with probabilities."""
        ...


OpenModel = Callable[[str], Model]
"""Opens a model for an operator by its folder, or a start model by `catalog:NAME`."""


class Operator(Protocol):
    """One step of a refinery. It defines exactly one of `keep`, `edit`, `whole` and `add`.

    * `keep(frame) -> pl.Series`: a reason (string) for each row that is dropped, null for each that stays.
    * `edit(frame) -> pl.DataFrame`: the same rows in the same order, with changed or added columns. Columns
      `change_reason`, `drop_reason` and `flag_reason` say in the ledger what was done; the frame takes them away.
    * `whole(scan) -> pl.DataFrame | Iterator[pl.DataFrame]`: sees all rows as a lazy frame and returns the rows to drop
      as `row_id`, `reason`, `kept_id` (null or the row it gave way to), and `similarity` where the two differ; many of
      them better frame by frame, with `position`, the place of each in the scan.
    * `add(frame) -> pl.DataFrame`: rows to add to `train`, after the split, with a column `from_id`: the row each comes
      from. It sees the rows that were there before any were added; `change_reason` says in the ledger what was done.

    Frames carry `row_id` and columns named by role (`text`, `label`, …) beside the file's other columns. An operator is
    a pure function of its options: others build it again and use what it did (decision 026). It may have more to it:

    * `reports_only`: what `keep` and `whole` find goes to the ledger as `flagged`, and the rows stay.
    * `fit(scan) -> dict`: called once with the rows before it; each process hands the JSON-ready dict to `learnt`.
    * `models`: {name: model folder or `catalog:` start model}; `bind({name: Model})` is called before anything else.
      Such an operator runs in the process that has the models.
    * `stays`: beside `fit`: it runs in the process that fitted it, where the most of what it learnt lies.
    * `distinct`: beside `add`: rows whose inputs it has added before are left out.
    * `costly`: the rows after it are stored, so that a run with other operators behind it does not repeat it.
    * `memory_bytes`: an attribute of a `whole` operator that is set to the memory it may take beside its result.
    * `findings() -> {"counts": {what: number}, "alarms": [sentence, …]}`, beside `whole` or `fit`: what the last call
      found beside the rows that it named, JSON-ready, for the report (`Ledger.note`: what more it may hold).
    * `signatures(frame) -> pl.DataFrame`: beside `whole`: something small of each row, in the rows' order. It is worked
      out in all processes, and `whole(scan, signatures)` is handed a lazy frame of it, in the order of the scan.
    """


class Rejector(Protocol):
    """Says how far outside of a classifier's classes a row lies, and from where on it is rejected. NumPy, no torch.

    One that reads embeddings remembers something of the training rows: `remember(embedding_ND, targets_N)` returns
    arrays by name, which the artifact keeps in `task.safetensors`.
    """

    reads_embedding: ClassVar[bool]
    needs_rows: ClassVar[bool]
    """Whether it has to be trained on out-of-scope rows."""
    label: str
    """Of the rows that belong to no class."""
    keep: float
    """Share of in-scope rows that are kept where there are too few out-of-scope rows to choose by."""

    def far(self, signals: Signals, memory: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return how far outside each row lies, (N,), in a unit of its own."""
        ...

    def threshold(
        self, far_N: NDArray[np.floating], right_N: NDArray[np.bool_], outside_N: NDArray[np.bool_], keep: float
    ) -> float:
        """Return what rows must exceed to be rejected, chosen on these."""
        ...


class Metric(Protocol):
    """A figure computed from one table of targets and outputs."""

    higher_is_better: ClassVar[bool]

    def values(self, table: Any, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return named values of shape (R,), one for each row of weights; all-ones weights give the figure."""
        ...


class Explainer(Protocol):
    """Says which parts of a row's inputs an answer rests on."""

    def explain(self, runtime: Runtime, row: Mapping[str, str], *, label: str | None = None) -> dict[str, Any]:
        """Return `{"label", "score", "words": [{"input", "word", "start", "end", "weight"}, …], …}` for one row."""
        ...


class Detector(Protocol):
    """Tests whether live rows differ from the reference sample."""

    def detect(self, reference: Sample, live: Sample, *, seed: int = 0) -> Drift:
        """Compare two samples."""
        ...


class Policy(Protocol):
    """Chooses the rows that an update trains on."""

    def rows(self, fresh: pl.DataFrame, old: pl.DataFrame, *, seed: int = 0) -> pl.DataFrame:
        """Return the training rows. Both frames have `row_id` and columns named by role."""
        ...

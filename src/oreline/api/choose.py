"""`method="auto"`: the method that fits the language, the number of rows and the start model.

In order:

0. No start model was asked for and three tenths of the letters are Chinese: `linear`.
1. The start model's tokenizer knows less than nine tenths of the words (Chinese text with an English
   MiniLM: 64 % unknown): `linear`, character n-grams, which need no vocabulary.
2. One class a row, and at most `FEW_A_CLASS` rows a class: `contrastive`.
3. Fewer than `FEW_ROWS` training rows: `head`; there is too little to move a whole encoder.
4. Otherwise `full`.

What was measured at 8 rows a class stands in `docs/LOG.md` (2026-11-27, few labels); `FEW_A_CLASS`
itself is a guess so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.api import names
from oreline.errors import UsageError
from oreline.types import Event, OnEvent

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset

FEW_ROWS = 200
FEW_A_CLASS = 32
MANY_TIMES = 10
MAX_UNKNOWN = 0.1
MANY_HAN = 0.3
SAMPLE_ROWS = 500
WITHOUT_START = ("linear", "lead")
"""Methods that begin from nothing."""
BY_WORD = {
    "tags": "every word has an answer of its own",
    "frames": "every word has an answer of its own",
    "answers": "an answer is found by reading each word of its context",
}
"""Views of tasks that read every word, which the methods for whole texts cannot, and what is said of them."""
DEFAULT_START = "catalog:minilm-l6-en"


def method(data: Dataset, start: Any, task: str = "text_classification") -> tuple[str, Any, str]:
    """Return the method, the start model to use with it, and the reason in one sentence."""
    plug = registry.get("task", task)
    if only := getattr(plug, "method", ""):
        return only, start or DEFAULT_START, f"the task {task} is taught by it alone"
    if plug.view == "texts":
        return "full", start, "answers are texts, which a model that writes has to learn as a whole"
    if names.network_name(start):
        return "full", start, "a network without pretraining learns all of its weights"
    if why := BY_WORD.get(plug.view):
        return "full", start or DEFAULT_START, why
    split = _trained_split(data)
    chosen, start, why = decide(data.num_rows(split), _sample(data), start, num_classes=num_classes(data, split, task))
    return chosen, start, why + uneven(data, split, task)


def start_for(task: str, method: str, start: Any) -> Any:
    """Return the start model to use: the asked one, the default one, or none. Raises `UsageError` where one is needed.

    Nothing writes texts by default: which model can depends on the language and on what is to be written.
    """
    if method in WITHOUT_START:
        return None
    if start is None and registry.get("task", task).view == "texts":
        raise UsageError(
            f"the task {task!r} needs a start model that writes",
            allowed="a folder with config.json, model.safetensors and tokenizer.json"
            + (", of T5, mT5, BART, Marian or the like" if task == "seq2seq" else ""),
            remedy="--start FOLDER, or a hub id",
        )
    return start or DEFAULT_START


def refuse_start(
    task: str, method: str, options: Mapping[str, Any] | None, start: Any, on_event: OnEvent
) -> str | None:
    """Raise for a start model that there is not, that is needed, or that is of the wrong kind for the task.

    Where one was given and is not used, that is said.

    Returns the method inside of another that begins from nothing (`self_training` by `linear`), or None.
    """
    given = (options or {}).get("method")
    inner = given if given in WITHOUT_START else None
    wanted = start_for(task, inner or method, start)
    if start is not None and not names.network_name(start):
        refuse_unfit_start(wanted, registry.get("task", task).head)
    if start is not None and wanted is None:
        on_event(Event("choose", message=f"the start model {start} is not used: {inner or method} begins from nothing"))
    return inner


def refuse_unfit_start(start: Any, head: str) -> None:
    """Raise what `names.start_folder` raises, and `ArtifactError` for a model that a task's head cannot stand on.

    That is one of the wrong kind, or an adapter whose base is gone or another one by now.
    """
    from oreline.models.base import base_folder

    if (folder := names.start_folder(start)) is not None:
        base = base_folder(folder)
        from oreline.models.load import refuse_wrong_kind

        refuse_wrong_kind(base, head)


def method_for_labelled(data: Dataset, start: Any, task: str) -> tuple[str, Any, str]:
    """Return what `method` returns. Raises `DataError` for rows of which none has a target to learn from."""
    from oreline.train.rows import refuse_unlabelled

    refuse_unlabelled(data, registry.get("task", task))
    return method(data, start, task)


def num_classes(data: Dataset, split: str, task: str) -> int | None:
    """Return how many classes the rows of a split have, where they can be compared in pairs.

    None where rows have no class, or several each, or are marked, or count by weights.
    """
    plug = registry.get("task", task)
    if not has_class_of_plain_text(task) or plug.target not in data.manifest.columns:
        return None
    if "weight" in data.manifest.columns:
        return None  # comparing rows in pairs counts all of them the same
    return int(data.scan(split, [plug.target]).collect()[plug.target].drop_nulls().n_unique())


def uneven(data: Dataset, split: str, task: str) -> str:
    """Return a clause on a class with a tenth of the rows of another, or less; empty where there is none.

    Methods are chosen by the mean of the classes, which says nothing of a rare one.
    """
    plug = registry.get("task", task)
    if plug.view != "classes" or plug.target not in data.manifest.columns:
        return ""
    found = (
        data.scan(split, [plug.target]).collect()[plug.target].drop_nulls().value_counts().sort("count", plug.target)
    )
    if found.is_empty() or (most := found["count"][-1]) < MANY_TIMES * (fewest := found["count"][0]):
        return ""
    rows = "1 row" if fewest == 1 else f"{fewest:,} rows"
    return (
        f"; the classes are uneven, {found[plug.target][0]!r} has {rows} and {found[plug.target][-1]!r} {most:,}: "
        "more rows of the rare ones help most, and train.class_weights=balanced (method full) lets them count more"
    )


def has_class_of_plain_text(task: str) -> bool:
    """Whether a task gives one class to one text that anybody could have written, a label's name for one."""
    plug = registry.get("task", task)
    return plug.view == "classes" and tuple(plug.inputs) == ("text",) and not hasattr(plug, "fault")


def decide(num_rows: int, texts: list[str], start: Any, *, num_classes: int | None = None) -> tuple[str, Any, str]:
    """Choose the method: its name, the start model to use with it, and the reason in one sentence.

    Args:
        num_rows: training rows.
        texts: some of their texts.
        start: the start model asked for, or None.
        num_classes: of the rows, where each text has one; None for any other task.
    """
    if start is None and han_share(texts) > MANY_HAN:
        return "linear", None, "the texts are Chinese and no Chinese start model was given"
    start = DEFAULT_START if start is None else start
    folder = names.start_folder(start)
    unknown = unknown_share(folder, texts) if folder is not None else 1.0
    if unknown > MAX_UNKNOWN:
        return "linear", None, f"{unknown:.0%} of the texts' tokens are unknown to the start model {start}"
    chosen, why = by_size(num_rows, num_classes)
    return chosen, start, f"{why}, and the start model {start} knows their words"


def by_size(num_rows: int, num_classes: int | None) -> tuple[str, str]:
    """Return the method for so many training rows, of so many classes (None: not one a row), and the reason."""
    if num_classes and num_rows <= FEW_A_CLASS * num_classes:
        a_class = num_rows / num_classes
        few = "1 row a class is" if a_class < 1.5 else f"{a_class:.0f} rows a class are"
        return "contrastive", f"{few} few: comparing rows in pairs learns most from them"
    if num_rows < FEW_ROWS:
        rows = "1 training row is" if num_rows == 1 else f"{num_rows} training rows are"
        return "head", f"{rows} too few to train the whole encoder ({FEW_ROWS} are not)"
    return "full", f"{num_rows:,} training rows"


def suggestion(data: Dataset, start: Any, task: str, chosen: str) -> str:
    """Return a sentence on what `auto` would take instead of the chosen method; empty where it would take the same.

    Nothing is fetched for it: without a start model, `linear` hears of it only where rows are few. Of rows without a
    target nothing is said: other methods could not learn from them.
    """
    plug = registry.get("task", task)
    if plug.view == "texts" or hasattr(plug, "method") or plug.target not in data.manifest.columns:
        return ""
    if names.network_name(start):
        return ""
    if start is None and chosen == "linear":
        split = _trained_split(data)
        better, why = by_size(data.num_rows(split), num_classes(data, split, task))
        if better != "contrastive" or han_share(_sample(data)) > MANY_HAN:
            return ""
    else:
        better, _, why = method(data, start, task)
    return f"--method auto would take {better}: {why}" if better != chosen else ""


def _trained_split(data: Dataset) -> str:
    return "train" if "train" in data.splits else data.splits[0]


def _sample(data: Dataset) -> list[str]:
    """Return some texts that are trained on."""
    frame = data.scan(_trained_split(data), ["text"]).head(SAMPLE_ROWS).collect()
    return [str(text) for text in frame["text"]]


def han_share(texts: list[str]) -> float:
    """Return the share of Chinese characters among all letters.

    >>> han_share(["好 ok"])
    0.3333333333333333
    """
    letters = [character for text in texts for character in text if character.isalpha()]
    return sum("\u4e00" <= character <= "\u9fff" for character in letters) / max(len(letters), 1)


def unknown_share(folder: Path, texts: list[str]) -> float:
    """Return the share of tokens that a start model's tokenizer does not know."""
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if not file.is_file():
        return 0.0  # nothing to measure with; loading it will say what is wrong
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    unknown = {tokenizer.token_to_id(token) for token in ("[UNK]", "<unk>")} - {None}
    ids = [token for text in texts for token in tokenizer.encode(text, add_special_tokens=False).ids]
    return sum(token in unknown for token in ids) / max(len(ids), 1)

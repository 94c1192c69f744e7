"""Which split each file of a data set on a hub belongs to, by its name, as the library `datasets` reads names.

The words are those of `datasets.data_files` (Apache-2.0): train, training; validation, valid, val, dev; test, testing,
eval, evaluation; each standing between characters that are no letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from oreline.errors import UsageError

_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "dev"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
_WORD = re.compile(rf"(?<![a-z])({'|'.join(sorted(_WORDS, key=len, reverse=True))})(?![a-z])")


def split_files(files: Sequence[str], place: str) -> dict[str, list[str]]:
    """Return the files of each split; none where they are not divided into `train` and others.

    A file without such a word in its name or in those of its folders belongs to no split.

    >>> split_files(["data/train-0.parquet", "data/validation-0.parquet", "extra.parquet"], "hf://datasets/ann/a")
    {'train': ['data/train-0.parquet'], 'dev': ['data/validation-0.parquet']}
    >>> split_files(["train.csv", "train2.csv"], "hf://datasets/ann/a")
    {}

    Raises `UsageError` where the files are several data sets, each with its own splits.
    """
    found: dict[str, list[str]] = {}
    subsets: dict[str, set[str]] = {}
    for file in sorted(files):
        split, subset = _split_of(file)
        if split:
            found.setdefault(split, []).append(file)
            subsets.setdefault(subset, set()).add(split)
    whole = sorted(subset for subset, splits in subsets.items() if len(splits) > 1 and "train" in splits)
    if len(whole) > 1:
        raise UsageError(
            f"the data set holds {len(whole)} data sets with splits of their own",
            where=place,
            allowed=", ".join(whole[:20]),
            remedy=f"name one: hf://datasets/OWNER/NAME/{whole[0] or '*'}{'/*' if whole[0] else ''}",
        )
    return {name: found[name] for name in ("train", "dev", "test") if name in found} if _divides(found) else {}


def _divides(found: dict[str, list[str]]) -> bool:
    return "train" in found and len(found) > 1


def _split_of(file: str) -> tuple[str, str]:
    """Return a file's split, by the last part of its path that tells it, and the folders that tell none."""
    parts = PurePosixPath(file.lower()).parts
    words = [(_WORD.findall(part) or [""])[-1] for part in parts]
    split = next((_WORDS[word] for word in reversed(words) if word), "")
    given = PurePosixPath(file).parts
    return split, "/".join(part for part, word in zip(given[:-1], words) if not word)

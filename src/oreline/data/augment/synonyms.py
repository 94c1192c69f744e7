"""Words that may stand for one another: from a file of the user's, or the nearest words by a model's vectors.

Oreline ships no thesaurus. A file has a group of words a line, or is JSON Lines with `words`; a thesaurus code before
them that ends in `#` or `@` (as in Cilin: related words, single words) makes a group that is not used. By vectors, two
words belong together where each is among the nearest of the other, which keeps out words that are near to everything.

Shape suffixes: V words, D width, J neighbours.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oreline.data.augment.pieces import NEGATIONS, Piece, cut
from oreline.data.labels.features import unit
from oreline.data.texts.stopping import stop_words
from oreline.errors import DataError

Synonyms = Mapping[str, Sequence[str]]
"""Words by word, in lower case, the nearest first."""

MAX_WORDS = 10_000
"""Words of the rows whose neighbours are looked for, the most frequent ones."""
_NEIGHBOURS = 8
_KEPT = 5
_BLOCK = 512
_MAX_BYTES = 64 << 20
_CODE = re.compile(r"[A-Z][A-Za-z0-9]*[=#@]?")
_SEPARATORS = re.compile(r"[\s,，、;；|]+")


def read_synonyms(file: str | Path) -> dict[str, list[str]]:
    """Return the other words of each word's groups.

    Args:
        file: UTF-8, a group a line, its words apart by spaces, tabs, commas or `|`; or `.jsonl` with `words` (a list)
            and, where there is one, `code`.

    Raises `DataError` for a file that is missing, too large, no UTF-8, or holds no group of two words.
    """
    found: dict[str, list[str]] = {}
    for words in _groups(Path(file)):
        for word in words:
            own = found.setdefault(word.lower(), [])
            own += [other for other in words if other.lower() != word.lower() and other not in own]
    if not found:
        raise DataError(
            "the file holds no synonyms",
            where=str(file),
            allowed="two words or more a line: happy glad cheerful",
        )
    return found


def vocabulary(texts: Iterable[str], *, most: int = MAX_WORDS) -> list[str]:
    """Return the words of texts that say something, in lower case, the most frequent first.

    >>> vocabulary(["The film is fine, a fine film", "好电影"])
    ['film', 'fine', '电影']
    """
    silent = stop_words("en") | stop_words("zh") | NEGATIONS
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word.lower() for word in cut(text) if len(word) > 1 and Piece(word).is_word)
    said = [(word, number) for word, number in counts.items() if word not in silent]
    return [word for word, _ in sorted(said, key=lambda found: (-found[1], found[0]))[:most]]


def nearest_words(
    words: Sequence[str], embed: Callable[[Sequence[str]], NDArray[np.floating]], min_similarity: float
) -> dict[str, list[str]]:
    """Return the words nearest to each, of which each is among the nearest of the other.

    Args:
        words: distinct.
        embed: gives a vector for each word, (V, D).
        min_similarity: cosine from which on words count as near.
    """
    if len(words) < 2:
        return {}
    vectors_VD = unit(np.asarray(embed(words), np.float32))
    most = min(_NEIGHBOURS, len(words) - 1)
    near_VJ = np.zeros((len(words), most), np.int64)
    cosine_VJ = np.zeros((len(words), most), np.float32)
    for start in range(0, len(words), _BLOCK):
        cosine = vectors_VD[start : start + _BLOCK] @ vectors_VD.T
        rows = np.arange(len(cosine))
        cosine[rows, rows + start] = -np.inf
        best = np.argpartition(-cosine, most - 1, axis=1)[:, :most]
        order = np.argsort(-np.take_along_axis(cosine, best, 1), axis=1, kind="stable")
        near_VJ[start : start + _BLOCK] = np.take_along_axis(best, order, 1)
        cosine_VJ[start : start + _BLOCK] = np.take_along_axis(np.take_along_axis(cosine, best, 1), order, 1)
    sets = [frozenset(near.tolist()) for near in near_VJ]
    found = {}
    for number, word in enumerate(words):
        own = [
            words[other]
            for other, cosine in zip(near_VJ[number].tolist(), cosine_VJ[number].tolist())
            if cosine >= min_similarity and number in sets[other] and not _is_form(word, words[other])
        ]
        if own:
            found[word] = own[:_KEPT]
    return found


def _is_form(word: str, other: str) -> bool:
    """Whether one English word is only another form of the other: movie, movies."""
    first, second = sorted((word, other), key=len)
    return first.isascii() and len(first) > 3 and second.startswith(first[:-1]) and len(second) - len(first) <= 3


def _groups(file: Path) -> Iterator[list[str]]:
    for number, line in enumerate(_lines(file), start=1):
        if not line or line.startswith("#"):
            continue
        code, words = _json_group(line, f"{file}:{number}") if file.suffix == ".jsonl" else _plain_group(line)
        distinct = list(dict.fromkeys(word for word in words if word and not re.search(r"\s", word)))
        if len(distinct) > 1 and not code.endswith(("#", "@")):
            yield distinct


def _lines(file: Path) -> list[str]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise DataError("the file of synonyms is too large", where=str(file), allowed=f"{_MAX_BYTES >> 20} MB")
        return [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise DataError(f"the file of synonyms cannot be read: {error.strerror}", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise DataError("the file of synonyms is no UTF-8", where=f"{file}, byte {error.start}") from error


def _plain_group(line: str) -> tuple[str, list[str]]:
    words = _SEPARATORS.split(line)
    if len(words) > 1 and words[0][-1:] in "=#@" and _CODE.fullmatch(words[0]):
        return words[0], words[1:]
    return "", words


def _json_group(line: str, place: str) -> tuple[str, list[str]]:
    try:
        found = json.loads(line)
        words = found["words"]
        if not all(isinstance(word, str) for word in words):
            raise TypeError
        code = str(found.get("code", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            "a line of the file of synonyms is no group", where=place, allowed='{"words": ["happy", "glad"]}'
        ) from error
    # A class of a thesaurus, such as Aa, has no mark and names what is below it.
    return (code if code.endswith(("=", "#", "@")) or not code else "@"), words

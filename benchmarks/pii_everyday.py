"""Everyday sentences with private data by an author who had not read the detectors or the other sets: `fifth_author`.

Written on 2026-11-28 from what people write to relatives, neighbours, shops, clinics, schools, landlords and
colleagues, in forms, contracts, signatures, logs and settings. Names, addresses and organisations stand in the
sentences as somebody wrote them, each one once; numbers with a specification are made in `pii_texts.py`, or from a
pattern where people write them in a form of their own. Every sentence occurs equally often.

Beside the kinds that are looked for by default, organisations and dates of birth are marked (`EXTRA`).
"""

from __future__ import annotations

import functools
import re
import string
import tomllib
from pathlib import Path
from random import Random

import pii_texts
from pii_texts import PLAIN, Text

AUTHORS = ("fifth_author",)
EXTRA = ("organisation", "date_of_birth")

_PLACE = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_WRITTEN = {"name", "address", *EXTRA}
"""Kinds that stand as they were written."""
_LETTERS = string.ascii_letters + string.digits


def make(number: int, *, seed: int, frames: str) -> list[Text]:
    """Return so many texts of one sentence each, all sentences in a random order before any comes again."""
    rng = Random(f"{frames}:{seed}")
    made: list[Text] = []
    while len(made) < number:
        sentences = list(_sentences(frames))
        rng.shuffle(sentences)
        made += [_filled(one, rng) for one in sentences]
    return made[:number]


@functools.cache
def _sentences(frames: str) -> list[str]:
    file = Path(__file__).with_name("pii_everyday.toml")
    lists: dict[str, list[str]] = tomllib.loads(file.read_text(encoding="utf-8"))[frames]
    return [one for sentences in lists.values() for one in sentences]


def _filled(sentence: str, rng: Random) -> Text:
    made, end = Text(""), 0
    for place in _PLACE.finditer(sentence):
        made.text += sentence[end : place.start()]
        end = place.end()
        kind, written = place[1], place[2]
        is_near = kind == "plain" or kind in PLAIN
        start = len(made.text)
        if written is None:
            made.text += {**pii_texts.MAKE, **PLAIN}[kind](rng)
        else:
            made.text += written if kind in _WRITTEN else _drawn(written, rng)
        (made.near if is_near else made.spans).append((start, len(made.text), kind))
    made.text += sentence[end:]
    return made


def _drawn(pattern: str, rng: Random) -> str:
    """Put a digit for each `#` and a letter or digit for each `*`."""
    chosen = {"#": string.digits, "*": _LETTERS}
    return "".join(rng.choice(chosen[character]) if character in chosen else character for character in pattern)

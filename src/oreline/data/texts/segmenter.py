"""Chinese words by jieba, with its dictionary read safely."""

from __future__ import annotations

import functools
import logging
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oreline.errors import MissingExtraError


@functools.cache
def segmenter() -> Any:
    """Return jieba with its own dictionary, read afresh (a second, once in a process).

    jieba would keep the dictionary as a marshal file of fixed name in the shared temporary folder, where another user
    of the machine could place one of their own; it is neither written nor read here.
    """
    try:
        with warnings.catch_warnings():
            # jieba's source has invalid escapes and asks for pkg_resources; Python and setuptools warn of both.
            warnings.simplefilter("ignore")
            import jieba
    except ModuleNotFoundError as error:
        raise MissingExtraError("jieba", "data", "cutting Chinese text into words") from error
    logging.getLogger("jieba").setLevel(logging.ERROR)
    found = jieba.Tokenizer()
    found.FREQ, found.total = found.gen_pfdict(found.get_dict_file())
    found.initialized = True
    return found


def word_lengths(text: str) -> NDArray[np.int32]:
    """Return the lengths in characters of a text's jieba words in order, white space included: they add up.

    >>> word_lengths("这部电影很好看。").tolist()
    [2, 2, 1, 2, 1]
    """
    return np.fromiter(map(len, segmenter().cut(text)), np.int32)

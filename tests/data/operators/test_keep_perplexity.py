"""What reads like nothing else goes, by language."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.operators.keep_perplexity import Operator
from oreline.errors import UsageError

ENGLISH = [f"the film was good and the story was fine, number {n}" for n in range(30)]
CHINESE = [f"这部电影的故事很好看，演员也不错，第{n}次看" for n in range(30)]
NOISE = ["xqzj vkwp qqjz xkcd zzvq", "鱲龘靐齉爩麤灪籲鸞驫鱻"]


def frame(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"row_id": [f"a:{n}" for n in range(len(texts))], "text": texts})


@pytest.mark.parametrize("units", ["characters", "words"])
def test_noise_of_each_language_is_the_most_surprising(units: str):
    rows = frame([*ENGLISH, NOISE[0], *CHINESE, NOISE[1], "short"])
    operator = Operator(max_percentile=0.97, units=units, bits=14)
    drops = operator.whole(rows.lazy())
    assert drops.rows() == [("a:30", "perplexity: high", None), ("a:61", "perplexity: high", None)]
    assert [row[0] for row in operator.findings()["tables"][0]["rows"]] == ["en", "zh"]
    assert [row[1] for row in operator.findings()["tables"][0]["rows"]] == [31, 31]


def test_what_comes_again_and_again_is_the_least():
    unlike = [
        "a quick brown fox jumps",
        "seven wizards boxed daily",
        "my jovial plumber hid ham",
        "glum vexing sphinx of quartz",
    ]
    rows = frame([*unlike, *["click here to read more"] * 6])
    drops = Operator(max_percentile=None, min_percentile=0.65, bits=14).whole(rows.lazy())
    assert set(drops["reason"]) <= {"perplexity: low"}
    scores = Operator(bits=14).perplexities(rows.lazy())
    assert scores["perplexity"].tail(6).max() < scores["perplexity"].head(4).min()


def test_good_rows_of_the_user(tmp_path: Path):
    good = tmp_path / "good.jsonl"
    pl.DataFrame({"text": ENGLISH}).write_ndjson(good)
    rows = frame([ENGLISH[0], NOISE[0], *CHINESE[:2]])
    scores = Operator(good=str(good), bits=14).perplexities(rows.lazy())
    assert scores["row_id"].to_list() == ["a:0", "a:1"], "there is no Chinese to compare with"
    assert scores["perplexity"][1] > 5 * scores["perplexity"][0]


def test_impossible_options():
    with pytest.raises(UsageError, match="0 <= min_percentile"):
        Operator(min_percentile=0.9, max_percentile=0.5)
    with pytest.raises(UsageError, match="bits 40"):
        Operator(bits=40)


def test_no_text_column():
    assert Operator().whole(pl.LazyFrame({"row_id": ["a:1"], "other": ["x"]})).height == 0

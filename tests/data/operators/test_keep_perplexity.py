"""What reads like nothing else goes, by language."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline.data.external import sorting
from oreline.data.operators import keep_perplexity
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
    drops = pl.concat(operator.whole(rows.lazy()))
    assert drops["position"].to_list() == [30, 61]
    assert drops.drop("position").rows() == [("a:30", "perplexity: high", None), ("a:61", "perplexity: high", None)]
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
    drops = pl.concat(Operator(max_percentile=None, min_percentile=0.65, bits=14).whole(rows.lazy()))
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
    assert list(Operator().whole(pl.LazyFrame({"row_id": ["a:1"], "other": ["x"]}))) == []


@pytest.mark.parametrize("memory_bytes", [0, 1 << 30])
@pytest.mark.parametrize(("low", "high"), [(None, 0.9), (0.13, 0.87), (0.3, None), (None, None)])
def test_what_goes_is_told_by_percentiles_of_all_rows(
    monkeypatch: pytest.MonkeyPatch, memory_bytes: int, low: float | None, high: float | None
) -> None:
    """Against Polars' quantiles of what is held in memory; in the order of the rows."""
    monkeypatch.setattr(keep_perplexity, "_BATCH", 7)
    monkeypatch.setattr(sorting, "_LEAST_RUN", 10)
    texts = [text for n in range(30) for text in (ENGLISH[n] + "!" * (n % 7), CHINESE[n][n % 5 :], "short"[: n % 6])]
    rows = frame(texts)
    operator = Operator(min_percentile=low, max_percentile=high, bits=14)
    operator.memory_bytes = memory_bytes
    drops = pl.concat(operator.whole(rows.lazy()))
    scores = Operator(bits=14).perplexities(rows.lazy())
    value, wanted = pl.col("perplexity"), []
    for language in ("en", "zh"):
        own = scores.filter(language=language)
        if low is not None:
            wanted += [(row, "perplexity: low") for row in own.filter(value < value.quantile(low))["row_id"]]
        if high is not None:
            wanted += [(row, "perplexity: high") for row in own.filter(value > value.quantile(high))["row_id"]]
    assert drops["row_id"].to_list() == rows["row_id"].gather(drops["position"]).to_list()
    place = {row: number for number, row in enumerate(rows["row_id"])}
    assert drops.select("row_id", "reason").rows() == sorted(wanted, key=lambda found: place[found[0]])
    assert bool(wanted) == (low is not None or high is not None)
    shown = [row[2:] for row in operator.findings()["tables"][0]["rows"]]
    assert shown == [
        [scores.filter(language=language)["perplexity"].quantile(share) for share in (0.02, 0.25, 0.5, 0.75, 0.98)]
        for language in ("en", "zh")
    ]

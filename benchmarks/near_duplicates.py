"""Near-duplicates: `dedup_near` beside text-dedup, how fast, and how much of what was planted each finds.

Speed: the operator from a Parquet file of texts to the rows that go, in a process of its own, and text-dedup's MinHash
on the same file (5-word shingles, 112 permutations, threshold 0.8, unverified). Processor seconds count, because
machines are shared; wall seconds and the most memory stand beside them.

Quality: copies of real texts with a few changed words (Chinese: characters) are planted among real texts. A slow
oracle, which shares no code with the operator, compares all pairs exactly (sparse matrix products of sets of
shingles). Recall counts the planted copies whose similarity is at least the threshold and of which not both rows stay;
precision the rows that went and are at least as similar to some row that stays, by the oracle.

    python benchmarks/near_duplicates.py --data /data --rows 100000 --peer /tmp/venv/bin/python

The folder has `imdb/*.parquet`, `online_shopping_zh/*.jsonl` and `clue_corpus_zh/*.jsonl` with a column `text`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from refinery import arrow_rows

THRESHOLD = 0.8
TOKEN = re.compile(r"[\u4e00-\u9fff]|(?:(?![\u4e00-\u9fff])[^\W_])+")


def main() -> None:
    """Run what was asked for and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of the data sets")
    parser.add_argument("--rows", type=int, default=100_000, help="texts of imdb for the speed")
    parser.add_argument("--planted", type=int, default=2000, help="texts in which copies are planted, each language")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", help="a Python that has text-dedup 0.4.0")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(ours(Path(args.child))))
        return
    if not args.data or not Path(args.data).is_dir():
        sys.exit("no data: give --data DIR or set ORELINE_DATA")
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(args.data), args, Path(folder))
    for language in ("en", "zh", "zh documents"):
        quality(language, texts_of(Path(args.data), language), args.planted)


def texts_of(data: Path, language: str) -> list[str]:
    """Return real texts of a language."""
    if language == "en":
        return pl.read_parquet(sorted((data / "imdb").glob("*.parquet")), columns=["text"])["text"].to_list()
    name = "online_shopping_zh" if language == "zh" else "clue_corpus_zh"
    return pl.read_ndjson(sorted((data / name).glob("*.jsonl")))["text"].drop_nulls().to_list()


def speed(data: Path, args: argparse.Namespace, folder: Path) -> None:
    """Time both on the same file and print a table."""
    file = folder / "imdb" / "texts.parquet"
    file.parent.mkdir()
    texts = texts_of(data, "en")[: args.rows]
    ids = [f"imdb:{number}" for number in range(1, len(texts) + 1)]
    pl.DataFrame({"row_id": ids, "text": texts}).write_parquet(file)
    print(f"{len(texts):,} texts of imdb, {sum(map(len, texts)) / 1e6:.0f} million characters\n")
    print(f"{'':24}{'cpu s':>8}{'wall s':>8}{'texts/s/core':>14}{'went':>8}{'memory MB':>11}")
    for _ in range(args.repeats):
        command = [sys.executable, __file__, "--child", str(file)]
        show("dedup_near", json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        if args.peer:
            show("text-dedup", peer(args.peer, file, folder))


def show(name: str, found: dict[str, Any]) -> None:
    """Print a line of the table of speeds."""
    rate = found["rows"] / found["cpu_s"]
    cells = f"{found['cpu_s']:>8.1f}{found['wall_s']:>8.1f}{rate:>14,.0f}{found['went']:>8,}{found['memory_mb']:>11,}"
    print(f"{name:24}{cells}", flush=True)


def ours(file: Path) -> dict[str, Any]:
    """Return what the operator took, imports left out, and how many rows went."""
    from oreline.data.operators.dedup_near import Operator
    from oreline.memory import peak_bytes

    rows = pl.scan_parquet(file)
    started, cpu = time.perf_counter(), time.process_time()
    went = sum(frame.height for frame in Operator(threshold=THRESHOLD).whole(rows))
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - started,
        "rows": rows.select(pl.len()).collect().item(),
        "went": went,
        "memory_mb": peak_bytes() >> 20,
    }


def peer(python: str, file: Path, folder: Path) -> dict[str, Any]:
    """Run text-dedup's command on the same file; its children's processor time counts."""
    out = folder / "peer"
    options = ["--path", "parquet", "--data_files", str(file), "--split", "train", "--column", "text"]
    options += ["--cache_dir", str(folder / "cache"), "--output", str(out), "--ngram", "5", "--num_perm", "112"]
    options += ["--threshold", str(THRESHOLD), "--min_length", "1", "--batch_size", "10000"]
    script = (
        "import resource, runpy, sys, time, json; t = time.perf_counter(); sys.argv = sys.argv[1:]\n"
        "try:\n    runpy.run_module('text_dedup.minhash', run_name='__main__')\nexcept SystemExit:\n    pass\n"
        "used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "cpu = sum(u.ru_utime + u.ru_stime for u in used)\n"
        "most = max(u.ru_maxrss for u in used) >> 10\n"
        "print('\\n' + json.dumps({'cpu_s': cpu, 'wall_s': time.perf_counter() - t, 'memory_mb': most}))"
    )
    command = [python, "-c", script, "minhash", *options]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}
    )
    found = json.loads(done.stdout.strip().rsplit("\n", 1)[-1])
    rows = pl.scan_parquet(file).select(pl.len()).collect().item()
    kept = sum(arrow_rows(part) for part in out.glob("*.arrow"))
    return {**found, "rows": rows, "went": rows - kept}


def quality(language: str, texts: list[str], num_rows: int) -> None:
    """Plant copies, let the operator and the oracle judge, and print recall and precision."""
    from oreline.data.operators.dedup_near import Operator

    source = random.Random(0)
    chosen = source.sample([text for text in texts if len(TOKEN.findall(text)) >= 10], min(num_rows, len(texts) // 2))
    pool = [token for text in chosen[:200] for token in TOKEN.findall(text)]
    planted = [changed(text, pool, source) for text in chosen[: len(chosen) // 2]]
    rows = [*chosen, *planted]
    order = source.sample(range(len(rows)), len(rows))
    frame = pl.DataFrame({"row_id": [f"x:{n}" for n in order], "text": [rows[n] for n in order]})
    near = oracle(rows)
    drops = pl.concat(list(Operator(threshold=THRESHOLD).whole(frame.lazy())))
    went = {int(row_id[2:]): int(kept[2:]) for row_id, kept in drops.select("row_id", "kept_id").iter_rows()}
    copies = [(n, len(chosen) + n) for n in range(len(planted)) if (n, len(chosen) + n) in near]
    found = sum(a in went or b in went for a, b in copies)
    right = sum((min(pair), max(pair)) in near for pair in went.items())
    stays = set(range(len(rows))) - set(went)
    like_some = sum(any((min(row, other), max(row, other)) in near for other in stays) for row in went)
    print(
        f"\n{language}: {len(rows):,} rows, {len(copies):,} planted copies at or above {THRESHOLD}, "
        f"{len(near):,} pairs in all\n"
        f"  recall of planted copies {found / max(len(copies), 1):.4f}\n"
        f"  precision {like_some / max(len(went), 1):.4f} of {len(went):,} rows that went (like some row that stays); "
        f"like the row they gave way to {right / max(len(went), 1):.4f}",
        flush=True,
    )


def changed(text: str, pool: list[str], source: random.Random) -> str:
    """Return a text with up to 4 % of its tokens replaced, and now and then a sentence before or after it."""
    share = source.choice([0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04])
    edited = TOKEN.sub(lambda match: source.choice(pool) if source.random() < share else match[0], text)
    if source.random() < 0.2:
        few = " ".join(source.sample(pool, min(len(text) // 100 + 1, 20)))
        edited = f"{few}. {edited}" if source.random() < 0.5 else f"{edited} {few}"
    return edited.upper() if source.random() < 0.1 else edited


def oracle(texts: list[str]) -> dict[tuple[int, int], float]:
    """Return all pairs at or above the threshold: two texts are compared in every size that both are cut into."""
    from scipy import sparse

    found: dict[tuple[int, int], float] = {}
    words = [TOKEN.findall(text.lower()) for text in texts]
    for size in (2, 5, 10):
        rows = [number for number, tokens in enumerate(words) if size in sizes(tokens)]
        numbers: dict[tuple[str, ...], int] = {}
        indices, starts = [], [0]
        for row in rows:
            runs = {tuple(words[row][at : at + size]) for at in range(max(len(words[row]) - size + 1, 1))}
            indices += [numbers.setdefault(run, len(numbers)) for run in runs]
            starts.append(len(indices))
        if not rows:
            continue
        sets = sparse.csr_matrix((np.ones(len(indices), np.int32), indices, starts), (len(rows), len(numbers)))
        counts = np.diff(starts)
        common = sparse.triu(sets @ sets.T, k=1).tocoo()
        similar = common.data / (counts[common.row] + counts[common.col] - common.data)
        for a, b, value in zip(common.row, common.col, similar, strict=True):
            if value >= THRESHOLD:
                pair = min(rows[a], rows[b]), max(rows[a], rows[b])
                found[pair] = max(found.get(pair, 0), float(value))
    return found


def sizes(tokens: list[str]) -> set[int]:
    """Return the sizes of shingles that a text is cut into, as the operator's page says."""
    single = sum("\u4e00" <= token[0] <= "\u9fff" for token in tokens) / max(len(tokens), 1)
    found = {2} if len(tokens) < 50 / THRESHOLD else set()
    if len(tokens) >= 50 and (len(tokens) < 2000 / THRESHOLD or single < 0.6):
        found.add(5)
    if len(tokens) >= 2000 and single > 0.4:
        found.add(10)
    return found


if __name__ == "__main__":
    main()

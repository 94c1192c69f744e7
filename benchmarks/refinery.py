"""The refinery beside its peers: clean, quality, exact and near duplicates, private data, split, report.

All read the same file (100,000 reviews of imdb by default, one column of text) on the same machine with the same number
of processes, and write the rows that remain. Peers run in a Python of their own, by the steps that they have:

* datatrove: ftfy, Gopher repetition and quality, exact duplicates, MinHash (5 words, 14 bands of 8), e-mail and IP
  addresses. No split, no report.
* data-juicer: Unicode, white space, lengths and repetition of words and characters, exact duplicates, MinHash (5
  words, 0.8), e-mail and IP addresses. It has no Gopher quality as such, no split, no report. Its operators install
  what they lack when they first run, unnoticed and within the time that is measured; here that is refused, so install
  aiohttp, ftfy, pyyaml, ray, scipy and torch before.
* text-dedup: MinHash only (5 words, 112 permutations, 0.8, unverified). Ours beside it does that step alone.

    python benchmarks/refinery.py --data /data --peer datatrove=/dt/bin/python --peer text-dedup=/td/bin/python

Figures are medians over `--repeats`: seconds on the clock, of processors, and the most memory of all processes. With
several `--rows`, the largest and the smallest also say what a start takes and what each text beyond it does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from processes import Taken, taken

OURS = "Oreline"
CHAIN = (
    "normalize_text", "drop_empty", "keep_length", "keep_gopher_repetition", "keep_gopher_quality", "dedup_exact",
    "dedup_near", "mask_pii",
)  # fmt: skip
THRESHOLD = 0.8
WHOLE = f"{OURS}: all steps, split and report"

Spent = tuple[float, float]
"""Seconds on the clock and of processors."""


def main() -> None:
    """Run each in turn, `--repeats` times, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder with imdb/*.parquet")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000], help="texts; several are run in turn")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON, repeatable")
    parser.add_argument("--folder", help="where everything is written")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, source, out, workers = options.child
        PEERS[name](Path(source), Path(out), int(workers))
        return
    if not options.data or not Path(options.data).is_dir():
        sys.exit("no data: give --data DIR or set ORELINE_DATA")
    peers = dict(peer.split("=", 1) for peer in options.peer)
    medians = {}
    for rows in sorted(set(options.rows)):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            medians[rows] = compare(Path(folder), peers, rows, options)
    if len(medians) > 1:
        print_slopes(medians)


def compare(folder: Path, peers: dict[str, str], rows: int, options: argparse.Namespace) -> dict[str, Spent]:
    """Print one line for each and return them: medians over the repeats; the order changes from repeat to repeat."""
    size = write_input(Path(options.data), folder, rows, options.workers)
    print(f"{rows:,} texts, {size / 1e6:.1f} MB, {options.workers} processes\n", flush=True)
    runs: dict[str, Callable[[Path], Taken]] = {WHOLE: lambda out: ours(folder, out, CHAIN, options)}
    if not peers or "text-dedup" in peers:  # the one that does this step alone
        runs[f"{OURS}: near-duplicates alone"] = lambda out: ours(folder, out, ("dedup_near",), options)
    for name, python in peers.items():
        runs[name] = lambda out, name=name, python=python: theirs(name, python, folder, out, options)
    found: dict[str, list[tuple[Taken, int]]] = {name: [] for name in runs}
    for repeat in range(options.repeats):
        for name in list(runs)[:: 1 if repeat % 2 == 0 else -1]:
            out = folder / "out"
            result = runs[name](out)
            if result.code:
                print(f"{name} failed with code {result.code}:\n{result.output[-2000:]}", flush=True)
            else:
                found[name].append((result, rows_of(out)))
                told = f"{result.wall_s:.1f} s, {result.cpu_s:.1f} s of processors, {result.peak_bytes / 1e6:,.0f} MB"
                print(f"{name}: {told}, {found[name][-1][1]:,} rows", flush=True)
            shutil.rmtree(out, ignore_errors=True)
    print("\n| | clock s | processor s | peak MB | rows out |\n|---|---:|---:|---:|---:|")
    medians = {}
    for name, results in found.items():
        if results:
            wall_s = statistics.median(result.wall_s for result, _ in results)
            cpu_s = statistics.median(result.cpu_s for result, _ in results)
            peak = statistics.median(result.peak_bytes for result, _ in results)
            medians[name] = (wall_s, cpu_s)
            print(f"| {name} | {wall_s:.1f} | {cpu_s:.1f} | {peak / 1e6:,.0f} | {results[0][1]:,} |", flush=True)
    print(flush=True)
    return medians


def print_slopes(medians: dict[int, dict[str, Spent]]) -> None:
    """Print, from the smallest and the largest cut, what a start takes and what each thousand texts beyond it do."""
    few, many = min(medians), max(medians)
    both = [name for name in medians[few] if name in medians[many]]
    slopes = {
        name: tuple((much - little) / (many - few) for little, much in zip(medians[few][name], medians[many][name]))
        for name in both
    }
    print(f"From {few:,} to {many:,} texts\n")
    print("| | start: clock s | processor s | 1,000 texts: clock s | processor s | to ours: clock | processor |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, slope in slopes.items():
        starts = [f"{spent - each * few:.1f}" for spent, each in zip(medians[few][name], slope)]
        thousands = [f"{each * 1000:.2f}" for each in slope]
        ratios = [f"{each / own:.2f}" if own > 0 else "–" for each, own in zip(slope, slopes.get(WHOLE, (0.0, 0.0)))]
        print(f"| {name} | {' | '.join([*starts, *thousands, *ratios])} |", flush=True)


def write_input(data: Path, folder: Path, rows: int, workers: int) -> int:
    """Write the texts as one Parquet file, and as one JSON Lines file for each process; return their bytes."""
    import polars as pl

    texts = pl.read_parquet(sorted((data / "imdb").glob("*.parquet")), columns=["text"]).head(rows)
    texts.write_parquet(folder / "texts.parquet", row_group_size=1000)
    (folder / "parts").mkdir()
    step = -(-texts.height // workers)
    for number, part in enumerate(texts.iter_slices(step)):
        part.write_ndjson(folder / "parts" / f"{number:05d}.jsonl")
    return int(texts["text"].str.len_bytes().sum())


def ours(folder: Path, out: Path, chain: tuple[str, ...], options: argparse.Namespace) -> Taken:
    """Run the command line."""
    command = [sys.executable, "-m", "oreline", "refine", str(folder / "texts.parquet"), "--out", str(out), "--quiet"]
    command += ["--workers", str(options.workers), "--memory", options.memory]
    return taken([*command, *(part for name in chain for part in ("--operator", name))])


def theirs(name: str, python: str, folder: Path, out: Path, options: argparse.Namespace) -> Taken:
    """Run a peer in its own Python."""
    source = folder / ("texts.parquet" if name == "text-dedup" else "parts")
    command = [python, __file__, "--child", name, str(source), str(out), str(options.workers)]
    if name == "text-dedup":
        command = [python, *text_dedup(source, out, options.workers)]
    quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    # An operator that would install a package fails instead: the time of a download is nobody's figure.
    return taken(command, environment={**quiet, "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"})


def rows_of(out: Path) -> int:
    """Return the rows that were written, whoever wrote them."""
    if (out / "dataset.json").is_file():
        return int(json.loads((out / "dataset.json").read_text())["counts"]["rows_out"])
    if arrow := list(out.glob("*.arrow")):
        return sum(arrow_rows(file) for file in arrow)
    files = [*out.glob("*.jsonl"), *out.glob("final/*.jsonl")]
    texts = [file for file in files if not file.stem.endswith("_stats")]  # Data-Juicer writes them beside
    return sum(file.read_bytes().count(b"\n") for file in texts)


def arrow_rows(file: Path) -> int:
    """Return the rows of a file that the library datasets wrote: an Arrow stream."""
    import pyarrow.ipc

    with pyarrow.ipc.open_stream(file) as stream:
        return sum(batch.num_rows for batch in stream)


def datatrove(source: Path, out: Path, workers: int) -> None:
    """Run datatrove's filters, its three steps for exact duplicates, its four of MinHash, and its masks."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline import dedup, filters
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(precision=64))
    equal = dedup.ExactDedupConfig(content_getter=lambda document: document.text)
    clean, unequal, work = str(out / "clean"), str(out / "unequal"), out / "work"
    plain = {"output_filename": "${rank}.jsonl", "compression": None}
    pipelines = [
        ([
            JsonlReader(str(source)), FTFYFormatter(), filters.GopherRepetitionFilter(),
            filters.GopherQualityFilter(), JsonlWriter(clean, **plain),
            dedup.ExactDedupSignature(str(work / "equal"), config=equal),
        ], workers),
        ([dedup.ExactFindDedups(str(work / "equal"), str(work / "equal_remove"), config=equal)], 1),
        ([
            JsonlReader(clean), dedup.ExactDedupFilter(str(work / "equal_remove"), config=equal),
            JsonlWriter(unequal, **plain), dedup.MinhashDedupSignature(str(work / "signatures"), config=config),
        ], workers),
        ([dedup.MinhashDedupBuckets(str(work / "signatures"), str(work / "buckets"), config=config)], 14),
        ([dedup.MinhashDedupCluster(str(work / "buckets"), str(work / "remove"), config=config)], 1),
        ([
            JsonlReader(unequal), dedup.MinhashDedupFilter(str(work / "remove")), PIIFormatter(),
            JsonlWriter(str(out / "final"), **plain),
        ], workers),
    ]  # fmt: skip
    for number, (pipeline, tasks) in enumerate(pipelines):
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=workers, logging_dir=str(out / "logs" / str(number))
        ).run()


def data_juicer(source: Path, out: Path, workers: int) -> None:
    """Run Data-Juicer's operators by a configuration."""
    import yaml
    from data_juicer.config import init_configs
    from data_juicer.core import DefaultExecutor

    process = [
        {"fix_unicode_mapper": {}},
        {"whitespace_normalization_mapper": {}},
        {"text_length_filter": {"min_len": 1}},
        {"words_num_filter": {"min_num": 50, "max_num": 100_000}},
        {"word_repetition_filter": {"rep_len": 5, "max_ratio": 0.15}},
        {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.2}},
        {"document_deduplicator": {"lowercase": True}},
        {
            "document_minhash_deduplicator": {
                "tokenization": "space", "window_size": 5, "num_permutations": 112, "jaccard_threshold": THRESHOLD
            }
        },
        {"clean_email_mapper": {}},
        {"clean_ip_mapper": {}},
    ]  # fmt: skip
    out.mkdir(parents=True)
    given = {
        "project_name": "refinery", "dataset_path": str(source), "np": workers, "export_path": str(out / "out.jsonl"),
        "text_keys": "text", "open_tracer": False, "use_cache": False, "process": process,
        "work_dir": str(out / "work"),
    }  # fmt: skip
    (out / "config.yaml").write_text(yaml.safe_dump(given))
    DefaultExecutor(init_configs(["--config", str(out / "config.yaml")])).run()


def text_dedup(source: Path, out: Path, workers: int) -> list[str]:
    """Return the arguments of text-dedup's command for MinHash; run from another program it cannot pickle itself."""
    options = ["--path", "parquet", "--data_files", str(source), "--split", "train", "--column", "text"]
    options += ["--cache_dir", str(out.with_name("cache")), "--output", str(out), "--ngram", "5", "--num_perm", "112"]
    options += ["--threshold", str(THRESHOLD), "--min_length", "1", "--batch_size", "10000"]
    return ["-m", "text_dedup.minhash", *options, "--num_proc", str(workers)]


PEERS = {"datatrove": datatrove, "data-juicer": data_juicer}


if __name__ == "__main__":
    main()

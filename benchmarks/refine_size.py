"""Time and memory of `refine` over the size of its input: the memory is to stay, the time to be linear.

The input is made here: texts in English and Chinese, 200 to 4,000 characters long, a tenth of them untidy, a twentieth
repeated. Each size is refined in a process of its own. Memory is what that process and its workers hold together at
their highest, files of libraries counted once, sampled five times a second. Processor time is that of all of them.

    python benchmarks/refine_size.py --sizes 0.5 2 --memory 2GB --workers 2
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from processes import taken

NUM_SENTENCES = 8000
"""From which texts are put together: few enough to be made quickly, enough that texts are not alike."""
FUNCTION_WORDS = ("the", "of", "and", "to", "that", "with")
"""In each English sentence, since the quality rules ask for some of them."""
TIMEOUT_S = 3 * 3600


def main() -> None:
    """Make, refine and measure each size, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=float, default=[0.5, 2.0], help="GB of JSON Lines")
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--workers", type=int, help="as many as cores and memory allow when not given")
    parser.add_argument("--operators", nargs="*", default=[], help="the default chain when not given")
    parser.add_argument("--folder", help="where the input is made; removed in the end")
    options = parser.parse_args()
    print("| input GB | rows | rows out | wall s | CPU s | CPU s/GB | peak MB | of it the parent |")
    print("|---|---|---|---|---|---|---|---|")
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            print(measured(Path(folder), size, options), flush=True)


def measured(folder: Path, size: float, options: argparse.Namespace) -> str:
    """Return one line of the table."""
    num_rows = make(folder / "in.jsonl", int(size * 1e9))
    command = [sys.executable, "-m", "oreline", "refine", str(folder / "in.jsonl"), "--out", str(folder / "out")]
    command += ["--memory", options.memory, "--quiet", "--json"]
    command += ["--workers", str(options.workers)] if options.workers else []
    command += [part for name in options.operators for part in ("--operator", name)]
    found = taken(command, timeout_s=TIMEOUT_S)
    told = json.loads(found.output[found.output.index("{") :])
    cells = [f"{size:g}", f"{num_rows:,}", f"{told['counts']['rows_out']:,}", f"{found.wall_s:.0f}"]
    cells += [f"{found.cpu_s:.0f}", f"{found.cpu_s / size:.0f}"]
    return "| " + " | ".join([*cells, f"{found.peak_bytes / 1e6:.0f}", f"{found.parent_bytes / 1e6:.0f}"]) + " |"


def make(file: Path, size: int) -> int:
    """Write about so many bytes of rows and return how many they are."""
    source = random.Random(0)
    sentences = [[sentence(source, is_chinese) for _ in range(NUM_SENTENCES)] for is_chinese in (False, True)]
    text = ""
    written = num_rows = 0
    with file.open("wb") as stream:
        while written < size:
            num_rows += 1
            if num_rows % 20:  # each twentieth repeats the one before
                text = "".join(source.choices(sentences[source.random() < 0.5], k=source.randint(2, 40)))
            untidy = f"  {text} &#32; \u200b" if num_rows % 10 == 0 else text
            line = json.dumps({"text": untidy, "label": str(len(text) % 5)}, ensure_ascii=False) + "\n"
            written += stream.write(line.encode())
    return num_rows


def sentence(source: random.Random, is_chinese: bool) -> str:
    """Return a sentence of about a hundred characters (Chinese: forty) that means nothing."""
    if is_chinese:
        return "".join(chr(0x4E00 + int(source.expovariate(1 / 400)) % 3000) for _ in range(40)) + "。"
    words = ["".join(source.choices("etaoinshrdlu", k=source.randint(2, 8))) for _ in range(15)]
    return f"{' '.join(source.sample([*words, *source.sample(FUNCTION_WORDS, k=3)], k=18))}. "


if __name__ == "__main__":
    main()

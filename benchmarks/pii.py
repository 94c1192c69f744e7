# ruff: noqa: E501 -- sentences and rows of tables stay on one line
"""Private data found and left alone: this package beside Presidio, on made texts in Chinese and English and on real ones.

The made texts come from `benchmarks/pii_texts.py` (19 kinds of data, near misses, three sets of sentences), from
`benchmarks/pii_authors.py` (the same kinds, two sets by others), `benchmarks/pii_contexts.py` (one set by another) and
`benchmarks/pii_everyday.py` (one more by yet another). A span counts as found where kind, start and end are
right; where a text has the data but a peer calls it by another of our kinds, or begins one character late, it does not. By
character: of the characters of all data, how many are marked by whatever kind (what masking would hide), and of the marked
ones, how many are data.

Presidio is asked for what it has recognisers for; it runs in a Python of its own where `--presidio PYTHON` names one that
has `presidio-analyzer`, with no model but a blank spaCy pipeline unless `en_core_web_sm` is there too. `presidio` is its
default, `presidio-cn` the same with CN among the regions of its telephone recogniser.

Real texts have few private data or none; what is found in them is counted a thousand texts, by kind, and shown:

    python benchmarks/pii.py --texts 4000 --data DIR --presidio /tmp/venv/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pii_authors
import pii_contexts
import pii_everyday
import pii_texts

Spans = list[tuple[int, int, str]]
SETS = ["main", "held_out", "fresh", *pii_authors.AUTHORS, *pii_contexts.AUTHORS, *pii_everyday.AUTHORS]
PRESIDIO = {
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "bank_card", "IP_ADDRESS": "ip", "MAC_ADDRESS": "mac",
    "URL": "url", "IBAN_CODE": "iban", "US_SSN": "ssn", "US_PASSPORT": "passport", "UK_PASSPORT": "passport", "PERSON": "name",
    "LOCATION": "address",
}  # fmt: skip
"""What Presidio's entities are here; its telephone numbers count for our three kinds of them."""
PHONES = {"mobile": "phone", "landline": "phone", "phone": "phone"}
REAL = {"imdb": "imdb/train.parquet", "online_shopping_zh": "online_shopping_zh/all.jsonl"}


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--frames", nargs="*", default=SETS, help="sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default=os.environ.get("ORELINE_DATA"), help="folder of real texts (ORELINE_DATA)")
    parser.add_argument("--rows", type=int, default=20_000, help="of each real data set")
    parser.add_argument("--presidio", help="a Python that has presidio-analyzer")
    parser.add_argument("--show", type=int, default=0, help="so many mistakes of ours of each kind")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--child", nargs=2, metavar=("REGIONS", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(presidio(*given.child)))
        return
    measured: dict[str, Any] = {}
    for frames in given.frames:
        source = next((one for one in (pii_authors, pii_contexts, pii_everyday) if frames in one.AUTHORS), pii_texts)
        made = source.make(given.texts, seed=given.seed, frames=frames)
        found, seconds = ours([one.text for one in made])
        measured[frames] = {"oreline": {**figures(made, found), "seconds": seconds}}
        print_kinds(frames, made, measured[frames]["oreline"])
        show(made, found, given.show)
        for peer, regions in (("presidio", ""), ("presidio-cn", "CN")) if given.presidio else ():
            measured[frames][peer] = beside(made, given.presidio, regions)
        print_peers(frames, measured[frames])
    if given.data:
        measured["real"] = {name: real(Path(given.data) / file, given) for name, file in REAL.items()}
    else:
        print("real texts: skipped, no data (--data DIR or ORELINE_DATA)", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")


def ours(texts: list[str]) -> tuple[list[Spans], float]:
    """Return what the default kinds find in each text, and the seconds."""
    import polars as pl

    from oreline.data.pii.kinds import DEFAULT_KINDS, kinds_of
    from oreline.data.pii.scan import find

    kinds = kinds_of(DEFAULT_KINDS)
    find(pl.Series(["联系人：张三丰收到 +44 20 7946 0958"]), kinds)  # dictionaries are read once
    started = time.process_time()
    found = find(pl.Series(texts, dtype=pl.String), kinds)
    seconds = time.process_time() - started
    return [[tuple(span) for span in found.get(number, [])] for number in range(len(texts))], seconds


def figures(
    made: list[pii_texts.Text], found: list[Spans], *, same: dict[str, str] | None = None, kinds: Any = None
) -> dict[str, Any]:
    """Return recall and precision by kind, over all and by character, for the kinds that are asked for."""
    same = same or {}
    wanted = {same.get(kind, kind) for kind in (kinds or pii_texts.KINDS)}
    right, real, said = Counter[str](), Counter[str](), Counter[str]()
    covered, hidden, marked = 0, 0, 0
    for one, spans in zip(made, found):
        truth = {(start, end, same.get(kind, kind)) for start, end, kind in one.spans if same.get(kind, kind) in wanted}
        guess = {(start, end, same.get(kind, kind)) for start, end, kind in spans if same.get(kind, kind) in wanted}
        real.update(kind for *_, kind in truth)
        said.update(kind for *_, kind in guess)
        right.update(kind for *_, kind in truth & guess)
        private = {place for start, end, _ in truth for place in range(start, end)}
        masked = {place for start, end, _ in guess for place in range(start, end)}
        every = {place for start, end, _ in one.spans for place in range(start, end)}
        covered, hidden, marked = covered + len(private), hidden + len(private & masked), marked + len(masked)
        marked -= len((masked & every) - private)  # hides data of a kind that is not asked for
    by_kind = {kind: {"n": real[kind], **_rates(right[kind], real[kind], said[kind])} for kind in sorted(wanted)}
    overall = {"n": real.total(), **_rates(right.total(), real.total(), said.total())}
    return {"kinds": by_kind, "all": overall, "characters": {"n": covered, **_rates(hidden, covered, marked)}}


def _rates(right: int, real: int, said: int) -> dict[str, float]:
    return {"recall": right / real if real else 1.0, "precision": right / said if said else 1.0}


def beside(made: list[pii_texts.Text], python: str, regions: str) -> dict[str, Any]:
    """Run Presidio in its own Python and return its figures, and ours on the kinds that it has."""
    file = Path("/tmp") / f"pii-texts-{os.getpid()}.json"
    file.write_text(json.dumps([one.text for one in made], ensure_ascii=False), encoding="utf-8")
    command = [python, __file__, "--child", regions or "-", str(file)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    file.unlink()
    said = json.loads(done.stdout.splitlines()[-1])
    found = [
        [(start, end, PRESIDIO[entity]) for start, end, entity in spans if entity in PRESIDIO]
        for spans in said["found"]
    ]
    has = {
        kind
        for kind in pii_texts.KINDS
        if PHONES.get(kind, kind) in {PRESIDIO[e] for e in said["entities"] if e in PRESIDIO}
    }
    mine, _ = ours([one.text for one in made])
    return {
        **figures(made, found, same=PHONES, kinds=has), "seconds": said["seconds"], "model": said["model"], "version": said["version"],
        "every kind": figures(made, found, same=PHONES), "oreline on these": figures(made, mine, same=PHONES, kinds=has),
    }  # fmt: skip


def presidio(regions: str, file: str) -> dict[str, Any]:
    """Return what Presidio finds in each text; runs in its Python."""
    from importlib.metadata import version

    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    try:
        models = [{"lang_code": "en", "model_name": "en_core_web_sm"}]
        version("en_core_web_sm")
    except Exception:
        import spacy

        spacy.blank("en").to_disk("/tmp/pii-blank-en")
        models = [{"lang_code": "en", "model_name": "/tmp/pii-blank-en"}]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    if regions != "-":
        registry.remove_recognizer("PhoneRecognizer")
        registry.add_recognizer(
            PhoneRecognizer(supported_regions=(*PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS, *regions.split(",")))
        )
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine)
    texts = json.loads(Path(file).read_text(encoding="utf-8"))
    entities = sorted(set(analyzer.get_supported_entities("en")) & set(PRESIDIO))
    started = time.process_time()
    found = [
        [(r.start, r.end, r.entity_type) for r in analyzer.analyze(text, language="en", entities=entities)]
        for text in texts
    ]
    seconds = time.process_time() - started
    has_model = models[0]["model_name"] == "en_core_web_sm"
    if not has_model:
        entities = [entity for entity in entities if entity not in ("PERSON", "LOCATION")]
    name = "en_core_web_sm" if has_model else "none (patterns only)"
    return {
        "found": found,
        "seconds": seconds,
        "entities": entities,
        "model": name,
        "version": version("presidio-analyzer"),
    }


def real(file: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Count what is found in real texts, and how fast."""
    import polars as pl

    frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_ndjson(file)
    texts = frame.select("text").drop_nulls().sample(min(given.rows, frame.height), seed=given.seed)["text"].to_list()
    found, seconds = ours(texts)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    counts = Counter(kind for spans in found for *_, kind in spans)
    print(
        f"\n{file.parent.name}: {len(texts):,} texts, {megabytes:.1f} MB, {seconds:.2f} s, {megabytes / seconds:.0f} MB/s on one core"
    )
    for kind, number in counts.most_common():
        print(f"  {kind:14} {number:5}  {1000 * number / len(texts):6.2f} per 1,000 texts")
    shown = Counter[str]()
    for text, spans in zip(texts, found):
        for start, end, kind in spans:
            shown[kind] += 1
            if shown[kind] <= given.show:
                print(
                    f"    {kind}: {text[max(0, start - 25) : start]!r} >>{text[start:end]!r}<< {text[end : end + 15]!r}"
                )
    return {"texts": len(texts), "megabytes": megabytes, "seconds": seconds, "found": dict(counts)}


def print_kinds(frames: str, made: list[pii_texts.Text], measured: dict[str, Any]) -> None:
    """Print one line for each kind, and the totals."""
    print(
        f"\n## {frames}: {len(made):,} texts, {sum(len(one.near) for one in made):,} near misses, {measured['seconds']:.2f} s\n"
    )
    print("| kind | n | recall | precision |\n|---|---|---|---|")
    for kind, rates in [*measured["kinds"].items(), ("all", measured["all"]), ("characters", measured["characters"])]:
        print(f"| {kind} | {rates['n']:,} | {rates['recall']:.4f} | {rates['precision']:.4f} |")


def print_peers(frames: str, measured: dict[str, Any]) -> None:
    """Print what peers find of the kinds that they have, and of all."""
    for peer, rates in measured.items():
        if peer == "oreline":
            continue
        print(f"\n{frames}, {peer} {rates['version']}, model: {rates['model']}, {rates['seconds']:.1f} s\n")
        print("| kind | n | recall | precision | oreline's recall | oreline's precision |\n|---|---|---|---|---|---|")
        mine = rates["oreline on these"]
        lines = [*((kind, rates["kinds"][kind], mine["kinds"][kind]) for kind in rates["kinds"])]
        lines += [("all of these", rates["all"], mine["all"]), ("characters", rates["characters"], mine["characters"])]
        for kind, theirs, own in lines:
            print(
                f"| {kind} | {theirs['n']:,} | {theirs['recall']:.4f} | {theirs['precision']:.4f} | {own['recall']:.4f} | {own['precision']:.4f} |"
            )
        every = rates["every kind"]
        print(
            f"| every kind, characters | {every['characters']['n']:,} | {every['characters']['recall']:.4f} | {every['characters']['precision']:.4f} | | |"
        )


def show(made: list[pii_texts.Text], found: list[Spans], most: int) -> None:
    """Print mistakes."""
    shown: defaultdict[str, int] = defaultdict(int)
    for one, spans in zip(made, found):
        for what, wrong in (("missed", set(one.spans) - set(spans)), ("false", set(spans) - set(one.spans))):
            for start, end, kind in sorted(wrong):
                shown[what + kind] += 1
                if shown[what + kind] <= most:
                    print(
                        f"  {what} {kind}: {one.text[max(0, start - 20) : start]!r} >>{one.text[start:end]!r}<< {one.text[end : end + 15]!r}"
                    )


if __name__ == "__main__":
    main()

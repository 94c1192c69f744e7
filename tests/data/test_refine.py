"""The whole refinery: every row accounted for, nothing half-written, the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.fold import folded
from oreline.data.input import decoding
from oreline.data.refine import Running, refine
from oreline.errors import DataError, OrelineError, ResourceError, UsageError
from oreline.types import Event, OnEvent, Operator

DEFAULT = ("normalize_text", "drop_empty", "keep_length", "dedup_exact", "resolve_label_conflicts")
SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}


def chain(names: Sequence[str] = DEFAULT) -> list[tuple[str, Operator]]:
    return [(name, registry.create("operator", name)) for name in names]


def lines(data: Dataset, action: str = "dropped") -> list[tuple[Any, ...]]:
    found = data.ledger().filter(pl.col("action") == action)
    return sorted(found.select("row_id", "operator", "reason", "kept_id").rows(), key=lambda line: str(line[0]))


MESSY = """review,stars
A fine film,1
a  FINE film,1
Two &amp; two,1
x,0
,1
no label,
"\u200b ",0
good or bad,1
good or bad,0
Another film,0
"""


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    """Counted by hand: ten rows in, three out; one of the seven others for each way to leave, two in conflict."""
    (tmp_path / "raw.csv").write_text(MESSY, encoding="utf-8")
    roles = {"text": "review", "label": "stars"}
    data = refine(tmp_path / "raw.csv", roles=roles, operators=chain(), split={}, out=tmp_path / "out")
    assert data.manifest.counts == {"rows_in": 10, "rows_added": 0, "rows_dropped": 7, "rows_out": 3}
    assert data.splits == ("all",)
    assert data.frame("all").rows() == [
        ("raw.csv:1", "A fine film", "1"),
        ("raw.csv:3", "Two & two", "1"),
        ("raw.csv:10", "Another film", "0"),
    ]
    assert lines(data) == [
        ("raw.csv:2", "dedup_exact", "duplicate", "raw.csv:1"),
        ("raw.csv:4", "keep_length", "too_short", None),
        ("raw.csv:5", "read", "missing_text", None),
        ("raw.csv:6", "read", "missing_label", None),
        ("raw.csv:7", "drop_empty", "empty", None),
        ("raw.csv:8", "resolve_label_conflicts", "label_conflict", None),
        ("raw.csv:9", "resolve_label_conflicts", "label_conflict", None),
    ]
    assert lines(data, "changed") == [
        ("raw.csv:2", "normalize_text", "white_space", None),
        ("raw.csv:3", "normalize_text", "html_entity", None),
        ("raw.csv:7", "normalize_text", "zero_width, white_space", None),
    ]
    assert data.manifest.roles == roles
    assert data.manifest.lineage[0]["source"] == "raw.csv"
    assert data.verify() == []


CELLS = st.sampled_from(
    ["a film", "A  film", "a film ", "bad", "x", "", "&lt;b&gt;", "\ufeffbad", "好 片", "好　片", None]
)


@settings(max_examples=25)
@given(st.lists(st.tuples(CELLS, st.sampled_from(["1", "0", None])), min_size=1, max_size=20), st.booleans())
def test_what_comes_out_is_clean_and_the_rest_in_the_ledger(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, str | None]], majority: bool
) -> None:
    source = pl.DataFrame(rows, schema={"text": pl.String, "label": pl.String}, orient="row")
    keep = "majority" if majority else "none"
    operators = [*chain(DEFAULT[:-1]), ("conflicts", registry.create("operator", DEFAULT[-1], keep=keep))]
    # One row that always stays, so that something is left.
    source = pl.concat([source, pl.DataFrame({"text": ["it stays"], "label": ["1"]})])
    data = refine(source, operators=operators, split={}, out=tmp_path_factory.mktemp("out") / "data")
    out = data.frame("all")
    assert sorted([*out["row_id"], *(line[0] for line in lines(data))]) == sorted(
        f"data:{n + 1}" for n in range(source.height)
    )
    texts = out.select(folded("text"))["text"]
    assert texts.n_unique() == out.height
    assert texts.str.len_chars().min() >= 2
    assert out["label"].null_count() == 0


def test_bytes_depend_on_data_options_and_seed_only(reviews_csv: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"roles": {"group": "movie"}, "operators": chain(), "split": SHARES}
    first = refine(reviews_csv, **options, out=tmp_path / "first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK_BYTES", 777)
        framed = refine(reviews_csv, **options, out=tmp_path / "framed")
    for split in first.splits:
        name = f"{split}/00000.parquet"
        assert (first.path / name).read_bytes() == (framed.path / name).read_bytes()
    assert first.fingerprint == framed.fingerprint
    assert first.fingerprint != refine(reviews_csv, **options, seed=1, out=tmp_path / "seeded").fingerprint


def test_groups_stay_together_and_the_report_says_so(reviews_csv: Path, tmp_path: Path) -> None:
    data = refine(reviews_csv, roles={"group": "movie"}, operators=chain(), split=SHARES, out=tmp_path / "out")
    groups = {split: set(data.frame(split)["group"]) for split in data.splits}
    assert groups["train"].isdisjoint(groups["test"] | groups["dev"])
    assert [data.num_rows(split) for split in data.splits] == [320, 40, 40]
    assert data.report().facts["leaks"]["test/train"]["same_group"] == 0


def test_time_is_followed(reviews_csv: Path, tmp_path: Path) -> None:
    data = refine(reviews_csv, roles={"time": "day"}, operators=chain(), split=SHARES, out=tmp_path / "out")
    assert data.frame("train")["time"].max() < data.frame("dev")["time"].min()  # type: ignore[operator]
    assert data.frame("dev")["time"].max() < data.frame("test")["time"].min()  # type: ignore[operator]


def test_a_column_called_time_does_not_undo_groups_that_were_asked_for(tmp_path: Path) -> None:
    rows = "".join(
        f"{'abcdefghijklmnopqrst'[n % 20] * 9} of the shop cost {n} dollars today,x,u{n % 20},2026-01-{1 + n % 28:02}\n"
        for n in range(200)
    )
    (tmp_path / "rows.csv").write_text(f"text,label,user,time\n{rows}", encoding="utf-8")
    source = tmp_path / "rows.csv"
    data = refine(source, roles={"group": "user"}, operators=chain(), split=SHARES, out=tmp_path / "grouped")
    groups = [set(data.frame(split)["group"]) for split in data.splits]
    assert sum(map(len, groups)) == 20, "each user is in one split"
    data = refine(source, operators=chain(), split=SHARES, out=tmp_path / "timed")
    assert data.frame("train")["time"].max() < data.frame("test")["time"].min()  # type: ignore[operator]
    data = refine(source, operators=chain(), split=SHARES, together=("template",), out=tmp_path / "alike")
    templates = [set(data.frame(split)["text"].str.head(1)) for split in data.splits]
    assert sum(map(len, templates)) == 20, "texts that differ in a number are in one split"
    with pytest.raises(UsageError, match="splits that follow time do not keep rows together by 'near'"):
        refine(source, operators=chain(), split=SHARES, together=("near",), gap="7d", out=tmp_path / "both")


def test_a_column_that_an_operator_was_told_to_look_at_must_be_there_and_hold_text(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "remark": "call 13812345678", "phone": 13812345678}\n' * 3)
    hidden = refine(tmp_path / "rows.jsonl", operators=masks("remark"), split={}, out=tmp_path / "out")
    assert hidden.frame("all")["remark"].to_list() == ["call [PHONE]"] * 3
    for name, says in [("remrak", "no column 'remrak'.*\n.*did you mean 'remark'"), ("phone", "'phone' holds no text")]:
        with pytest.raises(DataError, match=says):
            refine(tmp_path / "rows.jsonl", operators=masks(name), split={}, out=tmp_path / name)
        assert not (tmp_path / name).exists()


def masks(column: str) -> list[tuple[str, Any]]:
    return [("mask_pii", registry.create("operator", "mask_pii", columns=["text", column]))]


# --- given splits and files to keep out ------------------------------------------------------------------------


def given(tmp_path: Path) -> dict[str, Path]:
    for split, texts in (("train", ["a b", "c d", "c d", "e f g"]), ("test", ["A  b", "h i"])):
        (tmp_path / split).mkdir()
        rows = "".join(f"{text},x\n" for text in texts)
        (tmp_path / split / "data.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    return {split: tmp_path / split / "data.csv" for split in ("train", "test")}


def test_given_splits_stay_and_their_leaks_are_reported(tmp_path: Path) -> None:
    data = refine(given(tmp_path), operators=chain(), split={}, out=tmp_path / "out")
    assert data.frame("train")["row_id"].to_list() == ["train/data.csv:1", "train/data.csv:2", "train/data.csv:4"]
    assert data.frame("test")["row_id"].to_list() == ["test/data.csv:1", "test/data.csv:2"]
    report = data.report()
    assert report.facts["leaks"]["test/train"]["same_text"] == 1
    assert any("1 of 2 rows of test" in warning for warning in report.warnings)


def test_splits_that_lack_are_carved_out_of_train(tmp_path: Path) -> None:
    source = {"train": {"text": [f"text {n}" for n in range(90)]}, "test": {"text": [f"other {n}" for n in range(30)]}}
    data = refine(source, operators=[], split=SHARES, out=tmp_path / "out")
    assert {split: data.num_rows(split) for split in data.splits} == {"train": 80, "dev": 10, "test": 30}
    assert data.splits == ("train", "dev", "test")
    assert all(row_id.startswith("test/data:") for row_id in data.frame("test")["row_id"])


def test_rows_of_other_files_are_kept_out_of_train_only(tmp_path: Path) -> None:
    source = given(tmp_path)
    data = refine(source, operators=chain(), split={}, out=tmp_path / "out", against=[source["test"]])
    assert data.num_rows("test") == 2
    assert data.frame("train")["row_id"].to_list() == ["train/data.csv:2", "train/data.csv:4"]
    assert ("train/data.csv:1", "against", "same_text", "data.csv:1") in lines(data)


# --- what is odd but right ------------------------------------------------------------------------------------


def test_a_very_long_text_is_kept(tmp_path: Path) -> None:
    source = {"text": ["word " * 20_000, "short one"], "label": ["x", "y"]}
    data = refine(source, operators=chain(), split={}, out=tmp_path / "out")
    assert data.frame("all")["text"].str.len_chars().to_list() == [99_999, 9]


def test_nan_labels_go_to_the_ledger(tmp_path: Path) -> None:
    source = {"text": ["a b", "c d", "e f"], "label": [1.0, float("nan"), None]}
    data = refine(source, operators=chain(), split={}, out=tmp_path / "out")
    assert data.frame("all")["label"].to_list() == ["1"]
    assert [line[2] for line in lines(data)] == ["missing_label", "missing_label"]


def test_columns_may_differ_between_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,n\na b,x,1\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "c d", "label": "y", "n": 2, "late": 3}\n', encoding="utf-8")
    data = refine([tmp_path / "a.csv", tmp_path / "b.jsonl"], operators=chain(), split={}, out=tmp_path / "out")
    assert data.frame("all").select("text", "n", "late").rows() == [("a b", "1", None), ("c d", "2", 3)]


@pytest.mark.parametrize("order", [1, -1])
def test_sources_agree_on_the_roles_that_decide(tmp_path: Path, order: int) -> None:
    source = {"train": {"text": ["a b"], "label": ["x"]}, "test": {"text": ["c d"]}}
    fault = "this source has no column for the role label, and those before it have one"
    with pytest.raises(
        DataError, match=fault if order == 1 else "this source has a column for the role label"
    ) as caught:
        refine(dict(list(source.items())[::order]), operators=chain(), split={}, out=tmp_path / "out")
    assert caught.value.where == ("test/data" if order == 1 else "train/data")


def test_one_row(tmp_path: Path) -> None:
    data = refine({"text": ["a b"], "label": ["x"]}, operators=chain(), split=SHARES, out=tmp_path / "out")
    assert {split: data.num_rows(split) for split in data.splits} == {"train": 1, "dev": 0, "test": 0}
    assert data.frame("test").columns == ["row_id", "text", "label"]
    assert any("'test' is empty" in warning for warning in data.report().warnings)


def test_progress_is_told(reviews_csv: Path, tmp_path: Path) -> None:
    seen: list[Event] = []
    refine(reviews_csv, operators=chain(), split=SHARES, out=tmp_path / "out", on_event=seen.append)
    assert {"read", "dedup_exact", "write", "leaks"} <= {event.stage for event in seen}


# --- what is refused, with nothing left behind -----------------------------------------------------------------


class Forgetful:
    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.head(frame.height - 1)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"roles": {"text": "txet"}}, DataError, "no column 'txet'"),
        ({"roles": {"time": "label"}}, DataError, "cannot be read"),
        ({"split": {"train": 0.5}}, UsageError, "add up to 0.5"),
        ({"operators": [("cheat", Forgetful())]}, OrelineError, "the operator 'cheat'"),
        ({"operators": [("none", object())]}, UsageError, "defines none"),
        ({"operators": [("keep_length", registry.create("operator", "keep_length", min=10**6))]}, DataError, "no row is left"),
    ],
)  # fmt: skip
def test_what_fails_leaves_nothing_behind(
    reviews_csv: Path, tmp_path: Path, options: dict[str, Any], error: type[OrelineError], says: str
) -> None:
    usual: dict[str, Any] = {"operators": chain(), "split": SHARES}
    with pytest.raises(error, match=says):
        refine(reviews_csv, **{**usual, **options}, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_error_on_the_way_leaves_nothing_behind(tmp_path: Path) -> None:
    raw = tmp_path / "raw.csv"
    raw.write_bytes(b"text,label\n" + b"fine text,x\n" * 200_000 + b"broken \xff text,x\n")
    with pytest.raises(DataError, match="byte 0xff") as caught:
        refine(raw, operators=chain(), split=SHARES, out=tmp_path / "out")
    assert "row 200001" in caught.value.where
    assert list(tmp_path.iterdir()) == [raw]


def test_a_ledger_that_does_not_balance_stops_the_run(reviews_csv: Path, tmp_path: Path) -> None:
    """The last line of defence: rows counted in the files, not by the operators."""
    from oreline.data.running.shards import SplitWriter

    class Losing(SplitWriter):
        def append(self, frame: pl.DataFrame) -> None:
            super().append(frame.head(frame.height - 1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("oreline.data.running.division.SplitWriter", Losing)
        with pytest.raises(OrelineError, match="rows vanished unrecorded"):
            refine(reviews_csv, operators=chain(), split=SHARES, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_existing_output_needs_force(reviews_csv: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"operators": chain(), "split": SHARES, "out": tmp_path / "out"}
    first = refine(reviews_csv, **options)
    with pytest.raises(UsageError, match="exists already"):
        refine(reviews_csv, **options, seed=1)
    assert Dataset.open(tmp_path / "out").fingerprint == first.fingerprint
    assert refine(reviews_csv, **options, seed=1, force=True).fingerprint != first.fingerprint


def test_a_full_disk_is_named_and_left_empty(tmp_path: Path, small_disk: Path) -> None:
    texts = [os.urandom(2000).hex() for _ in range(1000)]
    with pytest.raises(ResourceError, match="the disk is full") as caught:
        refine({"text": texts}, operators=chain(), split=SHARES, out=small_disk / "out")
    assert caught.value.exit_code == 1
    assert list(small_disk.iterdir()) == []


def test_no_write_permission_is_named(reviews_csv: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)], capture_output=True).returncode:
        disk.chmod(0o500)
        if os.access(disk, os.W_OK):
            pytest.skip("this user may write everywhere and mount nothing")
    try:
        with pytest.raises(ResourceError, match=r"read-only|permission"):
            refine(reviews_csv, operators=chain(), split=SHARES, out=disk / "out")
    finally:
        subprocess.run(["umount", str(disk)], capture_output=True)


# --- size -----------------------------------------------------------------------------------------------------

MEASURE = """
import json, resource, sys
from oreline import registry
from oreline.data.refine import refine

names = ("normalize_text", "drop_empty", "keep_length", "dedup_exact", "resolve_label_conflicts")
for part in ("small", "large"):
    operators = [(name, registry.create("operator", name)) for name in names]
    out = f"{sys.argv[1]}/{part}-out"
    refine(f"{sys.argv[1]}/{part}.csv", operators=operators, split={"train": 0.9, "test": 0.1}, out=out)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
assert "pandas" not in sys.modules, "it is not used, and takes half a second to import"
"""


def test_memory_grows_by_hashes_not_by_texts(tmp_path: Path) -> None:
    """The chain keeps hashes, labels and positions of every row, never the text: here below 90 MB for 100."""
    for name, rows in (("small", 5_000), ("large", 100_000)):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8") as stream:
            stream.write("text,label\n")
            stream.writelines(f"{os.urandom(495).hex()} {number},{number % 2}\n" for number in range(rows))
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    small_kb, large_kb = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert (tmp_path / "large.csv").stat().st_size > 99e6
    assert (large_kb - small_kb) * 1024 < 90e6
    assert json.loads((tmp_path / "large-out" / "dataset.json").read_text())["counts"]["rows_out"] == 100_000


MEASURE_ALL = """
import random, resource, sys
from oreline import registry
from oreline.data.refine import Running, refine

folder, rows = sys.argv[1], int(sys.argv[2])
names = ("normalize_text", "dedup_exact", "dedup_near", "mask_pii")
words = [f"{letter}{number}" for number in range(3000) for letter in "abc"]
source = random.Random(rows)
with open(f"{folder}/{rows}.csv", "w") as stream:
    stream.write("text\\n")
    stream.writelines(" ".join(source.choices(words, k=200)) + "\\n" for _ in range(rows))
operators = [(name, registry.create("operator", name)) for name in names]
split, running = {"train": 0.9, "test": 0.1}, Running(memory_bytes=256 << 20)
refine(f"{folder}/{rows}.csv", operators=operators, split=split, out=f"{folder}/{rows}", running=running)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_with_near_duplicates_is_bounded_by_the_setting(tmp_path: Path) -> None:
    """Shingles and keys of 36,000 more texts take 35 MB: beyond a sixteenth of the setting they lie on disk.

    Each size has a process of its own: a second run in the same one begins with what the first one left to the
    allocators, 90 MB here, and would be measured on top of that. The least of three is what it takes: beside other
    work readers run ahead of whoever waits for a core, by 5 to 50 MB.
    """

    def peak_kb(rows: int) -> int:
        peaks = []
        for run in range(3):
            (folder := tmp_path / f"{rows}.{run}").mkdir()
            command = [sys.executable, "-c", MEASURE_ALL, str(folder), str(rows)]
            peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        return min(peaks)

    assert (peak_kb(40_000) - peak_kb(4_000)) * 1024 < 30e6


def test_sources_may_have_their_columns_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na good film,fresh\n")
    (tmp_path / "b.csv").write_text("label,text\nrotten,a bad film\n")
    data = refine([tmp_path / "a.csv", tmp_path / "b.csv"], operators=[], split={}, out=tmp_path / "data")
    assert data.frame("all", ["text", "label"]).rows() == [("a good film", "fresh"), ("a bad film", "rotten")]


def test_tags_count_words_and_join_labels(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["Ada", "sang"], "tags": ["B-PER", "O"], "label": "music"},
        {"tokens": ["Bob &amp; Co", "ran"], "tags": ["B-ORG", "O"], "label": "sport"},
    ]
    operators = [(name, registry.create("operator", name)) for name in ("normalize_text", "dedup_exact")]
    data = refine(rows, operators=operators, split={}, out=tmp_path / "data")
    assert data.frame("all", ["text", "tags", "frame"]).rows() == [
        ('["Ada", "sang"]', '["B-PER", "O"]', '["music", "B-PER", "O"]'),
        ('["Bob &amp; Co", "ran"]', '["B-ORG", "O"]', '["sport", "B-ORG", "O"]'),
    ]
    assert data.manifest.counts["rows_out"] == 2
    assert data.ledger().is_empty(), "a tagged text is not edited, and nothing is said to have been changed"


def test_rows_without_a_label_are_kept_apart_where_that_is_asked_for(tmp_path: Path) -> None:
    texts = [f"text number {n}" for n in range(40)]
    labels = [("a", "b")[n % 2] if n < 30 else (None, "", "nan")[n % 3] for n in range(40)]
    rows = {"text": [*texts, None, texts[35]], "label": [*labels, None, None]}
    names = ["normalize_text", "dedup_exact", "resolve_label_conflicts"]
    chain = [(name, registry.create("operator", name)) for name in names]
    given: dict[str, Any] = {"operators": chain, "split": {"train": 0.8, "test": 0.2}}
    kept = refine(rows, **given, keep_unlabelled=True, out=tmp_path / "kept")
    assert kept.splits == ("train", "test", "unlabelled")
    assert kept.frame("unlabelled")["text"].to_list() == texts[30:]
    assert kept.frame("unlabelled")["label"].null_count() == 10
    counts = kept.manifest.counts
    assert counts == {"rows_in": 42, "rows_added": 0, "rows_dropped": 2, "rows_out": 40}
    dropped = kept.ledger().filter(pl.col("action") == "dropped")
    assert dropped.select("row_id", "reason").rows() == [("data:41", "missing_text"), ("data:42", "duplicate")]
    plain = refine(rows, **given, out=tmp_path / "plain")
    assert plain.splits == ("train", "test")
    for split in plain.splits:
        assert plain.frame(split).equals(kept.frame(split)), "the labelled rows are divided as without them"
    assert not any("unlabelled" in warning for warning in kept.report().warnings)
    labelled = {"text": texts[:30], "label": labels[:30]}
    assert refine(labelled, **given, keep_unlabelled=True, out=tmp_path / "all").splits == ("train", "test")
    alone = refine(
        {"train": labelled, "unlabelled": {"text": texts[30:], "label": ["x"] * 10}}, **given, out=tmp_path / "own"
    )
    assert alone.frame("unlabelled")["text"].to_list() == texts[30:]
    assert alone.frame("unlabelled")["label"].null_count() == 10, "a label that is there is not looked at"
    with pytest.raises(UsageError, match="'unlabelled' has no share"):
        refine(rows, operators=[], split={"train": 0.5, "unlabelled": 0.5}, out=tmp_path / "x")
    with pytest.raises(DataError, match="no row is left of 3: 3 without a label"):
        refine(
            {"text": texts[:3], "label": [None] * 3}, operators=[], split={}, keep_unlabelled=True, out=tmp_path / "x"
        )


# --- how it runs ----------------------------------------------------------------------------------------------

KILLED = """
import sys, time
from oreline import registry
from oreline.data.refine import refine

def watch(event):
    if event.stage == "resolve_label_conflicts":
        print("dedup_exact is over", flush=True)
        time.sleep(60)

names = ("normalize_text", "drop_empty", "keep_length", "dedup_exact", "resolve_label_conflicts")
chain = [(name, registry.create("operator", name)) for name in names]
refine(sys.argv[1], operators=chain, split={"train": 0.8, "dev": 0.1, "test": 0.1}, out=sys.argv[2], on_event=watch)
"""


def told_to(said: list[str]) -> OnEvent:
    """Collect the sentences of a run, but for how long it took."""
    return lambda event: said.append(event.message) if event.message and event.stage != "time" else None


def test_a_killed_run_goes_on_with_the_same_command_and_gives_the_same_bytes(reviews_csv: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"operators": chain(), "split": SHARES}
    fresh = refine(reviews_csv, **options, out=tmp_path / "fresh")
    command = [sys.executable, "-c", KILLED, str(reviews_csv), str(tmp_path / "out")]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"dedup_exact is over\n"
    killed.kill()
    killed.wait()
    killed.stdout.close()
    assert {path.name for path in tmp_path.iterdir()} >= {".out.work"}
    said: list[str] = []
    data = refine(reviews_csv, **options, out=tmp_path / "out", on_event=told_to(said))
    assert said == [
        "normalize_text, drop_empty, keep_length: as an earlier run left it",
        "dedup_exact: as an earlier run left it",
    ]
    for name in ("dataset.json", "ledger.parquet", "train/00000.parquet", "test/00000.parquet"):
        assert (data.path / name).read_bytes() == (fresh.path / name).read_bytes()
    assert not (tmp_path / ".out.work").exists()
    assert data.report().facts == fresh.report().facts


def test_a_cache_serves_other_runs_and_stays_within_its_size(reviews_csv: Path, tmp_path: Path) -> None:
    said: list[str] = []
    how = Running(cache=tmp_path / "cache")
    watch = {"running": how, "on_event": told_to(said)}
    options: dict[str, Any] = {"split": SHARES, "roles": {"group": "movie"}}
    plain = refine(reviews_csv, operators=chain(), **options, out=tmp_path / "plain")
    refine(reviews_csv, operators=chain(DEFAULT[:3]), **options, out=tmp_path / "a", **watch)  # type: ignore[arg-type]
    assert said == []
    data = refine(reviews_csv, operators=chain(), **options, out=tmp_path / "b", **watch)  # type: ignore[arg-type]
    assert said == ["normalize_text, drop_empty, keep_length: as an earlier run left it"]
    assert data.fingerprint == plain.fingerprint
    assert data.manifest == plain.manifest
    assert (data.path / "ledger.parquet").read_bytes() == (plain.path / "ledger.parquet").read_bytes()
    said.clear()
    refine(reviews_csv, operators=chain(), split=SHARES, out=tmp_path / "c", **watch)  # type: ignore[arg-type]
    assert said == [], "other roles are other rows"
    small = Running(cache=tmp_path / "cache", cache_bytes=0)
    refine(reviews_csv, operators=chain(), **options, out=tmp_path / "d", running=small)
    assert list((tmp_path / "cache").iterdir()) == []


def test_rows_set_aside_are_found_again(tmp_path: Path) -> None:
    source = {"text": [f"text {n}" for n in range(20)], "label": [("a", None)[n % 2] for n in range(20)]}
    given: dict[str, Any] = {"operators": chain(), "split": {}, "keep_unlabelled": True}
    how = Running(cache=tmp_path / "cache")
    first = refine(source, **given, out=tmp_path / "first", running=how)
    again = refine(source, **given, out=tmp_path / "again", running=how)
    assert again.manifest == first.manifest
    assert again.num_rows("unlabelled") == 10


NEAR_EN = "one of the finest films of this year and a very warm one at that"
NEAR_ZH = "这部电影的摄影和配乐都非常出色，演员的表演也很自然"


def near_rows() -> pl.DataFrame:
    """Pairs of near-duplicates in both languages, each pair with words of its own."""
    texts = [
        f"{text} {word * 3} {word}{end}" for word in "abcdefghij" for text in (NEAR_EN, NEAR_ZH) for end in ("", "!!")
    ]
    words = [f"{number} {hash_}" for number, hash_ in enumerate("qrstuvwxyz" * 4)]
    texts = [f"{first} {second}" for first, second in zip(texts, [w for w in words for _ in range(2)][: len(texts)])]
    copies = [f"{text} 1" for text in texts]
    labels = ["pos", "neg"] * (len(texts) // 2)
    return pl.DataFrame({"text": [*texts, *copies], "label": labels * 2})


def test_near_duplicates_stay_in_one_split(tmp_path: Path) -> None:
    apart = refine(near_rows(), operators=[], split=SHARES, out=tmp_path / "apart")
    assert max(leak["near"] or 0 for leak in apart.report().facts["leaks"].values()) > 0
    data = refine(near_rows(), operators=[], split=SHARES, together=["near"], out=tmp_path / "out")
    assert [leak["near"] for leak in data.report().facts["leaks"].values()] == [0, 0, None]
    assert data.manifest.lineage[-1]["options"]["together"] == ["near"]
    assert sum(data.num_rows(split) for split in data.splits) == near_rows().height


def test_a_leak_above_the_bound_fails_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OrelineError, match="leaks into train") as caught:
        refine(near_rows(), operators=[], split=SHARES, fail_on_leak=0.01, out=tmp_path / "out")
    assert caught.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []
    refine(near_rows(), operators=[], split=SHARES, fail_on_leak=0.01, together=["near"], out=tmp_path / "out")
    with pytest.raises(UsageError, match="fail_on_leak is 2"):
        refine(near_rows(), operators=[], split=SHARES, fail_on_leak=2, out=tmp_path / "more")


def test_a_gap_is_left_before_each_later_split(tmp_path: Path) -> None:
    days = [f"2026-01-{day:02d}" for day in range(1, 31)]
    rows = pl.DataFrame({"text": [f"text {day}" for day in days], "label": ["1", "0"] * 15, "time": days})
    data = refine(rows, operators=[], split={"train": 0.5, "test": 0.5}, gap="3d", out=tmp_path / "out")
    assert data.num_rows("test") == 15
    assert data.frame("train")["time"].max().day == 13
    assert [line[2] for line in lines(data)] == ["purge_gap"] * 2
    assert data.manifest.counts["rows_dropped"] == 2
    with pytest.raises(UsageError, match="the rows have no time"):
        refine(rows.drop("time"), operators=[], split={"train": 0.5, "test": 0.5}, gap="3d", out=tmp_path / "none")


def test_overlap_and_conflicts_are_counted_before_rows_go(tmp_path: Path) -> None:
    """Six texts in train: two of them twice with different labels, one of these in dev; dev has two more of train."""
    train = ["好看", "好 看", "难看", "难看", "一般", "不错", "还行", "可以"]
    labels = ["1", "0", "1", "0", "1", "1", "0", "1"]
    (tmp_path / "dev.csv").write_text("text,label\n好看,1\n一般,1\n一般,0\n不错,1\n没见过,0\n", encoding="utf-8")
    train[1] = "好看 "
    rows = pl.DataFrame({"text": train, "label": labels})
    data = refine(rows, operators=chain(), split={}, against=[tmp_path / "dev.csv"], out=tmp_path / "out")
    found = data.report().facts["found"]
    assert found["against"]["rows of dev.csv"] == 5
    assert found["against"]["rows of dev.csv with their text in the data"] == 4
    assert found["resolve_label_conflicts"] == {"texts with different labels": 2, "rows of such texts": 4}
    assert sorted(data.frame("all")["text"]) == ["可以", "还行"]
    warnings = "\n".join(data.report().warnings)
    assert "of the 5 rows of dev.csv: 4 with their text in the data" in warnings
    assert "2 texts carry different labels, in 4 rows" in warnings
    assert data.manifest.counts["rows_out"] == 2

"""Any pipeline over any rows: every row is accounted for, and it does not matter how many processes work.

A new file in `data/operators/` takes part without a line of its own, where it needs neither options nor models.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline import registry
from oreline.data import columnar
from oreline.data.refine import Running, refine
from oreline.data.running.steps import kind_of
from oreline.engines.local import Local
from oreline.errors import DataError, UsageError


def stands_alone(name: str) -> bool:
    """Whether an operator is built without options, needs none of the user's files, and works without a model."""
    if any(option.required for option in registry.options_of(registry.get("operator", name))):
        return False
    try:
        return not getattr(registry.create("operator", name), "models", None)
    except (DataError, UsageError):
        return False


NAMES = [name for name in registry.names("operator") if stands_alone(name)]
WORDS = [
    "fine",
    "film",
    "FINE",
    "&amp;",
    "<b>",
    "好",
    "电影",
    "很好看的",
    "  ",
    "\u200b",
    "\ufeff",
    "😂",
    "1990",
    "\x07",
    "ß",
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join) | st.text(max_size=8) | st.none()
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(["1", "0", None, " 1", "nan"]), st.integers(0, 3)), max_size=24)
PIPELINES = st.lists(st.sampled_from(NAMES), max_size=5)


@pytest.fixture(scope="module")
def workers() -> Iterator[Local]:
    """Two workers, and frames of a few rows for them and for this process."""
    with pytest.MonkeyPatch.context() as patch, Local(workers=2) as engine:
        patch.setattr(columnar, "FRAME_BYTES", 200)
        yield engine


# Pipelines of up to five operators, so that fifteen hold each of the two dozen once or more, in changing company.
@settings(max_examples=15, deadline=None)
@given(rows=ROWS, pipeline=PIPELINES, unlabelled=st.booleans())
def test_rows_are_accounted_for_whoever_works(
    workers: Local,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[Any, ...]],
    pipeline: list[str],
    unlabelled: bool,
) -> None:
    # Two rows that mostly stay, so that something is left.
    stay = [("a perfectly ordinary film with a plot", "1", 8), ("what a dull way to spend an evening", "0", 9)]
    source = pl.DataFrame([*rows, *stay], schema={"text": pl.String, "label": pl.String, "n": pl.Int64}, orient="row")
    folder = tmp_path_factory.mktemp("refinery")
    found = []
    for place, how in (("here", Running()), ("there", Running(engine=workers))):
        operators = [(name, registry.create("operator", name)) for name in pipeline]
        adds = any(kind_of(name, operator) == "add" for name, operator in operators)
        split = {"train": 0.5, "test": 0.5} if adds else {}
        try:
            options: dict[str, Any] = {"split": split, "keep_unlabelled": unlabelled, "running": how}
            found.append(refine(source, operators=operators, out=folder / place, **options))
        except DataError as error:
            if "no row is left" not in error.what:
                raise
            found.append(None)
    here, there = found
    assert (here is None) == (there is None)
    if here is None or there is None:
        return
    counts, ledger = here.manifest.counts, here.ledger()
    out = [row_id for split in here.splits for row_id in here.frame(split)["row_id"]]
    dropped = ledger.filter(action="dropped")["row_id"].to_list()
    added = ledger.filter(action="added")["row_id"].to_list()
    given_ids = [f"data:{number + 1}" for number in range(source.height)]
    assert counts == {
        "rows_in": source.height, "rows_added": len(added), "rows_dropped": len(dropped), "rows_out": len(out),
    }  # fmt: skip
    assert counts["rows_in"] + counts["rows_added"] == counts["rows_out"] + counts["rows_dropped"]
    assert sorted([*out, *dropped]) == sorted([*given_ids, *added]), "each row is out or dropped, and once"
    assert set(ledger["operator"]) <= {*pipeline, "read"}
    assert set(ledger.filter(action="changed")["row_id"]) <= {*given_ids, *added}
    assert here.manifest == there.manifest
    assert (here.path / "ledger.parquet").read_bytes() == (there.path / "ledger.parquet").read_bytes()
    shutil.rmtree(folder)

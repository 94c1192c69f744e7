"""The verb `refine`: raw sources in, a Dataset out, with a ledger that balances."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from oreline.data.augment.lift import lift
from oreline.data.dataset import LEDGER, UNLABELLED, UNSPLIT, Dataset, DatasetManifest, seal
from oreline.data.doubted import doubting
from oreline.data.duplicates.against import NAME as AGAINST
from oreline.data.duplicates.against import Against
from oreline.data.duplicates.together import check_ways, gap_us
from oreline.data.input.quotas import NAME as QUOTA
from oreline.data.input.quotas import Quotas
from oreline.data.labels.label_steps import refuse_changed_test, with_review
from oreline.data.labels.reviewed import Review
from oreline.data.ledger import Ledger
from oreline.data.pii.files import finds_table
from oreline.data.reporting.account import account
from oreline.data.reporting.datacard import write_card
from oreline.data.reporting.embedded import embedded_tables
from oreline.data.reporting.leaks import Leak, find_leaks, refuse_leaks
from oreline.data.reporting.summary import refine_report, with_sources
from oreline.data.running.adding import refuse_without_train
from oreline.data.running.chain import Shop, run_chain
from oreline.data.running.division import Run, Splitting, ordered, shares_of_parts, write_splits
from oreline.data.running.engine import Engine, Here
from oreline.data.running.kept import Kept, forget_done, kept_beside
from oreline.data.running.reading import Book, Reading, Unlabelled
from oreline.data.running.signing import Signing
from oreline.data.running.stage import Stage, unified
from oreline.data.running.steps import Step, bind_models, refuse_absent_columns, steps_of
from oreline.data.sources import Source, given_splits, sources
from oreline.data.split.places import check_shares
from oreline.errors import DataError, UsageError
from oreline.registry import MADE_OF
from oreline.report.report import Table
from oreline.store import writing
from oreline.types import Event, OnEvent, OpenModel, Operator, ignore


@dataclass(frozen=True, slots=True)
class Running:
    """How a refine runs; what comes out does not depend on it."""

    engine: Engine = field(default_factory=Here)
    memory_bytes: int = 2 << 30
    """Of all processes together, about."""
    cache: Path | None = None
    """A folder in which finished stages stay for other runs; without one they go when the run ends."""
    cache_bytes: int = 20 << 30
    """When a run ends, the stages that were not used for longest go until the rest take no more."""
    open_model: OpenModel | None = None
    """Opens the models that operators name."""


def refine(
    source: Any,
    *,
    roles: Mapping[str, str] | None = None,
    operators: Sequence[tuple[str, Operator]],
    split: Mapping[str, float],
    out: str | Path,
    seed: int = 0,
    force: bool = False,
    against: Sequence[str | Path] = (),
    keep_unlabelled: bool = False,
    review: str | Path | None = None,
    together: Sequence[str] = (),
    gap: str | None = None,
    fail_on_leak: float | None = None,
    report_encoder: str | None = None,
    running: Running | None = None,
    on_event: OnEvent = ignore,
) -> Dataset:
    """Read, clean, divide and store raw data.

    Args:
        source: anything that `sources.frames` takes, or `{split name: source}` when the data are divided already. Rows
            given as `unlabelled` need no label, and one that they have is not kept.
        roles: source column of each role; a column whose name is a role needs none.
        operators: names and operators, in order.
        split: share of each split; empty leaves the rows together as the split `all`. Given splits stay as they
            are, and those named here that were not given are carved out of `train`. With a `time` column the
            splits follow time, and rows of a group may be torn apart (a warning); a column that is only called so gives
            way to `together` and to a `group` among `roles`. Otherwise splits are drawn by `seed`, stratified by label,
            with rows of equal text or equal group together.
        out: the folder to write; it appears complete or not at all.
        seed: same data, options and seed: same bytes.
        force: replace `out` when it is there.
        against: files whose texts must not occur in the result; with given splits, not in `train`.
        keep_unlabelled: rows without a label become the split `unlabelled`; otherwise they are dropped.
        review: a file of decisions about rows (`data/labels/review.py`), carried out where `flag_label_errors`
            stands, at the end of the chain without it. Rows that had no label and get one go from `unlabelled` to
            `train`.
        together: what else stays in one split: `near` (near-duplicates), `template` (texts that are equal when numbers,
            names in brackets and links are masked).
        gap: with a `time` column, how much time is left out before each later split: `7d`.
        fail_on_leak: the largest share of a split that may stand in another one, exactly or nearly.
        report_encoder: a model that embeds some rows for the report: how many meanings they have, what train covers.
        running: where it runs, what memory it takes, which stages of earlier runs it may use. A run that was killed
            goes on in any case, with the same call, after the last stage that it finished.
        on_event: told of progress.

    Raises:
        UsageError: an unknown role, an impossible share, an `out` that exists.
        DataError: a file, row or column that cannot be read, named.
        ResourceError: a full disk or missing permission.
        OrelineError: an operator loses or invents rows, or splits share more than `fail_on_leak` allows.
    """
    check_shares(split)
    check_ways(together)
    _refuse_bound(fail_on_leak)
    splitting = Splitting(dict(split), seed, tuple(together), gap_us(gap), _time_decides(roles or {}, together, gap))
    _refuse_share(split)
    running, doubts = _doubting(running or Running(), on_event)
    decided = Review(review) if review is not None else None
    steps, adders = _divided(steps_of(with_review(operators, decided)))
    bind_models([*steps, *adders], running.open_model)
    encoder = _encoder(report_encoder, running)
    parts = _parts(source)
    refuse_changed_test(operators, parts, split)
    refuse_without_train(adders, ordered(split, shares_of_parts(list(parts), dict(split))))
    chains = _chains(parts, steps, against, dict(roles or {}))
    _add_quotas(chains, parts, seed)
    # The stages go when the dataset lies in its place: a run that is killed while it waits for the disk has them.
    after = contextlib.ExitStack()
    forget_done(out)
    with writing(out, force=force, after=after) as folder, Ledger(folder / LEDGER) as ledger:
        kept = after.enter_context(_stages_kept(out, running))
        shop = Shop(ledger, kept, running.engine, running.memory_bytes, on_event)
        run = Run(folder, shop, Book(dict(roles or {}), on_event=on_event), adders)
        gives_labels = any(getattr(step.operator, "gives_labels", False) for step in steps)
        stages = _run_chains(parts, chains, run, keep_unlabelled=keep_unlabelled, gives_labels=gives_labels)
        if decided is not None:
            decided.refuse_unknown()
            on_event(Event("review", message=decided.sentence()))
        _refuse_nothing(stages, ledger)
        written = write_splits(stages, splitting, run)
        counts = ledger.balance(sum(written.values()))
        ledger.close()
        run.notes.write(folder)
        options = {"operators": [name for name, _ in operators], "split": dict(split), "seed": seed}
        options |= {name: value for name, value in {"together": list(together), "gap": gap}.items() if value}
        manifest = _seal(run, written, counts, options)
        leaks = _leaks(run, written, fail_on_leak)
        embedded = encoder(folder, [name for name, rows in written.items() if rows])
        ledger.alarms.extend(dict.fromkeys(doubts))
        _report(run, manifest, leaks, embedded, seed)
        on_event(Event("time", message=shop.clock.sentence()))
    return Dataset.open(out)


def _doubting(running: Running, on_event: OnEvent) -> tuple[Running, list[str]]:
    """Return how to run, and what will be told of models that hardly read the texts."""
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        on_event(Event("models", message=f"warning: {sentence}"))

    if running.open_model is None:
        return running, told
    return replace(running, open_model=doubting(running.open_model, tell)), told


@contextlib.contextmanager
def _stages_kept(out: str | Path, running: Running) -> Iterator[Kept]:
    """Give the place of the stages: the cache, or a folder beside the output that goes with the end of the run."""
    if running.cache is None:
        with kept_beside(out) as kept:
            yield kept
        return
    kept = Kept(running.cache, max_bytes=running.cache_bytes)
    try:
        yield kept
    finally:
        kept.close()


def _divided(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """Return the steps before the split, and those that add rows after it."""
    return [step for step in steps if step.kind != "add"], [step for step in steps if step.kind == "add"]


def _run_chains(
    parts: Mapping[str, list[Source]],
    chains: Mapping[str, list[Step]],
    run: Run,
    *,
    keep_unlabelled: bool,
    gives_labels: bool,
) -> dict[str, Stage]:
    """Return the rows that remain of each part; where an operator gives labels, rows need none before."""
    aside = keep_unlabelled and not gives_labels
    labelled = [name for name in parts if name != UNLABELLED]
    readings = {name: Reading(parts[name], run.book, sets_aside=aside, drops=not gives_labels) for name in labelled}
    stages = {}
    for name in labelled:
        with run.shop.ledger.naming(name if len(labelled) > 1 else ""):
            stages[name], _ = run_chain(readings[name], chains[name], run.shop)
    others = list(readings.values())
    if UNLABELLED in parts or any(other.aside is not None and other.aside.num_rows for other in others):
        own = Reading(parts.get(UNLABELLED, []), run.book, sets_aside=False, needs_label=False)
        rows = Unlabelled(others, own)
        stages[UNLABELLED], _ = run_chain(rows, chains[UNLABELLED], run.shop)
    _refuse_columns([step for chain in chains.values() for step in chain], stages)
    return stages


def _refuse_bound(fail_on_leak: float | None) -> None:
    if fail_on_leak is not None and not 0 <= fail_on_leak <= 1:
        raise UsageError(f"fail_on_leak is {fail_on_leak}", allowed="a share, 0 to 1")


def _time_decides(roles: Mapping[str, str], together: Sequence[str], gap: str | None) -> bool:
    """Return whether a column of times decides about the splits.

    One that is only called `time` gives way to groups and to `together`, which somebody asked for. Raises `UsageError`
    where both were asked for: along time, near-duplicates cannot be kept together too.
    """
    asked = "time" in roles or gap is not None
    if asked and together:
        raise UsageError(
            f"splits that follow time do not keep rows together by {together[0]!r} too",
            remedy="leave out --time and --gap, or --together; dedup_near takes near-duplicates out of a split by time",
        )
    return asked or not (together or "group" in roles)


def _refuse_share(split: Mapping[str, float]) -> None:
    if UNLABELLED in split:
        raise UsageError(
            f"the split {UNLABELLED!r} has no share: it is of the rows without a label",
            allowed="keep_unlabelled, or a source of its own: unlabelled=FILE",
        )


def _refuse_nothing(stages: Mapping[str, Stage], ledger: Ledger) -> None:
    if not any(stage.num_alive for name, stage in stages.items() if name != UNLABELLED):
        reasons = [
            f"{rows} {why} ({operator})" for (operator, what, why), rows in ledger.reasons.items() if what == "dropped"
        ]
        if aside := stages[UNLABELLED].num_alive if UNLABELLED in stages else 0:
            reasons.append(f"{aside} without a label")
        raise DataError(
            f"no row is left of {ledger.rows_in.total()}: {', '.join(reasons)}",
            where=", ".join(ledger.rows_in),
            remedy="check the roles of the columns, and the options of the operators that dropped them",
        )


def _refuse_columns(steps: Sequence[Step], stages: Mapping[str, Stage]) -> None:
    """Raise `DataError` where an operator was told to look at a column that no part has, or that holds no text."""
    schema: dict[str, pl.DataType] = {}
    for stage in stages.values():
        schema = unified(schema, stage.schema)
    refuse_absent_columns(steps, schema)


def _parts(source: Any) -> dict[str, list[Source]]:
    """Return the sources of each given split, or of the one part `all`; row ids are distinct over all of them."""
    given = given_splits(source)
    if given is None:
        return {UNSPLIT: sources(source)}
    check_shares(dict.fromkeys(given, 1 / len(given)))
    parts = {name: sources(part) for name, part in given.items()}
    names = [part.name for found in parts.values() for part in found]
    if len(set(names)) == len(names):
        return parts
    return {name: [replace(part, name=f"{name}/{part.name}") for part in found] for name, found in parts.items()}


def _chains(
    parts: Mapping[str, Any],
    steps: Sequence[Step],
    against: Sequence[str | Path],
    roles: Mapping[str, str],
) -> dict[str, list[Step]]:
    """Return the steps for each part; `against` guards what is learnt from, or all where no part is `train`."""
    chains = {name: list(steps) for name in (*parts, UNLABELLED)}
    if "test" in parts:
        chains["test"] = [step for step in steps if not getattr(step.operator, "spares_test", False)]
    if against:
        edits = [step for step in steps if step.kind == "edit" and not step.learns]
        guard = Against(against, roles, [step.operator for step in edits])
        reporting = guard.reporting()
        if all(isinstance(item, str | Path) for item in against):
            options = {"files": list(map(str, against)), "roles": dict(roles), "edits": [s.made_of for s in edits]}
            setattr(guard, MADE_OF, (AGAINST, options))
            setattr(reporting, MADE_OF, (AGAINST, {**options, "reports": True}))
        for name in chains:
            if name in ("train", UNLABELLED) or "train" not in parts:
                chains[name].insert(_before_drops(chains[name]), Step(AGAINST, reporting, "whole"))
                chains[name].append(Step(AGAINST, guard, "whole"))
    return chains


def _add_quotas(chains: Mapping[str, list[Step]], parts: Mapping[str, list[Source]], seed: int) -> None:
    """Let the last step of each part's chain hold the quotas of its sources."""
    for name, found in parts.items():
        quotas = {s.part.name: s.part.quota for s in found if s.part is not None and s.part.quota is not None}
        if quotas:
            holder = Quotas(quotas, seed)
            setattr(holder, MADE_OF, (QUOTA, {"quotas": quotas, "seed": seed}))
            chains[name].append(Step(QUOTA, holder, "whole"))


def _before_drops(chain: Sequence[Step]) -> int:
    """Return the place in a chain from where on texts are not edited any more and operators that see all rows come."""
    after_edits = max((place + 1 for place, step in enumerate(chain) if step.kind == "edit"), default=0)
    return next((place for place in range(after_edits, len(chain)) if chain[place].kind == "whole"), len(chain))


def _encoder(name: str | None, running: Running) -> Callable[[Path, list[str]], list[Table]]:
    """Return what makes the tables of an encoder; it is opened now, so that a name that is wrong is refused."""
    if name is None:
        return lambda folder, splits: []
    if running.open_model is None:
        raise UsageError(
            "report_encoder needs a model, and nothing here opens one",
            remedy="refine through oreline.refine, the command line or a recipe",
        )
    model = running.open_model(name)
    return lambda folder, splits: embedded_tables(folder, splits, model, name)


def _leaks(run: Run, written: Mapping[str, int], worst: float | None) -> list[Leak]:
    """Return what the splits share; raise `DataError` where it is more than the worst that is allowed."""
    run.shop.on_event(Event("leaks"))
    with run.shop.clock.timing("leaks", sum(written.values())):
        sign = Signing(run.shop.engine, run.shop.clock, "leaks", run.shop.signed)
        found = find_leaks(run.folder, list(written), sign=sign, max_bytes=run.shop.memory_bytes // 32)
    if worst is not None:
        refuse_leaks(found, worst)
    return found


def _report(run: Run, manifest: DatasetManifest, leaks: Sequence[Leak], embedded: Sequence[Table], seed: int) -> None:
    """Write the report and the data card."""
    lineage, ledger = run.book.lineage[:-1], run.shop.ledger
    if manifest.counts["rows_added"]:
        run.shop.on_event(Event("lift"))
        with run.shop.clock.timing("lift", manifest.counts["rows_added"]):
            ledger.note("lift", lift(run.folder, seed))
    subject = {"fingerprint": manifest.fingerprint, "sources": [entry["source"] for entry in lineage]}
    found = [*embedded, *ledger.tables, *finds_table(run.folder)]
    with run.shop.clock.timing("report", manifest.counts["rows_out"]):
        more = account(run.folder, run.book.intake, run.tally, ledger.rows_in, lineage, found)
    more.tables.append(run.shop.clock.table())
    report = refine_report(ledger, manifest.counts, run.tally, leaks, subject=subject, account=more)
    report = with_sources(report, run.book.fusion, run.book.notes)
    report.save(run.folder)
    write_card(run.folder, manifest, report)
    run.shop.kept.ends_in(run.folder)


def _seal(run: Run, written: dict[str, int], counts: dict[str, int], options: dict[str, Any]) -> DatasetManifest:
    first = next(iter(written))
    schema = pl.read_parquet_schema(run.folder / first / "00000.parquet")
    run.book.lineage.append({"verb": "refine", "options": options})
    return seal(
        run.folder,
        DatasetManifest(
            columns={name: str(dtype) for name, dtype in schema.items()},
            roles=run.book.bound,
            splits=written,
            split_order=list(written),
            counts=counts,
            lineage=run.book.lineage,
        ),
    )

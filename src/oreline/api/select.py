"""`refine --select`: which rows of a dataset a person should label next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import names
from oreline.api.extras import names_missing_extras
from oreline.api.operator_models import open_model, trained
from oreline.errors import UsageError
from oreline.types import Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.data.labels.pool import Pool, Seen
    from oreline.data.labels.selecting import Choice
    from oreline.report.report import Report


@names_missing_extras
def select(
    data: Any,
    *,
    select: int = 200,
    model: str | None = None,
    random_share: float = 0.2,
    rounds: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    dry_run: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Choose rows without a label that are worth labelling, and say whether choosing still helps.

    Args:
        data: a dataset with rows that have no label (`refine --keep-unlabelled`) or with no labels at all, or raw data.
        select: rows that are wanted.
        model: a classifier, whose scores and vectors are used; or a start model, under whose vectors a linear layer is
            fitted on the rows that have labels. Character n-grams stand in for vectors when not given.
        random_share: of the rows that are drawn at random, whatever the model says.
        rounds: the file that remembers earlier rounds; `rounds.json` beside `out` when not given.
        out: the file of rows to label, JSON Lines: `oreline label` shows them, `refine --apply-review` takes them back.
        dry_run: say what would be chosen, and write nothing.

    Raises:
        DataError: every row has a label, or the rows have other targets than one label.
        UsageError: no file is named, or it is there already.
    """
    from oreline.data.labels.pool import pool_of, sample_of, selection_lines
    from oreline.data.labels.review import write_lines
    from oreline.data.labels.rounds import ROUNDS_FILE, Round, as_facts, judge, kappa, read_rounds, write_rounds
    from oreline.data.labels.selecting import select_rows

    file = _place(out, force=force)
    pool = pool_of(names.dataset(data, seed=seed, keep_unlabelled=True, on_event=on_event))
    memory = Path(rounds) if rounds is not None else file.parent / ROUNDS_FILE
    state = read_rounds(memory)
    on_event(Event("select", message=f"looking at {pool.rows.height:,} rows without a label"))
    doubts: list[str] = []
    seen = _seen(pool, model, seed, doubts.append)
    for sentence in doubts:
        on_event(Event("select", message=f"warning: {sentence}"))
    choices = select_rows(
        select,
        seen.vectors_ND,
        seen.scores_NK,
        known_LD=seen.known_LD,
        copies_N=pool.copies,
        random_share=random_share,
        seed=seed + len(state.rounds),
    )
    ids = pool.rows["row_id"]
    rows = sample_of(pool)
    sample = dict(zip(ids.gather(rows).to_list(), seen.says(rows.tolist())))
    if state.rounds and state.rounds[-1].num_labelled == pool.labelled.height:
        state.rounds.pop()  # asked again, before anything was labelled
    said: list[Any] = seen.says([choice.row for choice in choices]) or [None] * len(choices)
    selected: dict[str, list[str]] = {
        ids[choice.row]: [choice.arm] if label is None else [choice.arm, label] for choice, label in zip(choices, said)
    }
    state.rounds.append(Round(pool.labelled.height, selected, kappa(state.sample, sample)))
    state.sample = sample
    state.labels = sorted({*seen.labels, *pool.truth.values()})
    verdict = judge(state, pool.truth)
    if not dry_run:
        write_lines(file, selection_lines(pool, choices, seen.labels, seed))
        write_rounds(memory, state)
    on_event(Event("select", message=verdict.sentence))
    facts = {
        "pool": pool.rows.height,
        "labelled": pool.labelled.height,
        **as_facts(verdict),
        "rounds": len(state.rounds),
    }
    return replace(_report(file, choices, seen, facts, dry_run=dry_run), warnings=doubts)


def _place(out: str | Path | None, *, force: bool) -> Path:
    if out is None:
        raise UsageError("--select needs a file for the rows", remedy="--out rows.jsonl")
    file = Path(out)
    if file.is_dir() or (file.exists() and not force):
        raise UsageError(f"{out} exists already", remedy="choose another --out, or add --force to replace it")
    return file


def _seen(pool: Pool, model: str | None, seed: int, tell: Callable[[str], None]) -> Seen:
    """Return the pool as a classifier sees it, or a linear layer over a start model's vectors, or over n-grams.

    `tell` is told of a start model that hardly reads the texts.
    """
    from oreline.data.doubted import Doubted
    from oreline.data.labels.pool import seen_by_features

    if model is None:
        return seen_by_features(pool, None, seed)
    if trained(model) is not None:
        return _seen_by_classifier(pool, model, seed)
    return seen_by_features(pool, Doubted(open_model(model), tell), seed)


def _seen_by_classifier(pool: Pool, model: str, seed: int) -> Seen:
    import polars as pl

    from oreline.api.use import load
    from oreline.data.labels.features import dense, row_features, unit
    from oreline.data.labels.pool import Seen
    from oreline.data.labels.review import shown_texts

    runtime = load(model)
    if runtime.task.view != "classes":
        raise UsageError(
            f"{model} was trained for {runtime.artifact.manifest.task}",
            allowed="a model that gives one label a row, or a start model",
        )
    rows = pl.concat([pool.rows, pool.labelled.select(pool.rows.columns)])
    columns = {role: rows[role].fill_null("").to_list() for role in runtime.task.inputs}
    found = runtime.predict(columns, embeddings=True)
    num_rows, vectors = pool.rows.height, found.embedding_ND
    # A model without vectors gives its scores, and n-grams say which rows are alike.
    vectors_ND = unit(vectors) if vectors is not None else dense(row_features(shown_texts(rows)), seed=seed)
    scores_NK = found.outputs["scores"][:num_rows]
    return Seen(vectors_ND[:num_rows], scores_NK, list(runtime.task.labels), vectors_ND[num_rows:])


def _report(file: Path, choices: list[Choice], seen: Seen, facts: dict[str, Any], *, dry_run: bool) -> Report:
    from oreline.report.report import Report, Table

    arms = Counter(choice.arm for choice in choices)
    says = Counter(seen.says([choice.row for choice in choices]))
    tables = [Table("Rows to label", ["arm", "rows"], [[arm, arms[arm]] for arm in ("chosen", "random")])]
    if says:
        lines = [[label, rows] for label, rows in says.most_common(30)]
        tables.append(Table("What the model takes them for", ["label", "rows"], lines))
    done = "would be selected" if dry_run else f"selected into {file}"
    return Report(verb="select", title=f"{len(choices):,} rows {done}", facts=facts, tables=tables)

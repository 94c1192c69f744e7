"""`refine --calibrate`: what the rules of a chain would drop, before anything is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import names
from oreline.api.extras import names_missing_extras
from oreline.types import Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.report.report import Report

OPERATORS = (
    "normalize_text", "keep_length", "keep_gopher_quality", "keep_gopher_repetition", "keep_c4", "keep_fineweb",
    "keep_perplexity",
)  # fmt: skip
"""Shown where none are named: all rules there are, also those that a chain of one's own would not have."""


@names_missing_extras
def calibrate(
    data: Any,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    time: str | None = None,
    roles: dict[str, str] | None = None,
    operators: list[Any] | None = None,
    rows: int = 5000,
    tail: float = 0.01,
    out: str | Path | None = None,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Show each rule's cut on a sample: shares by source, class and language, distributions, examples, bounds.

    Args:
        data: what `refine` takes, without given splits.
        text, label, group, time: source columns of these roles; a column named like its role needs none.
        roles: source columns of any other roles.
        operators: names, or one-key mappings with options, in order; all quality rules when not given. Models that they
            name are opened.
        rows: sampled, evenly spaced.
        tail: share of rows that each proposed bound leaves out.
        out: the folder for `report.html` and `report.json`; a new one in `./oreline-runs` when not given.

    Raises:
        DataError: a file, row or column that cannot be read.
        UsageError: an unknown operator, role or option, or `out` exists already.
    """
    from oreline import store
    from oreline.api.operator_models import open_model
    from oreline.data.calibrate import calibrate as run

    place = names.output_folder("calibrate", out, data, force=force)
    store.refuse_existing(place, force=force)
    report = run(
        data,
        roles={**names.catalog_roles(data), **names.roles_of(roles, text=text, label=label, group=group, time=time)},
        operators=names.plugs("operator", OPERATORS if operators is None else operators),
        rows=rows,
        tail=tail,
        open_model=open_model,
        on_event=on_event,
    )
    with store.writing(place, force=force) as folder:
        report.save(folder)
    on_event(Event("calibrate", message=f"report: {place / 'report.html'}"))
    return report

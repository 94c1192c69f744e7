"""Compare what a served model sees with what it saw, by every detector asked for, and report.

A detector says *drift* only when its p-value is small **and** the effect is large enough to matter: with many rows
every difference is significant, and significance alone would call for an update each night. With m detectors a
p-value has to lie below alpha / m (Bonferroni), so that alpha bounds the chance of any false alarm.

Shape suffixes: N rows, K classes, D embedding width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline.dialogue import is_dialogue, transcript
from oreline.errors import DataError
from oreline.evaluate.estimates import wilson
from oreline.report import formatting
from oreline.report.report import Chart, Report, Table
from oreline.runtime.open import open_task
from oreline.runtime.samples import read_samples
from oreline.types import Detector, Drift, Estimate, Sample

if TYPE_CHECKING:
    from oreline.store import Artifact

MIN_ROWS = 30
"""Fewer rows than this cannot be judged, on either side."""
ALPHA = 0.05
_SHOWN_ROWS = 10
_SHOWN_CHARS = 120
_SCALES = {
    "auc": "AUC 0.5: live rows cannot be told from the reference; 1: completely.",
    "total_variation": "Total variation 0: the same shares of labels; 1: no label in common.",
}
"""What the effects of the packaged detectors mean at both ends."""


def reference_sample(artifact: Artifact, *, out_of_scope: bool = False) -> Sample:
    """Return the rows that live rows are compared with: those of dev, with the model's own answers.

    Of a model that rejects, those are the rows in scope, which it was made for: rows of no class were gathered to set a
    threshold by, and their share of dev is seldom that of real requests. `out_of_scope` takes them in where it is.

    Raises `ArtifactError` when the artifact has no such rows.
    """
    frame, task, label = read_samples(artifact, "reference"), open_task(artifact), rejected_label(artifact)
    if label is not None and not out_of_scope:
        frame = frame.filter(pl.col(task.target).ne_missing(label))
    return Sample(
        ids=frame["row_id"].to_list(),
        texts=[" | ".join(map(str, row)) for row in frame.select(task.inputs).iter_rows()],
        labels=frame["predicted"].to_list(),
        scores_NK=np.asarray(frame["scores"].to_list(), dtype=np.float32),
        embedding_ND=np.asarray(frame["embedding"].to_list(), dtype=np.float32),
    )


def rejected_label(artifact: Artifact) -> str | None:
    """Return the label of rows that a model rejects; None of a model that rejects none."""
    task = open_task(artifact)
    outside = getattr(task, "outside", None)
    return None if outside is None else task.labels[outside]


def monitor(
    reference: Sample,
    live: Sample,
    *,
    detectors: Sequence[Detector],
    seed: int = 0,
    alpha: float = ALPHA,
    subject: Mapping[str, Any] | None = None,
    rejected: str | None = None,
) -> Report:
    """Run detectors and report drift or none, how large, and which rows show it most.

    Args:
        reference: from `reference_sample`.
        live: from `PredictionLog.sample`.
        detectors: at least one; a name may occur once.
        seed: of the permutations.
        alpha: chance of a false alarm over all detectors together.
        subject: what the report is about (artifact id, log), as it shall appear there.
        rejected: the label of rejected rows, whose share is then shown on both sides.

    Raises:
        DataError: fewer than 30 rows on either side.
    """
    _check(reference, "reference", "the model's reference rows", "fine-tune with a larger dev split")
    _check(live, "live", "the prediction log", "wait for more requests, or send some to the server's /predict")
    found = [_corrected(detector.detect(reference, live, seed=seed), len(detectors), alpha) for detector in detectors]
    drifted = [drift.detector for drift in found if drift.drifted]
    shares = {} if rejected is None else {"live": _share(live, rejected), "reference": _share(reference, rejected)}
    return Report(
        verb="monitor",
        title=f"Drift found by {', '.join(drifted)}" if drifted else "No drift",
        subject=subject or {},
        metrics={f"{drift.detector}_{drift.effect_name}": drift.effect for drift in found}
        | {f"rejected_{side}": share for side, share in shares.items()},
        facts={
            "verdict": "drift" if drifted else "no drift",
            "sentence": _sentence(found, alpha, len(live.ids)) + _said_of(shares, rejected),
            "rows_reference": len(reference.ids),
            "rows_live": len(live.ids),
            "alpha": alpha,
            "p_values": {drift.detector: drift.p_value for drift in found},
        },
        tables=[_summary(found, alpha), *(_rows(drift, live) for drift in found if drift.row_scores)],
        charts=[chart for drift in found for chart in _charts(drift, len(reference.ids), len(live.ids))],
        warnings=[str(drift.details["warning"]) for drift in found if "warning" in drift.details],
    )


def _check(sample: Sample, side: str, where: str, remedy: str) -> None:
    if len(sample.ids) < MIN_ROWS:
        raise DataError(
            f"{len(sample.ids)} {side} rows are too few to judge drift",
            where=where,
            allowed=f"{MIN_ROWS} rows or more",
            remedy=remedy,
        )


def _corrected(drift: Drift, num_detectors: int, alpha: float) -> Drift:
    return replace(drift, drifted=drift.drifted and drift.p_value * num_detectors <= alpha)


def _sentence(found: Sequence[Drift], alpha: float, num_live: int) -> str:
    """Say in words what each detector saw, how large it is, and why that is drift or is not."""
    said = [f"{drift.detector}: {_effect(drift)}, {_why(drift, alpha / len(found))}" for drift in found]
    drifted = any(drift.drifted for drift in found)
    start = f"{'Drift' if drifted else 'No drift'} in {num_live:,} live rows"
    end = "; the rows that show it most are listed below" if any(drift.row_scores for drift in found) else ""
    return f"{start}. {'; '.join(said)}{end}."


def _share(sample: Sample, label: str) -> Estimate:
    """Return the share of rows that are answered with a label."""
    share, n = sample.labels.count(label) / len(sample.labels), len(sample.labels)
    return Estimate(share, *wilson(share, n), n)


def _said_of(shares: Mapping[str, Estimate], rejected: str | None) -> str:
    if not shares:
        return ""
    return (
        f" {shares['live'].value:.1%} of the live rows are rejected (answered {rejected!r}), and "
        f"{shares['reference'].value:.1%} of the reference."
    )


def _effect(drift: Drift) -> str:
    value, interval, _ = formatting.estimate(drift.effect.to_json())
    return f"{formatting.title(drift.effect_name)} {value} {interval}"


def _why(drift: Drift, most: float) -> str:
    p_value, bound = f"p = {drift.p_value:.2g}", drift.details.get("bound")
    least = "" if bound is None else f" the bound of {bound:g}"
    if drift.drifted:
        return f"drift: {p_value}" + (f" and at least{least}" if least else "")
    if drift.p_value > most:
        return f"no more than chance explains ({p_value}, drift needs {most:.2g} or less)"
    return f"not chance ({p_value}), but too small to matter" + (f": below{least}" if least else "")


def _summary(found: Sequence[Drift], alpha: float) -> Table:
    rows = [
        [
            drift.detector,
            "drift" if drift.drifted else "no drift",
            formatting.title(drift.effect_name),
            drift.effect,
            drift.details.get("bound"),
            drift.p_value,
        ]
        for drift in found
    ]
    note = f"Drift: p ≤ {alpha / len(found):.2g} and an effect of the bound or more. 95 % intervals; n: live rows."
    scales = [_SCALES[name] for name in dict.fromkeys(drift.effect_name for drift in found) if name in _SCALES]
    columns = ["detector", "verdict", "effect", "size", "bound", "p"]
    return Table("Detectors", columns, rows, " ".join([note, *scales]))


def _rows(drift: Drift, live: Sample) -> Table:
    places = {id: place for place, id in enumerate(live.ids)}
    most = sorted(drift.row_scores, key=lambda id: (-drift.row_scores[id], places[id]))[:_SHOWN_ROWS]
    rows = [
        [id, round(drift.row_scores[id], 4), live.labels[places[id]], _shortened(live.texts[places[id]])] for id in most
    ]
    title = "Live rows that show the drift most" if drift.drifted else "Live rows that differ most, though not enough"
    note = f"the {len(rows)} highest of {len(drift.row_scores):,} scores; higher is less like the reference"
    return Table(f"{title}: {drift.detector}", ["id", "score", "label", "text"], rows, note)


def _charts(drift: Drift, num_reference: int, num_live: int) -> Iterator[Chart]:
    """Draw what a detector left in its details: `shares` (by label) and `histogram` (of its row scores)."""
    if shares := drift.details.get("shares"):
        labels = list(shares["reference"])
        series = {side: [shares[side][label] for label in labels] for side in ("reference", "live")}
        note = f"reference: n = {num_reference:,} rows; live: n = {num_live:,} rows; {_effect(drift)}"
        yield Chart("Share of each predicted label", "bars", {"labels": labels, "series": series}, note)
    if histogram := drift.details.get("histogram"):
        series = {side: histogram[side] for side in ("reference", "live")}
        data = {"edges": histogram["edges"], "series": series, "x_label": "score"}
        note = f"a higher score: more like live rows, less like the reference; {_effect(drift)}"
        yield Chart(f"Can live rows be told from the reference? {drift.detector}", "histogram", data, note)


def _shortened(text: str) -> str:
    flat = " ".join((transcript(text) if is_dialogue(text) else text).split())
    return flat if len(flat) <= _SHOWN_CHARS else flat[: _SHOWN_CHARS - 1] + "…"

"""The deletion test: is an explanation faithful, or only plausible?

If the words that it puts first are those that the answer rests on, then deleting them in that order must lower the
number that is explained sooner than deleting words at random.

Shape suffixes: N rows, S steps (shares of the words deleted, from 0 to 1), O random orders, R resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline import registry
from oreline.errors import DataError, UsageError
from oreline.explain.answers import explained
from oreline.explain.part import Place, parts_of, row_of, variants
from oreline.report.report import Chart, Report, Table
from oreline.types import Estimate
from oreline.words import Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Explainer, Runtime

NUM_STEPS = 10
MIN_WORDS = 3
"""With fewer words there is no order to speak of; such rows are left out."""
FEW_ROWS = 20
_RESAMPLES = 2000


def deletion_test(
    runtime: Runtime,
    rows: Sequence[str | Mapping[str, Any]],
    *,
    method: str = "occlusion",
    random_orders: int = 5,
    seed: int = 0,
    **options: Any,
) -> Report:
    """Compare deleting words in the order of an explanation with deleting them at random.

    For each row and the model's answer to it, words are deleted in tenths, those with the largest weight first, and the
    number that is explained (a probability, a value, a cosine) is followed down to empty texts. The area under that
    curve is its mean on the way; the gain is the area under the curve of random orders minus it, paired by row. The
    explanation is faithful when the 95 % bootstrap interval of the mean gain over rows lies above 0.

    Args:
        runtime: the model.
        rows: inputs by role, or texts where the task reads one; `10 * (random_orders + 1)` variants of each are
            predicted.
        method: name of an explainer plug.
        random_orders: random orders that each row's curve is the mean of.
        seed: of the random orders and the bootstrap.
        **options: the plug's options.

    Raises:
        DataError: no row has three words or more.
        UsageError: an unknown method or option, or a row whose texts are missing or no strings.

    Source: Samek et al., Evaluating the Visualization of What a Deep Neural Network Has Learned, IEEE TNNLS 28, 2017
    (area over the perturbation curve); DeYoung et al., ERASER, ACL 2020 (comprehensiveness).
    """
    check_rows(rows)
    if random_orders < 1:
        raise UsageError(f"random_orders is {random_orders}", allowed="1 or more")
    explainer: Explainer = registry.create("explainer", method, **options)
    read = [row_of(runtime.task, row) for row in rows]
    answers = [(row, explainer.explain(runtime, row)) for row in read]
    tested = [(row, answer) for row, answer in answers if len(answer["words"]) >= MIN_WORDS]
    if not tested:
        raise DataError(
            f"none of the {len(rows):,} rows has {MIN_WORDS} words",
            remedy="test with longer texts, such as a test split",
        )
    source = np.random.default_rng(seed)
    curves = [_curves(runtime, row, answer, random_orders, source) for row, answer in tested]
    explained_NS, random_NS = (np.stack(part) for part in zip(*curves))
    number = str(tested[0][1].get("number", "probability"))
    return _report(method, number, explained_NS, random_NS, num_left_out=len(rows) - len(tested), seed=seed)


def check_rows(rows: Sequence[Any]) -> None:
    """Raise `UsageError` unless rows is a sequence of strings or mappings."""
    if isinstance(rows, str | Mapping):
        raise UsageError("the rows are one string or mapping", allowed="a list", remedy="put it in a list: [text]")
    for number, row in enumerate(rows):
        if not isinstance(row, str | Mapping):
            raise UsageError(
                f"row {number} is {type(row).__name__}, not a string", allowed="a list of strings, or of rows by role"
            )


def _curves(
    runtime: Runtime, row: dict[str, str], answer: dict[str, Any], random_orders: int, source: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    parts = {part.role: part for part in parts_of(runtime.task, row)}
    places = [
        Place(parts[entry["input"]], Word(entry["word"], entry["start"], entry["end"])) for entry in answer["words"]
    ]
    weights = np.asarray([entry["weight"] for entry in answer["words"]])
    orders = [np.argsort(-weights, kind="stable"), *(source.permutation(len(places)) for _ in range(random_orders))]
    counts = [round(step * len(places) / NUM_STEPS) for step in range(1, NUM_STEPS + 1)]
    deleted = [[places[place] for place in order[:count]] for order in orders for count in counts]
    found = explained(runtime, variants(row, deleted))
    lowered = found.numbers_V[1:].reshape(len(orders), NUM_STEPS)
    curves_S = np.concatenate([np.full((len(orders), 1), answer["score"]), lowered], axis=1)
    return curves_S[0], curves_S[1:].mean(axis=0)


def _report(
    method: str,
    number: str,
    explained_NS: NDArray[np.float64],
    random_NS: NDArray[np.float64],
    *,
    num_left_out: int,
    seed: int,
) -> Report:
    areas = {"explained": _area(explained_NS), "random": _area(random_NS)}
    gain = mean_estimate(areas["random"] - areas["explained"], seed)
    faithful = gain.low > 0
    warnings = []
    if not faithful:
        warnings.append(f"the explanations by {method!r} are not shown to be faithful: no better than random order")
    if gain.n < FEW_ROWS:
        warnings.append(f"only {gain.n} rows: the interval is wide, and the bootstrap makes it narrower than it is")
    if num_left_out:
        warnings.append(f"{num_left_out} rows have fewer than {MIN_WORDS} words and were left out")
    title = f"Mean {number} of the answer as words are deleted"
    shares = [step / NUM_STEPS for step in range(NUM_STEPS + 1)]
    means = {"explained order": explained_NS.mean(axis=0), "random order": random_NS.mean(axis=0)}
    return Report(
        verb="explain",
        title=f"Deletion test of {method!r}: {'faithful' if faithful else 'not shown to be faithful'}",
        subject={"method": method, "rows": gain.n},
        metrics={
            "deletion_gain": gain,
            "deletion_area_explained": mean_estimate(areas["explained"], seed),
            "deletion_area_random": mean_estimate(areas["random"], seed),
        },
        facts={"faithful": bool(faithful)},
        tables=[
            Table(
                title,
                ("share of words deleted", *means),
                [(share, *(round(float(means[name][step]), 4) for name in means)) for step, share in enumerate(shares)],
            )
        ],
        charts=[
            Chart(
                title,
                "lines",
                {
                    "x": dict.fromkeys(means, shares),
                    "y": {name: means[name].tolist() for name in means},
                    "x_label": "share of words deleted",
                    "y_label": number,
                },
            )
        ],
        warnings=warnings,
    )


def _area(curves_NS: NDArray[np.float64]) -> NDArray[np.float64]:
    # Trapezoids of equal width over [0, 1]: the mean of the inner points and half of both ends.
    return np.asarray((curves_NS[:, 1:-1].sum(axis=1) + (curves_NS[:, 0] + curves_NS[:, -1]) / 2) / NUM_STEPS)


def mean_estimate(values_N: NDArray[np.float64], seed: int) -> Estimate:
    """Return the mean with its 95 % percentile bootstrap interval.

    >>> mean_estimate(np.array([1.0, 1.0, 1.0]), seed=0)
    Estimate(value=1.0, low=1.0, high=1.0, n=3)
    """
    n = len(values_N)
    draws_R = values_N[np.random.default_rng(seed).integers(n, size=(_RESAMPLES, n))].mean(axis=1)
    low, high = np.quantile(draws_R, [0.025, 0.975])
    value = float(values_N.mean())
    return Estimate(value, min(float(low), value), max(float(high), value), n)

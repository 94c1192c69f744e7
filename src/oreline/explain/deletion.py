"""The deletion test: is an explanation faithful, or only plausible?

If the words that it puts first are those that the answer rests on, then deleting them in that order must lower the
probability sooner than deleting words at random.

Shape suffixes: N texts, S steps (shares of the words deleted, from 0 to 1), O random orders, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline import registry
from oreline.errors import DataError, UsageError
from oreline.explain.answers import probabilities
from oreline.explain.part import part_of
from oreline.explain.words import without
from oreline.report.report import Chart, Report, Table
from oreline.types import Estimate
from oreline.words import Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Explainer, Runtime

NUM_STEPS = 10
MIN_WORDS = 3
"""With fewer words there is no order to speak of; such texts are left out."""
FEW_TEXTS = 20
_RESAMPLES = 2000


def deletion_test(
    runtime: Runtime,
    texts: Sequence[str],
    *,
    method: str = "occlusion",
    random_orders: int = 5,
    seed: int = 0,
    **options: Any,
) -> Report:
    """Compare deleting words in the order of an explanation with deleting them at random.

    For each text and its most probable label, words are deleted in tenths, those with the largest weight first, and the
    label's probability is followed down to the empty text. The area under that curve is the mean probability on the
    way; the gain is the area under the curve of random orders minus it, paired by text. The explanation is faithful
    when the 95 % bootstrap interval of the mean gain over texts lies above 0.

    Args:
        runtime: the model.
        texts: inputs; `10 * (random_orders + 1)` variants of each are predicted.
        method: name of an explainer plug.
        random_orders: random orders that each text's curve is the mean of.
        seed: of the random orders and the bootstrap.
        **options: the plug's options.

    Raises:
        DataError: no text has three words or more.
        UsageError: an unknown method or option, or a text that is no string.

    Source: Samek et al., Evaluating the Visualization of What a Deep Neural Network Has Learned, IEEE TNNLS 28, 2017
    (area over the perturbation curve); DeYoung et al., ERASER, ACL 2020 (comprehensiveness).
    """
    check_texts(texts)
    if random_orders < 1:
        raise UsageError(f"random_orders is {random_orders}", allowed="1 or more")
    explainer: Explainer = registry.create("explainer", method, **options)
    answers = [(text, explainer.explain(runtime, text)) for text in texts]
    tested = [(text, answer) for text, answer in answers if len(answer["words"]) >= MIN_WORDS]
    if not tested:
        raise DataError(
            f"none of the {len(texts):,} texts has {MIN_WORDS} words",
            remedy="test with longer texts, such as a test split",
        )
    source = np.random.default_rng(seed)
    curves = [_curves(runtime, text, answer, random_orders, source) for text, answer in tested]
    explained_NS, random_NS = (np.stack(part) for part in zip(*curves))
    return _report(method, explained_NS, random_NS, num_left_out=len(texts) - len(tested), seed=seed)


def check_texts(texts: Sequence[str]) -> None:
    """Raise `UsageError` unless texts is a sequence of strings."""
    if isinstance(texts, str):
        raise UsageError("texts is one string", allowed="a list of strings", remedy="put it in a list: [text]")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise UsageError(f"text {number} is {type(text).__name__}, not a string", allowed="a list of strings")


def _curves(
    runtime: Runtime, text: str, answer: dict[str, Any], random_orders: int, source: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    words = [Word(entry["word"], entry["start"], entry["end"]) for entry in answer["words"]]
    weights = np.asarray([entry["weight"] for entry in answer["words"]])
    orders = [np.argsort(-weights, kind="stable"), *(source.permutation(len(words)) for _ in range(random_orders))]
    counts = [round(step * len(words) / NUM_STEPS) for step in range(1, NUM_STEPS + 1)]
    part = part_of(runtime.task, text)
    left = [without(part.text, [words[place] for place in order[:count]]) for order in orders for count in counts]
    lowered = probabilities(runtime, list(map(part.put, left)), answer["label"]).reshape(len(orders), NUM_STEPS)
    curves_S = np.concatenate([np.full((len(orders), 1), answer["score"]), lowered], axis=1)
    return curves_S[0], curves_S[1:].mean(axis=0)


def _report(
    method: str,
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
    if gain.n < FEW_TEXTS:
        warnings.append(f"only {gain.n} texts: the interval is wide, and the bootstrap makes it narrower than it is")
    if num_left_out:
        warnings.append(f"{num_left_out} texts have fewer than {MIN_WORDS} words and were left out")
    shares = [step / NUM_STEPS for step in range(NUM_STEPS + 1)]
    means = {"explained order": explained_NS.mean(axis=0), "random order": random_NS.mean(axis=0)}
    return Report(
        verb="explain",
        title=f"Deletion test of {method!r}: {'faithful' if faithful else 'not shown to be faithful'}",
        subject={"method": method, "texts": gain.n},
        metrics={
            "deletion_gain": gain,
            "deletion_area_explained": mean_estimate(areas["explained"], seed),
            "deletion_area_random": mean_estimate(areas["random"], seed),
        },
        facts={"faithful": bool(faithful)},
        tables=[
            Table(
                "Mean probability of the label as words are deleted",
                ("share of words deleted", *means),
                [(share, *(round(float(means[name][step]), 4) for name in means)) for step, share in enumerate(shares)],
            )
        ],
        charts=[
            Chart(
                "Mean probability of the label as words are deleted",
                "lines",
                {
                    "x": dict.fromkeys(means, shares),
                    "y": {name: means[name].tolist() for name in means},
                    "x_label": "share of words deleted",
                    "y_label": "probability",
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

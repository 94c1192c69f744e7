"""Whether choosing rows still helps, round after round: kept in a small JSON file beside the selections.

Two signs are watched. The model is as often right on rows that it chose as on rows drawn at random: then choosing finds
nothing harder than chance would. And two models in a row say the same of a fixed sample of the pool (Cohen's kappa,
Bloodgood & Vijay-Shanker 2009): then more labels change nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from oreline.data.labels.review import write_lines
from oreline.errors import DataError

ROUNDS_FILE = "rounds.json"
"""Beside the selections of one pool."""
STABLE_KAPPA = 0.99
STABLE_ROUNDS = 3
"""Comparisons in a row with at least that kappa."""
FEWEST_ROWS = 30
"""Labelled rows of each arm by which they are compared."""
WINDOW = 3
"""Latest rounds whose rows are compared together; more of them where these have fewer than `FEWEST_ROWS` of an arm."""
_Z = 1.959964
"""Of the 95 % interval."""


@dataclass
class Round:
    """One selection."""

    num_labelled: int
    """Rows that were labelled before it."""
    selected: dict[str, list[str]] = field(default_factory=dict)
    """Row id → arm and what the model said; nothing is said at a cold start."""
    kappa: float | None = None
    """Agreement with the model of the round before, on the sample."""


@dataclass
class Rounds:
    """All rounds of one pool."""

    rounds: list[Round] = field(default_factory=list)
    sample: dict[str, str] = field(default_factory=dict)
    """What the latest model says of some rows of the pool."""
    labels: list[str] = field(default_factory=list)
    """Those that rows have, for whoever labels."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to go on."""

    helps: bool | None
    """None where that cannot be said yet."""
    sentence: str
    arms: dict[str, tuple[int, int]]
    """Rows that the model was right on, and rows, of each arm."""


def read_rounds(file: Path) -> Rounds:
    """Read a state file; a new state where there is none. Raises `DataError` for one that is damaged."""
    if not file.is_file():
        return Rounds()
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        rounds = [Round(**entry) for entry in told["rounds"]]
        return Rounds(rounds, dict(told["sample"]), [str(label) for label in told.get("labels", ())])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            "the state of earlier rounds cannot be read", where=str(file), remedy="move it away to begin anew"
        ) from error


def write_rounds(file: Path, state: Rounds) -> None:
    """Write the state; the file appears complete or not at all."""
    write_lines(file, [asdict(state)])


def kappa(first: Mapping[str, str], second: Mapping[str, str]) -> float | None:
    """Return Cohen's kappa of two models over the rows that both answered; None where there are none.

    >>> kappa({"a": "x", "b": "y", "c": "y"}, {"a": "x", "b": "y", "c": "x"})
    0.4
    """
    rows = [row for row in first if row in second]
    if not rows:
        return None
    agreed = sum(first[row] == second[row] for row in rows) / len(rows)
    labels = {first[row] for row in rows} | {second[row] for row in rows}
    shares = [[sum(said[row] == label for row in rows) / len(rows) for said in (first, second)] for label in labels]
    chance = sum(one * other for one, other in shares)
    return 1.0 if chance == 1 else round((agreed - chance) / (1 - chance), 6)


def difference_interval(right_a: int, num_a: int, right_b: int, num_b: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares (Newcombe 1998, method 10: from Wilson's intervals).

    >>> [round(bound, 4) for bound in difference_interval(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    share_a, share_b = right_a / num_a, right_b / num_b
    (low_a, high_a), (low_b, high_b) = wilson(right_a, num_a), wilson(right_b, num_b)
    low = math.sqrt((share_a - low_a) ** 2 + (high_b - share_b) ** 2)
    high = math.sqrt((high_a - share_a) ** 2 + (share_b - low_b) ** 2)
    return share_a - share_b - low, share_a - share_b + high


def wilson(right: int, num: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share.

    >>> [round(bound, 4) for bound in wilson(56, 70)]
    [0.6918, 0.877]
    """
    share, square = right / num, _Z * _Z
    middle = share + square / (2 * num)
    reach = _Z * math.sqrt(share * (1 - share) / num + square / (4 * num * num))
    return (middle - reach) / (1 + square / num), (middle + reach) / (1 + square / num)


def judge(state: Rounds, truth: Mapping[str, str]) -> Verdict:
    """Say whether choosing rows still helps.

    Args:
        state: the rounds so far.
        truth: the labels that rows have got by now.
    """
    arms = {"chosen": (0, 0), "random": (0, 0)}
    for number, past in enumerate(reversed(state.rounds)):
        if number >= WINDOW and min(num for _, num in arms.values()) >= FEWEST_ROWS:
            break
        for row, entry in past.selected.items():
            if row in truth and len(entry) == 2:
                right, num = arms[entry[0]]
                arms[entry[0]] = (right + (entry[1] == truth[row]), num + 1)
    kappas = [past.kappa for past in state.rounds[-STABLE_ROUNDS:]]
    if len(kappas) == STABLE_ROUNDS and all(value is not None and value >= STABLE_KAPPA for value in kappas):
        told = ", ".join(f"{value:.3f}" for value in kappas)
        return Verdict(False, f"stop: the last {STABLE_ROUNDS} models say the same of the pool (kappa {told})", arms)
    (right_c, num_c), (right_r, num_r) = arms["chosen"], arms["random"]
    if min(num_c, num_r) < FEWEST_ROWS:
        lacks = f"{num_c} chosen and {num_r} random rows are labelled, {FEWEST_ROWS} of each are needed"
        return Verdict(None, f"too early to say whether choosing helps: {lacks}", arms)
    low, high = difference_interval(right_r, num_r, right_c, num_c)
    told = (
        f"the model was right on {right_r / num_r:.3f} of the random rows and {right_c / num_c:.3f} of the chosen ones"
    )
    told += f" (difference {right_r / num_r - right_c / num_c:+.3f} [{low:+.3f}, {high:+.3f}])"
    if low > 0:
        return Verdict(True, f"choosing helps: {told}", arms)
    return Verdict(False, f"choosing no longer helps, label at random: {told}", arms)


def as_facts(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict for a report."""
    shares = {f"right_on_{arm}": right / num for arm, (right, num) in verdict.arms.items() if num}
    counts = {f"labelled_{arm}": num for arm, (_, num) in verdict.arms.items()}
    return {"helps": verdict.helps, "sentence": verdict.sentence, **counts, **shares}

"""What every detector keeps to. A new file in `monitor/detectors/` is tested here without a line of its own."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from oreline import registry
from oreline.types import Drift, Sample

DETECTORS = registry.names("detector")
ALPHA = 0.05
_NULL_RUNS = 200


def sample(rows: int, seed: int, prefix: str, *, shift: float = 0.0) -> Sample:
    """Rows of one kind: embeddings around the origin, a label that follows the first dimension."""
    source = np.random.default_rng([seed, ord(prefix)])
    embedding_ND = source.normal(size=(rows, 12)).astype(np.float32)
    embedding_ND[:, 0] += shift
    score_N = 1 / (1 + np.exp(-embedding_ND[:, 0]))
    ids = [f"{prefix}{number}" for number in range(rows)]
    return Sample(
        ids=ids,
        texts=[f"text {id}" for id in ids],
        labels=["fresh" if score > 0.5 else "rotten" for score in score_N],
        scores_NK=np.stack([score_N, 1 - score_N], axis=1).astype(np.float32),
        embedding_ND=embedding_ND,
    )


def detect(name: str, reference: Sample, live: Sample, *, seed: int = 0, **options: object) -> Drift:
    drift: Drift = registry.create("detector", name, **options).detect(reference, live, seed=seed)
    return drift


def test_there_are_detectors() -> None:
    assert {"embedding_shift", "label_shift"} <= set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS)
class TestDetector:
    def test_says_what_it_found(self, name: str) -> None:
        drift = detect(name, sample(200, 1, "r"), sample(150, 1, "l", shift=2.0))
        assert drift.detector == name
        assert drift.drifted
        assert 0 < drift.p_value <= ALPHA
        assert drift.effect.low <= drift.effect.value <= drift.effect.high
        assert drift.effect.n == 150
        assert drift.effect_name
        assert set(drift.row_scores) == {f"l{number}" for number in range(150)}
        assert "bound" in drift.details
        json.dumps([drift.details, drift.row_scores], allow_nan=False)

    def test_false_alarms_are_as_rare_as_promised(self, name: str) -> None:
        """Without any drift, p ≤ alpha in alpha of all runs: the count lies within four deviations of a binomial.

        Decisions ask for a large effect too, so they are rarer still.
        """
        found = [
            detect(name, sample(60, run, "r"), sample(60, run, "l"), seed=run, num_permutations=99)
            for run in range(_NULL_RUNS)
        ]
        alarms = sum(drift.p_value <= ALPHA for drift in found)
        expected, deviation = _NULL_RUNS * ALPHA, math.sqrt(_NULL_RUNS * ALPHA * (1 - ALPHA))
        # A test of few distinct values (labels) cannot reach alpha exactly, so only the upper side binds it below.
        assert alarms <= expected + 4 * deviation
        assert alarms >= expected - 4 * deviation
        assert sum(drift.drifted for drift in found) <= alarms
        middle = sum(drift.p_value <= 0.5 for drift in found) / _NULL_RUNS
        assert 0.3 < middle < 0.7, "p-values spread over their whole range"

    def test_real_shifts_are_found(self, name: str) -> None:
        found = [
            detect(name, sample(150, run, "r"), sample(150, run, "l", shift=0.8), num_permutations=99)
            for run in range(20)
        ]
        assert sum(drift.drifted for drift in found) >= 18

    def test_the_larger_shift_has_the_larger_effect(self, name: str) -> None:
        effects = [detect(name, sample(300, 3, "r"), sample(300, 3, "l", shift=s)).effect.value for s in (0, 0.7, 2)]
        assert effects == sorted(effects)

    def test_deterministic_under_a_seed(self, name: str) -> None:
        reference, live = sample(80, 1, "r"), sample(80, 1, "l", shift=0.2)
        first, again, other = (detect(name, reference, live, seed=seed) for seed in (1, 1, 2))
        assert first == again
        assert first.p_value != other.p_value or first.effect != other.effect

    def test_does_not_change_what_it_is_given(self, name: str) -> None:
        reference, live = sample(60, 1, "r"), sample(60, 1, "l")
        detect(name, reference, live)
        for given, fresh in ((reference, sample(60, 1, "r")), (live, sample(60, 1, "l"))):
            assert (given.ids, given.labels) == (fresh.ids, fresh.labels)
            np.testing.assert_array_equal(given.embedding_ND, fresh.embedding_ND)

    def test_survives_few_and_unequal_numbers_of_rows(self, name: str) -> None:
        for rows in ((30, 30), (30, 400), (400, 30)):
            drift = detect(name, sample(rows[0], 1, "r"), sample(rows[1], 1, "l"))
            assert math.isfinite(drift.p_value)
            assert math.isfinite(drift.effect.value)

"""What a forecast says, and in which unit."""

from __future__ import annotations

from oreline.train.forecasts import Forecast


def test_what_belongs_to_a_run_beside_its_steps_is_in_the_time():
    found = Forecast(1.0, 0, scored_every=10, scoring_s=2.0, end_s=3.0)
    assert [found.seconds(steps) for steps in (1, 10, 11)] == [6.0, 15.0, 18.0]
    assert found.steps_within(15.0) == 10
    assert found.steps_within(16.5) == 10  # the eleventh would bring another scoring with it
    assert found.steps_within(0.1) == 1
    said = found.event(10, 40, 1.0)
    assert (said.stage, said.values["whole_s"], said.message) == ("forecast", 15.0, found.sentence(10, 40, 1.0))


def test_the_time_is_told_in_a_unit_that_says_something():
    said = [Forecast(0.5, 1 << 30).sentence(steps, 40, 1.0).split("about ")[1] for steps in (1, 100, 1000)]
    assert said == [f"{time} and 1.0 GiB of memory" for time in ("1 second", "50 seconds", "8.3 minutes")]

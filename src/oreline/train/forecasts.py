"""What a run will take, said before its first step; how that is measured stands in `train/resources.py`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from oreline.types import Event

END_S = 1.0
"""What the end of a run takes besides scoring: files are written, hashed and opened again."""
FORECAST = "forecast"
"""Stage of the event that says what a run will take."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take."""

    step_s: float
    memory_bytes: int
    first_steps: int = 0
    """So many steps take `more_s` longer: they compute the states of frozen layers that the later ones read."""
    more_s: float = 0.0
    disk_bytes: int = 0
    """Of those states."""
    scored_every: int = 0
    """Steps between two scorings of dev, which take `scoring_s` each; 0 without dev."""
    scoring_s: float = 0.0
    end_s: float = 0.0
    """What follows the last step: the best weights are scored, written and checked, sample rows answered."""

    def seconds(self, num_steps: int) -> float:
        """Return what a number of steps takes, with all that belongs to a run of so many."""
        scorings = -(-num_steps // self.scored_every) if self.scored_every else 0
        first = min(num_steps, self.first_steps) * self.more_s
        return num_steps * self.step_s + first + scorings * self.scoring_s + self.end_s

    def steps_within(self, seconds: float) -> int:
        """Return how many steps can be made in a time, at least one.

        >>> Forecast(1.0, 0, first_steps=10, more_s=0.5).steps_within(25.0)
        20
        """
        fewest, most = 1, max(int(seconds / self.step_s), 1)
        while fewest < most:  # the time rises with the steps
            middle = (fewest + most + 1) // 2
            fewest, most = (middle, most) if self.seconds(middle) <= seconds else (fewest, middle - 1)
        return fewest

    def sentence(self, num_steps: int, num_rows: int, epochs: float) -> str:
        """Say it before the first step."""
        disk = f", {self.disk_bytes / 2**30:.2f} GiB of disk for what the frozen layers return" * bool(self.disk_bytes)
        steps = "1 step" if num_steps == 1 else f"{num_steps:,} steps"
        passes = "1 epoch" if epochs == 1 else f"{epochs:.3g} epochs"
        return (
            f"{steps} over {num_rows:,} rows ({passes}): about {duration(self.seconds(num_steps))} "
            f"and {self.memory_bytes / 2**30:.1f} GiB of memory{disk}"
        )

    def event(self, num_steps: int, num_rows: int, epochs: float) -> Event:
        """Return the same for whoever watches: `--dry-run` stops here."""
        values = {
            "rows": float(num_rows),
            "steps": float(num_steps),
            "whole_s": self.seconds(num_steps),
            "end_s": self.end_s,
            "memory_bytes": float(self.memory_bytes),
            "disk_bytes": float(self.disk_bytes),
        }
        return Event(FORECAST, values=values, message=self.sentence(num_steps, num_rows, epochs))


def forecast_without_steps(seconds: float, end_s: float, memory_bytes: int, num_rows: int) -> Event:
    """Return the forecast of a method that makes no steps, such as a layer on embeddings that are computed once.

    `end_s` is what follows, whatever the training rows: files are written, sample rows answered.
    """
    values = {
        "rows": float(num_rows),
        "steps": 0.0,
        "whole_s": seconds + end_s,
        "end_s": end_s,
        "memory_bytes": float(memory_bytes),
        "disk_bytes": 0.0,
    }
    said = f"{num_rows:,} rows: about {duration(seconds + end_s)} and {memory_bytes / 2**30:.1f} GiB of memory"
    return Event(FORECAST, values=values, message=said)


def of_many(event: Event, models: float, more: str = "") -> Event:
    """Return a forecast as that of so many trainings like the one it was measured on; any other event as it is.

    `more` says what that number of trainings rests on.
    """
    if event.stage != FORECAST:
        return event
    values = {**event.values, **{name: models * event.values[name] for name in ("steps", "whole_s")}}
    said = f"{models:.3g} trainings like this one{more}: about {duration(values['whole_s'])}; each: {event.message}"
    return replace(event, values=values, message=said)


def duration(seconds: float) -> str:
    """Return seconds as a person would say them."""
    if seconds < 1.5:
        return "1 second"
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"

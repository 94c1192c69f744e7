"""Every setting of the server, with its default and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oreline.errors import UsageError, did_you_mean
from oreline.store import is_home


class Settings(BaseModel):
    """Settings of one server process. Every duration is in seconds, every size in bytes.

    >>> Settings(max_rows=100).queue_rows
    1024
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threads: int | None = Field(default=None, ge=1, description="CPU threads of the model; all cores when not set.")

    generation: dict[str, Any] | None = Field(
        default=None, description="How a model that writes texts does it; as it was trained when not set."
    )

    queue_rows: int = Field(default=1024, ge=1, description="Rows that may wait at once; beyond it requests get 429.")
    max_wait_s: float = Field(
        default=3.0, gt=0, description="Wait in the queue, by the measured rate, beyond which requests get 429."
    )
    look_ahead_rows: int = Field(
        default=256, ge=1, description="Waiting rows that are sorted by length together to form the next batch."
    )
    max_batch_tokens: int | None = Field(
        default=None, ge=1, description="Padded tokens in one batch; the model's own budget when not set."
    )
    deadline_s: float = Field(default=10.0, gt=0, description="Time that a request may take; then it gets 504.")

    max_rows: int = Field(default=256, ge=1, description="Rows in one request; beyond it 422.")
    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Size of a request's body; beyond it 413.")
    body_timeout_s: float = Field(
        default=10.0, gt=0, description="Time that a client may take to send its body; then 408."
    )

    explain_max_chars: int = Field(
        default=2000, ge=1, description="Length of a text that /explain takes; beyond it 422."
    )
    explain_concurrency: int = Field(default=1, ge=1, description="Explanations at once; beyond it 429.")
    explain_deadline_s: float = Field(default=30.0, gt=0, description="Time that an explanation may take; then 504.")

    drain_notice_s: float = Field(
        default=1.0, ge=0, description="After SIGTERM: time in which readiness says 503 before the port closes."
    )
    drain_s: float = Field(default=20.0, gt=0, description="After SIGTERM: time that accepted requests have to finish.")

    follow_s: float = Field(default=1.0, gt=0, description="How often a model home is looked at for a new champion.")
    golden_tolerance: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="How far a score of a golden row may lie from the one saved with the model.",
    )
    ready_timeout_s: float = Field(default=5.0, gt=0, description="Time that a golden row may take in /health/ready.")

    log: bool = Field(default=True, description="Whether predictions are logged.")
    log_url: str | None = Field(
        default=None,
        description="File or SQLAlchemy URL of the log; when not set, `predictions.sqlite` in the model home, "
        "or a file beside the model folder.",
    )
    log_queue_rows: int = Field(
        default=10_000, ge=1, description="Predictions that may wait to be logged; more are dropped."
    )
    retention_days: float = Field(default=30.0, gt=0, description="Age at which logged predictions are erased.")
    retention_rows: int = Field(default=1_000_000, ge=1, description="Logged predictions kept at most.")

    @model_validator(mode="after")
    def _one_request_fits_the_queue(self) -> Settings:
        if self.max_rows > self.queue_rows:
            raise ValueError(f"max_rows ({self.max_rows}) cannot exceed queue_rows ({self.queue_rows})")
        return self

    def log_place(self, model: str | Path) -> str:
        """Return where predictions of this model are logged."""
        if self.log_url is not None:
            return self.log_url
        path = Path(str(model).rpartition("@")[0] if not Path(model).exists() else model).absolute()
        return str(path / "predictions.sqlite" if is_home(path) else path.with_name(f"{path.name}.predictions.sqlite"))


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Build settings from given names and values. Raises `UsageError` for an unknown name or a wrong value."""
    for name in options:
        if name not in Settings.model_fields:
            raise UsageError(f"the server has no setting {name!r}", allowed=did_you_mean(name, Settings.model_fields))
    try:
        return Settings(**options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"wrong value for the setting {name}: {first['msg']}" if name else str(first["msg"]), where=name
        ) from error

"""A Ray cluster: the same jobs as tasks, the same rows in the same order.

Frames go through Ray's object store as Arrow IPC bytes and come back as such; a task is one frame through one job. A
node that dies costs the frames it had: Ray runs their tasks again elsewhere. Tasks and not Ray Data, because the rows
come from this process's readers a frame at a time (decision 027). Nothing here reports usage or opens a dashboard.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Self

from oreline.data.ledger import Notes
from oreline.data.running.engine import Item, Job
from oreline.data.running.worker import Answer, answer, frame_bytes
from oreline.errors import ResourceError, UsageError

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
_WINDOW = 2
"""Frames under way for each core."""
_PATIENCE_S = 5.0
"""Time in which a cluster has to take a connection; Ray itself would ask again for minutes."""
_PLACE = re.compile(r"(?:ray://)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:/\[\]]+)):(?P<port>\d{1,5})")


class Ray:
    """Tasks of a Ray cluster: the one that `RAY_ADDRESS` names, else one on this machine for as long as it runs.

    Args:
        workers: frames that are worked on at a time; as many as the cluster has cores when not given.

    Raises `UsageError` for less than one worker and an address that is none, `ResourceError` when the cluster cannot be
    reached.
    """

    def __init__(self, *, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers is {workers}", allowed="1 and more")
        self._workers = workers
        self._is_ours = False
        self._task: Any = None

    def map(self, items: Iterable[Item], job: Job) -> Iterator[Item]:
        """Yield what the job makes of each item, in order. Raises what an operator raises."""
        ray = self._begun()
        told = ray.put(job.told())
        most = _WINDOW * max(1, self._workers or int(ray.cluster_resources().get("CPU", 1)))
        under_way: deque[tuple[Any, Notes, str]] = deque()
        try:
            for frame, notes in items:
                place = f"rows {frame['row_id'][0]} to {frame['row_id'][-1]}" if frame.height else "no row"
                under_way.append((self._task.remote(told, frame_bytes(frame)), notes, place))
                if len(under_way) >= most:
                    yield self._joined(*under_way.popleft())
            while under_way:
                yield self._joined(*under_way.popleft())
        finally:
            for reference, _, _ in under_way:
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._is_ours:
            import ray

            ray.shutdown()
            self._is_ours = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _begun(self) -> Any:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import ray

        if not ray.is_initialized():
            address = os.environ.get("RAY_ADDRESS")
            if address:
                _refuse_unreachable(address)
            given: dict[str, Any] = {"address": address} if address else {"address": "local", "num_cpus": self._workers}
            environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "POLARS_MAX_THREADS": "1"}
            try:
                ray.init(
                    **given,
                    include_dashboard=False if not address else None,
                    log_to_driver=False,
                    runtime_env={"env_vars": environment} if not address else None,
                )
            except (ConnectionError, RuntimeError, OSError) as error:
                raise ResourceError(
                    f"the Ray cluster cannot be reached: {str(error).splitlines()[0]}",
                    where=address or "this machine",
                    remedy="check RAY_ADDRESS, or leave the engine out",
                ) from error
            self._is_ours = True
        if self._task is None:
            self._task = ray.remote(num_cpus=1, max_retries=3)(_answered)
        return ray

    def _joined(self, reference: Any, notes: Notes, place: str) -> Item:
        import ray

        try:
            error, rows, lines, spent = ray.get(reference)
        except ray.exceptions.RayError as failed:
            raise ResourceError(
                f"a Ray task ended without an answer: {str(failed).splitlines()[0]}",
                where=place,
                remedy="run it again; see the logs of the cluster",
            ) from failed
        frame, more = Answer(rows, lines, error, spent).item()
        notes.add(more)
        return frame, notes


def _refuse_unreachable(address: str) -> None:
    """Raise `ResourceError` where nothing takes connections, `UsageError` where no host and port are named."""
    if address in ("auto", "local") or "://" in address.removeprefix("ray://"):
        return  # found by Ray, or by a package that brings the scheme
    place, allowed = _PLACE.fullmatch(address), "HOST:PORT, ray://HOST:PORT, auto, local"
    if place is None:
        raise UsageError(f"RAY_ADDRESS is {address!r}", allowed=allowed)
    try:
        socket.create_connection((place["six"] or place["host"], int(place["port"])), _PATIENCE_S).close()
    except UnicodeError as error:  # a name of a host that cannot be one: a..b
        raise UsageError(f"RAY_ADDRESS is {address!r}", allowed=allowed) from error
    except (OSError, OverflowError) as error:
        raise ResourceError(
            f"no Ray cluster answers: {error}",
            where=f"RAY_ADDRESS={address}",
            remedy="start it (ray start --head), correct RAY_ADDRESS, or unset it for a cluster on this machine",
        ) from error


def _answered(told: str, rows: bytes) -> tuple[Any, bytes, bytes, Any]:
    """Work on one frame, in a process of the cluster."""
    given = answer(told, rows)
    return given.error, given.rows, given.notes, given.spent

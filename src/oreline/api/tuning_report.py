"""The report of a search: the best figure beside the recipe's own, the trials, what matters, and pictures of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oreline.api.search_space import Dimension
from oreline.api.study import Search
from oreline.report.report import Chart, Report, Table
from oreline.types import Estimate

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MAX_SLICES = 6
"""Keys of which a picture is shown, the most important first."""
_STATES = {"COMPLETE": "complete", "PRUNED": "stopped early", "FAIL": "failed", "RUNNING": "unfinished"}


def report_of(found: Search, described: Mapping[str, Any], best: FrozenTrial | None) -> Report:
    """Return the report of a search so far.

    Args:
        found: the search.
        described: the recipe's name, the judged step, the figure, and `before`: the recipe's own values by key.
        best: its best trial, None where none is complete.
    """
    metric = str(described["metric"])
    given = found.facts.get("given", {})
    importance = found.importance()
    return Report(
        verb="tune",
        title=f"Search: {described['recipe']}, step {described['step']}",
        subject={"recipe": described["recipe"], "split": "dev", "seed": described["seed"], "out": described["out"]},
        metrics={metric: Estimate(**best.user_attrs["estimate"])} if best else {},
        facts=_facts(found, best),
        tables=[
            *_best(found, described, best, given),
            *_importance(importance),
            _trials(found, metric),
        ],
        charts=list(_charts(found, metric, importance)),
        warnings=list(_warnings(found, described, best)),
    )


def _facts(found: Search, best: FrozenTrial | None) -> dict[str, Any]:
    states = [_STATES.get(trial.state.name, trial.state.name.lower()) for trial in found.trials]
    seconds = sum(float(trial.user_attrs.get("seconds", 0.0)) for trial in found.trials)
    return {
        "trials": len(states),
        **{state: states.count(state) for state in _STATES.values() if state in states},
        "spent_s": round(seconds, 1),
        **({"best_trial": best.number + 1} if best else {}),
    }


def _best(
    found: Search, described: Mapping[str, Any], best: FrozenTrial | None, given: Mapping[str, Any]
) -> Iterator[Table]:
    if best is None:
        return
    values = found.values_of(best)
    before = described["before"]
    own = Estimate(**given["estimate"]) if "estimate" in given else given.get("reason")
    keys = [(d.key, _shown(before.get(d.key)), _shown(values.get(d.key)), str(d)) for d in found.space]
    yield Table(
        "The best recipe",
        ("key", "as it stands", "best", "searched"),
        [(f"{described['metric']} on dev", own, Estimate(**best.user_attrs["estimate"]), ""), *keys],
        note="intervals are 95 %; best.yaml is the complete recipe",
    )


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _importance(importance: Mapping[str, float]) -> Iterator[Table]:
    if importance:
        yield Table(
            "What matters",
            ("key", "share of variance"),
            list(importance.items()),
            note="of the figure, by functional ANOVA over the complete trials",
        )


def _trials(found: Search, metric: str) -> Table:
    keys = [dimension.key for dimension in found.space]
    has_reasons = any(trial.user_attrs.get("reason") for trial in found.trials)
    rows: list[list[Any]] = []
    for trial in found.trials:
        values = found.values_of(trial)
        figure = trial.value if trial.state.name == "COMPLETE" else None
        state = _STATES.get(trial.state.name, trial.state.name.lower())
        rows.append([trial.number + 1, state, figure, trial.user_attrs.get("seconds")])
        rows[-1] += [_shown(values.get(key)) for key in keys]
        rows[-1] += [str(trial.user_attrs.get("reason", ""))] if has_reasons else []
    reason = ["reason"] if has_reasons else []
    return Table("Trials", ["trial", "state", metric, "seconds", *map(_brief, keys), *reason], rows)


def _brief(key: str) -> str:
    return key.rsplit(".", 1)[-1]


def _charts(found: Search, metric: str, importance: Mapping[str, float]) -> Iterator[Chart]:
    done = [trial for trial in found.trials if trial.state.name == "COMPLETE"]
    if not done:
        return
    yield _history(found.trials, metric, maximize=found.study.direction.name == "MAXIMIZE")
    if importance:
        data = {"labels": [*importance], "series": {"share of variance": [round(s, 3) for s in importance.values()]}}
        yield Chart("What matters", "bars", data)
    ordered = sorted(found.space, key=lambda dimension: -importance.get(dimension.key, 0.0))
    for dimension in ordered[:MAX_SLICES]:
        yield from _slice(dimension, done, metric)


def _history(trials: Sequence[FrozenTrial], metric: str, *, maximize: bool) -> Chart:
    done = [trial for trial in trials if trial.state.name == "COMPLETE"]
    stopped = [trial for trial in trials if trial.state.name == "PRUNED" and trial.intermediate_values]
    numbers = [trial.number + 1 for trial in done]
    values = [float(trial.value or 0.0) for trial in done]
    best = [(max if maximize else min)(values[: place + 1]) for place in range(len(values))]
    x = {"complete": numbers, "best so far": numbers, "stopped early": [trial.number + 1 for trial in stopped]}
    last = [trial.intermediate_values[max(trial.intermediate_values)] for trial in stopped]
    y = {"complete": values, "best so far": best, "stopped early": last}
    shown = [name for name in x if x[name]]
    return Chart(
        "Figures by trial",
        "scatter",
        {
            "x": {name: x[name] for name in shown},
            "y": {name: y[name] for name in shown},
            "lines": ["best so far"],
            "x_label": "trial",
            "y_label": f"{metric} on dev",
        },
        note="of a trial that was stopped early, its last figure" if stopped else "",
    )


def _slice(dimension: Dimension, done: Sequence[FrozenTrial], metric: str) -> Iterator[Chart]:
    having = [trial for trial in done if dimension.key in trial.params]
    if not having:
        return
    names = list(dimension.names)
    params = [trial.params[dimension.key] for trial in having]
    more: dict[str, Any] = {"x_names": names} if names else {"x_log": dimension.log}
    yield Chart(
        dimension.key,
        "scatter",
        {
            "x": {metric: [names.index(value) for value in params] if names else params},
            "y": {metric: [trial.value for trial in having]},
            "x_label": _brief(dimension.key),
            "y_label": f"{metric} on dev",
            **more,
        },
    )


def _warnings(found: Search, described: Mapping[str, Any], best: FrozenTrial | None) -> Iterator[str]:
    num_complete = sum(trial.state.name == "COMPLETE" for trial in found.trials)
    if best is None:
        yield "no trial is complete: there is no best recipe yet"
    elif num_complete > 1:
        yield (
            f"the best of {num_complete} figures of the same dev rows is too good to be true of new rows: "
            "run best.yaml and evaluate on test once"
        )
    own = found.facts.get("given", {}).get("estimate")
    if best is not None and own and not found.is_better(float(best.value or 0.0), float(own["value"])):
        yield "no trial is better than the recipe as it stands; best.yaml holds the best trial all the same"
    if described["changes_dev"]:
        yield "the search changes how the data are refined, so that trials may be judged by different dev rows"

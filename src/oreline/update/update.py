"""The verb `update`: a served model learns fresh rows and replaces itself only if the gate lets it.

In a model home: `versions/` holds every model, `data/` the rows of every update, `reports/` every verdict, `work/` what
is in progress. Each of them appears whole or not at all, and each is found again by the update's key, a hash of all
that decides its result. So a killed update continues with the same command, and a finished one is not done twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oreline import registry, store
from oreline.data.dataset import DATASET, Dataset
from oreline.errors import GateRefusedError, UsageError
from oreline.evaluate.estimates import point_values, task_estimates
from oreline.evaluate.gate import gate
from oreline.evaluate.table import Table as Predicted
from oreline.evaluate.table import aligned, predict_table
from oreline.recipe import TrainOptions
from oreline.report.report import Report
from oreline.runtime.open import open_runtime, open_task
from oreline.store import MANIFEST, Artifact
from oreline.train.finetune import finetune
from oreline.train.weights import refuse_weighted
from oreline.types import OnEvent, ignore
from oreline.update import rows
from oreline.update.memory import DATA, remember, trainable
from oreline.update.merge import Merge
from oreline.update.plan import Plan, key_of, labelled, method_of, options_of_policy, refuse_untrained, train_options
from oreline.update.promote import REPORTS, locked, stored_report
from oreline.update.summary import Judged, Pair, update_report


def update(
    model: Artifact,
    fresh: Dataset,
    *,
    policy: str = "replay",
    policy_options: Mapping[str, Any] | None = None,
    options: TrainOptions | None = None,
    gate_data: Dataset,
    gate_split: str = "test",
    max_drop: float = 0.005,
    held_out_share: float = 0.3,
    merge: Merge | None = None,
    home: Path,
    dry_run: bool = False,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> tuple[Artifact, Report]:
    """Train the served model on fresh and replayed rows, gate it, and promote it if it passes.

    Args:
        model: the served model; the home's champion, where the home has one.
        fresh: labelled fresh rows; all splits are used, and divided anew.
        policy: name of the policy plug that chooses what to train on; `policy_options` are its keyword arguments.
        options: how to train. Not set, an update makes two passes at a tenth of the method's learning rate.
        gate_data: the frozen golden rows are its split `gate_split`; none of them is ever trained on.
        max_drop: accuracy that may be lost on the golden rows.
        held_out_share: share of the fresh rows that judge the new model instead of training it.
        merge: how the updated weights are merged with those before, and the gate judges what comes out; not when None.
        home: the model home; made where there is none.
        dry_run: say which rows would be used and how long it would take, and write nothing.
        seed: of the policy and the training.
        on_event: is told progress.

    Returns:
        The new version (alias `challenger`; `champion` too if it passed), or the champion where nothing was made; and
        the report, whose facts hold `decision` and `promoted`. A refused model raises nothing here.

    Raises:
        UsageError: the home has another champion, or an option is out of range.
        DataError: labels that the model does not know, or no rows are left.
        ArtifactError: a compressed model whose origin is gone.
        ResourceError: the same update is running already, a full disk.
    """
    if not 0 < held_out_share < 1:
        raise UsageError(f"held_out_share is {held_out_share}", allowed="between 0 and 1, such as 0.3")
    home = Path(home)
    options = options or TrainOptions()
    refuse_weighted(fresh, "update", counted=options.row_weights)
    policy_options = dict(policy_options or {})
    choices = (policy, policy_options, options, max_drop, held_out_share, seed, *(merge.content() if merge else ()))
    key = key_of(model, fresh, gate_data, gate_split, *choices)
    if finished := _finished(home, key, model, dry_run=dry_run):
        return finished
    _check_champion(home, model)
    task = open_task(model)
    base = trainable(model, home)
    refuse_untrained(base)
    if merge is not None:
        merge.refuse_unfit(base)
    golden = labelled(gate_data, [gate_split], task)
    known = remember((model, base), task, golden, home)
    chooser = registry.create("policy", policy, **options_of_policy(policy, policy_options, base))
    division = rows.divide(
        labelled(fresh, fresh.splits, task), known, task, chooser, held_out_share=held_out_share, seed=seed
    )
    plan = Plan(
        champion=model,
        base=base,
        fresh=fresh,
        gate_data=gate_data,
        gate_split=gate_split,
        max_drop=max_drop,
        home=home,
        key=key,
        known=known,
        division=division,
        options=train_options(options, base),
        merge=merge,
        seed=seed,
        on_event=on_event,
    )
    return (model, _forecast(plan)) if dry_run else _run(plan)


# --- steps --------------------------------------------------------------------------------------------------


def _run(plan: Plan) -> tuple[Artifact, Report]:
    with store.translating(plan.work):
        plan.work.mkdir(parents=True, exist_ok=True)
    with locked(plan.work / ".lock", wait=False, busy="the same update is running already"):
        champion = store.add_version(plan.home, plan.champion)
        base = store.add_version(plan.home, plan.base)
        if not store.is_home(plan.home):
            store.set_aliases(plan.home, {"champion": champion.version})
        data = _data(plan)
        trained = _merged(plan, store.add_version(plan.home, _trained(plan, base, data)), base, data)
        try:
            challenger = _as_served(plan, trained, data)
        except GateRefusedError as error:
            shutil.rmtree(plan.work)
            return champion, _refused_by_compression(plan, error)
        finished = _conclude(plan, challenger, _judge(plan, champion, challenger, data))
    shutil.rmtree(plan.work)
    return finished


def _data(plan: Plan) -> Dataset:
    folder = plan.home / DATA / plan.key
    if (folder / DATASET).is_file():
        return Dataset.open(folder)
    return rows.write(plan.division, plan.fresh, plan.known, folder)


def _trained(plan: Plan, base: Artifact, data: Dataset) -> Artifact:
    out = plan.work / "trained"
    if (out / MANIFEST).is_file():
        plan.say("training was finished by an earlier try: continuing behind it")
        return Artifact.open(out)
    method, method_options = method_of(base)
    return finetune(
        None if base.manifest.runtime == "linear" else base.path,
        data,
        task=base.manifest.task,
        method=method,
        method_options=method_options,
        options=plan.options,
        out=out,
        seed=plan.seed,
        score=point_values,
        estimate=task_estimates,
        on_event=plan.on_event,
    )


def _merged(plan: Plan, trained: Artifact, base: Artifact, data: Dataset) -> Artifact:
    """Return the updated model, merged with the one before where that is asked for."""
    if plan.merge is None:
        return trained
    merged = store.add_version(plan.home, plan.merge.merged(trained, base, data, plan.work / "merged"))
    first = open_task(trained).metrics[0]
    figures = [model.manifest.metrics.get(first) for model in (trained, merged)]
    if all(figures):
        alone, together = (figure["value"] for figure in figures if figure)
        plan.say(
            f"merged by {plan.merge.by}, {plan.merge.weight:g} of the updated weights: {first} on dev "
            f"{together:.4f}, the updated model alone {alone:.4f}"
        )
    return merged


def _as_served(plan: Plan, trained: Artifact, data: Dataset) -> Artifact:
    """Return the new model in the form in which the champion is served: compressed, if that is."""
    if plan.champion.manifest.runtime == trained.manifest.runtime:
        return trained
    out = plan.work / "compressed"
    if not (out / MANIFEST).is_file():
        from oreline.compress.compress import compress  # needs the extra `export`, which other models do not

        made = plan.champion.manifest.recipe
        recorded = made["options"]
        compress(
            trained,
            method=recorded["method"],
            # The graph that was the fastest before is so again; measuring all would take longer than the training.
            options={**recorded.get("options", {}), **made.get("resolved", {})},
            data=data,
            split="dev",
            max_drop=plan.max_drop,
            out=out,
            seed=plan.seed,
            on_event=plan.on_event,
        )
    return store.add_version(plan.home, Artifact.open(out))


def _judge(plan: Plan, champion: Artifact, challenger: Artifact, data: Dataset) -> Judged:
    plan.say("judging the new model against the one in place")
    tables: list[tuple[Predicted, Predicted]] = []
    for artifact in (champion, challenger):
        runtime = open_runtime(artifact, threads=plan.options.threads)
        tables.append(
            (predict_table(runtime, plan.gate_data, plan.gate_split), predict_table(runtime, data, rows.HELD_OUT))
        )
    golden: Pair = aligned(tables[0][0], tables[1][0])
    fresh: Pair = aligned(tables[0][1], tables[1][1])
    return Judged(golden, fresh, gate(*golden, max_drop=plan.max_drop, fresh=fresh, seed=plan.seed))


def _conclude(plan: Plan, challenger: Artifact, judged: Judged) -> tuple[Artifact, Report]:
    """Store the verdict, then flip the aliases, all of them in one replacement."""
    with locked(plan.home / ".lock"):
        before = store.aliases(plan.home)
        changes = {"challenger": challenger.version}
        passed = judged.verdict.decision == "passed"
        unchanged = before["champion"] == plan.champion.version
        if passed and unchanged:
            changes |= {"champion": challenger.version, "previous": plan.champion.version}
        overtaken = [] if unchanged else [f"not promoted: the champion became {before['champion']} meanwhile"]
        report = update_report(
            judged,
            subject=plan.subject(challenger.version),
            facts={
                "update": plan.key,
                "champion": plan.champion.version,
                "challenger": challenger.version,
                "promoted": passed and unchanged,
                **({"merge": plan.merge.by, "merge_weight": plan.merge.weight} if plan.merge else {}),
            },
            counts=plan.division.counts(),
            aliases=(before, {**before, **changes}),
            warnings=[*plan.warnings(), *overtaken],
            seed=plan.seed,
        )
        _store_report(plan.home, challenger.version, report)
        store.set_aliases(plan.home, changes)
    plan.say(judged.verdict.sentence)
    return challenger, report


def _finished(home: Path, key: str, model: Artifact, *, dry_run: bool) -> tuple[Artifact, Report] | None:
    """Return the result of the same update, where an earlier call came as far as its verdict.

    A kill between the verdict and the aliases leaves the promotion to be made (not by a dry run); one that was rolled
    back since is not made again.
    """
    for file in sorted((home / REPORTS).glob("*.json")):
        report = stored_report(home, file.stem)
        if report is None or report.facts.get("update") != key or "challenger" not in report.facts:
            continue
        version = str(report.facts["challenger"])
        challenger = Artifact.open(home / "versions" / version)
        if dry_run:
            return challenger, report
        with locked(home / ".lock"):
            now = store.aliases(home)
            untouched = now.get("champion") == model.version and now.get("previous") != version
            if untouched and now.get("challenger") != version:
                changes = {"challenger": version}
                if report.facts["promoted"]:
                    changes |= {"champion": version, "previous": model.version}
                store.set_aliases(home, changes)
        shutil.rmtree(home / "work" / key, ignore_errors=True)
        return challenger, report
    return None


# --- reports ------------------------------------------------------------------------------------------------


def _forecast(plan: Plan) -> Report:
    return Report(
        "update",
        "Update: dry run",
        subject=plan.subject(),
        facts={"dry_run": True, "estimated_train_s": plan.training_seconds()},
        tables=[rows.rows_table(plan.division.counts())],
        warnings=plan.warnings(),
    )


def _refused_by_compression(plan: Plan, error: GateRefusedError) -> Report:
    return Report(
        "update",
        "Update: refused",
        subject=plan.subject(),
        facts={
            "decision": "refused",
            "verdict": f"the updated model did not survive compression: {error.what}",
            "update": plan.key,
            "champion": plan.champion.version,
            "promoted": False,
        },
        tables=[rows.rows_table(plan.division.counts())],
        warnings=plan.warnings(),
    )


def _store_report(home: Path, version: str, report: Report) -> None:
    with store.translating(home):
        (home / REPORTS).mkdir(exist_ok=True)
        report.save(home / REPORTS, name=version)


def _check_champion(home: Path, model: Artifact) -> None:
    if not store.is_home(home):
        return
    champion = store.aliases(home).get("champion")
    if champion != model.version:
        raise UsageError(
            f"the champion of {home} is {champion}, not the model given, {model.version}",
            remedy=f"oreline update {home} …, to update the champion; or choose another --out",
        )

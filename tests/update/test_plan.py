"""How an update is trained, and the key by which it is found again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oreline.data.dataset import Dataset
from oreline.errors import DataError, UsageError
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_task
from oreline.store import Artifact
from oreline.update.plan import EPOCHS, RATE_SHARE, key_of, labelled, options_of_policy, refuse_untrained, train_options


def trained_by(model: Artifact, method: str, **train: Any) -> Artifact:
    """The same artifact, as another method would have recorded it."""
    options = {"method": method, "method_options": {}, "train": {**TrainOptions().model_dump(), **train}}
    recipe = {**model.manifest.recipe, "options": options}
    return dataclasses.replace(model, manifest=model.manifest.model_copy(update={"recipe": recipe, "max_tokens": 77}))


def test_what_was_left_open_suits_an_update(served: Artifact) -> None:
    options = train_options(TrainOptions(), trained_by(served, "full"))
    assert options.epochs == EPOCHS
    assert options.learning_rate == pytest.approx(RATE_SHARE * 1e-4)
    assert options.max_tokens == 77
    given = train_options(TrainOptions(), trained_by(served, "full", learning_rate=2e-5))
    assert given.learning_rate == pytest.approx(RATE_SHARE * 2e-5)


def test_what_was_set_stays(served: Artifact) -> None:
    given = TrainOptions(epochs=3.0, learning_rate=5e-4, max_tokens=256)
    assert train_options(given, trained_by(served, "full")) == given


@pytest.mark.parametrize("method", ["linear", "head"])
def test_what_is_fitted_anew_is_shown_all_old_rows(method: str, served: Artifact) -> None:
    base = trained_by(served, method)
    assert train_options(TrainOptions(), base).learning_rate is None
    assert options_of_policy("replay", {}, base) == {"old_per_fresh": None}
    assert options_of_policy("replay", {"old_per_fresh": 2.0}, base) == {"old_per_fresh": 2.0}


def test_what_goes_on_from_its_weights_is_not(served: Artifact) -> None:
    assert options_of_policy("replay", {}, trained_by(served, "full")) == {}


def test_the_key_changes_with_everything_that_decides_the_result(
    served: Artifact, fresh: Dataset, golden: Dataset
) -> None:
    def key(model: Artifact = served, rows: Dataset = fresh, *choices: Any) -> str:
        return key_of(model, rows, golden, "all", *choices)

    assert key() == key()
    other = dataclasses.replace(served, manifest=served.manifest.model_copy(update={"id": "0" * 64}))
    part = Dataset(fresh.path, fresh.manifest.model_copy(update={"splits": {"test": 3}}))
    keys = [
        key(),
        key(other),
        key(served, golden),
        key(served, part),
        key_of(served, fresh, golden, "test"),
        key(served, fresh, TrainOptions()),
        key(served, fresh, TrainOptions(epochs=3.0)),  # the default, but asked for: an update's own default is 2
        key(served, fresh, TrainOptions(epochs=4.0)),
        key(served, fresh, "replay"),
        key(served, fresh, {"old_per_fresh": 2}),
        key(served, fresh, 0.005, 1),
        key(served, fresh, 0.005, 2),
    ]
    assert len(set(keys)) == len(keys)
    assert all(len(digits) == 12 for digits in keys)


def test_labelled_takes_all_splits_and_names_a_missing_column(old: Dataset, served: Artifact, make_data: Any) -> None:
    task = open_task(served)
    rows = labelled(old, old.splits, task)
    assert rows.height == 300
    assert rows.columns == ["row_id", "text", "label"]
    unlabelled = make_data({"text": ["one", "two"]})
    with pytest.raises(DataError, match="no column with the role 'label'") as caught:
        labelled(unlabelled, unlabelled.splits, task)
    assert "--label COLUMN" in caught.value.remedy


def test_time_is_scaled_by_rows_and_passes(
    served: Artifact, fresh: Dataset, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oreline.update.update import update

    measured = {"train_s": 100.0, "rows": 1000}
    monkeypatch.setattr(Artifact, "measurements", lambda _: measured)
    _, report = update(served, fresh, dry_run=True, **settings)
    rows = {name.strip(): number for name, number in report.tables[0].rows}
    num_rows = rows["trained on"] + rows["old rows replayed in training"]
    assert report.facts["estimated_train_s"] == pytest.approx(0.1 * num_rows)
    # 94 steps of 32 rows were 3 passes over 1,000 rows; now it is 2 passes.
    measured |= {"steps": 94}
    _, report = update(served, fresh, dry_run=True, **settings)
    assert report.facts["estimated_train_s"] == pytest.approx(0.1 * num_rows * 2 / 3, rel=0.01)
    measured.clear()
    _, report = update(served, fresh, dry_run=True, **settings)
    assert report.facts["estimated_train_s"] is None


def test_a_model_of_a_method_that_learns_from_no_row_is_not_updated():
    for method in ("zero_shot", "head"):
        recipe = {"options": {"method": method}}
        base = SimpleNamespace(manifest=SimpleNamespace(recipe=recipe), path=Path("model"))
        if method == "head":
            refuse_untrained(base)
        else:
            with pytest.raises(UsageError, match="learns from no row"):
                refuse_untrained(base)

"""The model in place: swapped whole or not at all."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path

import pytest

from oreline.errors import UsageError
from oreline.serve import live as live_module
from oreline.serve.live import LiveModel
from oreline.serve.meters import Meters
from oreline.serve.settings import Settings
from oreline.store import Artifact, add_version, seal, set_aliases


@pytest.fixture
def home(tmp_path: Path, make_model) -> tuple[Path, str, str]:
    """A model home with two versions; the first is champion."""
    home = tmp_path / "home"
    versions = [
        add_version(home, Artifact.open(make_model(name, strength=strength))).version
        for name, strength in (("one", 2.0), ("two", 4.0))
    ]
    set_aliases(home, {"champion": versions[0], "challenger": versions[1]})
    return home, *versions


def _live(path: Path | str) -> tuple[LiveModel, Meters]:
    meters = Meters()
    return LiveModel(path, Settings(log=False), meters), meters


def _value(meters: Meters, name: str) -> float | None:
    return meters.registry.get_sample_value(name)


def test_it_follows_the_champion(home: tuple[Path, str, str]) -> None:
    path, one, two = home
    live, meters = _live(path)
    assert live.current.identity["version"] == one
    assert not live.refresh()
    set_aliases(path, {"champion": two, "previous": one})
    assert live.refresh()
    assert live.current.identity["version"] == two
    assert not live.refresh()
    assert _value(meters, "oreline_model_swaps_total") == 1
    shown = [s.labels["version"] for m in meters.registry.collect() if m.name == "oreline_model" for s in m.samples]
    assert shown == [two]


def test_it_follows_another_alias(home: tuple[Path, str, str]) -> None:
    path, one, two = home
    live, _ = _live(f"{path}@challenger")
    assert live.current.identity["version"] == two
    set_aliases(path, {"challenger": one})
    assert live.refresh()
    assert live.current.identity["version"] == one


def test_a_plain_folder_never_changes(model: Path) -> None:
    live, _ = _live(model)
    assert not live.refresh()


def test_the_old_model_is_freed_by_its_last_user(home: tuple[Path, str, str]) -> None:
    path, _, two = home
    live, meters = _live(path)
    in_flight = live.current  # a request that was tokenised for it
    freed = weakref.ref(in_flight)
    set_aliases(path, {"champion": two})
    assert live.refresh()
    gc.collect()
    assert freed() is in_flight
    assert _value(meters, "oreline_models_loaded") == 2
    del in_flight
    gc.collect()
    assert freed() is None
    assert _value(meters, "oreline_models_loaded") == 1


def _truncate(folder: Path) -> None:
    file = folder / "linear.safetensors"
    file.write_bytes(file.read_bytes()[:-7])


def _no_manifest(folder: Path) -> None:
    (folder / "oreline.json").unlink()


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


def _other_golden(folder: Path) -> None:
    manifest = Artifact.open(folder).manifest
    manifest.golden[0]["scores"] = [0.5, 0.5]
    seal(folder, manifest)


def _other_task(folder: Path) -> None:
    seal(folder, Artifact.open(folder).manifest.model_copy(update={"task": "nothing_known"}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_truncate, "damaged"),
        (_no_manifest, "no oreline.json"),
        (_gone, "no model folder"),
        (_other_golden, "golden row 1"),
        (_other_task, "nothing_known"),
    ],
)
def test_a_version_that_fails_changes_nothing(home: tuple[Path, str, str], damage, said: str) -> None:
    path, one, two = home
    live, meters = _live(path)
    before = live.current
    damage(path / "versions" / two)
    aliases = path / "aliases.json"
    aliases.write_text(aliases.read_text().replace(f'"champion": "{one}"', f'"champion": "{two}"'))
    assert not live.refresh()
    assert live.current is before
    assert said in live.failure
    assert _value(meters, "oreline_model_load_failures_total") == 1
    assert _value(meters, "oreline_model_load_failed") == 1
    assert not live.refresh()
    assert _value(meters, "oreline_model_load_failures_total") == 1, "it is not tried again at once"
    set_aliases(path, {"champion": one})
    assert not live.refresh()
    assert live.failure == ""
    assert _value(meters, "oreline_model_load_failed") == 0


def test_a_version_that_was_repaired_is_tried_again(home: tuple[Path, str, str], monkeypatch) -> None:
    path, _, two = home
    live, _ = _live(path)
    weights = path / "versions" / two / "linear.safetensors"
    whole = weights.read_bytes()
    set_aliases(path, {"champion": two})
    weights.write_bytes(whole[:-1])
    assert not live.refresh()
    weights.write_bytes(whole)
    monkeypatch.setattr(live_module, "_RETRY_S", 0.0)
    live._retry_at_s = 0.0
    assert live.refresh()
    assert live.current.identity["version"] == two
    assert live.failure == ""


def test_the_fp32_graph_is_checked_on_its_own_answers(make_model) -> None:
    folder = make_model()
    served = live_module.load(folder, Settings(log=False))
    row = served.golden[0]
    row["fallback_scores"] = row["scores"][::-1]
    outputs = served.runtime.predict(served.golden_columns(0)).outputs
    assert served.golden_fault(0, outputs, 0.05) == ""
    served.runtime.is_fallback = True
    assert "golden row 1" in served.golden_fault(0, outputs, 0.05)
    assert served.golden_fault(0, {"scores": outputs["scores"][:, ::-1]}, 0.05) == ""


def test_half_written_aliases_change_nothing(home: tuple[Path, str, str]) -> None:
    path, one, _ = home
    live, _ = _live(path)
    (path / "aliases.json").write_text('{"champion": "')
    assert not live.refresh()
    assert live.current.identity["version"] == one
    assert "aliases.json cannot be read" in live.failure


def test_texts_are_written_as_the_server_is_told_to(writer_model: Artifact, model: Path) -> None:
    settings = Settings(log=False, generation={"num_beams": 2, "num_answers": 2})
    served = live_module.load(writer_model.path, settings)
    outputs = served.runtime.predict(served.golden_columns(0)).outputs
    assert len(outputs["scores"][0].texts) == 2
    assert served.golden_fault(0, outputs, 0.001) == "", "the golden rows have the answers given this way"
    broken = {"scores": outputs["scores"].copy()}
    broken["scores"][0] = outputs["scores"][0]._replace(probabilities=(float("nan"),))
    assert "not finite" in served.golden_fault(0, broken, 0.001)
    with pytest.raises(UsageError, match="writes none"):
        live_module.load(model, settings)

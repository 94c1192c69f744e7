"""Training is estimated from the size of the model or of the texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline.api.estimates import Estimated
from oreline.api.training_estimates import estimate_training
from oreline.errors import UsageError


def test_training_is_estimated_from_the_models_weights(dataset, tiny_start: Path) -> None:
    options = {"data": str(dataset.path), "start": str(tiny_start), "method": "full", "train": {"epochs": 1}}
    once, thrice = (estimate_training("finetune", {**options, "train": {"epochs": epochs}}) for epochs in (1, 300))
    assert once.rows == dataset.num_rows("train")
    assert once.seconds is not None
    assert thrice.seconds is not None
    assert once.seconds[0] < once.seconds[1]
    assert once.seconds[1] < thrice.seconds[0]
    assert thrice.memory_bytes == once.memory_bytes
    bounded = estimate_training("finetune", {**options, "train": {"epochs": 1e9, "minutes": 2}})
    assert bounded.seconds == (120, 120)
    assert estimate_training("finetune", {**options, "method": "head"}).note.startswith("head")


def test_an_adapter_needs_no_moments_for_weights_that_stay(dataset, tiny_start: Path) -> None:
    options = {"data": str(dataset.path), "start": str(tiny_start), "train": {"epochs": 300}}
    full, lora = (estimate_training("finetune", {**options, "method": method}) for method in ("full", "lora"))
    assert lora.memory_bytes < full.memory_bytes
    assert lora.note.startswith("lora")
    assert "few train" in lora.note


def test_frozen_layers_are_estimated_as_computed_once(dataset, tiny_start: Path, monkeypatch) -> None:
    monkeypatch.setattr("oreline.api.training_estimates._peak_flops", lambda *_: 1e9)

    def estimated(layers: int, **train: object) -> Estimated:
        options = {
            "data": str(dataset.path),
            "start": str(tiny_start),
            "method": "full",
            "train": {"epochs": 300, **train},
        }
        return estimate_training("finetune", {**options, "method_options": {"freeze_layers": layers}})

    full, kept, computed = estimated(0), estimated(1), estimated(1, frozen_cache="off")
    assert kept.seconds[1] < 0.8 * computed.seconds[1] < 0.8 * full.seconds[1]
    assert kept.memory_bytes < full.memory_bytes
    assert "1 layers computed once and kept in 0.00 GiB on disk" in kept.note
    assert "disk" not in computed.note


def test_more_frozen_layers_than_there_are_are_refused(dataset, tiny_start: Path) -> None:
    options = {"data": str(dataset.path), "start": str(tiny_start), "method": "full"}
    with pytest.raises(UsageError, match="freeze_layers is 99") as caught:
        estimate_training("finetune", {**options, "method_options": {"freeze_layers": 99}})
    assert caught.value.allowed == "0 to 2, the model's layers"


def test_the_linear_method_is_estimated_from_counting_its_texts() -> None:
    def estimated(rows: int) -> Estimated:
        return estimate_training("finetune", {"data": {"text": ["a film of some length"] * rows}, "method": "linear"})

    few, many = estimated(500), estimated(50_000)
    assert few.seconds is not None
    assert many.seconds is not None
    assert 0 < few.seconds[0] < few.seconds[1] < many.seconds[1]
    assert few.memory_bytes < many.memory_bytes
    assert many.cells()[0] == "40,000"


def test_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(UsageError, match="no data given"):
        estimate_training("finetune", {})


def test_raw_rows_are_counted_as_the_split_will_divide_them(reviews_csv: Path) -> None:
    assert estimate_training("finetune", {"data": str(reviews_csv), "method": "linear"}).rows == 320


def test_a_network_without_pretraining_is_tried_on_the_first_texts(dataset) -> None:
    options = {"data": str(dataset.path), "start": "new:textcnn", "start_options": {"filters": 4, "vocabulary": 100}}
    found = estimate_training("finetune", options)
    assert found.rows == dataset.num_rows("train")
    assert 0 < found.seconds[0] < found.seconds[1]
    assert found.memory_bytes > 0
    assert found.note == "new:textcnn: 8 epochs at most"
    bounded = estimate_training("finetune", {**options, "train": {"epochs": 1e9, "minutes": 2}})
    assert bounded.seconds[0] == 120


def test_what_writes_is_estimated_by_its_own_sizes(verdicts, tiny_t5: Path, tiny_bart: Path) -> None:
    for start in (tiny_t5, tiny_bart):
        options = {"data": verdicts, "task": "seq2seq", "start": start, "method": "full"}
        found = estimate_training("finetune", options)
        assert found.rows == verdicts.num_rows("train")
        assert "full:" in found.note
    assert estimate_training("finetune", {**options, "method": "lead"}).note == "lead"
    with pytest.raises(UsageError, match="needs a start model that writes"):
        estimate_training("finetune", {"data": verdicts, "task": "seq2seq"})

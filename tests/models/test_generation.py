"""Writing: samples follow the model's probabilities, and no row's sample depends on another row."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from oreline.errors import ArtifactError, UsageError
from oreline.generation import Generation
from oreline.models.generation import (
    Answer,
    GumbelNoise,
    best_first,
    end_id,
    keep_token_settings,
    keys_of,
    mean_log_probabilities,
    refuse_too_long,
    repeated,
    taken,
    token_costs,
)
from oreline.models.load import load_seq2seq


def test_noise_makes_samples_of_the_distribution():
    wanted = torch.tensor([0.5, 0.3, 0.2, 0.0])
    noise = GumbelNoise(list(range(4000)))
    drawn = noise(None, wanted.log().expand(4000, 4)).argmax(dim=1)
    shares = torch.bincount(drawn, minlength=4) / 4000
    assert shares.tolist() == pytest.approx(wanted.tolist(), abs=0.03)


def test_a_rows_noise_is_its_own():
    scores = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    together = GumbelNoise([7, 8, 9])(None, scores)
    torch.testing.assert_close(GumbelNoise([8])(None, scores[1:2])[0], together[1])


def test_equal_rows_have_equal_keys():
    first, second, third = keys_of([np.array([1, 2], np.int32), np.array([1, 2], np.int32), np.array([2], np.int32)])
    assert first == second != third


def test_costs_are_those_of_the_targets_only():
    logits_BUV = torch.zeros(2, 3, 4)
    targets_BU = torch.tensor([[1, 2, -100], [-100, -100, -100]])
    costs_BU = token_costs(logits_BUV, targets_BU)
    assert costs_BU.tolist() == [pytest.approx([np.log(4), np.log(4), 0]), [0, 0, 0]]
    assert mean_log_probabilities(costs_BU, targets_BU) == pytest.approx([-np.log(4), 0])


def test_of_equal_answers_one_is_kept():
    answers = [Answer([3], -3.0), Answer([1], -1.0), Answer([3], -3.0)]
    assert best_first(answers) == [Answer([1], -1.0), Answer([3], -3.0)]


def test_parts_of_encoder_outputs_are_repeated_and_taken():
    from transformers.modeling_outputs import BaseModelOutput

    read = BaseModelOutput(last_hidden_state=torch.arange(4.0).view(2, 2, 1))
    assert repeated(read, 2).last_hidden_state[:, 0, 0].tolist() == [0, 0, 2, 2]
    assert taken(read, slice(1, 2)).last_hidden_state[:, 0, 0].tolist() == [2]


def test_only_settings_about_tokens_are_kept_of_a_start_model(tiny_bart: Path):
    model = load_seq2seq(tiny_bart)
    model.generation_config.num_beams, model.generation_config.min_length = 4, 56
    keep_token_settings(model)
    assert model.generation_config.num_beams is None or model.generation_config.num_beams == 1
    assert not model.generation_config.min_length
    assert model.generation_config.decoder_start_token_id == 2
    assert end_id(model, task=None) == 2


def test_a_model_without_an_end_is_refused_unless_the_task_knows_one():
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=None))
    with pytest.raises(ArtifactError, match="no end token"):
        end_id(model, task=object())
    assert end_id(model, SimpleNamespace(end_ids=list)) == -1
    model.generation_config.eos_token_id = [5, 6]
    assert end_id(model, task=object()) == 5


def test_answers_longer_than_the_positions_are_refused(tiny_bart: Path, tiny_t5: Path):
    with pytest.raises(UsageError, match="64 positions"):
        refuse_too_long(load_seq2seq(tiny_bart), Generation(max_new_tokens=65))
    refuse_too_long(load_seq2seq(tiny_t5), Generation(max_new_tokens=5000))  # its positions are relative

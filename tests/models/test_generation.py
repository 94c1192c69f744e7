"""Writing: samples follow the model's probabilities, and no row's sample depends on another row."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.errors import ArtifactError, UsageError
from oreline.generation import Generation
from oreline.models import generation
from oreline.models.generation import (
    GumbelNoise,
    Manner,
    end_id,
    keep_token_settings,
    keys_of,
    refuse_too_long,
    repeated,
    sequences,
    taken,
)
from oreline.models.load import load_causal, load_seq2seq


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


def test_each_token_is_told_of_and_a_row_ends_where_its_listener_says(tiny_llama: Path):
    model = load_causal(tiny_llama).eval()
    ids_BT = torch.tensor([[7, 8, 9], [10, 11, 12], [13, 14, 15]])
    given = {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
    plain = Manner(Generation(max_new_tokens=6), np.zeros(3, np.uint64), [1])
    whole = [answer for [answer] in sequences(model, given, plain, prompt_length=3)[0]]
    heard: list[list[int]] = [[], [], []]
    enough = [2, 6, 1]

    def listener(row: int):
        return lambda token: heard[row].append(token) or len(heard[row]) == enough[row]

    told = plain._replace(tell=[listener(row) for row in range(3)])
    written = [answer for [answer] in sequences(model, given, told, prompt_length=3)[0]]
    assert written == heard == [ids[:count] for ids, count in zip(whole, enough)]
    ended = plain._replace(end_ids=[whole[1][2]], tell=[lambda token: False] * 3)
    assert sequences(model, given, ended, prompt_length=3)[0][1] == [whole[1][: whole[1].index(whole[1][2]) + 1]]


def test_nobody_is_told_of_beams(tiny_llama: Path):
    model, ids_BT = load_causal(tiny_llama).eval(), torch.tensor([[7, 8, 9]])
    given = {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
    manner = Manner(Generation(max_new_tokens=3, num_beams=2), np.zeros(1, np.uint64), [1], [lambda token: True])
    [[answer]], means = sequences(model, given, manner, prompt_length=3)
    assert len(answer) == 3
    assert means is None


@pytest.mark.parametrize("own", [{}, {"repetition_penalty": 1.5}, {"temperature": 1.5, "num_answers": 2, "top_k": 9}])
def test_what_answers_cost_is_the_same_kept_as_they_are_written_or_computed_again(
    tiny_llama: Path, own: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    head = registry.create("head", "causal")
    model = head.module(tiny_llama).eval()
    rows = [np.array(ids, np.int32) for ids in ([7, 8, 9], [10, 11, 12, 13, 14])]
    manner = Manner(Generation(max_new_tokens=6, **own), keys_of(rows), [5, 6])
    kept, vectors_BD = head.write(model, head.make_batch(rows, 0), manner)
    assert (generation._has_rules(model, manner.generation)) == ("repetition_penalty" in own)
    monkeypatch.setattr(generation, "_has_rules", lambda model, own: True)
    again, _ = head.write(model, head.make_batch(rows, 0), manner)
    for one, other in zip(kept, again, strict=True):
        assert [answer.ids for answer in one] == [answer.ids for answer in other]
        expected = [answer.log_probability for answer in other]
        assert [answer.log_probability for answer in one] == pytest.approx(expected, abs=1e-5)
    states_TD = model.base_model(input_ids=torch.from_numpy(rows[1])[None].long())[0][0]
    np.testing.assert_allclose(vectors_BD[1], states_TD.mean(dim=0).detach(), atol=1e-5)

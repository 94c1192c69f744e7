"""The decoder: transformers' own loss, and transformers' own answers whatever the padding and the company."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.generation import Generation
from oreline.models.batch import make_batch
from oreline.models.generation import Manner, keys_of
from oreline.models.heads.seq2seq import Head, shifted

ROWS = [[9, 8, 7, 6, 2], [5, 2], [11, 12, 13, 14, 15, 16, 17, 2]]
ANSWERS = [[7, 7, 2], [6, 2], [5, 6, 7, 8, 2]]


def arrays(rows, dtype=np.int32):
    return [np.asarray(row, dtype) for row in rows]


@pytest.fixture(scope="module", params=["tiny_t5", "tiny_bart"])
def opened(request):
    folder: Path = request.getfixturevalue(request.param)
    head = Head()
    return head, head.module(folder).eval()


def batch_of(model, rows=ROWS, answers=None):
    targets = arrays(answers, np.int64) if answers else None
    return make_batch(arrays(rows), int(model.config.pad_token_id), targets=targets)


def test_the_loss_is_that_of_transformers(opened):
    head, model = opened
    batch = batch_of(model, answers=ANSWERS)
    expected = model(input_ids=batch.ids_BT, attention_mask=batch.mask_BT, labels=batch.targets).loss
    assert batch.weight == 10
    assert float(head.loss(model, batch).detach() / batch.weight) == pytest.approx(float(expected.detach()), rel=1e-5)
    nats_B, tokens_B = head.costs(model, batch)
    assert tokens_B.tolist() == [3, 2, 5]
    assert nats_B.sum() / 10 == pytest.approx(float(expected.detach()), rel=1e-5)


def test_smoothing_is_that_of_torch_and_costs_are_plain(opened):
    _, model = opened
    batch = batch_of(model, answers=ANSWERS)
    smooth = Head(label_smoothing=0.2)
    logits_BUV = model(**batch.inputs(), decoder_input_ids=shifted(model, batch.targets)).logits
    log_p = logits_BUV.log_softmax(dim=2)
    known = batch.targets != -100
    chosen = -log_p.gather(2, batch.targets.clamp(min=0)[..., None])[..., 0][known]
    expected = 0.8 * chosen.sum() - 0.2 * log_p.mean(dim=2)[known].sum()
    assert float(smooth.loss(model, batch).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert smooth.costs(model, batch)[0].sum() == pytest.approx(float(chosen.sum().detach()), rel=1e-5)


def test_the_divergence_of_equal_outputs_is_nothing(opened):
    head, model = opened
    batch = batch_of(model, answers=ANSWERS)
    logits_BUV = head.logits(model, batch).detach()
    assert head.divergence(logits_BUV, logits_BUV, batch.targets).tolist() == [0, 0, 0]
    others_BUV = logits_BUV + torch.randn(logits_BUV.shape, generator=torch.Generator().manual_seed(0))
    assert (head.divergence(logits_BUV, others_BUV, batch.targets) > 0).all()


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3, "num_answers": 2}, {"temperature": 1.5, "num_answers": 2}])
def test_company_and_padding_change_no_answer(opened, settings):
    head, model = opened
    generation = Generation(max_new_tokens=6, **settings)
    rows = arrays(ROWS)
    together, embedding_BD = head.write(model, batch_of(model), Manner(generation, keys_of(rows)))
    for row, ids in enumerate(ROWS):
        [alone], vector_1D = head.write(model, batch_of(model, [ids]), Manner(generation, keys_of(rows[row : row + 1])))
        assert [answer.ids for answer in alone] == [answer.ids for answer in together[row]]
        assert [a.log_probability for a in alone] == pytest.approx([a.log_probability for a in together[row]], abs=1e-5)
        np.testing.assert_allclose(vector_1D[0], embedding_BD[row], atol=1e-5)


@pytest.mark.parametrize("num_beams", [1, 3])
def test_answers_are_those_of_transformers_generate(opened, num_beams: int):
    head, model = opened
    batch = batch_of(model)
    expected = model.generate(
        input_ids=batch.ids_BT, attention_mask=batch.mask_BT, max_new_tokens=6, num_beams=num_beams, do_sample=False
    )
    end = int(model.generation_config.eos_token_id)
    written, _ = head.write(
        model, batch, Manner(Generation(max_new_tokens=6, num_beams=num_beams), keys_of(arrays(ROWS)))
    )
    for [answer], ids in zip(written, expected[:, 1:].tolist(), strict=True):
        stop = ids.index(end) + 1 if end in ids else len(ids)
        assert answer.ids == ids[:stop]


def test_the_log_probability_is_the_mean_over_the_answers_tokens(opened):
    head, model = opened
    [[answer], *_], _ = head.write(model, batch_of(model), Manner(Generation(max_new_tokens=6), keys_of(arrays(ROWS))))
    nats_B, tokens_B = head.costs(model, batch_of(model, ROWS[:1], [answer.ids]))
    assert answer.log_probability == pytest.approx(-nats_B[0] / tokens_B[0], abs=1e-5)


def test_targets_are_shifted_without_transformers_help_too(opened):
    _, model = opened

    class Bare:
        config = model.config

    targets_BU = torch.tensor([[7, 8, 2], [9, 2, -100]])
    assert shifted(Bare(), targets_BU).tolist() == shifted(model, targets_BU).tolist()

"""The causal head: losses beside transformers' own, packed rows beside single ones, answers in any company."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oreline.errors import ArtifactError
from oreline.generation import Generation
from oreline.models.generation import Manner
from oreline.models.heads.causal import Head
from oreline.models.load import load_causal
from oreline.runtime.batching import take
from oreline.train.packing import joined
from oreline.types import Encoded

LENGTHS = (7, 12, 5, 9, 3)


@pytest.fixture(scope="module", params=["llama", "qwen3", "gpt2"])
def model(request: pytest.FixtureRequest, causal_start: Callable[[str], Path]) -> Any:
    return Head().module(causal_start(request.param)).eval()


def value(tensor: torch.Tensor) -> float:
    """The number in a tensor."""
    return float(tensor.detach())


def texts(seed: int = 0) -> tuple[Encoded, list[Any]]:
    """Random texts with some marked tokens in each."""
    source = np.random.default_rng(seed)
    ids = [source.integers(4, 200, size=length).astype(np.int32) for length in LENGTHS]
    targets = [np.where(source.random(len(row)) < 0.5, row, -100).astype(np.int64) for row in ids]
    for row, target in zip(ids, targets):
        target[0], target[-1] = -100, row[-1]
    return Encoded(ids, np.zeros(len(ids), bool)), targets


def test_the_loss_is_transformers_own(model: Any) -> None:
    encoded, targets = texts()
    batch = Head().make_batch(encoded.ids, 0, targets=targets)
    ours = value(Head().loss(model, batch)) / batch.weight
    padded = torch.full_like(batch.ids_BT, -100)
    mask = torch.zeros_like(batch.ids_BT)
    for row, target in enumerate(targets):
        padded[row, : len(target)] = torch.from_numpy(target)
        mask[row, : len(target)] = 1
    theirs = value(model(input_ids=batch.ids_BT, attention_mask=mask, labels=padded).loss)
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert batch.weight == sum(int((target != -100).sum()) for target in targets)


def test_texts_that_share_a_row_cost_what_they_cost_alone(model: Any) -> None:
    encoded, targets = texts()
    rows, marked = joined(encoded, targets, 16)
    assert len(rows.ids) == 3
    packed = Head().make_batch(rows.ids, 0, segments=rows.segments, targets=marked)
    alone = [Head().make_batch([ids], 0, targets=[target]) for ids, target in zip(encoded.ids, targets)]
    together, apart = Head().loss(model, packed), sum(Head().loss(model, batch) for batch in alone)
    assert packed.weight == sum(batch.weight for batch in alone)
    assert value(together) / packed.weight == pytest.approx(value(apart) / packed.weight, abs=1e-5)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for one, other in zip(torch.autograd.grad(together, parameters), torch.autograd.grad(apart, parameters)):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_a_text_does_not_see_the_one_before_it_in_its_row(model: Any) -> None:
    encoded, targets = texts()
    rows, marked = joined(take(encoded, np.array([0, 3])), [targets[0], targets[3]], 16)
    [changed] = [row.copy() for row in rows.ids]
    changed[rows.segments[0] == 0] = 5
    of_second = [np.where(rows.segments[0] == 1, marked[0], -100)]
    one, other = (
        value(Head().loss(model, Head().make_batch([ids], 0, segments=rows.segments, targets=of_second)))
        for ids in (rows.ids[0], changed)
    )
    assert one == pytest.approx(other, abs=1e-5)


def test_costs_are_those_of_every_row_alone(model: Any) -> None:
    encoded, targets = texts()
    nats_B, tokens_B = Head(label_smoothing=0.1).costs(model, Head().make_batch(encoded.ids, 0, targets=targets))
    for row, target in enumerate(targets):
        alone = Head().make_batch([encoded.ids[row]], 0, targets=[target])
        assert nats_B[row] == pytest.approx(value(Head().loss(model, alone)), abs=1e-4)
        assert tokens_B[row] == (target != -100).sum()


def test_smoothing_is_that_of_torch(model: Any) -> None:
    encoded, targets = texts()
    batch = Head().make_batch(encoded.ids[:1], 0, targets=targets[:1])
    logits_TV = Head().logits(model, batch)[0, :-1]
    wanted = F.cross_entropy(logits_TV, batch.targets[0, 1:], label_smoothing=0.2, reduction="sum")
    assert value(Head(label_smoothing=0.2).loss(model, batch)) == pytest.approx(value(wanted), abs=1e-4)


def test_equal_scores_do_not_diverge_and_others_do(model: Any) -> None:
    encoded, targets = texts()
    batch = Head().make_batch(encoded.ids, 0, targets=targets)
    logits_BTV = Head().logits(model, batch)
    assert value(Head().divergence(logits_BTV, logits_BTV, batch.targets).abs().max()) == 0
    assert value(Head().divergence(logits_BTV, 2 * logits_BTV, batch.targets).min()) > 0


@pytest.mark.parametrize("given", [{}, {"num_beams": 3, "num_answers": 2}, {"temperature": 1.0, "num_answers": 2}])
def test_a_row_is_answered_the_same_in_any_company(model: Any, given: dict[str, Any]) -> None:
    encoded, _ = texts()
    generation = Generation(max_new_tokens=5, **given)
    keys_B = np.arange(len(LENGTHS), dtype=np.uint64)
    together, embedding_BD = Head().write(model, Head().make_batch(encoded.ids, 0), Manner(generation, keys_B, [1]))
    assert embedding_BD.shape == (len(LENGTHS), 48)
    for row in (0, 1):
        batch = Head().make_batch([encoded.ids[row]], 0)
        alone, vector_1D = Head().write(model, batch, Manner(generation, keys_B[[row]], [1]))
        assert [answer.ids for answer in alone[0]] == [answer.ids for answer in together[row]]
        np.testing.assert_allclose(vector_1D[0], embedding_BD[row], atol=1e-5)
    assert len(together[0]) <= generation.num_answers


def test_greedy_answers_are_the_most_probable_tokens_and_cost_what_they_say(model: Any) -> None:
    encoded, _ = texts()
    manner = Manner(Generation(max_new_tokens=4), np.zeros(2, np.uint64), [1])
    written, _ = Head().write(model, Head().make_batch(encoded.ids[:2], 0), manner)
    ids, logs = encoded.ids[0].tolist(), []
    for token in written[0][0].ids:
        with torch.no_grad():
            scores_V = model(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(0)
        assert int(scores_V.argmax()) == token
        logs.append(float(scores_V[token]))
        ids.append(token)
    assert written[0][0].log_probability == pytest.approx(np.mean(logs), abs=1e-4)


def test_other_kinds_of_models_are_refused(tiny_start: Path, tiny_t5: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"an encoder \(bert\)"):
        Head().module(tiny_start)
    with pytest.raises(ArtifactError, match=r"an encoder–decoder model \(t5\)"):
        Head().module(tiny_t5)
    with pytest.raises(ArtifactError, match="not a model folder"):
        load_causal(tmp_path)


def test_a_folder_without_the_weights_that_write_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    import shutil

    from transformers import AutoModel

    folder = tmp_path / "bare"
    AutoModel.from_pretrained(tiny_llama).save_pretrained(folder)
    shutil.copyfile(tiny_llama / "tokenizer.json", folder / "tokenizer.json")
    with pytest.raises(ArtifactError, match=r"lacks the weights 'lm_head\.weight'"):
        load_causal(folder)

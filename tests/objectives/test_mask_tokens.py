"""Masked tokens: the shares, what is left alone, and the loss against the plain one over all places."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from oreline.errors import UsageError
from oreline.models.batch import Batch
from oreline.models.load import load_masked
from oreline.objectives.mask_tokens import IGNORED, Objective


def corrupted(seed: int = 0, **options):
    ids_BT = torch.randint(10, 1000, (64, 512), generator=torch.Generator().manual_seed(1))
    ids_BT[:, 0] = 2
    generator = torch.Generator().manual_seed(seed)
    changed_BT, targets_BT = Objective(**options).corrupt(ids_BT, ids_BT == 2, generator, mask_id=4, vocab_size=1000)
    return ids_BT, changed_BT, targets_BT


def test_shares_are_those_of_bert():
    ids_BT, changed_BT, targets_BT = corrupted()
    chosen_BT = targets_BT != IGNORED
    assert float(chosen_BT[:, 1:].float().mean()) == pytest.approx(0.15, abs=0.01)
    shown = changed_BT[chosen_BT]
    assert float((shown == 4).float().mean()) == pytest.approx(0.8, abs=0.015)
    assert float((shown == targets_BT[chosen_BT]).float().mean()) == pytest.approx(0.1, abs=0.015)


def test_only_chosen_places_change_and_special_tokens_never():
    ids_BT, changed_BT, targets_BT = corrupted()
    left_BT = targets_BT == IGNORED
    assert torch.equal(changed_BT[left_BT], ids_BT[left_BT])
    assert torch.equal(targets_BT[~left_BT], ids_BT[~left_BT])
    assert (targets_BT[:, 0] == IGNORED).all()


def test_the_same_seed_gives_the_same_corruption():
    assert torch.equal(corrupted(3)[1], corrupted(3)[1])
    assert not torch.equal(corrupted(3)[1], corrupted(4)[1])


def test_the_loss_equals_that_over_all_places(tiny_start: Path):
    model = load_masked(tiny_start).eval()
    ids_BT = torch.randint(5, model.config.vocab_size, (3, 20))
    targets_BT = torch.where(torch.rand(3, 20) < 0.3, ids_BT, IGNORED)
    batch = Batch(ids_BT, None, 60, targets=targets_BT, weight=1.0)
    logits_BTV = model(input_ids=ids_BT).logits
    slow = F.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten(), ignore_index=IGNORED, reduction="sum")
    torch.testing.assert_close(Objective().loss(model, batch), slow)


def test_a_batch_without_targets_is_a_mistake(tiny_start: Path):
    model = load_masked(tiny_start)
    with pytest.raises(ValueError, match="corrupt it first"):
        Objective().loss(model, Batch(torch.zeros(1, 4, dtype=torch.long), None, 4))


@pytest.mark.parametrize("options", [{"share": 0}, {"share": 1.5}, {"masked": 0.9, "random": 0.2}, {"random": -0.1}])
def test_shares_that_are_none_are_refused(options):
    with pytest.raises(UsageError, match="not a corruption"):
        Objective(**options)

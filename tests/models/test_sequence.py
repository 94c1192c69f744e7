"""What all heads over whole texts do: the vector that they read, and that company changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.errors import UsageError
from oreline.models.batch import make_batch
from oreline.models.heads.sequence_classification import Head

ROWS = [np.array(row, np.int32) for row in ([2, 7, 3], [2, 8, 9, 3], [2, 5, 6, 7, 3])]


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_company_and_padding_change_nothing(tiny_start: Path, pooling: str):
    head = Head(num_labels=3, pooling=pooling)
    model = head.module(tiny_start).eval()
    together, embedding_ND = head.outputs(model, make_batch(ROWS, 0))
    for index, row in enumerate(ROWS):
        alone, alone_1D = head.outputs(model, make_batch([row], 0))
        np.testing.assert_allclose(alone[0], together[index], atol=1e-4)
        np.testing.assert_allclose(alone_1D[0], embedding_ND[index], atol=1e-4)


def test_the_embedding_is_what_the_linear_layer_reads(tiny_start: Path):
    head = Head(num_labels=3, pooling="mean")
    model = head.module(tiny_start).eval()
    with torch.inference_mode():
        logits_BK, embedding_BD = head.tensors(model, make_batch(ROWS, 0))
        torch.testing.assert_close(model.classifier(embedding_BD), logits_BK)


def test_marks_are_asked_for_where_a_task_has_none(tiny_start: Path):
    head = Head(num_labels=3, pooling="marks")
    model = head.module(tiny_start).eval()
    batch = make_batch(ROWS, 0, places=[np.array(places, np.int32) for places in ([1, 2], [0, 1], [3, 0])])
    logits_NK, embedding_ND = head.outputs(model, batch)
    assert (logits_NK.shape, embedding_ND.shape) == ((3, 3), (3, 64))
    with pytest.raises(UsageError, match="marks nothing"):
        head.outputs(model, make_batch(ROWS, 0))


def test_an_unknown_pooling_is_refused():
    with pytest.raises(UsageError, match="median"):
        Head(num_labels=2, pooling="median")

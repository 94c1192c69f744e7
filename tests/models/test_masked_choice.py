from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.errors import ArtifactError
from oreline.models.load import load_classifier, load_masked, save_model
from oreline.models.masked_choice import MaskedChoice


def test_it_reads_the_words_at_the_masked_place_and_comes_back_from_disk(tiny_start: Path, tmp_path: Path):
    torch.manual_seed(0)
    model = MaskedChoice(load_masked(tiny_start), [7, 9, 11], 4).eval()
    ids_BT = torch.tensor([[2, 8, 4, 3], [2, 4, 9, 3]])
    with torch.inference_mode():
        output = model(ids_BT)
        whole_BTV = model.masked(input_ids=ids_BT).logits
    for row, place in enumerate((2, 1)):
        torch.testing.assert_close(output.logits[row], whole_BTV[row, place, [7, 9, 11]])
    assert output.pooled.shape == (2, 32)
    save_model(model, tmp_path, labels=("a", "b", "c"))
    again = load_classifier(tmp_path, 3).eval()
    with torch.inference_mode():
        np.testing.assert_allclose(again(ids_BT).logits.numpy(), output.logits.numpy(), atol=1e-6)


def test_a_model_with_another_kind_of_head_is_refused():
    class Body(torch.nn.Module):
        base_model = None

    body = Body()
    with pytest.raises(ArtifactError, match="not one module"):
        MaskedChoice(body, [1, 2], 4)

"""The torch runtime: padding, order and company change nothing."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.runtime.open import open_runtime


@settings(max_examples=15, deadline=None)
@given(texts=st.lists(st.text("abc film great 好", max_size=60), min_size=1, max_size=12))
def test_company_and_order_change_nothing(torch_model, texts: list[str]):
    runtime = open_runtime(torch_model, threads=1)
    together = runtime.predict({"text": texts}, embeddings=True)
    turned = runtime.predict({"text": texts[::-1]}, embeddings=True)
    np.testing.assert_allclose(turned.outputs["scores"][::-1], together.outputs["scores"], atol=1e-5)
    alone = runtime.predict({"text": texts[:1]}, embeddings=True)
    np.testing.assert_allclose(alone.outputs["scores"][0], together.outputs["scores"][0], atol=1e-5)
    np.testing.assert_allclose(alone.embedding_ND[0], together.embedding_ND[0], atol=1e-4)


def test_no_rows(torch_model):
    found = open_runtime(torch_model).predict({"text": []}, embeddings=True)
    assert found.outputs["scores"].shape == (0, 2)
    assert found.embedding_ND.shape == (0, 32)


def test_long_texts_are_cut_and_marked(torch_model):
    found = open_runtime(torch_model).predict({"text": ["film " * 5000, "film"]})
    assert found.truncated_N.tolist() == [True, False]
    assert found.num_tokens_N[0] == torch_model.manifest.max_tokens


def test_threads_are_the_runtimes_own(torch_model):
    before = torch.get_num_threads()
    open_runtime(torch_model, threads=1).predict({"text": ["film"]})
    assert torch.get_num_threads() == before

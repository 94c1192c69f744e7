"""The torch runtime: padding, order and company change nothing."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.generation import Generation
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


def test_what_given_answers_cost_does_not_depend_on_their_company(writer_model):
    runtime = open_runtime(writer_model, threads=1)
    texts, answers = ["the dull film", "great", "a story with a plot"], ["a dull film", "a great film of its own", "x"]
    nats_N, tokens_N = runtime.costs({"text": texts}, answers)
    assert (nats_N > 0).all()
    for row in range(3):
        nats, tokens = runtime.costs({"text": texts[row : row + 1]}, answers[row : row + 1])
        np.testing.assert_allclose(nats[0], nats_N[row], rtol=1e-4)
        assert tokens[0] == tokens_N[row]


def test_written_answers_stay_the_same_in_any_company_and_order(writer_model):
    runtime = open_runtime(writer_model, threads=1)
    texts = ["the dull film", "great", "a warm story with a plot of the movie", "", "好电影"]
    together = runtime.predict({"text": texts}, embeddings=True)
    turned = runtime.predict({"text": texts[::-1]})
    assert [row.texts for row in turned.outputs["scores"]][::-1] == [row.texts for row in together.outputs["scores"]]
    assert together.embedding_ND.shape == (5, 32)
    none = runtime.predict({"text": []}, embeddings=True)
    assert len(none.outputs["scores"]) == 0
    assert none.embedding_ND.shape == (0, 32)


def test_a_model_that_writes_otherwise_is_the_same_one(writer_model):
    runtime = open_runtime(writer_model, threads=1)
    runtime._whole_budget = 4000  # as on a GPU
    beams = runtime.written_by(Generation(num_beams=4, max_new_tokens=3))
    assert beams.model is runtime.model
    assert (beams.token_budget, beams.task.generation.num_beams) == (1000, 4)
    assert runtime.task.generation.num_beams == 1
    one, other = (made.predict({"text": ["the dull film"]}).outputs["scores"][0] for made in (runtime, beams))
    assert one.texts != other.texts  # it has no room
    ids = runtime._tokenizer.encode("a dull film").ids
    assert ids[-1] == runtime.end_ids[0]
    assert runtime.tidied(runtime.decoded(ids)) == "a dull film"

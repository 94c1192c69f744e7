"""The linear runtime against scikit-learn, which trains what it predicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from oreline import store
from oreline.errors import ArtifactError
from oreline.runtime.linear import LinearModel, Runtime, ngrams, write_model
from oreline.store import Artifact, Manifest

TEXTS = ["A fine film", "a dull  film\n", "finest of films!", "物流很快，包装好", "质量太差", "dull, dull, dull"]
LABELS = ["good", "bad", "good", "good", "bad", "bad"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    regression = LogisticRegression(C=10).fit(vectorizer.fit_transform(TEXTS), LABELS)
    vocabulary = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
    weights_VK = np.concatenate([np.zeros_like(regression.coef_), regression.coef_]).T
    bias_K = np.concatenate([[0.0], regression.intercept_])
    out = tmp_path_factory.mktemp("linear") / "model"
    with store.writing(out) as folder:
        write_model(folder, LinearModel(1, 3, vocabulary, vectorizer.idf_, weights_VK, bias_K))
        options = {"labels": regression.classes_.tolist()}
        store.seal(folder, Manifest(runtime="linear", task="text_classification", task_options=options))
    return Runtime(Artifact.open(out)), vectorizer, regression


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40) | st.sampled_from(TEXTS), min_size=1, max_size=8))
def test_scores_equal_scikit_learn(trained, texts: list[str]):
    runtime, vectorizer, regression = trained
    scores_NK = runtime.predict({"text": texts}).outputs["scores"]
    np.testing.assert_allclose(scores_NK, regression.predict_proba(vectorizer.transform(texts)), atol=1e-5)


@given(st.text(max_size=60))
def test_ngrams_equal_scikit_learn(text: str):
    analyze = TfidfVectorizer(analyzer="char", ngram_range=(1, 4)).build_analyzer()
    assert sorted(ngrams(text, 1, 4)) == sorted(analyze(text))


def test_order_and_company_change_nothing(trained):
    runtime = trained[0]
    together = runtime.predict({"text": TEXTS}, embeddings=True)
    for index, text in enumerate(TEXTS):
        alone = runtime.predict({"text": [text]}, embeddings=True)
        np.testing.assert_allclose(alone.outputs["scores"][0], together.outputs["scores"][index], atol=1e-6)
        np.testing.assert_allclose(alone.embedding_ND[0], together.embedding_ND[index], atol=1e-6)


def test_the_sketch_keeps_similarity(trained):
    runtime, vectorizer, _ = trained
    sketch_ND = runtime.predict({"text": TEXTS}, embeddings=True).embedding_ND
    exact_NN = (vectorizer.transform(TEXTS) @ vectorizer.transform(TEXTS).T).toarray()
    assert np.abs(sketch_ND @ sketch_ND.T - exact_NN).max() < 0.3


def test_no_rows_and_no_known_ngram(trained):
    runtime = trained[0]
    assert runtime.predict({"text": []}, embeddings=True).outputs["scores"].shape == (0, 2)
    assert runtime.predict({"text": ["☃"]}).outputs["scores"].sum() == pytest.approx(1.0)


def test_parts_that_do_not_fit_are_refused(tmp_path: Path):
    out = tmp_path / "model"
    with store.writing(out) as folder:
        write_model(folder, LinearModel(1, 1, ["a", "b"], np.ones(3), np.ones((2, 2)), np.ones(2)))
        store.seal(folder, Manifest(runtime="linear", task="text_classification", task_options={"labels": ["x", "y"]}))
    with pytest.raises(ArtifactError, match="2 n-grams"):
        Runtime(Artifact.open(out))

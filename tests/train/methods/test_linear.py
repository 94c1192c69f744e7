"""The linear method predicts without scikit-learn what scikit-learn predicts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from oreline.errors import UsageError
from oreline.evaluate.estimates import point_values
from oreline.runtime.open import open_runtime
from oreline.train.finetune import finetune
from oreline.train.methods.linear import Method


def test_it_is_scikit_learns_pipeline(reviews, tmp_path: Path):
    artifact = finetune(
        None,
        reviews,
        task="text_classification",
        method="linear",
        method_options={"regularization": [3.0]},
        out=tmp_path / "model",
        score=point_values,
    )
    train, test = reviews.frame("train"), reviews.frame("test")["text"].to_list()
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 5), sublinear_tf=True, min_df=2, max_features=300_000, dtype=np.float32
    )
    model = LogisticRegression(C=3.0, max_iter=2000).fit(
        vectorizer.fit_transform(train["text"].to_list()), train["label"].to_list()
    )
    ours = open_runtime(artifact).predict({"text": test}).outputs["scores"]
    np.testing.assert_allclose(ours, model.predict_proba(vectorizer.transform(test)), atol=1e-4)


def test_the_strength_is_chosen_on_dev_and_used_again(reviews, tmp_path: Path):
    given = {"task": "text_classification", "method": "linear", "score": point_values}
    first = finetune(None, reviews, method_options={"regularization": [1e-4, 10.0]}, out=tmp_path / "a", **given)
    assert first.manifest.recipe["resolved"]["regularization"] == 10.0  # 1e-4 learns next to nothing
    again = finetune(
        None,
        reviews,
        method_options={"regularization": [1e-4, 10.0]},
        resolved={"regularization": 1e-4},
        out=tmp_path / "b",
        **given,
    )
    assert again.manifest.recipe["resolved"]["regularization"] == 1e-4


def test_lengths_that_are_none_are_refused():
    with pytest.raises(UsageError, match="shortest=3, longest=2"):
        Method(shortest=3, longest=2)


def test_it_needs_no_torch(tmp_path: Path):
    """In a process of its own: importing it takes longer than training does."""
    program = """
import sys
import oreline as ore
texts = [f"{text} {number}" for number in range(30) for text in ("a great film", "a dull plot")]
model = ore.finetune(data={"text": texts, "label": ["good", "bad"] * 30}, method="linear", out=sys.argv[1])
print(ore.predict(model, ["a great film"])[0]["label"], sorted({"torch", "transformers"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "model")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "good []\n"

"""What every explainer keeps to. A new file in `explain/` is tested here without a line of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oreline import registry, store
from oreline.errors import UsageError
from oreline.runtime.linear import LinearModel, Runtime, write_model
from oreline.runtime.open import open_runtime

EXPLAINERS = registry.names("explainer")
TEXTS = ["", "great", "a great film and an awful end", "这部电影很great，喜欢！", "great " * 600]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    folder = tmp_path_factory.mktemp("explainers") / "model"
    weights_VK = np.array([[-3.0, 3.0], [3.0, -3.0], [2.0, -2.0]])
    with store.writing(folder) as temporary:
        model = LinearModel(2, 5, ["awful", "great", "喜欢"], np.ones(3), weights_VK, np.zeros(2))
        write_model(temporary, model)
        options = {"labels": ["fresh", "rotten"]}
        store.seal(temporary, store.Manifest(runtime="linear", task="text_classification", task_options=options))
    return open_runtime(folder)


@pytest.fixture(scope="module")
def explained(model: Runtime) -> Callable[[str, str], dict[str, Any]]:
    """A function that returns what an explainer says of a text, asked once: hundreds of words take seconds."""
    return functools.cache(lambda name, text: registry.create("explainer", name).explain(model, {"text": text}))


def test_there_are_explainers() -> None:
    assert "occlusion" in EXPLAINERS


@pytest.mark.parametrize("name", EXPLAINERS)
class TestExplainer:
    @pytest.mark.parametrize("text", TEXTS)
    def test_words_stand_where_they_say(
        self, name: str, text: str, model: Runtime, explained: Callable[[str, str], dict[str, Any]]
    ) -> None:
        answer = explained(name, text)
        assert {"label", "score", "number", "span", "texts", "words", "note"} <= answer.keys()
        assert answer["texts"] == {"text": text}
        assert answer["label"] in model.task.labels
        end_of_last = 0
        for entry in answer["words"]:
            assert text[entry["start"] : entry["end"]] == entry["word"]
            assert entry["start"] >= end_of_last
            assert entry["input"] == "text"
            assert np.isfinite(entry["weight"])
            end_of_last = entry["end"]

    def test_the_score_is_the_models(self, name: str, model: Runtime) -> None:
        scores_NK = model.predict({"text": [TEXTS[2]]}).outputs["scores"]
        explainer = registry.create("explainer", name)
        for index, label in enumerate(model.task.labels):
            assert explainer.explain(model, {"text": TEXTS[2]}, label=label)["score"] == pytest.approx(
                scores_NK[0, index], abs=1e-5
            )

    def test_deterministic(self, name: str, model: Runtime) -> None:
        first, again = (registry.create("explainer", name).explain(model, {"text": TEXTS[3]}) for _ in range(2))
        assert first == again

    def test_the_telling_word_comes_first(self, name: str, model: Runtime) -> None:
        answer = registry.create("explainer", name).explain(model, {"text": "a film with a great plot"})
        assert max(answer["words"], key=lambda entry: entry["weight"])["word"] == "great"

    def test_a_long_text_is_capped_and_says_so(
        self, name: str, explained: Callable[[str, str], dict[str, Any]]
    ) -> None:
        assert explained(name, TEXTS[4])["note"]

    def test_unknown_labels_are_refused(self, name: str, model: Runtime) -> None:
        with pytest.raises(UsageError, match="no label"):
            registry.create("explainer", name).explain(model, {"text": "great"}, label="unknown")

    def test_works_without_options(self, name: str) -> None:
        assert not [option for option in registry.options_of(registry.get("explainer", name)) if option.required]

"""Model cards: complete in both languages, valid front matter, harmless whatever the data holds."""

from __future__ import annotations

import ast
import re

import pytest
import yaml
from huggingface_hub import ModelCard

from oreline import registry
from oreline.report.card import card, code, escape
from oreline.report.card_text import CHINESE, ENGLISH
from oreline.store import Manifest

FACTS = {"name": "movie quotes", "license": "Apache-2.0", "languages": ["en"], "start": "catalog:minilm-l6-en"}


def manifest(**changes) -> dict:
    values = {
        "runtime": "torch",
        "task": "text_classification",
        "task_options": {"labels": ["fresh", "rotten"]},
        "columns": {"text": ["quote"], "label": ["category"]},
        "max_tokens": 256,
        "recipe": {
            "verb": "finetune",
            "options": {"method": "full", "train": {"epochs": 1.0, "learning_rate": 5e-05}},
            "resolved": {"precision": "fp32", "threads": 2},
        },
        "lineage": [{"verb": "pretrain", "id": "ab" * 32, "path": "runs/pretrain"}],
        "data": {"fingerprint": "cd" * 32, "rows": 9800},
        "metrics": {"accuracy": {"value": 0.839, "low": 0.82, "high": 0.857, "n": 1542}},
        "oreline": "0.1.0",
    }
    return Manifest(**{**values, **changes}).model_dump()


def front_matter(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def halves(text: str) -> tuple[str, str]:
    english, separator, chinese = text.partition("（中文）")
    assert separator
    return english, chinese


def test_both_languages_say_everything() -> None:
    text = card(manifest(), facts={**FACTS, "limits": ["Tested on quotes only."]})
    for half in halves(text):
        for needed in (
            "`fresh`", "`rotten`", "cd" * 32, "9,800", "`quote`", "`catalog:minilm-l6-en`",
            "`5e-05`", "`fp32`", "| accuracy | 0.8390 | [0.8200, 0.8570] | 1,542 |", "`dev`",
            "256", "Tested on quotes only.",
            "oreline predict", "oreline serve", "ore.predict", "ab" * 32, "Apache-2.0",
        ):  # fmt: skip
            assert needed in half, needed
        assert len(re.findall(r"^## ", half, flags=re.MULTILINE)) == 9


def test_the_hub_reads_the_front_matter() -> None:
    data = ModelCard(card(manifest(), facts=FACTS)).data
    assert (data.license, data.language, data.pipeline_tag) == ("apache-2.0", ["en"], "text-classification")
    assert "oreline" in data.tags
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("accuracy", 0.839, "dev")
    assert "n = 1,542" in result.metric_name


def test_hostile_text_stays_text() -> None:
    nasty = [
        "a|b",
        "`x`",
        "---\nlicense: mit",
        "<script>alert(1)</script>",
        "\ud800",
        "# h",
        "[x](javascript:y)",
        "\u202e",
    ]
    text = card(
        manifest(
            task_options={"labels": nasty},
            columns={"text": nasty},
            metrics={},
            lineage=[{"verb": nasty[3], "id": nasty[2]}],
        ),
        facts={"name": nasty[3], "license": nasty[2], "start": nasty[2], "limits": nasty, "intended_use": nasty[6]},
    )
    text.encode()
    assert front_matter(text)["license"] == "--- license: mit"
    bare = re.sub(r"`[^`\n]*`", "", text.split("\n---\n", 1)[1])
    assert not re.search(r"(?<!\\)<script", bare)
    assert not re.search(r"(?<!\\)\]\(", bare)
    assert "\nlicense: mit" not in bare
    assert len(re.findall(r"^# ", bare, flags=re.MULTILINE)) == 2


@pytest.mark.parametrize("text", ["a`b", "``", "x\ny", "`"])
def test_a_code_span_cannot_be_left(text: str) -> None:
    assert re.fullmatch(r"`[^`\n]*`", code(text))


def test_markdown_is_escaped() -> None:
    assert escape("*a* _b_ [c](d) | `e` <f>") == r"\*a\* \_b\_ \[c\]\(d\) \| \`e\` \<f\>"


def test_an_unknown_licence_is_said_to_be_unknown() -> None:
    text = card(manifest(lineage=[{"verb": "start", "id": "", "path": "models/minilm"}]), facts={})
    assert "license" not in front_matter(text)
    assert ENGLISH.unknown_license.split(".")[0] in text
    assert CHINESE.unknown_license in text


START = {"verb": "start", "id": "", "path": "/home/me/models/minilm", "name": "catalog:minilm", "license": "MIT_0"}


def test_the_start_model_and_its_licence_come_from_the_lineage() -> None:
    steps = [{"verb": "pretrain", "id": "ab" * 32, "path": "/home/me/runs/pretrain"}, START]
    for half in halves(card(manifest(lineage=steps), facts={})):
        assert half.count(r"MIT\_0") == 2, "once under training, once under licence"
        assert re.search(r"1\. `start`(: |：)`catalog:minilm`", half)
    unnamed = card(manifest(lineage=[{"verb": "start", "id": "", "path": "/home/me/models/minilm"}]), facts={})
    assert "`minilm`" in unnamed
    assert ENGLISH.unknown_license in unnamed


def test_a_start_model_of_the_hub_is_linked() -> None:
    start = {"verb": "start", "id": "", "path": "/cache/0a1b", "name": "org/minilm"}
    assert front_matter(card(manifest(lineage=[start]), facts={}))["base_model"] == "org/minilm"
    assert "base_model" not in front_matter(card(manifest(lineage=[START]), facts={}))
    assert front_matter(card(manifest(lineage=[START]), facts={"base_model": "a/b"}))["base_model"] == "a/b"


def test_an_encoder_tells_its_loss_by_token() -> None:
    metrics = {"loss_after": {"value": 6.87, "low": 6.62, "high": 7.11, "n": 537}}
    for words, half in zip(
        (ENGLISH, CHINESE), halves(card(manifest(task="none", task_options={}, metrics=metrics), facts={})), strict=True
    ):
        assert words.on_tokens in half
        assert words.default_use_encoder in half
        assert words.limit_dev not in half


def test_a_model_from_nothing_says_so() -> None:
    english, chinese = halves(card(manifest(runtime="linear", lineage=[]), facts={}))
    for words, half in ((ENGLISH, english), (CHINESE, chinese)):
        for sentence in (words.no_start, words.own_license, words.no_ancestors):
            assert sentence in half


def test_no_path_of_the_machine_is_in_the_card() -> None:
    options = {"data": "/home/me/reviews", "start": "/home/me/minilm", "method": "full", "train": {"track": []}}
    given = manifest(
        recipe={"verb": "finetune", "options": options, "resolved": {}},
        data={"fingerprint": "cd" * 32, "rows": 9800, "path": "/home/me/reviews"},
        lineage=[START],
    )
    text = card(given, facts={})
    assert "/home" not in text
    assert text.count("`reviews`") == 2
    assert "track" not in text


def test_the_split_of_the_metrics_is_the_recipes() -> None:
    recipe = {"verb": "compress", "options": {"method": "int8", "split": "test"}, "resolved": {}}
    english, chinese = halves(card(manifest(recipe=recipe), facts={}))
    assert ENGLISH.on_split.format(split="`test`") in english
    assert CHINESE.on_split.format(split="`test`") in chinese
    assert ENGLISH.limit_dev not in english
    assert ENGLISH.limit_dev in card(manifest(), facts={})
    assert CHINESE.limit_dev in card(manifest(), facts={})
    assert ENGLISH.limit_dev not in card(manifest(metrics={}), facts={})


def test_an_encoder_has_no_labels_and_another_use() -> None:
    text = card(manifest(task="none", task_options={}, metrics={}), facts={})
    assert "## Labels" not in text
    assert "AutoModel.from_pretrained" in text
    assert "oreline predict" not in text
    assert "metrics" not in front_matter(text)


def test_a_quantised_model_names_its_processor() -> None:
    text = card(manifest(runtime="onnx", extra={"processor_flags": ["avx2"]}), facts={})
    assert ENGLISH.limit_flags in text
    assert CHINESE.limit_flags in text


def test_a_model_that_reads_the_whole_text_says_so() -> None:
    english, chinese = halves(card(manifest(runtime="linear", max_tokens=0), facts={}))
    assert "reads all of each text" in english
    assert "每条文本都会完整读取" in chinese
    assert "cut after" not in english
    assert "截断" not in chinese


def test_every_task_has_its_words_in_both_languages() -> None:
    for words in (ENGLISH, CHINESE):
        assert set(words.kinds) == {*registry.names("task"), "none"}


def test_a_dialogue_loses_its_oldest_turns_and_not_its_end() -> None:
    shown = card(manifest(task="chat", task_options={}), facts={})
    assert "the oldest turns are left out" in shown
    assert "略去最早的几轮" in shown
    assert "the rest is not read" not in shown
    assert 'predict("MODEL_FOLDER", [{"messages"' in shown


def test_a_text_with_any_number_of_labels_may_get_none() -> None:
    english, chinese = halves(card(manifest(task="multilabel"), facts={}))
    assert "gets one of the labels" not in english
    assert "several, or none" in english
    assert "归入上述标签之一" not in chinese
    assert "也可能一个都没有" in chinese


@pytest.mark.parametrize("task", ["pair", "similarity"])
def test_two_texts_share_the_tokens_that_are_read(task: str) -> None:
    english, chinese = halves(card(manifest(task=task), facts={}))
    assert "up to 256 tokens of the two texts together" in english
    assert "the longer one is cut first" in english
    assert "tokens of each text" not in english
    assert "两条文本合计最多读取 256" in chinese
    assert "先截断较长的一条" in chinese


def test_many_labels_are_cut_and_counted() -> None:
    text = card(manifest(task_options={"labels": [f"label {i}" for i in range(150)]}), facts={})
    assert "150 labels" in text
    assert "and 120 more" in text
    assert "`label 30`" not in text


@pytest.mark.parametrize("task", ["text_classification", "none"])
def test_the_python_it_shows_is_python(task: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", card(manifest(task=task), facts={}), flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        ast.parse(block)


def test_the_same_manifest_gives_the_same_card() -> None:
    assert card(manifest(), facts=FACTS) == card(manifest(), facts=dict(reversed(FACTS.items())))

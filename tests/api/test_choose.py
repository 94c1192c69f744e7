from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline.api import choose
from oreline.errors import ArtifactError, DataError, UsageError

ENGLISH = ["the film great", "a boring story"] * 20
CHINESE = ["这部电影很好看", "剧情太差了"] * 20


def test_few_rows_train_a_head_and_many_the_whole(tiny_start: Path) -> None:
    method, start, why = choose.decide(choose.FEW_ROWS - 1, ENGLISH, tiny_start)
    assert (method, start) == ("head", tiny_start)
    assert str(choose.FEW_ROWS - 1) in why
    assert choose.decide(choose.FEW_ROWS, ENGLISH, tiny_start)[:2] == ("full", tiny_start)


def test_a_start_model_that_does_not_know_the_words_is_not_used(tiny_start: Path) -> None:
    method, start, why = choose.decide(10_000, CHINESE, tiny_start)
    assert (method, start) == ("linear", None)
    assert "100% of the texts' tokens are unknown" in why


def test_chinese_without_a_start_model_needs_no_fetch() -> None:
    assert choose.decide(10_000, CHINESE, None)[0] == "linear"


def test_unknown_tokens_are_counted(tiny_start: Path) -> None:
    assert choose.unknown_share(tiny_start, ["great film"]) == 0
    assert choose.unknown_share(tiny_start, ["great 电影"]) == pytest.approx(2 / 3)
    assert choose.unknown_share(tiny_start, []) == 0


def test_from_a_dataset(dataset, tiny_start: Path) -> None:
    assert choose.method(dataset, tiny_start)[0] == "full"


def test_few_rows_a_class_are_compared_in_pairs(tiny_start: Path) -> None:
    most = 5 * choose.FEW_A_CLASS
    method, _, why = choose.decide(most, ENGLISH, tiny_start, num_classes=5)
    assert method == "contrastive"
    assert f"{choose.FEW_A_CLASS} rows a class" in why
    assert choose.decide(most + 1, ENGLISH, tiny_start, num_classes=5)[0] != "contrastive"
    assert choose.decide(most, ENGLISH, tiny_start, num_classes=None)[0] != "contrastive"


def test_a_rare_class_is_named_with_its_rows(tiny_start: Path, tmp_path: Path) -> None:
    for rare, folder in ((3, "uneven"), (4, "even")):
        rows = {"text": [f"great film {n}" for n in range(30 + rare)], "label": ["a"] * 30 + ["b"] * rare}
        data = ore.refine(rows, operators=[], split={}, out=tmp_path / folder)
        why = choose.method(data, tiny_start)[2]
        assert ("the classes are uneven, 'b' has 3 rows and 'a' 30" in why) == (rare == 3)


def test_classes_are_counted_for_one_text_with_one_class(dataset) -> None:
    assert choose.num_classes(dataset, "train", "text_classification") == 2
    for task in ("multilabel", "regression", "pair"):
        assert choose.num_classes(dataset, "train", task) is None


def test_another_method_than_the_chosen_one_is_suggested_with_its_reason(
    dataset, tiny_start: Path, tmp_path: Path
) -> None:
    task = "text_classification"
    assert choose.suggestion(dataset, tiny_start, task, "full") == ""
    assert "would take full" in choose.suggestion(dataset, tiny_start, task, "head")
    few = ore.refine({"text": ["great", "dull"] * 4, "label": ["a", "b"] * 4}, operators=[], split={}, out=tmp_path)
    assert "would take contrastive: 4 rows a class" in choose.suggestion(few, tiny_start, task, "full")
    assert "would take contrastive" in choose.suggestion(few, None, task, "linear")
    assert choose.suggestion(few, tiny_start, task, "contrastive") == ""
    assert choose.suggestion(dataset, None, task, "linear") == ""


def test_nothing_is_suggested_for_rows_without_labels(tiny_start: Path, tmp_path: Path) -> None:
    data = ore.refine({"text": ["great", "dull"]}, operators=[], split={}, out=tmp_path)
    assert choose.suggestion(data, tiny_start, "text_classification", "zero_shot") == ""


@pytest.mark.parametrize(
    ("num_rows", "num_classes", "said"), [(2, 2, "1 row a class is few"), (1, None, "1 training row is too few")]
)
def test_one_row_is_one_row(num_rows: int, num_classes: int | None, said: str) -> None:
    assert said in choose.by_size(num_rows, num_classes)[1]


def test_finetune_says_what_it_would_take(tiny_start: Path, tmp_path: Path) -> None:
    said: list[str] = []
    rows = {"text": [f"a great film {n}" for n in range(8)], "label": ["a", "b"] * 4}
    data = ore.refine(rows, operators=[], split={}, out=tmp_path / "data")
    given = {"out": tmp_path / "m", "force": True, "on_event": lambda event: said.append(event.message)}
    ore.finetune(str(tiny_start), data, method="head", **given)
    assert any("--method auto would take contrastive: 4 rows a class" in line for line in said)
    said.clear()
    model = ore.finetune(str(tiny_start), data, train={"threads": 1}, **given)
    assert any("method contrastive: 4 rows a class" in line for line in said)
    assert model.manifest.recipe["options"]["method"] == "contrastive"


def test_a_network_without_pretraining_is_trained_whole(dataset) -> None:
    method, start, why = choose.method(dataset, "new:textcnn")
    assert (method, start) == ("full", "new:textcnn")
    assert "all of its weights" in why
    assert choose.suggestion(dataset, "new:textcnn", "text_classification", "full") == ""


def test_a_task_that_one_method_teaches_takes_it(dataset, tiny_start: Path) -> None:
    method, start, why = choose.method(dataset, tiny_start, "embedding")
    assert (method, start) == ("pairs", tiny_start)
    assert "alone" in why
    assert choose.suggestion(dataset, tiny_start, "embedding", "pairs") == ""


def test_what_writes_has_no_start_model_of_its_own(verdicts, tiny_t5: Path) -> None:
    assert choose.method(verdicts, tiny_t5, "seq2seq")[:2] == ("full", tiny_t5)
    assert choose.start_for("seq2seq", "full", tiny_t5) == tiny_t5
    assert choose.start_for("seq2seq", "lead", tiny_t5) is None
    assert choose.start_for("text_classification", "full", None) == choose.DEFAULT_START
    assert choose.suggestion(verdicts, tiny_t5, "seq2seq", "lora") == ""
    with pytest.raises(UsageError, match="needs a start model that writes") as caught:
        choose.start_for("seq2seq", "full", None)
    assert "T5, mT5, BART, Marian" in str(caught.value)


RELATIONS = {
    "en": ["<e1:PER>Ann</e1> works for <e2:ORG>Acme</e2>", "<e1:ORG>Acme</e1> hired <e2:PER>Bob</e2>"],
    "zh": ["<e1:PER>张三</e1>在<e2:ORG>甲公司</e2>工作", "<e1:ORG>甲公司</e1>录用了<e2:PER>李四</e2>"],
}


@pytest.mark.parametrize("language", RELATIONS)
@pytest.mark.parametrize("method", ["auto", "full", "lora", "self_training"])
def test_a_start_model_of_the_wrong_kind_is_refused_before_rows_are_refined_and_a_method_is_chosen(
    language: str, method: str, tiny_t5: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = {"text": [f"{text} {n}" for n in range(30) for text in RELATIONS[language]], "label": ["a", "b"] * 30}
    said: list[str] = []
    with pytest.raises(
        ArtifactError, match=r"\(t5\) is an encoder with a decoder, and this needs a text encoder"
    ) as told:
        ore.finetune(
            str(tiny_t5),
            rows,
            task="relation",
            method=method,
            out="m",
            on_event=lambda event: said.append(event.message),
        )
    assert "an encoder for your language" in told.value.remedy
    assert said == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("task", "said"), [("seq2seq", "does not read one text and write another"), ("chat", "cannot go on")]
)
def test_an_encoder_writes_nothing(task: str, said: str, tiny_start: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=said) as told:
        ore.finetune(str(tiny_start), {"text": ["a"], "target_text": ["b"]}, task=task, out=tmp_path / "m")
    assert "--start" in told.value.remedy


def test_n_grams_are_no_start_model(dataset, tmp_path: Path) -> None:
    ore.finetune(None, dataset, method="linear", out=tmp_path / "grams")
    for method in ("auto", "full"):
        with pytest.raises(ArtifactError, match="of the runtime 'linear', which cannot be trained on") as told:
            ore.finetune(str(tmp_path / "grams"), dataset, method=method, out=tmp_path / "m")
        assert "--method linear" in told.value.remedy


def test_rows_without_labels_are_refused_before_a_method_is_chosen(tiny_start: Path, tmp_path: Path) -> None:
    said: list[str] = []
    given = {"out": tmp_path / "m", "on_event": lambda event: said.append(event.message)}
    plain = tmp_path / "plain.csv"
    plain.write_text("text\n" + "".join(f"a great film {n}\n" for n in range(30)))
    refined = ore.refine(str(plain), out=tmp_path / "refined")
    unlabelled = ore.refine({"train": str(plain), "unlabelled": str(plain)}, out=tmp_path / "unlabelled")
    with pytest.raises(DataError, match="no column has the role 'label'") as raw:
        ore.finetune(str(tiny_start), str(plain), **given)
    assert "--label COLUMN" in raw.value.remedy
    assert "--method zero_shot" in raw.value.remedy
    for data, what in ((refined, "no column with the role 'label'"), (unlabelled, "no row of the split 'train' has")):
        with pytest.raises(DataError, match=what):
            ore.finetune(str(tiny_start), data, **given)
    assert not [line for line in said if line.startswith("method ")]

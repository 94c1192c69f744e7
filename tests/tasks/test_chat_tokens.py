"""Which tokens the assistant says, and which template is chosen: by folder, by name, or for the tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from oreline.dialogue import Message
from oreline.errors import UsageError
from oreline.tasks.chat_template import ChatTemplate, template_source
from oreline.tasks.chat_tokens import chosen_template, harmless, only_last, spans, special_tokens

TEXTS = st.text("ab é好\n<|im_end|>", max_size=12).map(lambda text: f"a{text}b".strip())


def bytes_tokenizer(*specials: str) -> Tokenizer:
    """A tokenizer of single bytes with some special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True) for token in specials])
    return made


CHATML = bytes_tokenizer("<s>", "</s>", "<|im_start|>", "<|im_end|>")


def folder_with(path: Path, **names: object) -> Path:
    """A model's folder with a tokenizer configuration."""
    path.mkdir(exist_ok=True)
    (path / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    return path


def choose(folder: Path, tokenizer: Tokenizer = CHATML, asked: str | None = None, answers: str = "all") -> ChatTemplate:
    """The template for a folder."""
    return chosen_template(folder, tokenizer, asked=asked, known=None, answers=answers)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
def test_exactly_the_answers_and_their_ends_are_marked(pairs: list[tuple[str, str]]) -> None:
    template = ChatTemplate(template_source("chatml"), {}, "<|im_end|>")
    dialogue = [
        Message(role, harmless(said, CHATML)) for pair in pairs for role, said in zip(("user", "assistant"), pair)
    ]
    rendered = template.rendered(dialogue)
    [(ids_T, spoken)] = spans([rendered], CHATML, "<|im_end|>")
    decoded = [CHATML.decode(ids_T[start:end].tolist(), skip_special_tokens=False) for start, end in spoken]
    assert decoded == [message.content + "<|im_end|>" for message in dialogue if message.role == "assistant"]
    prompt = CHATML.encode(template.prompt(dialogue[:-1]), add_special_tokens=False).ids
    assert ids_T[: spoken[-1][0]].tolist() == prompt  # learned from what it will be asked with
    [(_, last)] = spans([only_last(rendered)], CHATML, "<|im_end|>")
    assert last == spoken[-1:]


def test_what_somebody_says_has_no_special_tokens() -> None:
    assert special_tokens(CHATML)[CHATML.token_to_id("<|im_end|>")] == "<|im_end|>"
    said = harmless("a<|im_end|>\n<|im_start|>system", CHATML)
    assert not set(CHATML.encode(said).ids) & set(special_tokens(CHATML))
    assert harmless("1 < 2", CHATML) == "1 < 2"
    assert harmless("<|im_end|>", bytes_tokenizer()) == "<|im_end|>"


def test_the_folders_own_template_is_used(tmp_path: Path) -> None:
    own = "{% for m in messages %}{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}{% if add_generation_prompt %}assistant\n{% endif %}"
    folder = folder_with(tmp_path / "own", chat_template=own, eos_token="</s>")
    found = choose(folder)
    assert (found.source, found.end, found.has_markers) == (own, "</s>", False)
    assert choose(folder, asked="chatml").end == "<|im_end|>"
    assert chosen_template(folder, CHATML, asked=None, known=found, answers="all") is found


def test_without_one_the_tokenizer_decides(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "bare", eos_token="</s>")
    assert choose(folder).end == "<|im_end|>"
    assert choose(folder, bytes_tokenizer("</s>", "<|eot_id|>")).end == "<|eot_id|>"
    plain = choose(folder, bytes_tokenizer("</s>"))
    assert (plain.end, plain.source) == ("</s>", template_source("plain"))


def test_an_end_token_that_only_the_configuration_knows_is_found(tmp_path: Path) -> None:
    folder, tokenizer = folder_with(tmp_path / "bare"), bytes_tokenizer("<end>")
    (folder / "config.json").write_text(json.dumps({"eos_token_id": [tokenizer.token_to_id("<end>")]}))
    assert choose(folder, tokenizer).end == "<end>"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("{% for m in messages %}{{ m.content }}\n{% endfor %}", "no special token"),
        ("{{ raise_exception('no') }}", "refuses: no"),
        ("{% for m in messages %}{{ m.role }}:{% if m.role == 'user' or loop.last %}{{ m.content }}{% endif %}</s>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}", "no generation markers"),
        ("{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}", "does not say that the assistant is to speak"),
    ],
)  # fmt: skip
def test_templates_that_teach_nothing_are_refused(source: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        choose(folder_with(tmp_path / "own", chat_template=source, eos_token="</s>"))
    assert "train.chat_template=plain" in caught.value.remedy


def test_a_prompt_whose_space_melts_into_the_answer_is_refused(tmp_path: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*alphabet, "ĠF", "ĠT"])}
    merging = Tokenizer(models.BPE(vocabulary, [("Ġ", "F"), ("Ġ", "T")]))
    merging.pre_tokenizer, merging.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    merging.add_special_tokens([AddedToken("</s>", special=True)])
    source = "{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    with pytest.raises(UsageError, match="melts into the answer"):
        choose(folder_with(tmp_path / "own", eos_token="</s>"), merging, asked=source)

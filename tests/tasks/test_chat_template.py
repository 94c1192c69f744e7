"""Chat templates: the same text as transformers writes, the same places by markers and by prefixes, inside a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.utils.chat_template_utils import render_jinja_template

from oreline.dialogue import Message
from oreline.errors import UsageError
from oreline.tasks.chat_template import (
    MAX_TEMPLATE_CHARACTERS,
    ChatTemplate,
    built_in_names,
    named_tokens,
    own_template,
    template_source,
)

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
ENDS = {"chatml": "<|im_end|>", "gemma": "<end_of_turn>", "llama3": "<|eot_id|>", "plain": "</s>"}
WORDS = st.text("ab {}%é好\n", min_size=1, max_size=6).map(lambda text: f"x{text.strip()}x")
DIALOGUES = st.tuples(
    st.lists(WORDS, max_size=1), st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3)
).map(
    lambda parts: [
        *(Message("system", said) for said in parts[0]),
        *(Message(role, said) for pair in parts[1] for role, said in zip(("user", "assistant"), pair)),
    ]
)  # fmt: skip


def template(name: str) -> ChatTemplate:
    """A built-in template."""
    return ChatTemplate(template_source(name), TOKENS, ENDS[name])


@pytest.mark.parametrize("name", built_in_names())
@settings(max_examples=25, deadline=None)
@given(messages=DIALOGUES)
def test_text_and_places_are_those_of_transformers(name: str, messages: list[Message]) -> None:
    made, listed = template(name), [message._asdict() for message in messages]
    found = made.rendered(messages)
    texts, places = render_jinja_template(
        [listed], chat_template=made.source, return_assistant_tokens_mask=True, **TOKENS
    )
    assert found.text == texts[0]
    assert found.answers == places[0]
    prompt = render_jinja_template([listed[:-1]], chat_template=made.source, add_generation_prompt=True, **TOKENS)[0][0]
    assert made.prompt(messages[:-1]) == prompt
    assert found.text.startswith(prompt)


@pytest.mark.parametrize("name", built_in_names())
@settings(max_examples=25, deadline=None)
@given(messages=DIALOGUES)
def test_markers_and_prefixes_agree(name: str, messages: list[Message]) -> None:
    made = template(name)
    by_markers, by_prefixes = (made.rendered(messages, by_markers=how) for how in (True, False))
    assert by_markers == by_prefixes
    said = [message.content + ENDS[name] for message in messages if message.role == "assistant"]
    assert [by_markers.text[start:end] for start, end in by_markers.answers] == said
    assert made.rendered(messages, by_markers=False, last_only=True).answers == by_prefixes.answers[-1:]


def test_an_end_token_behind_the_marked_part_belongs_to_it() -> None:
    source = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %} <e>\n{% endfor %}"
    found = ChatTemplate(source, {}, "<e>").rendered([Message("assistant", "a")])
    assert [found.text[start:end] for start, end in found.answers] == ["a <e>"]


def test_a_template_that_writes_earlier_turns_otherwise_is_refused() -> None:
    source = "{% for m in messages %}{{ m.role }}:{{ m.content if loop.last or m.role == 'user' else '…' }}<e>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    made = ChatTemplate(source, {}, "<e>")
    dialogue = [Message(role, role) for role in ("user", "assistant", "user", "assistant")]
    with pytest.raises(ValueError, match="writes message 2 otherwise"):
        made.rendered(dialogue)
    assert made.rendered(dialogue, last_only=True).answers


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ namespace.__init__.__globals__ }}",
        "{% for i in range(100000) %}x{% endfor %}",
        "{{ raise_exception('no system message, please') }}",
    ],
)
def test_a_template_reaches_nothing_outside(attack: str) -> None:
    with pytest.raises(ValueError, match="the chat template refuses"):
        ChatTemplate(attack, {}).prompt([Message("user", "a")])


def test_a_template_is_no_way_to_read_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    for source in (f"{{% include '{tmp_path}/secret' %}}", f"{{{{ open('{tmp_path}/secret').read() }}}}"):
        with pytest.raises((ValueError, TypeError, UsageError)):
            ChatTemplate(source, {}).prompt([Message("user", "a")])


def test_what_grows_without_end_is_stopped() -> None:
    body = "{% for i in range(9999) %}{% for j in range(9999) %}{{ 'x' * 9999 }}{% endfor %}{% endfor %}"
    with pytest.raises(ValueError, match="more than"):
        ChatTemplate(body, {}).prompt([Message("user", "a")])
    with pytest.raises(UsageError, match="characters"):
        ChatTemplate("x" * (MAX_TEMPLATE_CHARACTERS + 1), {})


def test_wrong_templates_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Jinja"):
        ChatTemplate("{% for %}", {})
    with pytest.raises(UsageError, match="no chat template 'chatmll'"):
        template_source("chatmll")
    file = tmp_path / "mine.jinja"
    file.write_text("{{ messages }}", encoding="utf-8")
    assert template_source(str(file)) == template_source("{{ messages }}") == "{{ messages }}"


def test_a_folders_own_template_and_tokens_are_found(tmp_path: Path) -> None:
    assert own_template(tmp_path) is None
    config = tmp_path / "tokenizer_config.json"
    config.write_text('{"chat_template": "A", "eos_token": {"content": "<e>"}, "bos_token": null}')
    assert own_template(tmp_path) == "A"
    assert named_tokens(tmp_path) == {"bos_token": "", "eos_token": "<e>", "pad_token": "", "unk_token": ""}
    config.write_text('{"chat_template": [{"name": "rag", "template": "B"}, {"name": "default", "template": "C"}]}')
    assert own_template(tmp_path) == "C"
    (tmp_path / "chat_template.jinja").write_text("D")
    assert own_template(tmp_path) == "D"


def test_json_in_templates_is_not_escaped_for_html() -> None:
    made = ChatTemplate("{{ messages[0].content | tojson }}", {})
    assert made.prompt([Message("user", "<é>")]) == '"<é>"'

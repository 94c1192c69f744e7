"""Dialogues: lists of messages, from the forms that people have to one cell of a column, and what breaks them.

A cell that holds a dialogue is a JSON list of `{"role", "content"}`; any other text stands for one message of the user.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
ROLE_NAMES = {
    "system": SYSTEM, "developer": SYSTEM,
    "user": USER, "human": USER, "prompter": USER,
    "assistant": ASSISTANT, "gpt": ASSISTANT, "chatgpt": ASSISTANT, "bot": ASSISTANT, "model": ASSISTANT,
}  # fmt: skip
"""What data sets call the three who speak."""
FOUND_BY_NAME = ("messages", "conversations", "instruction")
"""Columns that hold dialogues in OpenAI's, ShareGPT's and Alpaca's form."""
_KEYS = (("role", "from"), ("content", "value"))
"""What OpenAI's and ShareGPT's form call who speaks and what is said."""
_SHOWN_CHARACTERS = 60
REPAIR = (
    "correct the row, or mend all such rows first: oreline refine FILE --operator repair_dialogues --out DIR "
    "(drop_broken_dialogues drops them)"
)


class Message(NamedTuple):
    """One turn of a dialogue."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


def messages_of(cell: str) -> list[Message]:
    """Return the messages that a cell stands for. Raises `ValueError` for a list of messages that is none.

    >>> messages_of("Hello")
    [Message(role='user', content='Hello')]
    >>> messages_of('[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]')[1]
    Message(role='user', content='Hello')
    """
    listed = _listed(cell)
    return [Message(USER, cell)] if listed is None else parsed(listed)


def is_dialogue(cell: str) -> bool:
    """Whether a cell holds a list of messages, be they right or wrong.

    >>> is_dialogue('[{"from": "human", "value": "Hello"}]'), is_dialogue("[1] Hello")
    (True, False)
    """
    return _listed(cell) is not None


def as_cell(messages: Sequence[Message]) -> str:
    """Return the cell that `messages_of` reads."""
    return json.dumps([message._asdict() for message in messages], ensure_ascii=False)


def parsed(given: Any) -> list[Message]:
    """Return messages from OpenAI's form (role, content) or ShareGPT's (from, value), as a list or as JSON.

    Raises `ValueError` for anything else, and for a role that is neither system, user nor assistant.

    >>> parsed([{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi!"}])
    [Message(role='user', content='Hello'), Message(role='assistant', content='Hi!')]
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise ValueError(f"{_shown(given)} is no list of messages") from None
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"{_shown(given)} is no list of messages")
    return [_message(item, number) for number, item in enumerate(given, start=1)]


def instruction(asked: Any, beside: Any = None, system: Any = None) -> list[Message]:
    """Return the messages of a row in Alpaca's form: an instruction, and below it the input, which may be empty.

    >>> instruction("Sum up:", "A long text.")
    [Message(role='user', content='Sum up:\\n\\nA long text.')]
    """
    parts = [str(part) for part in (asked, beside) if part is not None and str(part).strip()]
    return [*opening(system), Message(USER, "\n\n".join(parts))]


def opening(system: Any) -> list[Message]:
    """Return the system message that a column `system` stands for; none where it is empty."""
    return [Message(SYSTEM, str(system))] if system is not None and str(system).strip() else []


def cell_of_row(row: Mapping[str, Any]) -> str | None:
    """Return the cell of a row that has its dialogue in other columns than `text`; None for any other row.

    These are `messages` or `conversations`, and Alpaca's `instruction` with `input`; `system` counts beside them. A
    last turn of the assistant is left out: it is what is asked for. Raises `ValueError` as `parsed` does.

    >>> cell_of_row({"messages": [{"role": "user", "content": "Hello"}]})
    '[{"role": "user", "content": "Hello"}]'
    """
    name = next((name for name in FOUND_BY_NAME if row.get(name) is not None), None)
    if name is None or row.get("text") is not None:
        return None
    given, system = row[name], row.get("system")
    if isinstance(given, str) and not given.lstrip().startswith("["):
        return as_cell(instruction(given, row.get("input"), system))
    messages = parsed(given)
    if messages and messages[0].role != SYSTEM:
        messages = [*opening(system), *messages]
    return as_cell(messages[:-1] if messages and messages[-1].role == ASSISTANT else messages)


def fault(messages: Sequence[Message], *, answered: bool) -> str | None:
    """Say what breaks a dialogue, or None where nothing does.

    A dialogue may begin with one system message; then user and assistant take turns, the user first. With `answered`
    the assistant has the last word, without it the user.

    >>> fault([Message("user", "Hello"), Message("user", "Hello?")], answered=False)
    'the chat has two users in a row (messages 1 and 2)'
    """
    turns = list(enumerate(messages, start=1))
    if turns and turns[0][1].role == SYSTEM:
        turns = turns[1:]
    if empty := next((number for number, message in enumerate(messages, start=1) if not message.content.strip()), None):
        return f"message {empty} of the chat is empty ({messages[empty - 1].role})"
    if late := next((number for number, message in turns if message.role == SYSTEM), None):
        return f"message {late} of the chat is a system message, and only the first one can be"
    if not turns:
        return "the chat has no turns"
    if turns[0][1].role == ASSISTANT:
        return "the first turn of the chat is the assistant's"
    for (number, before), (_, after) in itertools.pairwise(turns):
        if before.role == after.role:
            return f"the chat has two {before.role}s in a row (messages {number} and {number + 1})"
    if answered and all(message.role != ASSISTANT for _, message in turns):
        return "the chat has no turn of the assistant"
    if answered and turns[-1][1].role == USER:
        return "the chat ends with a turn of the user, which nobody answers"
    if not answered and turns[-1][1].role == ASSISTANT:
        return "the chat ends with a turn of the assistant, so there is nothing to answer"
    return None


def mended(messages: Sequence[Message]) -> list[Message]:
    """Return the nearest dialogue that nothing breaks; of what holds no question with its answer, no message.

    Empty messages go, system messages move to the front as one, turns in a row of one speaker become one, and turns of
    the assistant before the first question and of the user after the last answer go.

    >>> mended([Message("assistant", "Hi!"), Message("user", "a"), Message("user", "b"), Message("assistant", "c")])
    [Message(role='user', content='a\\n\\nb'), Message(role='assistant', content='c')]
    """
    said = [message for message in messages if message.content.strip()]
    system = "\n\n".join(message.content for message in said if message.role == SYSTEM)
    turns: list[Message] = []
    for message in said:
        if message.role == SYSTEM or (not turns and message.role == ASSISTANT):
            continue
        if turns and turns[-1].role == message.role:
            turns[-1] = Message(message.role, f"{turns[-1].content}\n\n{message.content}")
        else:
            turns.append(message)
    if turns and turns[-1].role == USER:
        turns.pop()
    return [Message(SYSTEM, system), *turns] if system and turns else turns


def transcript(cell: str) -> str:
    """Return what a cell says as people read it; of a text, the text.

    >>> transcript('[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}]')
    'user: Hello / assistant: Hi!'
    """
    listed = _listed(cell)
    return cell if listed is None else " / ".join(f"{role}: {content}" for role, content in parsed(listed))


def _listed(cell: str) -> list[Any] | None:
    """Return the items of a JSON list of objects that name a speaker."""
    if not cell.lstrip().startswith("["):
        return None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):  # thousands of brackets are no list either
        return None
    is_list = isinstance(found, list) and bool(found)
    return found if is_list and all(isinstance(item, dict) and set(item) & set(_KEYS[0]) for item in found) else None


def _message(item: Any, number: int) -> Message:
    if not isinstance(item, Mapping):
        raise ValueError(f"message {number} of the chat is {_shown(item)}, and no object with role and content")
    role, content = (next((item[key] for key in keys if item.get(key) is not None), None) for keys in _KEYS)
    if role is None or content is None:
        lacking = _KEYS[0 if role is None else 1]
        raise ValueError(f"message {number} of the chat has no {' and no '.join(map(repr, lacking))}")
    if str(role).lower() not in ROLE_NAMES:
        raise ValueError(f"message {number} of the chat has the unknown role {_shown(role)}")
    return Message(ROLE_NAMES[str(role).lower()], _text(content, number))


def _text(content: Any, number: int) -> str:
    """Return what is said: a text, or a list of parts that are texts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else [content]
    given = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) < len(given):
        raise ValueError(f"message {number} of the chat holds {_shown(content)}, which is no text")
    return "".join(texts)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"

"""Chat templates: how a dialogue is written as one text, and which parts of it the assistant says.

A template is Jinja, in the sandbox that transformers uses too: it sees messages and the names of special tokens, and
reaches neither Python nor files. `{% generation %}` … `{% endgeneration %}` around what the assistant says marks it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oreline.dialogue import ASSISTANT, Message
from oreline.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from jinja2 import Template

MAX_TEMPLATE_CHARACTERS = 65_536
MAX_RENDERED_CHARACTERS = 16_777_216
"""Longer templates, and dialogues that a template makes longer, are refused."""
_MAX_RANGE = 10_000
BUILT_IN = Path(__file__).with_name("chat_templates")
_BEGIN, _END = "\ue0f0\ue0f1", "\ue0f2\ue0f3"
"""Stand around what the assistant says while a template is rendered; characters for private use, which no text has."""
_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")


class Rendered(NamedTuple):
    """A dialogue as one text."""

    text: str
    answers: list[tuple[int, int]]
    """Where the assistant speaks, in characters, its end-of-turn token included."""


class ChatTemplate:
    """One template with the special tokens that it may write."""

    def __init__(self, source: str, tokens: Mapping[str, str], end: str = "") -> None:
        """Compile a template.

        Args:
            source: Jinja.
            tokens: `bos_token`, `eos_token`, … as the tokenizer calls them.
            end: the token that ends a turn of the assistant; found by `end_token` where it is not known.

        Raises:
            UsageError: a template that is too long, or no Jinja.
        """
        self.source, self.tokens, self.end = source, dict(tokens), end
        self.has_markers = bool(_MARKER.search(source))
        self._template = _compiled(source)

    def prompt(self, messages: Sequence[Message]) -> str:
        """Return the text after which the assistant speaks. Raises `ValueError` where the template refuses."""
        return self._render(messages, add_generation_prompt=True).replace(_BEGIN, "").replace(_END, "")

    def rendered(
        self, messages: Sequence[Message], *, by_markers: bool | None = None, last_only: bool = False
    ) -> Rendered:
        """Return a dialogue with the places of the assistant's turns.

        Args:
            messages: the dialogue.
            by_markers: find them by the template's markers, or by rendering what comes before each turn; by markers
                where the template has them when not given.
            last_only: look for the last one alone, without markers.

        Raises:
            ValueError: the template refuses, or writes earlier turns otherwise than it wrote them as the last one.
        """
        marked = self._render(messages, add_generation_prompt=False)
        text = marked.replace(_BEGIN, "").replace(_END, "")
        if self.has_markers if by_markers is None else by_markers:
            return Rendered(text, [(start, self._with_end(text, end)) for start, end in _marked(marked)])
        turns = [number for number, message in enumerate(messages) if message.role == ASSISTANT]
        return Rendered(text, [self._answer(text, messages, turn) for turn in turns[-1 if last_only else 0 :]])

    def _answer(self, text: str, messages: Sequence[Message], turn: int) -> tuple[int, int]:
        before = self.prompt(messages[:turn])
        end = text.find(self.end, len(before)) if self.end else len(text)
        if not text.startswith(before) or end < 0 or messages[turn].content not in text[len(before) : end]:
            raise ValueError(
                f"the chat template writes message {turn + 1} otherwise when others follow it, "
                "so what the assistant says cannot be found"
            )
        return len(before), end + len(self.end)

    def _with_end(self, text: str, end: int) -> int:
        """Take in an end-of-turn token that stands behind the marked part."""
        rest = text[end:]
        behind = len(rest) - len(rest.lstrip())
        is_next = self.end and rest[behind:].startswith(self.end)
        return end + behind + len(self.end) if is_next else end

    def _render(self, messages: Sequence[Message], *, add_generation_prompt: bool) -> str:
        from jinja2 import TemplateError

        given = {
            "messages": [message._asdict() for message in messages],
            "add_generation_prompt": add_generation_prompt,
        }
        parts, size = [], 0
        try:
            for part in self._template.generate(**self.tokens, **given):
                parts.append(part)
                size += len(part)
                if size > MAX_RENDERED_CHARACTERS:
                    raise ValueError(f"the chat template writes more than {MAX_RENDERED_CHARACTERS:,} characters")
        except (TemplateError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise ValueError(f"the chat template refuses: {error}") from error
        return "".join(parts)


def built_in_names() -> list[str]:
    """Return the names of the templates that come with Oreline.

    >>> built_in_names()
    ['chatml', 'gemma', 'llama3', 'plain']
    """
    return sorted(file.stem for file in BUILT_IN.glob("*.jinja"))


def template_source(asked: str) -> str:
    """Return the template that a name, a file or Jinja itself means. Raises `UsageError` for anything else."""
    if "{{" in asked or "{%" in asked:
        return asked
    if asked in built_in_names():
        return (BUILT_IN / f"{asked}.jinja").read_text(encoding="utf-8")
    if asked.endswith(".jinja") and Path(asked).is_file():
        return Path(asked).read_text(encoding="utf-8")
    raise UsageError(
        f"there is no chat template {asked!r}",
        allowed=", ".join(built_in_names()) + ", a file that ends in .jinja, or Jinja itself",
        remedy="leave chat_template out: the start model's own is then used",
    )


def own_template(folder: Path) -> str | None:
    """Return the template that lies in a model's folder, None where there is none."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    found = _json(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(found, list):  # several by name: [{"name": "default", "template": …}, …]
        named = {item.get("name"): item.get("template") for item in found if isinstance(item, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else None


def named_tokens(folder: Path) -> dict[str, str]:
    """Return the special tokens that a model's folder names, such as `eos_token`; those it lacks are empty."""
    known = {**_json(folder / "special_tokens_map.json"), **_json(folder / "tokenizer_config.json")}
    found = {"bos_token": "", "eos_token": "", "pad_token": "", "unk_token": ""}
    for name in found:
        value = known.get(name)
        found[name] = str(value.get("content", "") if isinstance(value, dict) else value or "")
    return found


@functools.lru_cache(maxsize=16)
def _compiled(source: str) -> Template:
    try:
        from jinja2 import TemplateError, nodes
        from jinja2.ext import Extension, loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ModuleNotFoundError as error:
        raise MissingExtraError("jinja2", "train", "a chat template") from error

    class Generation(Extension):
        """Puts marks around what stands between `generation` and `endgeneration`."""

        tags = {"generation"}  # noqa: RUF012  the name and type that Jinja reads

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            begin, end = (nodes.Output([nodes.TemplateData(mark)]).set_lineno(line) for mark in (_BEGIN, _END))
            return [begin, *body, end]

    if len(source) > MAX_TEMPLATE_CHARACTERS:
        raise UsageError(
            f"the chat template has {len(source):,} characters", allowed=f"at most {MAX_TEMPLATE_CHARACTERS:,}"
        )
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = lambda value, **given: json.dumps(value, **{"ensure_ascii": False, **given})
    environment.globals["range"] = _short_range
    environment.globals["raise_exception"] = _refuse
    try:
        return environment.from_string(source)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise UsageError(
            f"the chat template is no Jinja: {error}",
            where=f"line {line}" if line else "",
            remedy="name a built-in one, such as chat_template=plain",
        ) from error


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _short_range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > _MAX_RANGE:
        raise OverflowError(f"a range of {len(found):,} numbers")
    return found


def _marked(marked: str) -> list[tuple[int, int]]:
    """Return the places between marks, in characters of the text without them."""
    places, written = [], 0
    for number, part in enumerate(re.split(f"{_BEGIN}|{_END}", marked)):
        if number % 2:
            places.append((written, written + len(part)))
        written += len(part)
    return places


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

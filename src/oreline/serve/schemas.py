"""Requests and answers. A row's fields are the roles that the task reads, known when a model is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, create_model, model_validator
from pydantic_core import PydanticCustomError

from oreline.dialogue import Message, as_cell

ID_PATTERN = "^[0-9a-f]{32}$"
_EXAMPLE = "A warm and clever film."


def _encodable(text: str) -> str:
    """Refuse half a surrogate pair: it is no character, and no tokenizer or database takes it."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(f"a lone surrogate {text[error.start]!a} at character {error.start}") from error
    return text


Text = Annotated[str, AfterValidator(_encodable)]
PredictionId = Annotated[str, Field(pattern=ID_PATTERN, examples=["0123456789abcdef0123456789abcdef"])]


class Model(BaseModel):
    """Which model answered."""

    id: str
    version: str
    precision: str


class Prediction(BaseModel):
    """One row's answer."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(description="Names this prediction, for /feedback and DELETE /predictions/{id}.")
    label: str | None = Field(
        default=None,
        description="For a task of one class; others have `labels`, `value`, `tags`, `answer`, `embedding` or `text`.",
    )
    scores: dict[str, float] | None = Field(default=None, description="Probability of each label.")
    truncated: bool = Field(description="Whether the text was longer than the model takes, and was cut.")


class OneAnswer(Prediction):
    """Answer to one row."""

    model: Model
    warnings: list[str]


class ManyAnswer(BaseModel):
    """Answer to several rows, in their order."""

    predictions: list[Prediction]
    model: Model
    warnings: list[str]


class Word(BaseModel):
    """How much one word speaks for the explained answer."""

    model_config = ConfigDict(extra="allow")

    input: str = Field(description="Which of the row's texts it stands in.")
    word: str
    start: int
    end: int
    weight: float


class Explanation(BaseModel):
    """Which words an answer rests on."""

    model_config = ConfigDict(extra="allow")

    label: str
    score: float
    number: str = Field(description="What score and weights are: a probability, a value or a cosine.")
    texts: dict[str, str] = Field(description="The texts whose words were weighed; places are counted in them.")
    words: list[Word]
    note: str = Field(description="Says so where only a part of the text is explained.")
    model: Model


class Feedback(BaseModel):
    """The true label of an earlier prediction."""

    model_config = ConfigDict(extra="forbid")

    id: PredictionId
    label: Annotated[
        Annotated[Text, Field(max_length=20_000), Tag("one")]
        | Annotated[list[Text], Field(max_length=20_000), Tag("many")],
        Discriminator(lambda given: "many" if isinstance(given, list) else "one"),
    ] = Field(examples=["fresh"], description="A list where a row has several: labels, or a tag for each word.")


class Done(BaseModel):
    """What was done to a logged prediction."""

    id: str
    done: str
    model: Model


class Problem(BaseModel):
    """What was wrong, where, what is allowed, and what to do."""

    what: str
    where: str | None = None
    allowed: str | None = None
    do: str | None = None


class ErrorAnswer(BaseModel):
    """Answer to a request that was not served."""

    error: Problem


class OpenAIProblem(BaseModel):
    """What was wrong, as OpenAI's clients read it."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIError(BaseModel):
    """Answer to a request below /v1/ that was not served."""

    error: OpenAIProblem


class Turn(BaseModel):
    """One message of a dialogue."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: Text


class Dialogue(BaseModel):
    """One row of a task that answers dialogues: its messages, or a text that is one message of the user."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = Field(default=None, examples=["What is the capital of France?"])
    messages: list[Turn] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if (self.text is None) == (self.messages is None):
            raise ValueError("give text, or messages")
        if self.messages is not None:
            self.text = as_cell([Message(turn.role, turn.content) for turn in self.messages])
        return self


class _Strict(BaseModel):
    """Takes no field that it does not know."""

    model_config = ConfigDict(extra="forbid")


class Requests(NamedTuple):
    """The request types of one model."""

    predict: Any
    explain: type[BaseModel]


def requests_for(
    inputs: tuple[str, ...],
    *,
    max_rows: int,
    explain_max_chars: int,
    dialogues: bool = False,
    occluded: tuple[str, ...] | None = None,
) -> Requests:
    """Build the request types for a task that reads these roles; of `dialogues`, messages too.

    An explanation takes the roles that are `occluded`; those of them that are no inputs may be left out.
    """
    row: Any = Dialogue if dialogues else _row(inputs)
    rows = Annotated[list[row], Field(min_length=1, max_length=max_rows)]
    many = create_model("Rows", __config__=ConfigDict(extra="forbid"), __doc__="Several rows.", rows=(rows, ...))
    limit: Any = {"examples": [_EXAMPLE], "max_length": explain_max_chars}
    texts: dict[str, Any] = {
        role: (Text, Field(**limit)) if role in inputs else (Text | None, Field(default=None, **limit))
        for role in occluded or inputs
    }
    if dialogues:
        messages = Annotated[list[Turn] | None, Field(min_length=1), AfterValidator(_at_most(explain_max_chars))]
        texts = {"text": (Text | None, Field(default=None, **limit)), "messages": (messages, None)}
    explain: type[BaseModel] = create_model(
        "ExplainRow",
        __base__=Dialogue if dialogues else _Strict,
        __doc__="A row, and the answer to explain (the model's own when not given).",
        **texts,
        label=(Text | None, Field(default=None, max_length=1000)),
    )
    one_or_many = Annotated[
        Annotated[row, Tag("one")] | Annotated[many, Tag("many")],
        Discriminator(lambda given: "many" if isinstance(given, dict) and "rows" in given else "one"),
    ]
    return Requests(one_or_many, explain)


def _at_most(most: int) -> Callable[[list[Turn] | None], list[Turn] | None]:
    """Return what refuses messages of more than so many characters in all."""

    def check(messages: list[Turn] | None) -> list[Turn] | None:
        if (num := sum(len(turn.content) for turn in messages or ())) > most:
            raise PydanticCustomError("too_many_characters", "too many characters", {"num": num, "most": most})
        return messages

    return check


def _row(inputs: tuple[str, ...]) -> Any:
    return create_model(  # type: ignore[call-overload]
        "Row",
        __config__=ConfigDict(extra="forbid"),
        __doc__="One row: a value for each column that the task reads.",
        **dict.fromkeys(inputs, (Text, Field(examples=[_EXAMPLE]))),
    )

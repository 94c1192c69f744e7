"""Put something else in the place of private data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.ledger import CHANGE_REASON, DROP_REASON, FLAG_REASON
from oreline.data.pii.actions import KEYED, Action, Language, Substitutes
from oreline.data.pii.files import SPANS
from oreline.data.pii.keyed import Key
from oreline.data.pii.kinds import DEFAULT_KINDS, KIND_NAMES, KindName, kinds_of
from oreline.data.pii.model import entity_kinds, places_by
from oreline.data.pii.rows import replaced
from oreline.data.quality.answers_of_models import entities_of
from oreline.errors import UsageError, did_you_mean

_CHANGES = ("mask", *KEYED)


class Operator:
    """Find private data in Chinese and English texts and put something else in their place.

    Numbers are found by their form and check digits, glued to Chinese text or not; names and addresses by the words
    around them (`联系人：`, `my name is`), and by a model where one is named. Put it after `normalize_text`.

    The ledger names the kinds found in a row. Where each value stood and where its substitute stands is in
    `pii.parquet` beside it, in characters of the text that this operator was given and of the one it made. The values
    themselves are nowhere, but sealed in that file where `reversible` is set (`oreline.restore`).

    Args:
        kinds: what is looked for. `date_of_birth` and `organisation` are not among the default.
        action: `mask` puts `[手机号]` or `[PHONE]`; `hash` adds 16 hexadecimal digits, the same for the same value and
            key; `pseudonym` puts a value of the same form that is nobody's, the same one everywhere for the same key;
            `drop` drops the row; `flag` only says so in the ledger.
        actions: another action for some kinds, such as `{id_number: drop, name: pseudonym}`.
        columns: text columns that are looked at, where the data has them.
        key_file: a file of 32 bytes or more, for `hash`, `pseudonym` and `reversible`.
        reversible: values that were replaced are sealed with the key, so that its holder can put them back.
        language: of masks; `auto` goes by the letters of each text.
        private_ips: addresses of private networks count too.
        phone_regions: countries (ISO 3166) whose numbers are found without the country's code, where a word such as
            `phone` names them; US numbers in the usual American form need no word.
        titles: what follows Mr. or Dr., or stands before 先生 or 经理, counts as a name; people of films and books too.
        model: the folder of a model for `token_classification` that finds more.
        model_kinds: which of its entities are which kind, such as `{PER: name}`; the usual names are known.
    """

    dialogues = True
    """It keeps lists of messages what they are."""
    places = True
    """It keeps tags and answers in step with their text."""

    def __init__(
        self,
        *,
        kinds: Sequence[KindName] = DEFAULT_KINDS,
        action: Action = "mask",
        actions: Mapping[KindName, Action] | None = None,
        columns: Sequence[str] = ("text", "text_pair", "target_text"),
        key_file: str | None = None,
        reversible: bool = False,
        language: Language = "auto",
        private_ips: bool = False,
        phone_regions: Sequence[str] = ("US", "GB"),
        titles: bool = False,
        model: str | None = None,
        model_kinds: Mapping[str, KindName] | None = None,
    ) -> None:
        own: Mapping[Any, Action] = actions or {}
        for name in (*kinds, *own):
            if name not in KIND_NAMES:
                raise UsageError(f"there is no kind of private data {name!r}", allowed=did_you_mean(name, KIND_NAMES))
        if unused := [name for name in own if name not in kinds]:
            raise UsageError(f"an action is given for {unused[0]!r}, which is not looked for", allowed=", ".join(kinds))
        self._kinds = kinds_of(kinds, private_ips=private_ips, phone_regions=phone_regions, titles=titles)
        self._model_kinds = model_kinds or {}
        self._entities = entity_kinds(self._model_kinds, kinds)
        if model_kinds and model is None:
            raise UsageError(
                "mask_pii: model_kinds says what a model's entities are, and no model is named",
                remedy="name one: model: FOLDER, or leave model_kinds out",
            )
        self._columns = tuple(columns)
        self._substitutes = Substitutes(
            self._kinds,
            {kind.name: own.get(kind.name, action) for kind in self._kinds},
            key=Key.read(key_file) if key_file is not None else None,
            language=language,
            reversible=reversible,
        )
        self.models = {"finder": model} if model is not None else {}
        self._finder: Any = None

    def bind(self, models: Mapping[str, Any]) -> None:
        """Take the model that was named. Raises `UsageError` where it finds nothing of what is looked for."""
        self._finder = models["finder"]
        found = entities_of(self._finder, list(self._model_kinds), "mask_pii")
        if found is not None and not any(label.lower() in self._entities for label in found):
            raise UsageError(
                f"mask_pii cannot tell which of the entities that the model finds are private data: {', '.join(found)}",
                allowed=f"kinds: {', '.join(kind.name for kind in self._kinds)}",
                remedy="say which is which: model_kinds: {LABEL: KIND}, of the kinds that are looked for",
            )

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with private data replaced, and what was done in `pii_spans` and the columns of reasons."""
        if self.models and self._finder is None:
            raise UsageError(
                "mask_pii was not given its model", remedy="refine through oreline.refine or the command line"
            )
        ask = (lambda texts: places_by(self._finder, texts, self._entities)) if self._finder is not None else None
        frame, found = replaced(frame, self._columns, self._kinds, self._substitutes, ask)
        spans = found.spans(frame.height)
        if SPANS in frame.columns:
            spans = frame.select(pl.coalesce(_joined(pl.col(SPANS), pl.lit(spans)), pl.lit(spans), SPANS)).to_series()
        reasons = {CHANGE_REASON: _CHANGES, DROP_REASON: ("drop",), FLAG_REASON: ("flag",)}
        return frame.with_columns(
            spans.alias(SPANS), *(found.reasons(of, frame.height).alias(name) for name, of in reasons.items())
        )


def _joined(before: pl.Expr, after: pl.Expr) -> pl.Expr:
    """Return two JSON lists as one, null where either is."""
    return pl.concat_str([before.str.strip_suffix("]"), after.str.strip_prefix("[")], separator=", ")

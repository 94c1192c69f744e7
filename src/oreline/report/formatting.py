"""How reports write numbers and foreign text: one rule for the terminal, the page and the model card."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oreline.types import Estimate

NOT_AVAILABLE = "–"
VERDICTS = {
    "passed": "good",
    "promoted": "good",
    "no drift": "good",
    "undecided": "unsure",
    "refused": "bad",
    "failed": "bad",
    "drift": "bad",
    "no bias": "good",
    "few rows": "unsure",
    "to look at": "unsure",
    "bias": "bad",
}
"""Words that reports colour, as facts and in tables."""
_ESTIMATE_KEYS = {"value", "low", "high", "n"}
_ACRONYMS = {
    "f1": "F1",
    "ece": "ECE",
    "lrap": "LRAP",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "auc": "AUC",
    "auroc": "AUROC",
    "id": "ID",
    "cpu": "CPU",
    "gemm": "GEMM",
    "ndcg": "nDCG",
    "qa": "QA",
    "bleu": "BLEU",
    "chrf": "chrF",
    "rouge": "ROUGE",
    "mrr": "MRR",
    "map": "MAP",
    "l": "L",
    "mcnemar": "McNemar",
}
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
_UNITS = {"_bytes": "bytes", "_per_s": "/s", "_ms": "ms", "_s": "s", "_min": "min", "_share": "%"}
_MOMENTS = ("_before", "_after")
_HASH = re.compile(r"[0-9a-f]{40,64}")
# Controls that move, erase or reorder what is shown: C0, C1, bidirectional overrides and isolates, lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value, ready to be shown."""

    name: str
    value: str


def plain(value: Any) -> Any:
    """Return a JSON-ready copy: NumPy scalars as Python's, estimates as mappings, NaN and infinity as None.

    Lone surrogates, which no UTF-8 file can hold, become U+FFFD.

    >>> plain({"loss": float("nan"), "rows": (1, 2), "f1": Estimate(0.5, 0.4, 0.6, 10)})
    {'loss': None, 'rows': [1, 2], 'f1': {'value': 0.5, 'low': 0.4, 'high': 0.6, 'n': 10}}
    """
    if isinstance(value, Estimate):
        return plain(value.to_json())
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if hasattr(value, "tolist"):  # a NumPy scalar or array
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else plain(str(value))


def clean(text: object, *, limit: int | None = None) -> str:
    """Return text that cannot disturb a terminal or a page's layout, cut to `limit` characters.

    Controls are shown as pictures, reordering marks by their code point; line breaks and tabs stay.

    >>> clean("red\\x1b[31m \\u202egnp.exe")
    'red␛[31m ⟨U+202E⟩gnp.exe'
    >>> clean("abcdefgh", limit=5)
    'abcd…'
    """
    shown = str(text).replace("\r\n", "\n")
    if limit is not None and len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    return _UNSAFE.sub(_picture, shown)


def number(value: float, *, decimals: int | None = None) -> str:
    """Write a number with thousands separators: with the given decimals, or about four significant digits.

    What the decimals would round to nothing is written with its power of ten.

    >>> number(12808), number(0.83912), number(12.3), number(0.00001234), number(-0.02), number(0.5, decimals=4)
    ('12,808', '0.8391', '12.3', '1.2e-05', '−0.02', '0.5000')
    >>> number(-0.00037, decimals=4), number(0.000002, decimals=4)
    ('−0.0004', '2e-06')
    """
    if not math.isfinite(value):
        return NOT_AVAILABLE
    if isinstance(value, int):
        text = f"{value:,}"
    elif 0 < abs(value) < (0.0005 if decimals is None else 0.5 / 10**decimals):
        text = f"{value:.2g}"
    elif decimals is None:
        text = f"{value:,.{decimals_for(abs(value))}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:,.{decimals}f}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


def decimals_for(magnitude: float) -> int:
    """Return the decimals that give about four significant digits to a column whose largest entry is `magnitude`.

    Shares keep four whether or not one of them is exactly 1.

    >>> [decimals_for(magnitude) for magnitude in (0.8, 1.0, 4.2, 12.3, 123.4, 1234.5)]
    [4, 4, 3, 2, 1, 0]
    """
    return 4 if magnitude <= 1 else next((4 - power for power in range(4) if magnitude < 10**power), 0)


def column_decimals(cells: Sequence[Any]) -> int | None:
    """Return the decimals that a column's numbers share, or None when it has no fractions."""
    floats = [abs(cell) for cell in cells if isinstance(cell, float) and math.isfinite(cell)]
    return decimals_for(max(floats)) if any(not value.is_integer() for value in floats) else None


def is_numeric(cells: Sequence[Any]) -> bool:
    """Whether a column holds numbers (or estimates) wherever it holds anything.

    >>> is_numeric([1, None, 0.5, ""]), is_numeric(["1", 2]), is_numeric(["", None])
    (True, False, False)
    """
    known = [cell for cell in cells if cell is not None and cell != ""]
    return bool(known) and all(
        (isinstance(cell, int | float) and not isinstance(cell, bool)) or is_estimate(cell) for cell in known
    )


def is_verdict(cells: Sequence[Any]) -> bool:
    """Whether a column holds verdicts that reports colour, and nothing else.

    >>> is_verdict(["passed", "", "undecided"]), is_verdict(["drift", "requests"]), is_verdict([""])
    (True, False, False)
    """
    known = [cell for cell in cells if cell is not None and cell != ""]
    return bool(known) and all(isinstance(cell, str) and cell in VERDICTS for cell in known)


def estimate(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return value, interval and n of an estimate, written with the same decimals.

    >>> estimate({"value": 0.839, "low": 0.8199, "high": 0.857, "n": 1500})
    ('0.8390', '[0.8199, 0.8570]', 'n = 1,500')
    """
    values = [entry[key] for key in ("value", "low", "high")]
    finite = [abs(value) for value in values if value is not None]
    decimals = decimals_for(max(finite)) if finite and max(finite) >= 10 else 4
    value, low, high = (NOT_AVAILABLE if v is None else number(float(v), decimals=decimals) for v in values)
    return value, f"[{low}, {high}]", f"n = {number(int(entry['n']))}"


def is_estimate(value: Any) -> bool:
    """Whether a JSON value is an estimate."""
    return isinstance(value, Mapping) and set(value) == _ESTIMATE_KEYS


def scalar(value: Any, *, decimals: int | None = None) -> str:
    """Write one cell or fact of any JSON type."""
    if value is None:
        return NOT_AVAILABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value, decimals=decimals)
    if is_estimate(value):
        return " ".join(estimate(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{fact.name}: {fact.value}" for fact in facts(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(scalar(entry) for entry in value) or "none"
    return clean(value)


def facts(document: Mapping[str, Any]) -> list[Fact]:
    """Write named values; a name's unit (`_bytes`, `_s`, `_ms`, `_per_s`, `_share`) goes to the value, or values.

    Behind a unit, `_before` and `_after` may stand: `size_bytes_before`.

    A mapping of mappings is left out: it is there for programs, and people get a table of it. So is an empty one.

    >>> facts({"size_bytes": 90_900_000, "train_s": 83.2, "served_p50_ms": 4.25, "num_rows": 1200})
    [Fact(name='size', value='90.9 MB'), Fact(name='train', value='1 min 23 s'),
     Fact(name='served p50', value='4.25 ms'), Fact(name='rows', value='1,200')]
    """
    return [_fact(name, value) for name, value in document.items() if not _is_for_programs(value)]


def title(name: str) -> str:
    """Write a metric's or fact's name for people.

    >>> title("macro_f1"), title("recall_at_10"), title("out_of_scope_recall")
    ('macro F1', 'recall at 10', 'out-of-scope recall')
    """
    joined = re.sub("(in|out_of)_scope_", lambda found: found[0].rstrip("_").replace("_", "-") + "_", clean(name))
    words = joined.removeprefix("num_").replace("_", " ").split()
    return " ".join(_ACRONYMS.get(word, word) for word in words)


def _is_for_programs(value: Any) -> bool:
    return isinstance(value, Mapping) and (not value or any(isinstance(entry, Mapping) for entry in value.values()))


def _fact(name: str, value: Any) -> Fact:
    moment = next((moment for moment in _MOMENTS if name.endswith(moment)), "")
    stem = name.removesuffix(moment)
    suffix = next((suffix for suffix in _UNITS if stem.endswith(suffix)), "")
    if not suffix or not _is_measured(value):
        return Fact(title(name), scalar(value))
    stem = stem.removesuffix("_s") + "_second" if suffix == "_per_s" else stem
    stem = stem if suffix in ("_per_s", "_share") else stem.removesuffix(suffix)
    unit = _UNITS[suffix]
    if isinstance(value, Mapping):
        return Fact(
            title(stem + moment), ", ".join(f"{clean(key)} {_with_unit(one, unit)}" for key, one in value.items())
        )
    return Fact(title(stem + moment), _with_unit(value, unit))


def _is_measured(value: Any) -> bool:
    """Whether a value can have a unit: a number, or named numbers."""
    if isinstance(value, Mapping):
        return bool(value) and all(_is_measured(one) for one in value.values()) and not is_estimate(value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _with_unit(value: float, unit: str) -> str:
    if unit == "/s":
        return scalar(value)
    if unit == "%":
        return f"{100 * value:.1f} %"
    if unit == "bytes":
        return size(value)
    if unit == "s":
        return duration(value)
    return f"{number(value)} {unit}"


def short(text: str) -> str:
    """Return the first 12 digits of a content hash, and any other text as it is.

    >>> short("3f9a1c77d2b84e5f" * 4), short("test")
    ('3f9a1c77d2b8', 'test')
    """
    return text[:12] if _HASH.fullmatch(text) else text


def size(num_bytes: float) -> str:
    """Write a size in decimal units.

    >>> size(90_868_376), size(512)
    ('90.9 MB', '512 B')
    """
    power = min(int(math.log10(max(num_bytes, 1)) // 3), len(_BYTE_UNITS) - 1)
    return f"{num_bytes / 1000**power:.{1 if power else 0}f} {_BYTE_UNITS[power]}"


def duration(seconds: float) -> str:
    """Write a time span.

    >>> duration(0.25), duration(83.2), duration(7384)
    ('0.25 s', '1 min 23 s', '2 h 3 min')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _picture(match: re.Match[str]) -> str:
    point = ord(match[0])
    if point < 0x20:
        return chr(0x2400 + point)
    if 0xD800 <= point <= 0xDFFF:
        return "\ufffd"
    return "␡" if point == 0x7F else f"⟨U+{point:04X}⟩"

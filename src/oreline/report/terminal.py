"""Reports as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text(document: Mapping[str, Any]) -> str:
    """Return a report as plain text."""
    return str(document["title"])

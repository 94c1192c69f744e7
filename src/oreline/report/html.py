"""Reports as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def page(document: Mapping[str, Any]) -> str:
    """Return a complete page."""
    return f"<!doctype html><title>{document['title']}</title>"


def fragment(document: Mapping[str, Any]) -> str:
    """Return the page's body, for a notebook."""
    return page(document)

"""HTML files, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input.archives import opened
from oreline.data.input.compressed import beginning_of
from oreline.data.input.decoding import refuse_binary
from oreline.data.input.pages import MAX_PAGE_BYTES, decoded, page_of, without_broken_tag
from oreline.errors import DataError


class Reader:
    """An HTML file is one row: its main text in `text`, and `title`, `date` and `file` beside it.

    Menus, banners and footers are left out (trafilatura). The encoding is the one that the page declares. A page
    without a main text is a row without a text, which the ledger then names.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm", ".xhtml")
    unpacks: ClassVar[bool] = True
    one_row: ClassVar[tuple[str, ...]] = suffixes

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the row.

        Raises `DataError` for a file that is empty, binary, or longer than 16 MB, and `CutOffError` after the row of
        one that breaks off: its text is that before the break.
        """
        with opened(path) as stream:
            data, broken = beginning_of(stream, MAX_PAGE_BYTES + 1)
        refuse_binary(data, path)
        if len(data) > MAX_PAGE_BYTES:
            raise DataError(
                f"the page is longer than {MAX_PAGE_BYTES >> 20} MB", where=str(path), remedy="leave it out"
            )
        html = decoded(data)
        page = page_of(without_broken_tag(html) if broken is not None else html)
        cells = {"text": page.text, "title": page.title, "date": page.date, "file": path.name}
        yield pl.DataFrame({name: [cell] for name, cell in cells.items()}, schema=dict.fromkeys(cells, pl.String))
        if broken is not None:
            raise broken

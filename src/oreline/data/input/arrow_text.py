"""Text of Arrow columns that is not UTF-8, refused: Polars takes it unseen, and the process dies of it later."""

from __future__ import annotations

import pyarrow as pa

from oreline.errors import DataError


def refuse_broken_text(column: pa.Array | pa.ChunkedArray, name: str, where: str, *, done: int = 0) -> None:
    """Raise `DataError` naming the first row whose text is not UTF-8.

    Text inside lists, structs and dictionaries is looked at, too; a column without any is not. 1 GB takes about 0.4 s.

    Args:
        column: the cells.
        name: what the column is called, for messages, as the next one.
        where: what it is of.
        done: how many rows stand before it.
    """
    if not _holds_text(column.type):
        return
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        row = _first_broken(column)
        what = "holds bytes that are not UTF-8" if row is not None else f"is damaged: {str(error).splitlines()[0]}"
        raise DataError(
            f"the column {name!r} {what[:200]}",
            where=where if row is None else f"{where}, row {done + row + 1}",
            remedy="write it again with text in UTF-8: take the cells as bytes (in pyarrow: column.cast(pa.binary())), "
            "and decode each with the encoding that it has",
        ) from error


def _holds_text(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _holds_text(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return True
    return any(_holds_text(kind.field(place).type) for place in range(kind.num_fields))


def _first_broken(column: pa.Array | pa.ChunkedArray) -> int | None:
    """Return the place of the first cell that cannot be decoded; None where the damage is in none of them."""
    for place in range(len(column)):
        try:
            column[place].as_py()
        except UnicodeDecodeError:
            return place
        except (pa.ArrowException, ValueError, IndexError):  # damaged in another way
            return None
    return None

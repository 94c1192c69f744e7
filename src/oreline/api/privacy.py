"""The verb that undoes `mask_pii` for the holder of the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oreline.api import names
from oreline.api.extras import names_missing_extras


@names_missing_extras
def restore(data: Any, *, key_file: str, out: str | Path, force: bool = False, dry_run: bool = False) -> dict[str, Any]:
    """Put the values that `mask_pii` replaced back into the texts of a dataset, as JSON Lines.

    Args:
        data: a dataset, or its folder, that was refined with `reversible`, and with no operator after `mask_pii` that
            changes texts.
        key_file: the key file of that refine.
        out: a folder for `<split>.jsonl`; rows stand in their order, with `row_id`.
        force: replace `out` when it is there.
        dry_run: check everything and write nothing.

    Raises:
        DataError: another key, nothing that is sealed, rows whose tags count their words, texts changed afterwards.
        UsageError: no dataset, no key file, an `out` that exists.
    """
    from oreline.data.dataset import Dataset
    from oreline.data.pii.keyed import Key
    from oreline.data.pii.restore import restored
    from oreline.store import refuse_existing, writing

    key = Key.read(key_file, remedy="only the key file that refine was given opens what it sealed")
    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    place = names.output_folder("restore", out, data, force=force)
    if dry_run:
        refuse_existing(place, force=force)
        rows = {split: sum(frame.height for frame in restored(dataset, split, key)) for split in dataset.splits}
        return {"rows": sum(rows.values()), "would write": str(place)}
    total = 0
    with writing(place, force=force) as folder:
        for split in dataset.splits:
            with (folder / f"{split}.jsonl").open("wb") as file:
                for frame in restored(dataset, split, key):
                    frame.write_ndjson(file)
                    total += frame.height
    return {"path": str(place), "rows": total}

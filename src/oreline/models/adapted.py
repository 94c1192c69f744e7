"""Open and write models with an adapter: the adapter's and the head's weights alone, beside a base that is named.

`adapter.json` says which adapter it is, with its options, and which base it belongs to (see `oreline.models.base`);
`adapter.safetensors` holds the weights that were trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from oreline import registry
from oreline.errors import ArtifactError, UsageError
from oreline.models.adapting import WRITING, num_trained, put_on
from oreline.models.base import ADAPTER, base_folder, is_adapted, read_record
from oreline.models.load import disk_errors, load_causal, load_classifier, load_seq2seq
from oreline.models.pooling import PooledClassifier, PooledEncoder
from oreline.store import write_json

WEIGHTS = "adapter.safetensors"
_RESTORE = "restore the folder from a copy, or train it again"


def open_classifier(folder: str | Path, num_labels: int, *, pooling: str | None = None) -> Any:
    """Open a classifier: a folder that holds a whole model, or an adapter with its base.

    Args:
        folder: a transformers model folder, ours or another's, or an adapter's.
        num_labels: number of classes; a head of another size is replaced by a new one.
        pooling: see `oreline.models.load.load_classifier`, or `seq2seq`, `causal` for a model that writes; an adapter
            keeps the one that it was trained with.

    Raises:
        ArtifactError: a damaged folder, a base that is not there or is another one by now.
        UsageError: another pooling than the adapter's.
    """
    if not is_adapted(folder):
        return _open(folder, num_labels, pooling)
    record = read_record(folder)
    if pooling not in (None, record["pooling"]):
        raise UsageError(
            f"pooling is {pooling!r}, and the adapter was trained with {record['pooling']!r}",
            where=str(folder),
            remedy="leave pooling out",
        )
    model = _open(base_folder(folder), num_labels, record["pooling"])
    put_on(model, registry.create("adapter", record["adapter"], **record["options"]))
    _load_weights(model, Path(folder))
    return model


def save_adapter(
    model: Any, folder: Path, *, adapter: str, options: Mapping[str, Any], base: Mapping[str, Any]
) -> None:
    """Write the weights that train, and the record that opens them again.

    Args:
        model: a classifier with its adapter on.
        folder: the folder being written.
        adapter: name of the adapter plug; `options` are its keyword arguments.
        base: what `oreline.models.base.describe_base` says of the base model.
    """
    trained = {name: parameter.detach() for name, parameter in model.named_parameters() if parameter.requires_grad}
    with disk_errors(folder):
        save_file({name: tensor.cpu().contiguous() for name, tensor in trained.items()}, folder / WEIGHTS)
    few, whole = num_trained(model)
    record = {
        "adapter": adapter,
        "options": dict(options),
        "pooling": _pooling(model),
        "base": dict(base),
        "weights": {"trained": few, "all": whole},
    }
    write_json(folder / ADAPTER, record)


def _open(folder: str | Path, num_labels: int, pooling: str | None) -> Any:
    """Open a whole model by what it is read by: a pooling, or (`seq2seq`, `causal`) the text that it writes."""
    if pooling == "seq2seq":
        return load_seq2seq(folder)
    return load_causal(folder) if pooling == "causal" else load_classifier(folder, num_labels, pooling=pooling)


def _pooling(model: Any) -> str:
    if isinstance(model, PooledEncoder):
        return "vector"
    if isinstance(model, PooledClassifier):
        return str(model.pooling)
    if type(model).__name__.endswith(WRITING):
        return "seq2seq" if model.config.is_encoder_decoder else "causal"
    return "token" if type(model).__name__.endswith("ForTokenClassification") else "first"


def _load_weights(model: Any, folder: Path) -> None:
    file = folder / WEIGHTS
    try:
        saved = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            f"the adapter's weights cannot be opened: {error}", where=str(file), remedy=_RESTORE
        ) from error
    wanted = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if saved.keys() != wanted.keys():
        odd = sorted(saved.keys() ^ wanted.keys())[0]
        raise ArtifactError(
            f"the adapter's weights are of another model: {odd!r} is on one side only",
            where=str(file),
            remedy=_RESTORE,
        )
    head = "classifier."  # a head over another number of classes begins anew
    fitting = {name: tensor for name, tensor in saved.items() if tensor.shape == wanted[name].shape}
    if unfit := next((name for name in saved if name not in fitting and head not in name), None):
        raise ArtifactError(
            f"the adapter's weight {unfit!r} has another shape than the model's", where=str(file), remedy=_RESTORE
        )
    model.load_state_dict(fitting, strict=False)

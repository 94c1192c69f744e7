"""From what a user writes to what a verb takes: datasets, models, operators and output folders by name."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry, store
from oreline.api.replacing import refuse_loss
from oreline.errors import ArtifactError, ResourceError, UsageError, did_you_mean
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.types import ROLES, Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset

CATALOG = "catalog:"
NEW = "new:"
"""What a start model begins with that is a network without pretraining: `new:bilstm`."""
DEFAULT_OPERATORS = ("normalize_text", "drop_empty", "keep_length", "dedup_exact", "resolve_label_conflicts")
EVALUATION_OPERATORS = ("normalize_text", "drop_empty")
"""Files to be judged keep their duplicates: a figure is about the rows as given."""
DEFAULT_SPLIT = {"train": 0.8, "dev": 0.1, "test": 0.1}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def home_of(model: Any, out: str | Path | None) -> Path:
    """Return the home that an update belongs to."""
    if out is None and not isinstance(model, Artifact):
        named = Path(str(model).rpartition("@")[0] or str(model)) if not Path(str(model)).exists() else Path(str(model))
        if store.is_home(named):
            return named
    return output_folder("update", out)


def output_folder(verb: str, out: str | Path | None, *reads: Any, force: bool = False) -> Path:
    """Return `out`, or a new folder named by verb and time in `ORELINE_RUNS` (`./oreline-runs`).

    Raises `UsageError` where writing to `out` would delete what Oreline did not write, or what it `reads`.
    """
    if out is None:
        return _new_folder(verb, runs_folder())
    refuse_loss(out, reads, force=force)
    return Path(out)


def _new_folder(verb: str, runs: Path) -> Path:
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    first = runs / f"{verb}-{now}"
    candidates = [first, *(first.with_name(f"{first.name}-{number}") for number in range(2, 1000))]
    return next(folder for folder in candidates if not folder.exists())


def runs_folder() -> Path:
    """Return where outputs without a name go."""
    return Path(os.environ.get("ORELINE_RUNS") or "oreline-runs")


def train_options(train: TrainOptions | Mapping[str, Any] | None) -> TrainOptions:
    """Return training options from a mapping of some of them. Raises `UsageError` for an unknown or wrong one."""
    if isinstance(train, TrainOptions):
        return train
    given = dict(train or {})
    if unknown := next((name for name in given if name not in TrainOptions.model_fields), None):
        raise UsageError(
            f"unknown training option {unknown!r}", allowed=did_you_mean(unknown, TrainOptions.model_fields)
        )
    try:
        return TrainOptions.model_validate(given)
    except ValueError as error:
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": ("train",), "msg": str(error)}
        option, *inner = first["loc"]
        # Of several types that an option may have, pydantic names the one that was tried.
        inner = [part for part in inner if part not in ("str", "int", "float", "bool") and "[" not in str(part)]
        name = ".".join(map(str, (option, *inner)))
        value = first.get("input", given.get(option))
        raise UsageError(f"training option {name!r} is {value!r}: {first['msg']}") from error


def plugs(kind: str, entries: Sequence[Any]) -> list[tuple[str, Any]]:
    """Build plugs from names and one-key mappings: `["drop_empty", {"keep_length": {"min_chars": 2}}]`."""
    return registry.create_all(kind, entries)


def known_plug(kind: str, name: str) -> None:
    """Raise `UsageError` for a plug that does not exist, before anything is read, fetched or written for it."""
    if name.replace("-", "_") not in registry.accepted(kind):
        registry.get(kind, name)


def method(name: str, options: Mapping[str, Any] | None) -> Any:
    """Build a method, or the one that trains an adapter. Raises `UsageError` for a name or an option there is not."""
    from oreline.train.job import named_method

    known_plug("method", name)
    named, given = named_method(name, options or {})
    return registry.create("method", named, **given)


def roles_of(roles: Mapping[str, str] | None, **named: str | None) -> dict[str, str]:
    """Join `roles={"text": "review"}` and `text="review"`. Raises `UsageError` for an unknown role or no name."""
    joined = {**(roles or {}), **{role: column for role, column in named.items() if column is not None}}
    if unknown := next((role for role in joined if role not in ROLES), None):
        raise UsageError(f"unknown role {unknown!r}", allowed=did_you_mean(unknown, ROLES))
    if nameless := next((role for role, column in joined.items() if column == ""), None):
        raise UsageError(
            f"the column of the role {nameless!r} has no name",
            remedy="name a column, or leave the option out: a column that is named like its role is found",
        )
    return joined


def catalog_entry(name: str, what: str) -> Any:
    """Return the catalog entry `catalog:NAME`. Raises `UsageError` when it is not a `model` (or `dataset`)."""
    known = [CATALOG + n.replace("_", "-") for n in registry.names("catalog")]
    if name.replace("_", "-") not in known:
        raise UsageError(
            f"the catalog has no {name!r}", allowed=did_you_mean(name, known), remedy="oreline list catalog"
        )
    entry = registry.create("catalog", name.removeprefix(CATALOG))
    if entry.what != what:
        raise UsageError(f"{name} is a {entry.what}, not a {what}", allowed=", ".join(_in_catalog(what)))
    return entry


def _in_catalog(what: str) -> list[str]:
    """Return the catalog's names of its models, or of its datasets."""
    found = [name for name in registry.names("catalog") if registry.get("catalog", name).what == what]
    return [CATALOG + name.replace("_", "-") for name in found]


def start_folder(start: Any) -> Path | None:
    """Return the folder of a start model: an artifact, a local folder, `catalog:NAME` or a hub id.

    Raises `UsageError` when there is none by that name, `ResourceError` when it cannot be fetched.
    """
    if start is None or isinstance(start, Artifact):
        return start.path if start is not None else None
    name = str(start)
    if name.startswith(NEW):
        raise UsageError(
            f"{name} is a network without pretraining, which is made from the training rows",
            allowed="pretrain, and finetune with --method full",
            remedy="name a pretrained start model, such as catalog:minilm-l6-en",
        )
    if name.startswith(CATALOG):
        folder: Path = catalog_entry(name, "model").folder()
        return folder
    if Path(name).exists() or "@" in name:
        return _checked_start(store.resolve(name) if "@" in name or store.is_home(name) else Path(name))
    if _HUB_ID.fullmatch(name) and not name.startswith((".", "/")):
        return _hub_folder(name)
    models = _in_catalog("model")
    models += [NEW + n.replace("_", "-") for n in registry.names("network")]
    raise UsageError(
        f"there is no start model {name!r}", allowed="a model folder, a hub id, or " + did_you_mean(name, models)
    )


def network_name(start: Any) -> str | None:
    """Return the network that a start model means (`new:textcnn`), or None for a start model that is pretrained.

    Raises `UsageError` for a network that there is not.
    """
    if not isinstance(start, str) or not start.startswith(NEW):
        return None
    name = start.removeprefix(NEW).replace("-", "_")
    if name not in registry.names("network"):
        networks = [NEW + n.replace("_", "-") for n in registry.names("network")]
        raise UsageError(f"there is no network {start!r}", allowed=did_you_mean(start, networks))
    return name


def start_origin(start: Any) -> dict[str, str]:
    """Return what a start model is called, and its licence where the catalog knows it; empty for a local folder."""
    name = str(start)
    if isinstance(start, str) and name.startswith(CATALOG):
        return {"name": name, "license": str(catalog_entry(name, "model").licence)}
    is_hub_id = isinstance(start, str) and not Path(name).exists() and _HUB_ID.fullmatch(name)
    return {"name": name} if is_hub_id else {}


def model_name(model: Any) -> str:
    """Return a model as a recipe names it: its folder, or the name that was given."""
    return str(model.path if isinstance(model, Artifact) else model)


def model_path(model: Any) -> Path:
    """Return the folder of a trained model: an artifact, its folder, a home (the champion) or `HOME@alias`."""
    if isinstance(model, Artifact):
        return model.path
    if str(model).startswith(CATALOG):
        raise UsageError(
            f"{model} is a start model: it has no task yet",
            remedy=f"fine-tune it first: oreline finetune DATA --start {model}",
        )
    path = Path(model)
    if path.is_file():
        raise ArtifactError(
            f"{path.name} is a file, not a model folder" + _pickle_hint(path),
            where=str(path),
            remedy="give the folder that `oreline finetune`, `compress` or `update` wrote",
        )
    return store.resolve(model)


def dataset(
    data: Any,
    *,
    roles: Mapping[str, str] | None = None,
    operators: Sequence[Any] = DEFAULT_OPERATORS,
    split: Mapping[str, float] | None = None,
    seed: int = 0,
    runs: Path | None = None,
    keep_unlabelled: bool = False,
    on_event: OnEvent = ignore,
) -> Dataset:
    """Return a dataset from what was given: one already, its folder, `FOLDER#split`, or raw data (refined first).

    Raw files are refined into `oreline-runs/refine-<hash of their content and these options>`, so that the same
    command finds the same dataset again. `runs` is another folder in place of `oreline-runs`.
    """
    from oreline.data.dataset import DATASET, Dataset
    from oreline.data.refine import Running, refine
    from oreline.engines.local import Local

    if isinstance(data, Dataset):
        return data
    refuse_no_data(data)
    if isinstance(data, str | Path):
        folder, _, chosen = _split_fragment(str(data))
        if Path(folder).is_dir() and (Path(folder) / DATASET).is_file():
            return only_split(Dataset.open(folder), chosen) if chosen else Dataset.open(folder)
        _refuse_model(Path(folder))
        data = folder
    kept = ["unlabelled"] if keep_unlabelled else []
    out = _refined_folder(data, roles, operators, split, seed, *kept, runs=runs or runs_folder())
    if (out / DATASET).is_file():
        refined = Dataset.open(out)
    else:
        on_event(Event("refine", message=f"refining the raw data into {out}"))
        with Local() as engine:
            refined = refine(
                data,
                roles={**catalog_roles(data), **(roles or {})},
                operators=plugs("operator", operators),
                split=dict(DEFAULT_SPLIT if split is None else split),
                out=out,
                seed=seed,
                keep_unlabelled=keep_unlabelled,
                running=Running(engine=engine),
                on_event=on_event,
            )
    return only_split(refined, chosen) if isinstance(data, str) and chosen else refined


def refuse_no_data(data: Any) -> None:
    """Raise `UsageError` where no data were given."""
    if data is None:
        raise UsageError("no data given", allowed="a file, a dataset folder, catalog:NAME, a frame or lists")


def _refuse_model(folder: Path) -> None:
    """Raise `UsageError` for a model where data are wanted: its JSON files would be read as rows."""
    if (folder / store.MANIFEST).is_file() or (folder / "config.json").is_file() or store.is_home(folder):
        raise UsageError(
            f"{folder} is a model, and data are wanted here",
            allowed="a file, a dataset folder, catalog:NAME",
            remedy="name the data first; a model to start from goes behind --start",
        )


def only_split(data: Dataset, split: str) -> Dataset:
    """Return a view of a dataset with one of its splits. Raises `DataError` for an unknown split."""
    rows = data.num_rows(split)
    return type(data)(data.path, data.manifest.model_copy(update={"splits": {split: rows}}))


def chosen_split(data: Dataset, split: str) -> str:
    """Return the split to use: the asked one, or the only one there is in place of a usual name.

    Raises `DataError` for a name that no split has, before anything is made for it.
    """
    chosen = data.splits[0] if len(data.splits) == 1 and split in DEFAULT_SPLIT else split
    data.num_rows(chosen)
    return chosen


def catalog_roles(data: Any) -> dict[str, str]:
    """Return the column roles that a catalog entry declares; none for anything else."""
    if isinstance(data, str) and data.startswith(CATALOG):
        return dict(catalog_entry(data, "dataset").roles)
    return {}


def is_described(data: Any) -> bool:
    """Whether a value describes a source: `{path: …, columns: …}`."""
    from oreline.data.input.described import is_described as described

    return described(data)


def content_key(data: Any) -> str | None:
    """Return a hash of raw data's content (files, catalog names, lists); none where it has no stable one."""
    if isinstance(data, str) and data.startswith(CATALOG):
        entry = catalog_entry(data, "dataset")
        return hashlib.sha256(f"{entry.package} {entry.package.sha256}".encode()).hexdigest()
    if isinstance(data, str | Path):
        file = Path(data)
        return store.file_sha256(file) if file.is_file() else None
    if isinstance(data, list | tuple) and all(isinstance(part, str | Path) for part in data):
        keys = [content_key(part) for part in data]
        return None if None in keys else hashlib.sha256(" ".join(map(str, keys)).encode()).hexdigest()
    if isinstance(data, Mapping):
        if is_described(data):  # what it stands for may change while its description does not
            found = content_key(data["path"]) if "path" in data else None
            return found and hashlib.sha256(f"{found} {json.dumps(data, sort_keys=True)}".encode()).hexdigest()
        try:
            return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
        except (TypeError, ValueError):
            return None
    return None


def _refined_folder(data: Any, *options: Any, runs: Path) -> Path:
    key = content_key(data)
    if key is None:
        return _new_folder("refine", runs)
    text = json.dumps([key, *options], sort_keys=True, default=str)
    return runs / f"refine-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _split_fragment(name: str) -> tuple[str, str, str]:
    return (name, "", "") if Path(name).exists() else name.partition("#")


def _checked_start(folder: Path) -> Path:
    from oreline.data.dataset import DATASET

    if (folder / store.MANIFEST).is_file():
        return Artifact.open(folder).path
    if (folder / DATASET).is_file():
        instead = "name it first, as in: oreline finetune DATA --start catalog:minilm-l6-en"
        raise UsageError(f"{folder} is a dataset, and --start wants a model", remedy=instead)
    lacking = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if not any(folder.glob("model.safetensors*")):  # whole, or the index of its parts
        lacking.append("model.safetensors")
    if lacking:
        raise ArtifactError(
            f"not a start model: it has no {', '.join(lacking)}" + _pickle_hint(folder),
            where=str(folder),
            allowed="a folder with config.json, model.safetensors and tokenizer.json",
            remedy=_remedy(folder, lacking),
        )
    return folder


def _remedy(folder: Path, lacking: Sequence[str]) -> str:
    """Say how what is lacking is made; a sentencepiece file is one step from a tokenizer.json."""
    pieces = sorted(file.name for file in folder.glob("*") if file.suffix in {".model", ".spm"})
    if lacking != ["tokenizer.json"] or not pieces:
        return "save the model with save_pretrained of transformers 4.35 or later, or use catalog:minilm-l6-en"
    if len(pieces) > 1:
        return f"{' and '.join(pieces)} are two vocabularies, as Marian has them: one tokenizer.json cannot hold both"
    return (
        f"make it of {pieces[0]}, with the package sentencepiece installed: "
        'AutoTokenizer.from_pretrained("FOLDER").save_pretrained("FOLDER")'
    )


def _pickle_hint(path: Path) -> str:
    files = [path] if path.is_file() else list(path.glob("*"))
    pickles = [f.name for f in files if f.suffix in {".pkl", ".pickle", ".pt", ".pth", ".bin", ".joblib", ".ckpt"}]
    return f" ({pickles[0]} is a pickle, which is never opened: save the weights as safetensors)" if pickles else ""


def _hub_folder(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"]))
    except ModuleNotFoundError:
        raise
    except Exception as error:  # hub, HTTP and cache errors have no common base
        raise ResourceError(
            f"there is no folder {name!r}, and the model hub did not give a model of that name: "
            + str(error).split("\n", 1)[0],
            remedy="check the connection (HF_ENDPOINT, HF_HUB_OFFLINE), or use a local folder or catalog:minilm-l6-en",
        ) from error

"""The graphs that int8 makes and chooses among, apart from the gate that judges them."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

from oreline.errors import OrelineError, UsageError
from oreline.runtime.batching import pad
from oreline.runtime.onnx import has_vnni, open_session
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.types import Encoded, Event

# By module: `oreline.compress` is also the verb, so a dotted name would find the function.
int8: ModuleType = importlib.import_module("oreline.compress.int8")
TEXTS = ["a great film", "the story", "a dull and tedious movie with a weak plot", "superb"] * 5


@pytest.fixture(scope="module")
def sample(torch_model: Artifact) -> Encoded:
    return open_runtime(torch_model).encode({"text": TEXTS})


@pytest.fixture(scope="module")
def exported(torch_model: Artifact, tmp_path_factory: pytest.TempPathFactory, export_once: Callable[..., None]) -> Path:
    """One graph for both forms of attention: what follows asks which form was asked for, not what it gives."""
    file = tmp_path_factory.mktemp("graph") / "model.onnx"
    export_once(torch_model, file, attention="eager")
    return file


@pytest.fixture(autouse=True)
def one_graph(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "export", lambda artifact, file, attention: shutil.copyfile(exported, file))


def quantised(file: Path) -> set[str]:
    """Return what kinds of node read weights of 8 bits."""
    graph = onnx.load(str(file)).graph
    small = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
    stored = {tensor.name for tensor in graph.initializer if tensor.data_type in small and tensor.dims}
    return {node.op_type for node in graph.node if stored & set(node.input)}


def test_the_fastest_graph_comes_first_with_its_embeddings_then_without(
    torch_model: Artifact, sample: Encoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = {"eager": 100.0, "eager-fused": 300.0, "sdpa": 200.0, "sdpa-fused": 150.0}
    monkeypatch.setattr(int8, "rows_per_s", lambda file, sample: speeds[file.name.split(".")[0]])
    said: list[Event] = []
    first, second = int8.Compression().compress(torch_model, sample, tmp_path, said.append)
    measured = [event.message.split()[2].rstrip(":") for event in said if event.stage == "measure"]
    fastest = max(measured, key=lambda name: speeds[name])
    assert {"eager", "sdpa"} <= set(measured), "both forms of attention are measured"
    assert any(name.endswith("-fused") for name in measured), "fused graphs are measured too"
    assert (first.name, second.name) == (f"{fastest}, embeddings", fastest)
    assert first.file.stat().st_size < second.file.stat().st_size
    assert "Gather" in quantised(first.file) - quantised(second.file)
    assert first.source == second.source == tmp_path / f"{fastest}.onnx"


def test_answers_are_near_those_of_the_graph_it_came_from(
    torch_model: Artifact, sample: Encoded, tmp_path: Path
) -> None:
    compression = int8.Compression(embeddings=False, graphs=("sdpa",))
    [best] = compression.compress(torch_model, sample, tmp_path, lambda event: None)
    assert best.resolved == {"graphs": ["sdpa"]}
    ids_BT, mask_BT = pad(sample.ids, 0)
    inputs = {"input_ids": ids_BT, "attention_mask": mask_BT}
    exact, near = (open_session(file).run(["logits", "embedding"], inputs) for file in (best.source, best.file))
    assert 0 < np.abs(near[0] - exact[0]).max() < 0.5
    assert near[1].shape == exact[1].shape


def test_one_scale_for_each_output_unless_told_otherwise(
    torch_model: Artifact, sample: Encoded, tmp_path: Path
) -> None:
    sizes = {}
    for per_channel in (True, False):
        folder = tmp_path / str(per_channel)
        folder.mkdir()
        compression = int8.Compression(embeddings=False, per_channel=per_channel, graphs=("eager",))
        [best] = compression.compress(torch_model, sample, folder, lambda event: None)
        scales = [t for t in onnx.load(str(best.file)).graph.initializer if t.name.endswith("_scale")]
        sizes[per_channel] = max(int(np.prod(t.dims)) for t in scales)
        assert compression.describe() == {
            "quantization": "dynamic", "per_channel": per_channel, "weight_bits": 8 if has_vnni() else 7,
        }  # fmt: skip
    assert sizes[False] == 1 < sizes[True]


def test_a_form_that_cannot_be_exported_leaves_the_other(
    torch_model: Artifact, sample: Encoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = int8.export

    def only(form: str) -> Callable[..., None]:
        def exported(artifact: Artifact, file: Path, *, attention: str) -> None:
            if attention != form:
                raise OrelineError(f"cannot export with {attention}")
            export(artifact, file, attention=attention)

        return exported

    monkeypatch.setattr(int8, "export", only("sdpa"))
    compression = int8.Compression(embeddings=False)
    [best] = compression.compress(torch_model, sample, tmp_path, lambda event: None)
    assert best.name.startswith("sdpa")
    monkeypatch.setattr(int8, "export", only("none"))
    with pytest.raises(OrelineError, match="cannot export with eager"):
        next(compression.compress(torch_model, sample, tmp_path, lambda event: None))


def test_a_single_graph_is_not_measured(
    torch_model: Artifact, sample: Encoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "rows_per_s", lambda file, sample: pytest.fail("measured"))
    compression = int8.Compression(graphs=("eager",))
    first, second = compression.compress(torch_model, sample, tmp_path, lambda event: None)
    assert (first.name, second.name) == ("eager, embeddings", "eager")
    assert second.resolved == {"graphs": ["eager"], "embeddings": False}


@pytest.mark.parametrize("graphs", [(), ("flash",), ("eager", "flash")])
def test_an_unknown_graph_is_refused(graphs: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="graph") as caught:
        int8.Compression(graphs=graphs)
    assert caught.value.allowed == "eager, eager-fused, sdpa, sdpa-fused"

"""A real linear model, small enough to be made in a moment, and a server around it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient
from tests.film_words import BAD, GOOD

from oreline.runtime.linear import LinearModel, ngrams, write_model
from oreline.runtime.open import open_runtime
from oreline.serve.app import create_app
from oreline.serve.settings import Settings
from oreline.store import Artifact, Manifest, seal, writing

FRESH, ROTTEN = " ".join(GOOD), " ".join(BAD)
GOLDEN = ["a great and warm film", "a dull and silly film", "the plot"]

MakeModel = Callable[..., Path]


def build_model(folder: Path, *, strength: float = 3.0, labels: tuple[str, str] = ("fresh", "rotten")) -> Path:
    """Write a linear model that weighs the trigrams of good words against those of bad ones."""
    counts = [Counter(ngrams(words, 3, 3)) for words in (FRESH, ROTTEN)]
    vocabulary = sorted(counts[0] | counts[1])
    weights_VK = np.asarray([[strength * (counts[k][ngram] > 0) for k in range(2)] for ngram in vocabulary])
    manifest = Manifest(runtime="linear", task="text_classification", task_options={"labels": list(labels)})
    with writing(folder) as temporary:
        write_model(temporary, LinearModel(3, 3, vocabulary, np.ones(len(vocabulary)), weights_VK, np.zeros(2)))
        seal(temporary, manifest)
    scores_NK = open_runtime(folder).predict({"text": GOLDEN}).outputs["scores"]
    golden = [
        {"inputs": {"text": text}, "scores": [float(score) for score in scores_K]}
        for text, scores_K in zip(GOLDEN, scores_NK, strict=True)
    ]
    seal(folder, manifest.model_copy(update={"golden": golden}))
    return folder


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Make a model in a folder of the test: `make_model("a", strength=2.0)`."""
    return lambda name="model", **options: build_model(tmp_path / name, **options)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model for all tests that change nothing in it."""
    return build_model(tmp_path_factory.mktemp("serve") / "model")


@pytest.fixture(scope="session")
def artifact(model: Path) -> Artifact:
    """The same, opened."""
    return Artifact.open(model)


@pytest.fixture
def make_client(model: Path, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """Start the application: `make_client(max_rows=4)`; it ends with the test."""
    clients: list[TestClient] = []

    def make(model: Path = model, **options: object) -> TestClient:
        settings = Settings(**{"log_url": str(tmp_path / "log.sqlite"), **options})
        client = TestClient(create_app(model, settings=settings), raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    """A server with default settings."""
    return make_client()


@pytest.fixture
def serve(model: Path) -> Iterator[Callable[..., tuple[str, int]]]:
    """Run a real server in a thread: `serve(max_rows=4)` returns its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(model: Path = model, **options: object) -> tuple[str, int]:
        app = create_app(model, settings=Settings(**{"log": False, **options}))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.005)
        address: tuple[str, int] = server.servers[0].sockets[0].getsockname()
        start.service = app.state.service  # type: ignore[attr-defined]
        return address

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=60)


@pytest.fixture(scope="session")
def onnx_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real ONNX artifact with a WordPiece tokenizer: the mean of word vectors, times a matrix. At most 16 tokens."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *FRESH.split(), *ROTTEN.split(), "film", "plot", "the", "a"]
    tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    table_VD = np.random.default_rng(0).normal(scale=0.1, size=(len(words), 4)).astype(np.float32)
    table_VD[4:14, 0] += 3
    table_VD[14:24, 0] -= 3
    matrix_DK = np.zeros((4, 2), dtype=np.float32)
    matrix_DK[0] = [2, -2]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["weights"]),
        helper.make_node("Mul", ["words", "weights"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["weights", "one"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "matrix"], ["logits"]),
    ]
    arrays = {"table": table_VD, "matrix": matrix_DK, "last": np.array([-1]), "one": np.array([1])}
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["B", "T"]) for n in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["B", "D"]) for n in ("logits", "embedding")],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    folder = tmp_path_factory.mktemp("onnx") / "model"
    manifest = Manifest(
        runtime="onnx",
        task="text_classification",
        task_options={"labels": ["fresh", "rotten"]},
        max_tokens=16,
        extra={"precision": "fp32", "pad_id": 0},
    )
    with writing(folder) as temporary:
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10),
            str(temporary / "model.onnx"),
        )
        tokenizer.save(str(temporary / "tokenizer.json"))
        seal(temporary, manifest)
    return folder


@pytest.fixture(scope="session")
def talker(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model that was not trained: it says any bytes, and never ends by itself within 40 tokens."""
    import shutil

    from oreline.models.tokenizing import tokenizer as open_tokenizer
    from oreline.recipe import TrainOptions
    from oreline.tasks.chat import Task

    task = Task(generation={"max_new_tokens": 40}).prepared(tiny_llama, open_tokenizer(tiny_llama), TrainOptions())
    folder = tmp_path_factory.mktemp("talker") / "model"
    with writing(folder) as temporary:
        shutil.copytree(tiny_llama, temporary, dirs_exist_ok=True)
        seal(temporary, Manifest(runtime="torch", task="chat", task_options=task.options, max_tokens=128))
    return folder

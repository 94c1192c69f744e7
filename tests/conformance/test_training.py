"""What every method, head, objective, optimizer, regularizer, tracker and compression must do, whatever it is."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from oreline import registry
from oreline.data.refine import refine
from oreline.errors import UsageError
from oreline.evaluate.estimates import point_values
from oreline.models.batch import Batch, make_batch
from oreline.models.pairs import StepTexts, pair_batches
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.train import checkpoint, resources
from oreline.train.finetune import finetune
from oreline.train.regularize import regularized
from oreline.train.resources import forecast
from oreline.train.workspace import Workspace

ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32), np.array([2, 12, 6, 3], np.int32)]


METHOD_OPTIONS: dict[str, dict[str, Any]] = {
    "k_fold": {"folds": 2},
    "prompt": {"pattern": "{text} very [MASK]", "words": {"fresh": "great", "rotten": "awful"}},
}
"""What a method does not do without."""
METHOD_TASKS = {"pairs": "embedding", "lead": "seq2seq"}
"""The task of a method that teaches one kind alone."""


def options_survive_json(kind: str, name: str, given: dict[str, Any] | None = None) -> None:
    """Options round-trip through a recipe: what is written as JSON builds the same plug."""
    plug = registry.get(kind, name)
    defaults = (given or {}) | {o.name: o.default for o in registry.options_of(plug) if not o.required}
    rebuilt = registry.create(kind, name, **json.loads(json.dumps(defaults)))
    for option, value in defaults.items():
        if hasattr(rebuilt, option) and not isinstance(value, tuple):
            assert getattr(rebuilt, option) == value


@pytest.mark.parametrize("name", registry.names("method"))
def test_methods(name: str, reviews, tiny_start: Path, tmp_path: Path):
    given = METHOD_OPTIONS.get(name, {})
    task = METHOD_TASKS.get(name, "text_classification")
    if task == "embedding":
        pairs = reviews.frame("train").head(60).select("text", pl.col("group").alias("text_pair"))
        reviews = refine(pairs, roles={}, operators=[], split={"train": 1.0}, out=tmp_path / "pairs")
    options_survive_json("method", name, given)
    if task == "seq2seq":
        texts = reviews.frame("train").head(60).select("text", pl.col("label").alias("target_text"))
        reviews = refine(texts, roles={}, operators=[], split={"train": 1.0}, out=tmp_path / "texts")
    if name == "self_training":
        more = {"text": [f"a great warm film {number}" for number in range(30)]}
        labelled = {split: reviews.frame(split).select("text", "label") for split in ("train", "dev")}
        reviews = refine({**labelled, "unlabelled": more}, roles={}, operators=[], split={}, out=tmp_path / "more")
        given = {"precision": 0.4}
    before = reviews.frame("train")
    made = [
        finetune(
            tiny_start,
            reviews,
            task=task,
            method=name,
            method_options=given,
            options=TrainOptions(epochs=0.5, threads=1),
            out=tmp_path / copy,
            score=point_values,
        )
        for copy in ("a", "b")
    ]
    weights = [sorted(entry["sha256"] for file, entry in artifact.manifest.files.items() if "safetensors" in file)
               for artifact in made]  # fmt: skip
    assert weights[0] == weights[1], "the same seed gives the same weights"
    assert reviews.frame("train").equals(before), "the input is not changed"
    runtime = open_runtime(made[0])
    for texts in ([], ["a fine film"], ["", "好", "x " * 500]):
        scores_NK = runtime.predict({"text": texts}).outputs["scores"]
        if task == "seq2seq":
            assert len(scores_NK) == len(texts)
            assert all(text.startswith(str(given)) for text, given in zip(texts, runtime.task.predicted(scores_NK)))
            continue
        assert scores_NK.shape == (len(texts), 32 if task == "embedding" else 2) or not texts
        assert np.isfinite(scores_NK).all()


HEAD_TARGETS: dict[str, Any] = {
    "sequence_classification": np.array([0, 1, 2]),
    "multilabel": np.array([[0, 1], [1, 1], [0, 0]], np.float32),
    "regression": np.array([0.5, -1.0, 2.0]),
    "token_classification": [np.arange(len(row)) % 3 for row in ROWS],
    "embedding": np.zeros((3, 32), np.float32),
    "question_answering": [np.array([0, -100, 1, 2, -100]), np.array([3, 0, -100]), np.array([0, -100, 3, -100])],
    "causal": [np.array([-100, -100, 9, 11, 3]), np.array([-100, 8, 3]), np.array([-100, -100, 6, 3])],
    "seq2seq": [np.array([9, 11, 3]), np.array([8, 3]), np.array([6, 3])],
}
"""What each head learns from."""
HEAD_STARTS = {"causal": "tiny_llama", "seq2seq": "tiny_t5"}
"""Fixtures of the start models of heads that write; the others begin with an encoder."""


def pair_batch() -> Batch:
    """Two pairs: the first row's second is the next one, whose second is the last."""
    places = {"query_B": [0, 1], "second_B": [1, 2], "candidate_C": [1, 2], "own_B": [0, 1], "back_N": [0, 1, 2]}
    step = StepTexts(
        known_BC=torch.eye(2, dtype=torch.bool),
        **{name: torch.tensor(values) for name, values in places.items()},
    )
    return pair_batches([make_batch(ROWS, 0)], step, cached=False)[0]


@pytest.mark.parametrize("name", registry.names("head"))
def test_heads(name: str, request: pytest.FixtureRequest):
    torch.manual_seed(0)
    targets = HEAD_TARGETS[name]
    by_token = isinstance(targets, list)
    num_labels = 3 if by_token or name == "sequence_classification" else targets.reshape(len(ROWS), -1).shape[1]
    num_labels = 2 if name == "question_answering" else num_labels  # whether a token begins the answer, or ends it
    head = registry.create("head", name, num_labels=num_labels)
    model = head.module(request.getfixturevalue(HEAD_STARTS.get(name, "tiny_start")))
    make = getattr(head, "make_batch", make_batch)
    batch = make(ROWS, 0, targets=targets)
    learnt = pair_batch() if name == "embedding" else batch
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    model.eval()  # without dropout two steps must lower the loss
    for _ in range(3):
        loss = head.loss(model, learnt) / learnt.weight
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[2] < losses[0]
    if name in HEAD_STARTS:
        nats_B, tokens_B = head.costs(model, batch)
        alone_1, _ = head.costs(model, make(ROWS[1:2], 0, targets=targets[1:2]))
        assert tokens_B.tolist() == [3, 2, 2]
        assert alone_1[0] == pytest.approx(nats_B[1], abs=1e-4)  # padding changes nothing
        return
    with torch.inference_mode():
        logits_BK, embedding_BD = head.outputs(model, batch)
        alone_1K, _ = head.outputs(model, make_batch(ROWS[1:2], 0))
    assert (logits_BK.shape[0], logits_BK.shape[-1]) == (3, num_labels)
    assert embedding_BD.shape == (3, 32)
    own = logits_BK[1, : len(ROWS[1])] if by_token else logits_BK[1]
    np.testing.assert_allclose(alone_1K[0], own, atol=1e-4)  # padding changes nothing


@pytest.mark.parametrize("name", registry.names("objective"))
def test_objectives(name: str, tiny_start: Path):
    from oreline.models.load import load_masked

    options_survive_json("objective", name)
    objective = registry.create("objective", name)
    torch.manual_seed(0)
    model = load_masked(tiny_start).eval()
    ids_BT = torch.randint(5, 60, (8, 32))
    kept_BT = ids_BT.clone()
    made = [
        objective.corrupt(
            ids_BT, ids_BT < 5, torch.Generator().manual_seed(1), mask_id=4, vocab_size=model.config.vocab_size
        )
        for _ in range(2)
    ]
    assert torch.equal(made[0][0], made[1][0])
    assert torch.equal(ids_BT, kept_BT)
    corrupted_BT, targets_BT = made[0]
    batch = Batch(corrupted_BT, None, 256, targets=targets_BT, weight=float((targets_BT != -100).sum()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        loss = objective.loss(model, batch) / batch.weight
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[2] < losses[0]


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_optimizers(name: str):
    options_survive_json("optimizer", name)
    with pytest.raises(UsageError, match="has no option 'beta9'"):
        registry.create("optimizer", name, beta9=0.5)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = registry.create("optimizer", name).build(model, learning_rate=0.05, weight_decay=0.01)
    inputs_BD = torch.randn(32, 4)
    targets_B1 = inputs_BD.sum(1, keepdim=True)
    losses = []
    for _ in range(30):
        loss = torch.nn.functional.mse_loss(model(inputs_BD), targets_B1)
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.5 * losses[0]
    assert {id(p) for group in optimizer.param_groups for p in group["params"]} == {id(p) for p in model.parameters()}


def classifier(start: Path, name: str, **build: Any) -> tuple[Any, Any, torch.optim.Optimizer]:
    """Return a head, an encoder under it, in evaluation mode, and an optimizer over both."""
    torch.manual_seed(0)
    head = registry.create("head", "sequence_classification", num_labels=3)
    model = head.module(start).eval()
    given = {"learning_rate": 1e-3, "weight_decay": 0.1} | build
    return head, model, registry.create("optimizer", name).build(model, **given)


def steps_made(head: Any, model: Any, optimizer: torch.optim.Optimizer, number: int) -> list[float]:
    """Make steps on the same rows; returns the loss before each."""
    batch, losses = make_batch(ROWS, 0, targets=np.array([0, 1, 2])), []
    for _ in range(number):
        loss = head.loss(model, batch) / batch.weight
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return losses


def at_half_the_rate(head: Any, model: Any, optimizer: torch.optim.Optimizer) -> None:
    """Make three steps at another rate, which the groups are told as the loop tells them."""
    for group in optimizer.param_groups:
        group["lr"] = 0.5e-3 * group["scale"]
    steps_made(head, model, optimizer, 3)


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_two_steps_of_an_optimizer_lower_the_loss(name: str, tiny_start: Path):
    losses = steps_made(*classifier(tiny_start, name), 3)
    assert losses[2] < losses[0]


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_optimizers_decay_matrices_alone_and_apart_from_the_gradient(name: str, tiny_start: Path):
    head, model, optimizer = classifier(tiny_start, name, learning_rate=0.1, weight_decay=0.5)
    before = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    for key, parameter in model.named_parameters():
        parameter.grad = None if "pooler" in key else torch.zeros_like(parameter)
    optimizer.step()
    for key, parameter in model.named_parameters():
        factor = 0.95 if parameter.ndim >= 2 and "pooler" not in key else 1.0  # 1 - 0.1 * 0.5
        torch.testing.assert_close(parameter.detach(), before[key] * factor, msg=key)


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_optimizers_leave_frozen_parameters_alone(name: str, tiny_start: Path):
    torch.manual_seed(0)
    head = registry.create("head", "sequence_classification", num_labels=3)
    model = head.module(tiny_start).eval()
    frozen = {key: p for key, p in model.named_parameters() if "layer.0" in key or "embeddings" in key}
    for parameter in frozen.values():
        parameter.requires_grad_(False)
    before = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    optimizer = registry.create("optimizer", name).build(model, learning_rate=1e-3, weight_decay=0.1)
    steps_made(head, model, optimizer, 2)
    for key, parameter in model.named_parameters():
        assert torch.equal(parameter, before[key]) == (key in frozen), key


@pytest.mark.parametrize("layer_decay", [None, 0.5])
@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_optimizers_give_each_layer_its_rate(name: str, layer_decay: float | None, tiny_start: Path):
    _, model, optimizer = classifier(tiny_start, name, layer_decay=layer_decay)
    scales = {id(p): group["scale"] for group in optimizer.param_groups for p in group["params"]}
    expected = {"embeddings": 0.125, "layer.0": 0.25, "layer.1": 0.5, "pooler": 1.0, "classifier": 1.0}
    for key, parameter in model.named_parameters():
        (part,) = (part for part in expected if f"{part}." in key)
        assert scales[id(parameter)] == (expected[part] if layer_decay else 1.0), key
    assert all(group["lr"] == 1e-3 * group["scale"] for group in optimizer.param_groups)


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_optimizers_continue_from_a_checkpoint_to_the_same_bits(name: str, tiny_start: Path, tmp_path: Path):
    head, whole, optimizer = classifier(tiny_start, name, layer_decay=0.5)
    steps_made(head, whole, optimizer, 3)
    work = Workspace(tmp_path)
    checkpoint.save(work, whole, optimizer, {"step": 3})
    state, weights = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(whole.state_dict())
    at_half_the_rate(head, whole, optimizer)
    _, killed, its_own = classifier(tiny_start, name, layer_decay=0.5)
    assert checkpoint.load(work, killed, its_own) == {"step": 3}
    _, reloaded, another = classifier(tiny_start, name, layer_decay=0.5)
    reloaded.load_state_dict(weights)
    another.load_state_dict(state)
    for model, continued in ((killed, its_own), (reloaded, another)):
        at_half_the_rate(head, model, continued)
        for key, value in whole.state_dict().items():
            assert torch.equal(value, model.state_dict()[key]), key


REGULARIZED_HEADS = {
    "sequence_classification": np.array([0, 1, 2]),
    "multilabel": np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]], np.float32),
    "regression": np.array([0.5, -1.0, 2.0], np.float32),
}
STRENGTHS = ("alpha", "gamma", "strength", "epsilon")
"""Options of a regularizer of the loss; at 0 it changes nothing."""


def regularized_model(start: Path, head: str, entries: list[Any]) -> tuple[Any, Any, Batch]:
    """Return the wrapped loss with its average, an encoder with dropout, and a batch."""
    torch.manual_seed(0)
    opened = registry.create("head", head, num_labels=1 if head == "regression" else 3)
    model = opened.module(start)
    return regularized(entries, opened), model, make_batch(ROWS, 0, targets=REGULARIZED_HEADS[head])


@pytest.mark.parametrize("head", REGULARIZED_HEADS)
@pytest.mark.parametrize("name", registry.names("regularizer"))
def test_two_steps_with_a_regularizer_lower_the_loss(name: str, head: str, tiny_start: Path):
    options_survive_json("regularizer", name)
    with pytest.raises(UsageError, match="has no option 'power'"):
        registry.create("regularizer", name, power=1)
    found, model, batch = regularized_model(tiny_start, head, [name])
    model.eval()
    weights = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for step in range(1, 4):
        loss = found.loss(model, batch) / batch.weight
        losses.append(float(loss.detach()))
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
        if step == 1:  # nothing but gradients is left behind
            assert all(torch.equal(p, weights[key]) for key, p in model.named_parameters())
        optimizer.step()
        optimizer.zero_grad()
        if found.average:
            found.average.after_step(model, step, 3)
    assert losses[2] < losses[0]
    if found.average:
        found.average.finish(model)
        assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("name", registry.names("regularizer"))
def test_a_regularizer_without_strength_leaves_the_loss_alone(name: str, tiny_start: Path):
    options = {option.name for option in registry.options_of(registry.get("regularizer", name))}
    zero = {strength: 0 for strength in STRENGTHS if strength in options}
    found, model, batch = regularized_model(tiny_start, "sequence_classification", [{name: zero}])
    assert zero or found.average
    plain = regularized_model(tiny_start, "sequence_classification", [])[0]
    assert (found.cost, found.passes) == (1, 1)
    assert found.copies == (found.average is not None)
    torch.manual_seed(1)
    exact = plain.loss(model.train(), batch)
    torch.manual_seed(1)
    assert torch.equal(found.loss(model, batch), exact)


@pytest.mark.parametrize("name", registry.names("regularizer"))
def test_a_regularizer_counts_its_work(name: str, tiny_start: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "held_bytes", lambda device: 0)
    monkeypatch.setattr(resources, "peak_anew", lambda device: False)  # what is added up, not what is measured
    found, model, batch = regularized_model(tiny_start, "sequence_classification", [name])
    plain = regularized_model(tiny_start, "sequence_classification", [])[0]
    calls: list[Any] = []
    model.register_forward_hook(lambda *_: calls.append(1))
    found.loss(model, batch)
    assert found.passes <= len(calls)
    assert (found.cost > 1) == (len(calls) > 1)
    alone = forecast(model, [batch], plain.loss, bf16=False)
    whole = forecast(model, [batch], found.loss, bf16=False, passes=found.passes, copies=found.copies)
    assert whole.memory_bytes > alone.memory_bytes


def trained(start: Path, data: Any, out: Path, **options: Any) -> Artifact:
    """Train a few steps."""
    given = TrainOptions(**{"epochs": 1, "threads": 1, "learning_rate": 1e-3, **options})
    return finetune(start, data, task="text_classification", method="full", options=given, out=out, score=point_values)


@pytest.fixture(scope="module")
def plain_weights(reviews, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the weights of a training without regularizers."""
    made = trained(tiny_start, reviews, tmp_path_factory.mktemp("plain") / "model")
    return made.manifest.files["model.safetensors"]["sha256"]


@pytest.mark.parametrize("name", registry.names("regularizer"))
def test_regularizers_train_to_the_same_bytes(name: str, reviews, tiny_start: Path, tmp_path: Path, plain_weights: str):
    made = [trained(tiny_start, reviews, tmp_path / copy_of, regularizers=[name]) for copy_of in "ab"]
    assert [artifact.manifest.recipe["options"]["train"]["regularizers"] for artifact in made] == [[name]] * 2
    hashes = [artifact.manifest.files["model.safetensors"]["sha256"] for artifact in made]
    assert hashes[0] == hashes[1] != plain_weights


@pytest.mark.parametrize("name", registry.names("tracker"))
@pytest.mark.filterwarnings("ignore")  # the libraries have deprecations of their own
def test_trackers(name: str, tmp_path: Path):
    tracker = registry.get("tracker", name)(tmp_path / "logs", run_name="try", config={"learning_rate": 0.1})
    for step in (1, 2, 3):
        tracker.log(step, {"loss": 1.0 / step})
    tracker.close()
    assert any(file.stat().st_size for file in (tmp_path / "logs").rglob("*") if file.is_file())


@pytest.mark.parametrize("name", registry.names("compression"))
def test_compressions(name: str, reviews, shallow_start: Path, tmp_path: Path):
    options_survive_json("compression", name)
    plug = registry.create("compression", name, graphs=["sdpa"], embeddings=False)
    model = trained(shallow_start, reviews, tmp_path / "model", epochs=0.2)
    runtime = open_runtime(model)
    sample = runtime.encode({"text": ["a fine film", "a dull film with a weak plot"]})
    candidates = list(plug.compress(model, sample, tmp_path, lambda _event: None))
    assert candidates
    for candidate in candidates:
        registry.create("compression", name, **candidate.resolved)  # what it resolved are options of the plug
        assert candidate.file.is_file()
        assert candidate.source.is_file()
    json.dumps(plug.describe())

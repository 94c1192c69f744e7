"""What the routes do, without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from oreline import registry
from oreline.errors import ArtifactError, DataError
from oreline.monitor.log import PredictionLog
from oreline.serve.refusals import DeadlineError, Refusal
from oreline.serve.service import Service
from oreline.serve.settings import Settings
from oreline.store import Artifact

_TAGS = ["O", "B-X", "I-X"]


async def _stays() -> None:
    await asyncio.Event().wait()


async def _goes() -> None:
    await asyncio.sleep(0)


@pytest.fixture
def service(model: Path, tmp_path: Path) -> Iterator[Service]:
    service = Service(model, Settings(log_url=str(tmp_path / "log.sqlite")))
    service.start()
    yield service
    service.close()


def test_answers_have_an_id_and_are_logged(service: Service, tmp_path: Path) -> None:
    rows = [{"text": "a great film"}, {"text": "a dull film"}]
    answers, served, warnings = asyncio.run(service.predict(rows, _stays))
    assert [answer["label"] for answer in answers] == ["fresh", "rotten"]
    assert all(len(answer["id"]) == 32 and answer["truncated"] is False for answer in answers)
    assert warnings == []
    asyncio.run(service.feedback(answers[0]["id"], "rotten"))
    asyncio.run(service.delete(answers[1]["id"]))
    log = PredictionLog(tmp_path / "log.sqlite", create=False)
    assert [(row["text"], row["label"]) for row in log.feedback_rows()] == [("a great film", "rotten")]
    assert log.count() == 1
    log.close()
    assert served.identity["precision"] == "fp32"


def test_feedback_of_an_unknown_label_or_row_is_refused(service: Service) -> None:
    with pytest.raises(DataError, match="unknown label 'frehs'"):
        asyncio.run(service.feedback("0" * 32, "frehs"))
    with pytest.raises(Refusal) as caught:
        asyncio.run(service.feedback("0" * 32, "fresh"))
    assert caught.value.status == 404


def test_an_answer_that_nobody_waits_for_or_that_is_late(model: Path) -> None:
    service = Service(model, Settings(log=False, deadline_s=0.05))  # not started: nothing is computed
    with pytest.raises(Refusal) as caught:
        asyncio.run(service.predict([{"text": "a"}], _goes))
    assert caught.value.status == 499
    with pytest.raises(DeadlineError, match=r"within 0\.05 s"):
        asyncio.run(service.predict([{"text": "a"}], _stays))


def test_it_is_ready_until_it_drains(service: Service) -> None:
    assert asyncio.run(service.faults()) == []
    service.drain()
    assert asyncio.run(service.faults()) == ["draining: the server is going away"]
    assert service.meters.registry.get_sample_value("oreline_draining") == 1


def test_an_explanation_names_the_word(service: Service) -> None:
    found, _ = asyncio.run(service.explain({"text": "a wonderful film"}, "fresh", _stays))
    assert max(found["words"], key=lambda word: word["weight"])["word"] == "wonderful"


def test_a_model_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        Service(tmp_path / "nowhere", Settings(log_url=str(tmp_path / "log.sqlite")))
    PredictionLog(tmp_path / "log.sqlite").close()  # nobody holds it any more


def test_feedback_of_several_labels_is_learnt_from(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(artifact.path, Settings(log_url=str(tmp_path / "several.sqlite")))
    service.start()
    try:
        [answer], _, _ = asyncio.run(service.predict([{"text": "a great film"}], _stays))
        several = registry.create("task", "multilabel", labels=["fresh", "rotten"])
        monkeypatch.setattr(service.live.current.runtime, "task", several)
        with pytest.raises(DataError, match=r"unknown label 'fresh\|rotten'") as caught:
            asyncio.run(service.feedback(answer["id"], "fresh|rotten"))
        assert '["a", "b"]' in caught.value.remedy
        with pytest.raises(DataError, match="unknown label"):
            asyncio.run(service.feedback(answer["id"], ["fresh", "frehs"]))
        asyncio.run(service.feedback(answer["id"], ["fresh", "rotten"]))
        frames = registry.create("task", "intent_slots", intents=["a", "b"], tags=["O", "B-X"])
        monkeypatch.setattr(service.live.current.runtime, "task", frames)
        with pytest.raises(DataError, match="unknown label") as caught:
            asyncio.run(service.feedback(answer["id"], ["O", "B-X"]))
        assert "the label and then a tag for each word" in caught.value.remedy
    finally:
        service.close()
    log = PredictionLog(tmp_path / "several.sqlite", create=False)
    [row] = log.feedback_rows()
    log.close()
    assert several.encode_target([row["label"]]).tolist() == [[1.0, 1.0]]


def test_feedback_goes_by_what_was_predicted(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(artifact.path, Settings(log_url=str(tmp_path / "words.sqlite")))
    service.start()

    def refused(id: str, label: str | list[str]) -> DataError:
        with pytest.raises(DataError) as caught:
            asyncio.run(service.feedback(id, label))
        assert caught.value.where == "label"
        return caught.value

    try:
        [answer], _, _ = asyncio.run(service.predict([{"text": "Ann left 北京"}], _stays))
        id = answer["id"]
        monkeypatch.setattr(
            service.live.current.runtime, "task", registry.create("task", "token_classification", labels=_TAGS)
        )
        assert "the row has 4 words and 2 tags" in refused(id, ["B-X", "O"]).what
        assert "4 words and 0 tags" in refused(id, []).what
        assert "breaks BIO" in refused(id, "O O O I-X").what
        with pytest.raises(Refusal) as unknown:
            asyncio.run(service.feedback("0" * 32, ["O"]))
        assert unknown.value.status == 404
        asyncio.run(service.feedback(id, ["O", "O", "B-X", "I-X"]))
        frames = registry.create("task", "intent_slots", intents=["a", "b"], tags=_TAGS)
        monkeypatch.setattr(service.live.current.runtime, "task", frames)
        assert "4 words and 0 tags" in refused(id, "a").what
        assert "4 words and 3 tags" in refused(id, ["a", "O", "O", "O"]).what
        asyncio.run(service.feedback(id, ["b", "O", "O", "B-X", "I-X"]))
    finally:
        service.close()
    log = PredictionLog(tmp_path / "words.sqlite", create=False)
    [row] = log.feedback_rows()
    log.close()
    assert frames.encode_target([row["label"]])[0].tolist() == [4, 0, 0, 1, 2]

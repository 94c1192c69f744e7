"""`mask_pii` alone and in a refinery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline import registry
from oreline.data.ledger import CHANGE_REASON, DROP_REASON, FLAG_REASON
from oreline.data.operators.mask_pii import Operator
from oreline.data.pii.files import FILE, SPANS
from oreline.data.pii.keyed import Key
from oreline.data.refine import refine
from oreline.errors import UsageError

TEXTS = [
    "联系人：张三，电话13812345678。",
    "A fine film",
    "Mail ann@example.com or a.b@example.org now",
    "身份证11010519491231002X",
]
SECRETS = ("张三", "13812345678", "ann@example.com", "a.b@example.org", "11010519491231002X")


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    file = tmp_path / "pii.key"
    file.write_text("k" * 40)
    return str(file)


def frame(texts: Sequence[str | None] = TEXTS) -> pl.DataFrame:
    return pl.DataFrame({"row_id": [f"a:{n}" for n, _ in enumerate(texts, 1)], "text": texts})


def test_masks_in_both_languages() -> None:
    made = Operator().edit(frame())
    assert made["text"].to_list() == [
        "联系人：[姓名]，电话[手机号]。",
        "A fine film",
        "Mail [EMAIL] or [EMAIL] now",
        "身份证[身份证号]",
    ]
    assert made[CHANGE_REASON].to_list() == ["mobile, name", None, "email", "id_number"]


def test_actions_by_kind(key_file: str) -> None:
    operator = Operator(action="flag", actions={"id_number": "drop", "email": "pseudonym"}, key_file=key_file)
    made = operator.edit(frame())
    assert made["text"][0] == TEXTS[0]
    assert made[FLAG_REASON].to_list() == ["mobile, name", None, None, None]
    assert made[DROP_REASON].to_list() == [None, None, None, "id_number"]
    assert made["text"][2].count("@example.com") == 2


@pytest.mark.parametrize("action", ["hash", "pseudonym"])
def test_the_same_value_gets_the_same_in_every_process(action: str, key_file: str, tmp_path: Path) -> None:
    texts = ["打13812345678", "打138-1234-5678", "打13812345679"]
    first, second = (
        registry.create("operator", "mask_pii", action=action, key_file=key_file).edit(frame(texts)) for _ in range(2)
    )
    assert first.equals(second)
    a, b, c = first["text"].to_list()
    assert a.replace("-", "") == b.replace("-", "") != c
    other = tmp_path / "other.key"
    other.write_text("q" * 40)
    assert Operator(action=action, key_file=str(other)).edit(frame(texts))["text"][0] != a


def test_a_refinery_keeps_the_places_and_never_the_values(key_file: str, tmp_path: Path) -> None:
    operators = [
        ("mask_pii", Operator(actions={"id_number": "drop", "name": "flag"}, key_file=key_file, reversible=True))
    ]
    source = {"text": TEXTS, "label": ["a", "b", "a", "b"]}
    data = refine(source, operators=operators, split={}, out=tmp_path / "out")
    rows = data.frame("all")
    assert SPANS not in rows.columns
    assert rows.height == 3
    ledger = data.ledger().select("row_id", "action", "reason").rows()
    assert ledger == [
        ("data:1", "changed", "mobile"),
        ("data:3", "changed", "email"),
        ("data:1", "flagged", "name"),
        ("data:4", "dropped", "id_number"),
    ]
    places = pl.read_parquet(tmp_path / "out" / FILE)
    assert places["kind"].to_list() == ["name", "mobile", "email", "email"]
    key = Key.read(key_file)
    for row in places.iter_rows(named=True):
        number = int(row["row_id"].split(":")[1]) - 1
        value = TEXTS[number][row["start"] : row["end"]]
        assert value in SECRETS
        assert row["sealed"] is None if row["action"] == "flag" else key.unseal(row["sealed"], row["kind"]) == value
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file() and file.suffix in (".json", ".html"):
            assert not any(secret in file.read_text(encoding="utf-8") for secret in SECRETS)
    for written in (places, data.ledger()):
        assert not any(secret in str(value) for secret in SECRETS for row in written.rows() for value in row)


def test_dialogues_tags_and_answers_stay_what_they_are(tmp_path: Path) -> None:
    chat = {"text": ['[{"role": "user", "content": "我的电话是13812345678"}]'], "target_text": ["好的，13812345678"]}
    asked = {
        "text": ["Who called?"],
        "text_pair": ["13812345678 called Ann Lee."],
        "answers": ['[{"text": "Ann Lee", "start": 19}]'],
    }
    tagged = {"text": ['["Call", "13812345678", "Ann"]'], "tags": ['["O", "O", "B-PER"]']}
    made = [
        refine(s, operators=[("mask_pii", Operator())], split={}, out=tmp_path / str(n)).frame("all").row(0, named=True)
        for n, s in enumerate((chat, asked, tagged))
    ]
    assert json.loads(made[0]["text"]) == [{"role": "user", "content": "我的电话是[手机号]"}]
    assert made[0]["target_text"] == "好的，[手机号]"
    assert made[1]["text_pair"] == "[PHONE] called Ann Lee."
    assert json.loads(made[1]["answers"]) == [{"text": "Ann Lee", "start": 15}]
    assert json.loads(made[2]["text"]) == ["Call", "[PHONE]", "Ann"]
    assert made[2]["tags"] == tagged["tags"][0]


def test_a_second_pass_adds_its_places() -> None:
    first = Operator(kinds=["mobile"]).edit(frame(["13812345678 a@b.cn", "x"]))
    both = Operator(kinds=["email"]).edit(first.drop(CHANGE_REASON, DROP_REASON, FLAG_REASON))
    assert [place["kind"] for place in json.loads(both[SPANS][0])] == ["mobile", "email"]
    assert both[SPANS][1] is None


def test_a_model_finds_more() -> None:
    class Finder:
        def predict(self, texts: Sequence[str]) -> pl.DataFrame:
            return pl.DataFrame({"entities": [[{"label": "PER", "start": 0, "end": 3}] for _ in texts]})

    operator = Operator(model="runs/ner", kinds=["name", "mobile"])
    assert operator.models == {"finder": "runs/ner"}
    with pytest.raises(UsageError, match="not given its model"):
        operator.edit(frame())
    operator.bind({"finder": Finder()})
    assert operator.edit(frame(["Ann has 13812345678"]))["text"].to_list() == ["[NAME] has [PHONE]"]


class Names:
    """A model that finds people and places, and says so."""

    entities = ("LOC", "PER")


def test_entities_that_the_model_lacks_are_refused_when_it_is_given() -> None:
    Operator(model="runs/ner", model_kinds={"loc": "address"}).bind({"finder": Names()})
    with pytest.raises(UsageError, match="finds no entity 'PERSON'") as told:
        Operator(model="runs/ner", model_kinds={"PERSON": "name"}).bind({"finder": Names()})
    assert "PER" in told.value.allowed
    with pytest.raises(UsageError, match="which of the entities that the model finds are private data: LOC, PER"):
        Operator(model="runs/ner", kinds=["mobile"]).bind({"finder": Names()})
    Operator(model="runs/ner", kinds=["name"], model_kinds={"PER": "name"}).bind({"finder": Names()})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ["phones"]}, "no kind of private data 'phones'"),
        ({"kinds": ["qq"], "actions": {"email": "drop"}}, "given for 'email', which is not looked for"),
        ({"action": "hash"}, "hash needs a key"),
        ({"reversible": True}, "reversible needs a key"),
        ({"key_file": "/nowhere/pii.key"}, "cannot be read"),
        ({"model_kinds": {"PER": "organisation"}}, "'organisation', which is not looked for"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Operator(**options)


def test_entities_without_a_model_are_refused() -> None:
    with pytest.raises(UsageError, match="no model is named"):
        Operator(model_kinds={"PER": "name"})

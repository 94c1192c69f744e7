"""Values put back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oreline.data.dataset import Dataset
from oreline.data.operators.mask_pii import Operator
from oreline.data.pii.files import FILE
from oreline.data.pii.keyed import Key
from oreline.data.pii.restore import restored
from oreline.data.refine import refine
from oreline.errors import DataError

CHAT = '[{"role": "user", "content": "电话13812345678，邮箱a@b.cn"}, {"role": "assistant", "content": "好"}, {"role": "user", "content": "x@y.cn"}]'


def made(source: dict[str, list[str]], folder: Path, **options: Any) -> Dataset:
    (folder / "pii.key").write_text("k" * 40)
    operator = Operator(key_file=str(folder / "pii.key"), reversible=True, **options)
    return refine(source, operators=[("mask_pii", operator)], split={}, out=folder / "out")


@pytest.mark.parametrize("action", ["mask", "hash", "pseudonym"])
@pytest.mark.parametrize(
    "source",
    [
        {"text": ["联系人：张三，电话13812345678。", "nothing", "Mail ann@example.com now"], "label": ["a", "b", "a"]},
        {"text": [CHAT], "target_text": ["再打13812345678"]},
        {"text": ["Who?"], "text_pair": ["13812345678 called Ann."], "answers": ['[{"text": "Ann", "start": 19}]']},
        {"text": ["打13812345678给<e1>张三</e1>，在<e2>北京</e2>"], "label": ["x"]},
    ],
)
def test_every_text_is_what_it_was(source: dict[str, list[str]], action: str, tmp_path: Path) -> None:
    data = made(source, tmp_path, action=action)
    assert "13812345678" not in str(data.frame("all").rows())
    [frame] = restored(data, "all", Key(b"k" * 40))
    for column, values in source.items():
        assert [_read(value) for value in frame[column]] == [_read(value) for value in values]


def _read(cell: str) -> Any:
    return json.loads(cell) if cell.startswith("[") else cell


def test_what_cannot_be_put_back_is_refused(tmp_path: Path) -> None:
    data = made({"text": ["电话13812345678"]}, tmp_path)
    with pytest.raises(DataError, match="does not open"):
        list(restored(data, "all", Key(b"q" * 40)))
    shard = next((tmp_path / "out" / "all").glob("*.parquet"))
    data.frame("all").with_columns(text=_upper(data)).write_parquet(shard)
    with pytest.raises(DataError, match="changed after mask_pii"):
        list(restored(data, "all", Key(b"k" * 40)))
    (tmp_path / "out" / FILE).unlink()
    with pytest.raises(DataError, match=f"no {FILE}"):
        list(restored(data, "all", Key(b"k" * 40)))


def _upper(data: Dataset) -> Any:
    return "x" + data.frame("all")["text"]


def test_tagged_rows_are_refused(tmp_path: Path) -> None:
    data = made({"text": ['["Call", "13812345678"]'], "tags": ['["O", "O"]']}, tmp_path)
    with pytest.raises(DataError, match="words with tags"):
        list(restored(data, "all", Key(b"k" * 40)))

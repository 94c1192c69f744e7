"""Each kind of mojibake by its own name; nothing for clean texts."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.fix_mojibake import Operator


def test_reasons() -> None:
    texts = ["cafÃ©", "ÄãºÃ£¬ÊÀ½ç", "浣犲ソ锛屼笘鐣�", "café，“你好”……", "plain"]
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(1, 6)], "text": texts})
    found = Operator().edit(frame)
    assert found["text"].to_list() == ["café", "你好，世界", "你好，世�", "café，“你好”……", "plain"]
    assert found["change_reason"].to_list() == ["utf8_as_latin", "gbk_as_latin", "utf8_as_gbk", None, None]

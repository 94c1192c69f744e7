"""Chats as messengers export them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oreline.data.readers.chat_export import Reader
from oreline.data.sources import reader_of
from oreline.dialogue import messages_of
from oreline.errors import DataError

EXPECTED = [("user", "Hello\nsecond line"), ("assistant", "Hi: 好的")]
EXPORTS = {
    "android": "31/01/2026, 14:05 - Messages are end-to-end encrypted.\n31/01/2026, 14:05 - Ann: Hello\nsecond line\n"
    "31/01/2026, 14:06 - Bo Li: <Media omitted>\n31/01/2026, 14:07 - Bo Li: Hi: 好的\n",
    "ios": "[31.01.26, 14:05:09] Ann: Hello\nsecond line\n\u200e[31.01.26, 14:06:00] Bo Li: \u200eimage omitted\n"
    "[31.01.26, 14:07:00] Bo Li: Hi: 好的\n[31.01.26, 14:08:00] Ann: \n",
    "us": "1/31/26, 2:05\u202fPM - Ann: Hello\nsecond line\n1/31/26, 2:07 PM - Bo: Hi: 好的\n1/31/26, 2:08 PM - Ann: <Media omitted>\n",
    "android_zh": "2026/1/31 下午2:05 - Ann: Hello\nsecond line\n2026/1/31 下午2:06 - 李雷: <省略多媒体文件>\n"
    "2026/1/31 下午2:07 - 李雷: Hi: 好的\n2026/1/31 下午2:08 - 李雷: 此消息已删除\n",
    "ios_zh": "[2026/1/31 下午2:05:09] Ann: Hello\nsecond line\n\u200e[2026/1/31 下午2:06:00] 李雷: \u200e图像已忽略\n"
    "[2026/1/31 下午2:07:00] 李雷: Hi: 好的\n[2026/1/31 下午2:08:00] Ann: \u200eThis message was deleted.\n",
    "qq": "消息记录（此消息记录为文本格式，不支持重新导入）\n\n================\n消息分组:我的好友\n================\n消息对象:李雷\n"
    "================\n\n2026-01-31 14:05:09 安\nHello\nsecond line\n\n2026-01-31 14:07:01 李雷(10001)\nHi: 好的\n\n"
    "2026-01-31 14:08:00 安\n[图片]\n",
    "wechat": "2026-01-31 14:05:09 安(wxid_123)\nHello\nsecond line\n\n2026-01-31 14:07:00 李雷\n[图片]\n\n2026-01-31 14:07:01 李雷\nHi: 好的\n",
    "line": "[LINE] Chat history with 李雷\nSaved on: 31/1/2026, 15:00\n\nSat, 31/1/2026\n14:05\tAnn\tHello\nsecond line\n"
    "14:06\t李雷\t[Sticker]\n14:07\t李雷\tHi: 好的\n14:08\tAnn unsent a message.\n",
    "line_zh": '[LINE] 與李雷的聊天記錄\n儲存日期： 2026/01/31 15:00\n\n2026/01/31（週六）\n下午02:05\t安\t"Hello\nsecond line"\n'
    "下午02:06\t李雷\t[貼圖]\n下午02:07\t李雷\tHi: 好的\n",
    "line_ja": '[LINE] 李雷とのトーク履歴\n保存日時：2026/01/31 15:00\n\n2026/01/31(土)\n午後2:05\t安\t"Hello\nsecond line"\n'
    "午後2:06\t李雷\t[スタンプ]\n午後2:07\t李雷\tHi: 好的\n",
    "wechat_other": "安 2026年1月31日 下午2:05\nHello\nsecond line\n\n李雷 2026年1月31日 下午2:07\nHi: 好的\n\n安 2026年1月31日 下午2:08\n",
}


def read(folder: Path, text: str, **options: Any) -> tuple[list[list[tuple[str, str]]], list[str | None]]:
    file = folder / "chat.txt"
    file.write_text(text, encoding="utf-8")
    assert reader_of(file) == "chat_export"
    rows = [row for frame in Reader(**options).frames(file, rows=5) for row in frame.iter_rows(named=True)]
    return [[tuple(m) for m in messages_of(row["messages"])] for row in rows], [row["date"] for row in rows]


@pytest.mark.parametrize("form", EXPORTS)
def test_forms(tmp_path: Path, form: str) -> None:
    found, dates = read(tmp_path, EXPORTS[form])
    assert found == [EXPECTED]
    assert str(dates[0]).startswith("2026-01-31T14:05")


def test_days_of_line_stand_above_their_messages(tmp_path: Path) -> None:
    """The next day is another conversation, and a line of a table is none of it."""
    days = [f"2026/01/3{day}(土)\n10:00\tA\tq{day}\n10:01\tB\ta{day}\n" for day in (0, 1)]
    found, dates = read(tmp_path, "[LINE] Bとのトーク履歴\n保存日時：2026/01/31 15:00\n\n" + "\n".join(days))
    assert found == [[("user", "q0"), ("assistant", "a0")], [("user", "q1"), ("assistant", "a1")]]
    assert [str(date)[:16] for date in dates] == ["2026-01-30T10:00", "2026-01-31T10:00"]
    (tmp_path / "table.txt").write_text("10:00\tA\tq\n10:01\tB\ta\n10:02\tA\tq\n", encoding="utf-8")
    assert reader_of(tmp_path / "table.txt") == "text"


def test_what_line_writes_means_nothing_in_other_exports(tmp_path: Path) -> None:
    said = '"Yes" he said\nand then "no"'
    lines = [f"01/02/2026, 14:05 - Ann: {said}", "dates:", "12/25/2025", "01/02/2026, 14:06 - Bo: ok"]
    found, dates = read(tmp_path, "\n".join([*lines, "01/02/2026, 14:07 - Ann: bye"]))
    assert found == [[("user", f"{said}\ndates:\n12/25/2025"), ("assistant", "ok")]]
    assert str(dates[0]).startswith("2026-02-01"), "a line that is a date says nothing of the others' order"


def test_dates_and_quotes_within_a_message_of_line(tmp_path: Path) -> None:
    day = "[LINE] Bとのトーク履歴\n保存日時：2026/01/31 15:00\n\n2026/01/31(土)\n"
    found, dates = read(tmp_path, day + '10:00\tA\tdates\n2025/12/25\n10:01\tB\t"a"\nor "b"\n')
    assert found == [[("user", "dates\n2025/12/25"), ("assistant", '"a"\nor "b"')]]
    assert str(dates[0]).startswith("2026-01-31T10:00")


def test_an_export_in_gb18030_is_known(tmp_path: Path) -> None:
    said = [("安", "我的手机打不开了，怎么办？"), ("李雷", "请长按电源键十秒钟。"), ("安", "好了，谢谢您的帮助！")]
    text = "\n\n".join(f"{who} 2026年1月31日 14:0{minute}\n{words}" for minute, (who, words) in enumerate(said))
    (tmp_path / "chat.txt").write_text(text, encoding="gb18030")
    assert reader_of(tmp_path / "chat.txt") == "chat_export"
    (frame,) = Reader().frames(tmp_path / "chat.txt", rows=5)
    assert [m.content for m in messages_of(frame["messages"][0])] == [said[0][1], said[1][1]]


def test_messages_with_the_next_person_are_another_conversation(tmp_path: Path) -> None:
    people = [
        f"消息对象:{name}\n2026-01-3{day} 10:00:00 安\nq{day}\n2026-01-3{day} 10:01:00 {name}\na{day}"
        for name, day in (("李雷", 1), ("韩梅梅", 0))
    ]
    found, _ = read(tmp_path, "\n".join(["消息记录", *people]))
    assert found == [[("user", "q1"), ("assistant", "a1")], [("user", "q0"), ("assistant", "a0")]]


def test_a_file_without_messages_and_one_without_answers_say_so(tmp_path: Path) -> None:
    file = tmp_path / "chat.txt"
    file.write_text("10:00 Ann Hello\n10:01 Bo Hi\n", encoding="utf-8")
    with pytest.raises(DataError, match="no line of the file begins a message") as none:
        list(Reader().frames(file, rows=5))
    assert none.value.where == str(file)
    file.write_text(EXPORTS["wechat"], encoding="utf-8")
    with pytest.raises(DataError, match="none of the 1 conversations has an answer") as nobody:
        list(Reader(assistant=["Bo"]).frames(file, rows=5))
    assert nobody.value.allowed == "speakers are '安', '李雷'"


def test_a_long_silence_begins_another_conversation(tmp_path: Path) -> None:
    lines = [
        "2026-01-05 10:00:00 A\nq1",
        "2026-01-05 10:01:00 B\na1",
        "2026-01-06 10:00:00 B\nq2",
        "2026-01-06 10:01:00 A\na2",
    ]
    found, _ = read(tmp_path, "\n\n".join(lines))
    assert found == [[("user", "q1"), ("assistant", "a1")], [("user", "q2"), ("assistant", "a2")]]
    assert len(read(tmp_path, "\n\n".join(lines), silence_hours=48.0)[0]) == 1
    assert read(tmp_path, "\n\n".join(lines), assistant=["B"])[0] == [[("user", "q1"), ("assistant", "a1")]]


@pytest.mark.parametrize(
    "text",
    ["2026-01-05 the day\n2026-01-06 the next\n2026-01-07 one more\n", "a\nb\nc\n", "Ann: Hello\nBo: Hi\nAnn: Bye\n", "12:30 lunch\n13:30 work\n14:00 tea\n", "intro\n2026-01-05 10:00:00 A\nx\n2026-01-05 10:00:00 A\nx\n2026-01-05 10:00:00 A\nx\n"],
)  # fmt: skip
def test_other_texts_are_texts(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert reader_of(tmp_path / "a.txt") == "text"

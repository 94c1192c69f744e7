"""Wrongly decoded texts come back; correct ones, Chinese above all, stay."""

from __future__ import annotations

import ftfy  # noqa: F401  its codecs
import polars as pl
import pytest

from oreline.data.texts.mojibake import gbk_as_latin, utf8_as_gbk, utf8_as_latin

CHINESE = "这部电影很好看，我非常喜欢，下次还会再来的。"
CORRECT = [
    CHINESE,
    "正马不停蹄的忙碌着抢救病人······21点28分左右",
    "“你好”——他说……《红楼梦》、①②③",
    "联通公司，鲲鹏展翅，饕餮盛宴，魑魅魍魉，娴娜娉婷",
    "Ça été à Évreux, voilà l'œuvre – « naïve » façade",
    "größer ÄÖÜ ÄÖÜÄ, señor ¿qué?",
    "30°C ±5 ½ £££ §§§§ ¡¡¡¡ ´´´´",
    "Россия, Россия и СССР",
    "東京タワーは高いです",
    "แบบไทย tiếng Việt được",
]


@pytest.mark.parametrize("text", CORRECT)
def test_correct_texts_stay(text: str) -> None:
    for change in (utf8_as_latin, gbk_as_latin, utf8_as_gbk):
        assert change(pl.Series([text])).to_list() == [text]


def test_utf8_read_as_one_byte_a_character() -> None:
    for text in (CHINESE, "fiancé “yes” – naïve", "你好"):
        for encoding in ("latin-1", "sloppy-windows-1252"):  # ftfy's name for what browsers do
            broken = text.encode().decode(encoding)
            assert utf8_as_latin(pl.Series([broken])).to_list() == [text]


def test_gbk_read_as_latin() -> None:
    broken = f"{CHINESE} 7月20日".encode("gbk").decode("latin-1")
    assert gbk_as_latin(pl.Series([broken])).item() == f"{CHINESE} 7月20日"
    both = pl.Series(["你好，世界".encode().decode("latin-1")])
    assert gbk_as_latin(both).to_list() == both.to_list(), "it is UTF-8"


def test_utf8_read_as_gbk() -> None:
    broken = pl.Series([f"A {text.encode().decode('gbk', 'replace')} b" for text in ("你好", CHINESE)])
    mended = utf8_as_gbk(broken).to_list()
    assert mended[0] == "A 你好 b"
    kept = [character for character in CHINESE if character in mended[1]]
    assert len(kept) > 0.8 * len(CHINESE)


def test_lines_are_mended_one_by_one() -> None:
    text = f"{CHINESE}\ncafÃ©"
    assert utf8_as_latin(pl.Series([text])).item() == f"{CHINESE}\ncafé"

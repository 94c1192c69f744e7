"""C4's rules for lines, in both languages."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.quality.c4 import LineRules
from oreline.data.quality.statistics import measured


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("The sky was blue.", None),
        ('He said "stop it now!"', None),
        ("He said “stop it now”", None),
        ("Read more about it", "no_sentence_end"),
        ("And so it went on...", "no_sentence_end"),
        ("Sure thing.", "few_words"),
        ("Please turn on JavaScript now.", "javascript"),
        ("This site uses cookies, you know.", "policy"),
        ("A word " + "x" * 1001 + ".", "long_word"),
    ],
)
def test_english_lines(line: str, fault: str | None):
    assert LineRules().fault(line, "en") == fault


def test_a_chinese_line_of_an_english_text_is_judged_as_chinese():
    text = "The sky was blue that day, and we walked.\n今天下了一场大雨。我们没有出门！\n首页 产品"
    kept, done = LineRules().trimmed(text, "en")
    assert kept.split("\n") == text.split("\n")[:2]
    assert done == ["no_sentence_end"]
    assert LineRules().num_sentences(text, "en") == 3
    (found,) = measured(pl.Series([text]), pl.Series(["en"]), ["num_sentences"])["num_sentences"]
    assert found == 3, "of many texts at once as well"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("今天下了一场大雨。", None),
        ("他说：“我们明天再来！”", None),
        ("首页 产品 关于我们", "no_sentence_end"),
        ("后来就没有了……", "no_sentence_end"),
        ("好的。", "few_words"),
        ("请阅读我们的隐私政策。", "policy"),
        ("請閱讀我們的隱私政策。", "policy"),
    ],
)
def test_chinese_lines(line: str, fault: str | None):
    assert LineRules().fault(line, "zh") == fault


def test_sentences():
    assert LineRules().num_sentences("One came. Two went! Was it 3.5? Yes it was.", "en") == 4
    assert LineRules().num_sentences("下雨了。价格是3.5元！他问：“真的吗？”大家都说是。", "zh") == 4
    assert LineRules().num_sentences("Menu\nShop\n", "en") == 0


def test_a_text_without_fault_stays_as_it_is():
    text = "  The sky was blue.\n\nIt rained all day. "
    assert LineRules().trimmed(text, "en") == (text, [])


def test_rules_can_be_left_out():
    assert LineRules(needs_end=False, min_words=0).trimmed("Menu\nA[1]", "en") == ("Menu\nA", ["citation"])
    assert LineRules(needs_end=False, min_words=0, citations=False).trimmed("A[1]", "en") == ("A[1]", [])

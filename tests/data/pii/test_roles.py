"""Chinese names behind roles, in forms and before numbers, where all of a value has to look like a name."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from oreline.data.pii.kinds import kinds_of
from oreline.data.pii.roles import names_by_role
from oreline.data.pii.scan import find

TEXTS = [
    "请假人⟦杜若飞⟧，请假事由：家中有事",
    "面试官：⟦阮清⟧，会议室3A",
    "证人⟦古天明⟧称当晚看到被告⟦卜红梅⟧，",
    "新同事⟦计晓丹⟧今天报到",
    "我家保姆叫⟦逯桂英⟧，河南人",
    "鄙人⟦缪文渊⟧，退休教师",
    "有问题找⟦柴媛媛⟧，分机号8023",
    "捡到钱包，内有⟦汪海燕⟧身份证",
    "今收到⟦苗春生⟧房租3600元",
    "先这样\n——⟦容小曼⟧",
    "寄件：⟦仇大勇⟧ 17877354540 广东",
    "两张，一张⟦裴小满⟧410102194903034567，",
    "登记 ⟦钮文博⟧ 证件类型：护照",
    "落款：⟦鲜于明⟧",
]
NOT = [
    "司机师傅的车到了", "儿子爱吃。女儿那多好 妈妈那一辈的", "客户满意度，老公高兴，学生马路边", "叫我一声，惊叫高声，",
    "出示居民身份证，按护照上的来", "今收到货款3600元", "经办人：见附件 复核：已过", "联系电话 13812345678",
    "给孩子买的，孩子高兴", "任何身份证都行，全部 手机 半价",
]  # fmt: skip


@pytest.mark.parametrize("text", [*TEXTS, *NOT])
def test_names_behind_roles_and_before_numbers(finds: Callable[..., bool], text: str) -> None:
    assert finds(names_by_role, text)


@pytest.mark.parametrize("text", TEXTS)
def test_the_hints_let_them_through(text: str) -> None:
    plain = text.replace("⟦", "").replace("⟧", "")
    found = find(pl.Series([plain]), kinds_of(["name"])).get(0, [])
    assert len(found) == text.count("⟦"), found

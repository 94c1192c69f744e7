"""Chinese names by what stands beside them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oreline.data.pii.beside import names_beside


@pytest.mark.parametrize(
    "text",
    [
        "接龙：⟦骆永红⟧，身份证440305200001011234",
        "⟦樊雯⟧ | 销售经理 | 电话0512-8350321",
        "我是三年二班的班主任⟦蔡航萍⟧，有事加我",
        "3床家属⟦苗秀航⟧请到护士站",
        "⟦庄诺华⟧同学的妈妈在吗？",
        "此致\n敬礼！\n⟦苗振琴⟧\n手机：17165937728",
        "寄马店镇东沟村11号，⟦柳达丽⟧收，到付",
        "号码13130420980，谢谢\n电话02372471574",
        "高清屏，手机13812345678，高价收，马上收，全部收，",
        "给妈妈买的，妈妈高兴，家属高度紧张，",
    ],
)
def test_names_beside_numbers_roles_and_endings(finds: Callable[..., bool], text: str) -> None:
    assert finds(names_beside, text)

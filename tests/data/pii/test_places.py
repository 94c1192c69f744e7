"""Addresses and organisations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oreline.data.pii.places import addresses, organisations


@pytest.mark.parametrize(
    "text",
    [
        "地址：⟦浙江省杭州市西湖区文三路12号3栋2单元401室⟧。",
        "寄到⟦北京市朝阳区建国路88号12号楼104⟧吧",
        "快递放⟦江苏省苏州市姑苏区解放街185号24栋379室⟧门口房间在8楼",
        "我住在⟦上海市浦东新区世纪大道100号⟧附近",
        "地址：⟦河北省石家庄市某某县李家村⟧",
        "发到⟦广州市天河区体育西路103号维多利广场⟧就行",
        "约在⟦武汉洪山区珞喻路24号⟧见面",
        "上门取件地点⟦杭州余杭区五常街道西溪北苑12幢601⟧。",
        "地址更正为⟦天津市南开区城关镇赵庄村12组302号⟧。",
        "地址填错了",
        "在⟦北京市朝阳区建国路88号⟧和 12 Elm Street附近",
        "位于市中心但是临街道而喧闹，地点离外滩及南京路很近",
        "我在北京路边等你",
        "Ship it to ⟦12 Maple Street, Springfield, IL 62704⟧.",
        "We live at ⟦1600 Pennsylvania Avenue NW, Washington, DC 20500⟧.",
        "we are at ⟦Flat 6, 184 Birchwood Lane, Leeds LS8 1DH⟧ asap",
        "return it to ⟦P.O. Box 107, Eugene, OR 15509⟧.",
        "we are at ⟦1179 Queen's Gate #19A, New York, NY 80748⟧ now",
        "I live at ⟦221B Baker Street⟧ now",
        "They met on 42nd Street and 84 Charing Cross Road",
    ],
)
def test_addresses(finds: Callable[..., bool], text: str) -> None:
    assert finds(addresses, text)


@pytest.mark.parametrize(
    "text",
    [
        "工作单位：⟦杭州某某科技有限公司⟧。",
        "He joined ⟦Acme Widgets Inc⟧ late",
        "Employer: ⟦Acme⟧",
        "公司很好，单位不远",
    ],
)
def test_organisations(finds: Callable[..., bool], text: str) -> None:
    assert finds(organisations, text)

"""Accounts and dates of birth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oreline.data.pii.accounts import births, qqs, wechats


@pytest.mark.parametrize(
    "text",
    [
        "加微信：⟦zhang_san88⟧聊",
        "要的加v⟦helloanan⟧备注，添加vitamins说明，加vpnserver说明",
        "微信号⟦wxid_abc123⟧",
        "vx:⟦abcdefg⟧ 速来",
        "on WeChat I am ⟦ab_cdef1⟧!",
        "My WeChat ID is ⟦zhangsan⟧.",
        "微信联系⟦ab_cdef1⟧谢谢",
        "Weixin=⟦lele_studio⟧，谢谢",
        "加个微呗⟦tiantian-momo⟧，在线",
        "V信⟦xiaoyudabai⟧",
        "vx⟦sunny2970⟧吧",
        "留个微信吧，⟦jojo_94⟧啊",
        "search ⟦wxid_ab12cd⟧ on WeChat",
        "my wechat account's ⟦yun_01⟧",
        "微信支付android1234",
        "WeChat is well-known",
        "WeChat payments are down",
        "微信支付WeChat Pay很方便",
        "微信abc",
        "avx:abcdefg1",
    ],
)
def test_wechat_accounts_are_named(finds: Callable[..., bool], text: str) -> None:
    assert finds(wechats, text)


@pytest.mark.parametrize(
    "text",
    [
        "QQ：⟦123456⟧，在线",
        "加qq⟦1234567890⟧领取",
        "扣扣⟦12345⟧",
        "My QQ number is ⟦462548951⟧.",
        "可以加我的QQ，号码是⟦20705384⟧～",
        "私聊Q⟦326772093⟧；",
        "q：⟦17360465⟧。",
        "QQ# ⟦309416392⟧, cheers",
        "add ⟦5087043415⟧ on QQ",
        "we are on QQ, group number ⟦205461436⟧",
        "QQ飞车上线100000人",
        "V200手机",
        "共123456件",
        "QQ 012345",
        "qq 1234",
        "QQ 123456789012",
    ],
)
def test_qq_numbers_are_named(finds: Callable[..., bool], text: str) -> None:
    assert finds(qqs, text)


@pytest.mark.parametrize(
    "text",
    [
        "出生日期：⟦1990年1月2日⟧。",
        "born on ⟦March 3, 1985⟧.",
        "DOB: ⟦03/04/1985⟧",
        "生日⟦19900102⟧",
        "It was made on March 3, 1985",
        "2024-01-15",
    ],
)
def test_dates_of_birth_are_named(finds: Callable[..., bool], text: str) -> None:
    assert finds(births, text)

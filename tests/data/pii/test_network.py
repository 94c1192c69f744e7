"""Addresses in networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from oreline.data.pii.network import emails, ips, macs, urls


@pytest.mark.parametrize(
    "text",
    [
        "请发邮件到⟦zhang.san@example.com⟧联系我",
        "(⟦a@b.co⟧), ⟦A+B@EXAMPLE.COM⟧.",
        "@ann 说3 @ 5，a@b，a..b@",
        "⟦x_y@mail.example.cn⟧谢谢",
    ],
)
def test_emails(finds: Callable[..., bool], text: str) -> None:
    assert finds(emails, text)


@pytest.mark.parametrize(
    "text",
    [
        "来自⟦52.14.33.9⟧的登录",
        "⟦2400:3200::1⟧: timeout",
        "from ⟦2001:4860:4860:0:0:0:0:8888⟧.",
        "版本52.14.33.9，v52.14.33.9，version 52.14.33.9，第52.14.33.9节",
        "软件升级到52.14.33.9以后，52.14.33.9版，upgraded it to 52.14.33.9，从⟦52.14.33.9⟧更新",
        "卖1.8.8.8，服务器IP⟦1.8.8.8⟧",
        "256.8.4.4和8.8.4和52.14.33.9.1",
        "192.168.1.1, 10.0.0.1, 127.0.0.1, 0.0.0.0, 240.1.2.3, 2001:db8::1, fe80::1",
        "12:30:45 and std::vector and a::b",
    ],
)
def test_addresses_of_the_internet(finds: Callable[..., bool], text: str) -> None:
    assert finds(partial(ips, private=False), text)


def test_private_networks_on_request(finds: Callable[..., bool]) -> None:
    assert finds(
        partial(ips, private=True), "⟦192.168.1.1⟧, ⟦10.0.0.1⟧, ⟦fd00:1::1⟧, 127.0.0.1, 240.1.2.3, 2001:db8::1"
    )


@pytest.mark.parametrize(
    "text",
    [
        "网卡⟦3c:22:fb:4a:1d:9e⟧冲突",
        "⟦3C-22-FB-4A-1D-9E⟧",
        "⟦3c22.fb4a.1d9e⟧",
        "开奖01-05-12-23-28-33",
        "3c:22:fb:4a:1d",
        "3c:22:fb:4a:1d:9e:77",
        "1234.5678.9012",
    ],
)
def test_hardware_addresses(finds: Callable[..., bool], text: str) -> None:
    assert finds(macs, text)


@pytest.mark.parametrize(
    "text",
    [
        "点⟦https://a.example.cn/cb?token=abcd1234efgh⟧登录",
        "⟦https://user:passw0rd@git.example.com/r.git⟧.",
        "⟦https://a.example/x#access_token=abcd1234efgh⟧，",
        "⟦https://hooks.slack.com/services/T0/B0/x1y2⟧",
        "https://a.example/x?page=2&id=12345678",
        "https://a.example/x?token=short",
        "http://[bad/?token=abcd1234efgh",
    ],
)
def test_links_with_keys(finds: Callable[..., bool], text: str) -> None:
    assert finds(urls, text)

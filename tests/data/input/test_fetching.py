"""Addresses that are not public, in all their spellings."""

from __future__ import annotations

import contextlib
import io
import socket
import threading

import pytest
from tests.data.served import served

from oreline.data.input.fetching import Fetching, RefusedError, SilentError, checked_address, checked_url
from oreline.errors import UsageError


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "::1", "::ffff:127.0.0.1", "fe80::1", "fc00::1", "2002:7f00:1::", "224.0.0.1", "localhost", "", "no-such-host.invalid"],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    with pytest.raises(RefusedError):
        checked_address(host, 80, private=False)


def test_an_allowed_one_is_given() -> None:
    assert checked_address("127.0.0.1", 80, private=True) == "127.0.0.1"
    assert checked_address("1.1.1.1", 443, private=False) == "1.1.1.1"


def test_a_page_and_a_file() -> None:
    with served(lambda path, headers: (200, {"X-Path": path}, headers["user-agent"].encode() * 3)) as (url, _):
        fetching = Fetching("me", private_addresses=True)
        answer = fetching.get(f"{url}/新闻?q=好 x")
        assert answer.body == b"mememe"
        assert answer.headers["x-path"] == "/%E6%96%B0%E9%97%BB?q=%E5%A5%BD%20x"
        into = io.BytesIO()
        assert fetching.get(url, into=into).body == b""
        assert into.getvalue() == b"mememe"


def test_addresses_are_checked() -> None:
    assert checked_url(" HTTPS://A.org ") == "https://a.org/"
    for bad in ("file:///etc/passwd", "https://", "https://a:b@c.org/", "http://[::1", "https://a.org:99999/"):
        with pytest.raises(UsageError):
            checked_url(bad)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n", b""])
def test_a_server_that_sends_byte_after_byte_is_cut_off(head: bytes) -> None:
    ended = threading.Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(head)
            while not ended.wait(0.02):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(SilentError, match=r"not there after 0\.3 s"):
            Fetching("test", private_addresses=True, timeout_s=0.3).get(url)
        ended.set()
        thread.join()

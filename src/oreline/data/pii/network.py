"""Addresses in networks: e-mail, IP, MAC, and links that carry a key."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse

from oreline.data.pii.spans import AFTER, BEFORE, Places

_EMAIL = re.compile(
    rf"{BEFORE}[0-9A-Za-z](?:[0-9A-Za-z._%+-]{{0,62}}[0-9A-Za-z_%+-])?@(?:[0-9A-Za-z](?:[0-9A-Za-z-]{{0,61}}[0-9A-Za-z])?\.){{1,8}}"
    rf"[A-Za-z]{{2,24}}{AFTER}"
)
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?:(?<![0-9A-Za-z.])|(?<=IP)|(?<=ip))(?:{_BYTE}\.){{3}}{_BYTE}(?![0-9A-Za-z]|\.[0-9]|\s?版)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z]|:[0-9A-Fa-f:])")
_RELEASE = re.compile(
    r"(?:版本号?|固件|章节?|节|第|条款?|[升降]级[到至成为]?|更新[到至成为]|回退到"
    r"|(?<![A-Za-z])(?:up|down)grad(?:e|ed|ing)(?: \w+)? to"
    r"|(?<![A-Za-z])(?:version|ver|v|release|build|section|chapter|clause|firmware"
    r"|oid))[.:：]?\s*(?:是|为|号|is)?\s*$",
    re.IGNORECASE,
)
_MACHINE = re.compile(r"(?<![A-Za-z])ip|地址|服务器|主机|域名|解析|server|host|dns|ping|address", re.IGNORECASE)
_MAC = re.compile(
    r"(?<![0-9A-Za-z:-])(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}"
    r"|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})"
    r"(?![0-9A-Za-z]|[:-][0-9A-Fa-f])"
)
_URL = re.compile(rf"{BEFORE}(?:[A-Za-z][A-Za-z0-9+.-]{{1,20}}://|www\.)[!#-&(-;=?-Z_a-z~%\[\]]{{4,2000}}")
_TOKEN_NAME = re.compile(
    r"(?:.*[_.-])?(?:token|api-?key|key|secret|sig|signature|password|passwd|pwd|pass|auth|session|sessionid|sid|jwt"
    r"|credential"
    r"|ticket|code|accesskeyid|awsaccesskeyid)|accesstoken|apikey|authtoken",
    re.IGNORECASE,
)
_HOOK = re.compile(r"hooks\.slack\.com/services/|discord(?:app)?\.com/api/webhooks/", re.IGNORECASE)
_SHORTEST_TOKEN = 8


def emails(text: str) -> Places:
    """Yield e-mail addresses."""
    return (match.span() for match in _EMAIL.finditer(text) if ".." not in match[0])


def ips(text: str, *, private: bool) -> Places:
    """Yield addresses of the internet, version 4 and 6; those of private networks where asked, reserved ones never."""
    for match in _IPV4.finditer(text):
        address = ipaddress.ip_address(match[0])
        before = max(0, match.start() - 16), match.start()
        # 1.8.8.8 is a price or a section as often as a machine: it has to be called one.
        is_likely = len(match[0]) > 7 or _MACHINE.search(text, *before)
        if is_likely and _counts(address, private) and not _RELEASE.search(text, *before):
            yield match.span()
    for match in _IPV6.finditer(text):
        given = match[0].removesuffix(":") if match[0][-2] != ":" else match[0]
        try:
            found = ipaddress.IPv6Address(given)
        except ValueError:
            continue
        if given.count(":") >= 3 and _counts(found, private):
            yield match.start(), match.start() + len(given)


def macs(text: str) -> Places:
    """Yield hardware addresses of devices; six pairs of decimals with dashes are a draw of a lottery more often."""
    for match in _MAC.finditer(text):
        digits = re.sub("[:.-]", "", match[0])
        is_group = int(digits[1], 16) % 2 == 1
        if (
            not is_group
            and len(set(digits.lower())) > 2
            and (match[1] != "-" or not digits.isdigit())
            and not _is_decimal(match[0])
        ):
            yield match.span()


def urls(text: str) -> Places:
    """Yield links that hold a password, a token, a key or a signature."""
    for match in _URL.finditer(text):
        link = match[0].rstrip(".,;:!?()]'*~")
        if _is_telling(link):
            yield match.start(), match.start() + len(link)


def _counts(address: ipaddress.IPv4Address | ipaddress.IPv6Address, private: bool) -> bool:
    if address.is_multicast or address.is_loopback or address.is_unspecified:
        return False
    if address.is_global:
        return isinstance(address, ipaddress.IPv4Address) or int(address) >> 125 == 1
    is_local = address.is_link_local or address in _UNIQUE_LOCAL or any(address in network for network in _PRIVATE)
    return private and is_local


_PRIVATE = tuple(
    ipaddress.IPv4Network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
_UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")


def _is_decimal(value: str) -> bool:
    """Whether a value in groups of four with dots has digits alone: a number with separators."""
    return "." in value and value.replace(".", "").isdigit()


def _is_telling(link: str) -> bool:
    if _HOOK.search(link):
        return True
    try:
        parts = urllib.parse.urlsplit(link)
    except ValueError:
        return False
    if "@" in parts.netloc and ":" in parts.netloc.rpartition("@")[0]:
        return True
    pairs = (pair.partition("=") for pair in re.split("[&;?]", f"{parts.query}&{parts.fragment}"))
    return any(
        len(value) >= _SHORTEST_TOKEN and _TOKEN_NAME.fullmatch(urllib.parse.unquote(name)) for name, _, value in pairs
    )

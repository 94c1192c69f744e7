"""The table of kinds: every finder is behind hints that let its data through."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.pii.kinds import DEFAULT_KINDS, KIND_NAMES, kinds_of
from oreline.data.pii.scan import find

EXAMPLES = {
    "url": "https://a.example.cn/cb?token=abcd1234efgh",
    "email": "ann@example.com",
    "secret": "密码：Abc12345",
    "id_number": "11010519491231002X",
    "credit_code": "91350100M000100Y43",
    "iban": "GB29 NWBK 6016 1331 9268 19",
    "mobile": "１３８１２３４５６７８",
    "bank_card": "4111 1111 1111 1111",
    "landline": "（021）62345678",
    "phone": "+44 20 7946 0958",
    "ssn": "219-09-8765",
    "passport": "护照E12345678",
    "plate": "粤B·D12345",
    "qq": "扣扣：123456",
    "wechat": "微信：zhang_san88",
    "ip": "52.14.33.9",
    "mac": "3c:22:fb:4a:1d:9e",
    "date_of_birth": "生于1990年1月2日",
    "name": "联系人：张三",
    "address": "地址：浙江省杭州市西湖区文三路12号",
    "organisation": "工作单位：杭州某某科技有限公司",
}


@pytest.mark.parametrize("name", KIND_NAMES)
def test_each_kind_is_found_glued_to_chinese_text(name: str) -> None:
    found = find(pl.Series(["没有", f"好的{EXAMPLES[name]}，谢谢", None]), kinds_of(KIND_NAMES))
    assert name in {span.kind for span in found[1]}
    assert list(found) == [1]


def test_only_what_is_wanted_is_found() -> None:
    text = "，".join(EXAMPLES.values())
    [spans] = find(pl.Series([text]), kinds_of(["email", "qq"])).values()
    assert [span.kind for span in spans] == ["email", "qq"]
    assert {"date_of_birth", "organisation"} == set(KIND_NAMES) - set(DEFAULT_KINDS)


def test_switches() -> None:
    texts = pl.Series(["10.0.0.1", "Mr. Bean", "王先生", "call 06 12 34 56 78"])
    assert find(texts, kinds_of(DEFAULT_KINDS)) == {}
    wide = kinds_of(DEFAULT_KINDS, private_ips=True, titles=True, phone_regions=["FR"])
    assert {span.kind for spans in find(texts, wide).values() for span in spans} == {"ip", "name", "phone"}


@pytest.mark.timeout(60)  # a pattern that tries every blank of a run again at the next one takes half an hour
@pytest.mark.parametrize("blank", [" ", "\n", "\t"])
@pytest.mark.parametrize(
    "cue", ["地址", "电话", "敬礼", "家属", "联系人", "工作单位", "Name:", "Best regards,", "Dear "]
)
def test_a_long_run_of_blanks_is_walked_through_once(cue: str, blank: str) -> None:
    text = cue + blank * 200_000
    for kind in kinds_of(KIND_NAMES, titles=True):
        assert not list(kind.find(text))

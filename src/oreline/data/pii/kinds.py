"""All kinds of private data, in the order in which one gives way to another where they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, get_args

from oreline.data.pii.accounts import births, qqs, wechats
from oreline.data.pii.beside import HINT as BESIDE
from oreline.data.pii.credentials import secrets
from oreline.data.pii.identity import PROVINCES, credit_codes, id_numbers, passports, plates, ssns
from oreline.data.pii.money import bank_cards, ibans
from oreline.data.pii.network import emails, ips, macs, urls
from oreline.data.pii.parts import HINT as BY_PART
from oreline.data.pii.people import names
from oreline.data.pii.phones import landlines, mobiles, phones
from oreline.data.pii.places import addresses, organisations
from oreline.data.pii.roles import HINT as BY_ROLE
from oreline.data.pii.spans import Hint, Kind

KindName = Literal[
    "url", "email", "secret", "id_number", "credit_code", "iban", "mobile", "bank_card", "landline", "phone", "ssn",
    "passport", "plate", "qq", "wechat", "ip", "mac", "date_of_birth", "name", "address", "organisation",
]  # fmt: skip
KIND_NAMES: tuple[KindName, ...] = get_args(KindName)
DEFAULT_KINDS: tuple[KindName, ...] = (
    "url", "email", "secret", "id_number", "credit_code", "iban", "mobile", "bank_card", "landline", "phone", "ssn",
    "passport", "plate", "qq", "wechat", "ip", "mac", "name", "address",
)  # fmt: skip

_DIGITS = r"[0-9](?:[ .()\-]{0,2}[0-9]){6}"
_HEX = ":[0-9A-Fa-f]{0,4}:|-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-"
_KEY_FORM = (
    "AKIA|ASIA|LTAI|AKID|AIza|ya29|ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|glpat-|xox[abeoprs]-|sk-|sk_|rk_|whsec_"
    "|GOCSPX-|npm_|pypi-|SG\\."
    "|hf_|eyJ|PRIVATE KEY|Bearer|Basic |Token "
)
_KEY_NAME = (
    "(?:assword|ASSWORD|asswd|ASSWD|pwd|PWD|Pwd|assphrase|asscode|ecret|ECRET|oken|OKEN|key|Key|KEY|redential)"
    "[A-Za-z_\"']{0,4}\\s*(?:[:：=]|is |was |是|为)"
)
_CHINESE_KEY = "密码|口令|密钥|令牌|秘钥|私钥"
_PLATE = Hint(
    f"[{PROVINCES}][A-HJ-NP-Z][·•・. -]?[0-9A-HJ-NP-Z]{{4}}|使[0-9]{{6}}",
    rough="[A-HJ-NP-Z][·•・. -]?[0-9A-HJ-NP-Z]{4}|使[0-9]",
)
_UPPER = "A-Z\u00c0-\u00de"
_FIELDS = (
    f"name(?: is|'s) [{_UPPER}]|called [A-Z]|all me [A-Z]|[Nn]ame ?[:：]"
    "|[Cc]ontact[A-Za-z ]{0,8}[:：]|Customer ?[:：]"
    "|[Pp]atient ?[:：]|[Aa]ttn ?[:：]|[Aa]ttention ?[:：]|[Rr]ecipient ?[:：]"
    "|[Ss]igned[ by]{0,3}[:：]|[Hh]older ?[:：]|Employee ?[:：]"
    "|[Pp]assenger ?[:：]|[Gg]iven [Nn]ames? ?[:：]"
)
_PARTS = (
    "(?:uthor|pplicant|eneficiary|onsign(?:ee|or)|ender|aye[er]|uardian|arent|tudent|eacher|enant|andlord|hysician|octor|urse"
    "|river|uyer|eller|itness|eviewer|ommitter|eported-by|igned-off-by|uthored-by|ext of [Kk]in) ?[:：]"
)
_SERVING = f"(?:agent|rep|tative|manager|driver|ourier|nician|tionist|nurse|tutor|landlord), [{_UPPER}]"
_ASKED = (
    "(?:[Aa]sk for|[Ss]peak to|[Ss]peak with|[Ss]igned by|[Ss]igned,|the name|the name of|[Bb]ooked under"
    "|(?:card|list|order|account|booking) is|eferred by|(?:ayable|istered|ssued|dressed|illed) to)"
)
_NAME = Hint(
    f"{_FIELDS}|{_PARTS}\\s*[{_UPPER}]|{_SERVING}"
    f"|(?:Dear|Hi|Hello|Hey)\\s[{_UPPER}\\s][A-Za-z\u00c0-\u024f.'’ -]{{1,60}}(?:[,，:：\\n]|$)"
    "|his is [A-Z][A-Za-z\u00c0-\u024f.'’ -]{1,60}(?: (?:speaking|calling|here|from)|, your )"
    f"|{_ASKED} (?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\\.? )?[{_UPPER}][a-z\u00df-\u024f'’]\\S{{0,30}} [{_UPPER}adlv]"
    f"|(?:I am|I'm|I’m|This is) [{_UPPER}][a-z\u00df-\u024f'’]\\S{{0,30}} (?:[A-Z]\\. )?[{_UPPER}adlv]",
    rough=f"{_FIELDS}|(?:or|er|ee|nt|ry|an|rd|ss|se|by|in) ?[:：]\\s*[{_UPPER}]|{_SERVING}"
    f"|(?:Dear|Hi|Hello|Hey)\\s[{_UPPER}\\s]|his is [A-Z]|{_ASKED} [{_UPPER}]"
    f"|(?:I am|I'm|I’m|This is) [{_UPPER}]\\S* (?:[A-Z]\\. )?[{_UPPER}adlv]",
)
_SIGNED = (
    "(?:[Rr]egards|[Ss]incerely|[Yy]ours|truly|faithfully|[Cc]heers|[Bb]est|wishes|[Rr]espectfully|[Tt]hanks"
    "|hank you)[ ,，]*\\n"
)
_PEOPLE = (
    "人\\s*[:：]|联系人|姓\\s*名|[件货收请签办责托益保租代表卡户约诉名单住车票餐护证荐手诊行款报案同]人|代表|法人"
    "|户\\s*名|户主|患者|病人|乘客|署名|签[名字]|真名|名字|我叫|我是|我就是|名叫|本人|家长|房东|租客|车主|机主|学员|考生"
)
_POLITE = "(?:先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅)"
_CHINESE_NAME = Hint(
    f"{_PEOPLE}|{BESIDE}|[写转][^\\n]{{2,4}}收"
    f"|(?:[转交告给找约系知让请])[\u4e00-\u9fff]{{2,4}}{_POLITE}|(?:先生|女士|小姐|经理|老师)[,，]?[您你]好",
    rough=f"{_PEOPLE}|{BESIDE}|[写转]...?.?收|{_POLITE}",
)
_TITLES = "(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam)\\.? [A-Z]"
_CHINESE_TITLES = "先生|女士|小姐|经理|老师|医生|大夫|主任|教授|律师|师傅|总监|局长|院长"
_STREET = Hint(
    "[0-9][A-Za-z]?,? [A-Z0-9][A-Za-z0-9'. ]{0,60}(?:Street|Avenue|Road|Boulevard|Lane|Drive|Court|Place|Square"
    "|Terrace|Parkway|Highway|Way|Close"
    "|Crescent|St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Pkwy|Hwy)|Box [0-9]"
    "|[0-9][A-Za-z]?,? [A-Z][A-Za-z'. 0-9#,-]{2,60}, ?[A-Z][A-Za-z'. -]{1,40}"
    "(?:,? [A-Z]{2,3}(?:[^A-Za-z]|$)|[A-Z0-9] ?[0-9][A-Z]|Dublin [0-9])",
    rough="[0-9][A-Za-z]?,? [A-Z0-9][A-Za-z0-9'. ]*(?:St|Ave|R(?:oa)?d|B(?:ou)?l|La?n|Dr|C(?:our)?t|Pl|Sq|Te|P(?:ar)?k"
    "|H(?:igh)?w|Way|Close|Cr)|Box [0-9]|[0-9][A-Za-z]?,? [A-Z][A-Za-z'. 0-9#,-]*, ?[A-Z]",
)
_VALUES = ("@", _DIGITS, _STREET)
"""A number, an address or mail of a person, whose name stands beside; hints of other kinds, tried anyway."""
_CHINESE_STREET = (
    "[0-9A-Za-z][号室栋楼座幢弄单]|[一二三四五六七八九十][号栋幢]|地\\s*址|住\\s*址|现\\s*住|家\\s*住|住所|居住|住在"
    "|寄到|送到|货到|寄往|户籍"
    "|地点|籍贯|注册地|坐落|位于|搬[到去]|约在|退货|发到|配送|派送|老家|定位|户口|上门|店在|房子在"
)
_QQ = Hint("[Qq] ?[Qq][^\n]{0,40}?[0-9]{5}", rough="[0-9]{5}")
_CHINESE_QQ = Hint(
    "(?:扣扣|企鹅|🐧|群号|球球|秋秋|叩叩|蔻蔻|扣我? ?[:：]|[Qq][号我 :：]?)[^\n]{0,40}?[0-9]{5}"
    "|[0-9]{5} ?[这是为(（][^\n]{0,2}(?:[Qq]|扣)",
    rough="[0-9]{5}",
)
_CHINESE_WECHAT = Hint(
    "微[ .·]?信|[薇威徽vVwW]信|[加+＋➕] ?[vVwW]|我的 ?[vVwW]|加个?[微薇]|[vVwW微薇] ?[:：]|[微薇威v][❤心]"
    "|绿泡泡|卫星号|[vV]号",
    rough="微[ .·]?信|[薇威徽vVwW]信|[加+＋➕的] ?[vVwW]|加个?[微薇]|[vVwW微薇] ?[:：]|[微薇威v][❤心]"
    "|绿泡泡|卫星号|[vV]号",
)
_COMPANY = (
    "[Ee]mployer|Company|company|[Oo]rgani[sz]ation|Inc|Ltd|LLC|LLP|Corp|GmbH|PLC|PLLC|plc|Limited|Univers|College"
    "|Hospital"
)

_CHINESE_COMPANY = "公司|单位|任职|就职|供职|毕业|就读|大学|中学|小学|学院|幼儿园|医院"


def kinds_of(
    wanted: Sequence[KindName],
    *,
    private_ips: bool = False,
    phone_regions: Sequence[str] = ("US", "GB"),
    titles: bool = False,
) -> list[Kind]:
    """Return the wanted kinds in the order in which they take precedence.

    Args:
        wanted: names of kinds.
        private_ips: count addresses of private networks too.
        phone_regions: countries whose numbers are found without the country's code, where a word names them.
        titles: take what follows Mr. or stands before 先生 for a name.
    """
    name_hints: tuple[str | Hint, ...] = (_NAME, _SIGNED, BY_PART, *_VALUES, *([_TITLES] if titles else []))
    wide_name_hints: tuple[str | Hint, ...] = (_CHINESE_NAME, BY_ROLE, *([_CHINESE_TITLES] if titles else []))
    digits = (_DIGITS,)
    known = [
        Kind("url", "链接", "URL", urls, (r"://|www\.",)),
        Kind("email", "邮箱", "EMAIL", emails, ("@",)),
        Kind("secret", "密钥", "SECRET", secrets, (_KEY_FORM, _KEY_NAME), (_CHINESE_KEY,)),
        Kind("id_number", "身份证号", "ID_NUMBER", id_numbers, digits),
        Kind("credit_code", "统一社会信用代码", "CREDIT_CODE", credit_codes, digits),
        Kind("iban", "银行账号", "IBAN", ibans, digits),
        Kind("mobile", "手机号", "PHONE", mobiles, digits),
        Kind("bank_card", "银行卡号", "BANK_CARD", bank_cards, digits),
        Kind("landline", "座机号", "PHONE", landlines, digits),
        Kind("phone", "电话号码", "PHONE", partial(phones, regions=tuple(phone_regions)), digits),
        Kind("ssn", "社会安全号", "SSN", ssns, digits),
        Kind(
            "passport",
            "护照号",
            "PASSPORT",
            passports,
            ("[Pp]assport|PASSPORT|[Tt]ravel document",),
            ("护照|通行证|台胞证",),
        ),
        Kind("plate", "车牌号", "PLATE", plates, (), (_PLATE,)),
        Kind("qq", "QQ号", "QQ", qqs, (_QQ, Hint("[0-9]{5} [a-z]{2,3} QQ", rough="[0-9]{5}")), (_CHINESE_QQ,)),
        Kind(
            "wechat",
            "微信号",
            "WECHAT",
            wechats,
            ("[wW]e[cC]hat|WECHAT|[wW]ei[xX]in|WEIXIN|[vV][xX]|[wW][xX]",),
            (_CHINESE_WECHAT,),
        ),
        Kind("ip", "IP地址", "IP", partial(ips, private=private_ips), (r"[0-9]\.[0-9]{1,3}\.[0-9]", _HEX)),
        Kind("mac", "MAC地址", "MAC", macs, (_HEX, r"[0-9A-Fa-f]\.[0-9A-Fa-f]{4}\.")),
        Kind(
            "date_of_birth",
            "出生日期",
            "DATE_OF_BIRTH",
            births,
            ("[Bb]irth|DOB|[Bb]orn",),
            ("出生|生日|生于|[月日]生",),
        ),
        Kind("name", "姓名", "NAME", partial(names, titles=titles), name_hints, wide_name_hints),
        Kind("address", "地址", "ADDRESS", addresses, (_STREET,), (_CHINESE_STREET,)),
        Kind("organisation", "机构", "ORGANISATION", organisations, (_COMPANY,), (_CHINESE_COMPANY,)),
    ]
    return [kind for kind in known if kind.name in wanted]

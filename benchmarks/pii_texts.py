# ruff: noqa: E501 -- sentences and rows of tables stay on one line
"""Texts with private data in them, made by a seed: what `benchmarks/pii.py` measures with.

Values are made from the public specifications of their formats, not from anybody's patterns: GB 11643 (identity
numbers), GB 32100 and GB 11714 (credit codes), ISO/IEC 7812 (cards, Luhn), ISO 13616 (IBAN), GA 36 (plates), the Social
Security Administration's rules, the numbering plans of China, NANP and seven other countries, RFC 5321, 791, 4291, 3986.
No value is anybody's on purpose, and those that are checked by a digit are random.

Every text is a few sentences; each sentence has at most one value. Near misses look like a value and are none by its
specification (a wrong check digit, an impossible date, one digit too many) or by what they are (an order number, a
version, a price); digits of theirs that would be a valid value of any kind here are drawn again. There are three sets of
sentences, without one in common: `main` and `held_out`, written before the detectors, whose mistakes on both were read
and mended, and `fresh`, written after them.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

DIGITS, UPPER, ALNUM = string.digits, string.ascii_uppercase, string.ascii_letters + string.digits
FULL_WIDTH = str.maketrans(DIGITS, "０１２３４５６７８９")

AREAS = [
    "110101",
    "110105",
    "120103",
    "130102",
    "140105",
    "150102",
    "210102",
    "220102",
    "230102",
    "310104",
    "310115",
    "320102",
    "330106",
    "340104",
    "350203",
    "360102",
    "370102",
    "410102",
    "420106",
    "430102",
    "440106",
    "440305",
    "450103",
    "460105",
    "500103",
    "510104",
    "520102",
    "530102",
    "540102",
    "610113",
    "620102",
    "630102",
    "640104",
    "650102",
]
MOBILE = [
    "130",
    "131",
    "132",
    "133",
    "134",
    "135",
    "136",
    "137",
    "138",
    "139",
    "145",
    "147",
    "149",
    "150",
    "151",
    "152",
    "153",
    "155",
    "156",
    "157",
    "158",
    "159",
    "166",
    "170",
    "171",
    "172",
    "173",
    "175",
    "176",
    "177",
    "178",
    "180",
    "181",
    "182",
    "183",
    "184",
    "185",
    "186",
    "187",
    "188",
    "189",
    "191",
    "193",
    "195",
    "198",
    "199",
]
LANDLINE = [
    "010",
    "020",
    "021",
    "022",
    "023",
    "024",
    "025",
    "027",
    "028",
    "029",
    "0311",
    "0431",
    "0512",
    "0571",
    "0592",
    "0755",
    "0769",
    "0871",
    "0931",
    "0991",
]
NANP = ["202", "206", "212", "303", "305", "312", "404", "415", "503", "512", "617", "646", "702", "713", "808", "919"]
DOMAINS = [
    "gmail.com",
    "qq.com",
    "163.com",
    "outlook.com",
    "example-mail.cn",
    "foxmail.com",
    "yahoo.co.uk",
    "proton.me",
    "uni-koeln.de",
]
HOSTS = [
    "api.shop-cloud.cn",
    "git.devhub.io",
    "files.datastore.com",
    "hook.chatwork.net",
    "pay.fastgate.cn",
    "cdn.imgs.org",
]
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英文辉玲志国建华海燕晓东子轩梓涵欣怡浩然思雨佳琪宇航雪婷俊"
FIRST = [
    "James",
    "Mary",
    "Robert",
    "Patricia",
    "John",
    "Jennifer",
    "Michael",
    "Linda",
    "David",
    "Elizabeth",
    "William",
    "Barbara",
    "Olivia",
    "Noah",
    "Emma",
    "Liam",
    "Sophia",
    "Lucas",
    "Amelia",
    "Ethan",
    "Grace",
    "Henry",
    "Chloe",
    "Oscar",
]
LAST = [
    "Smith",
    "Johnson",
    "Brown",
    "Taylor",
    "Miller",
    "Wilson",
    "Moore",
    "Anderson",
    "Thomas",
    "Jackson",
    "White",
    "Harris",
    "Martin",
    "Thompson",
    "Clark",
    "Lewis",
    "Walker",
    "Hall",
    "Young",
    "Allen",
    "Wright",
    "Scott",
    "O'Connor",
    "Fitzgerald",
]
CITIES = [
    "浙江省杭州市西湖区",
    "广东省深圳市南山区",
    "北京市朝阳区",
    "上海市浦东新区",
    "四川省成都市武侯区",
    "江苏省苏州市姑苏区",
]
ROADS = ["文三路", "科技园南路", "建国路", "世纪大道", "人民南路", "干将东路", "中山北路", "解放街"]
STREETS = ["Maple Street", "Oak Avenue", "Park Road", "Elm Drive", "Lakeview Lane", "Highland Boulevard", "5th Avenue"]
TOWNS = ["Springfield, IL", "Portland, OR", "Austin, TX", "Denver, CO", "Columbus, OH", "Albany, NY"]


def digits(rng: Random, count: int) -> str:
    """Return random digits."""
    return "".join(rng.choices(DIGITS, k=count))


def id_check(body: str) -> str:
    """Return the check character of 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    return "10X98765432"[sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(body)) % 11]


def luhn_valid(number: str) -> bool:
    """Whether a number keeps to Luhn's rule (ISO/IEC 7812-1)."""
    doubled = [int(d) * (2 - (n % 2 == 0)) for n, d in enumerate(reversed(number))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_check(body: str) -> str:
    """Return the check character of 17 characters (GB 32100)."""
    return CREDIT[(31 - sum(CREDIT.index(c) * (3**n % 31) for n, c in enumerate(body)) % 31) % 31]


def iban_check(country: str, account: str) -> str:
    """Return the two check digits (ISO 13616, ISO 7064 MOD 97-10)."""
    number = int("".join(str(int(c, 36)) for c in f"{account}{country}00"))
    return f"{98 - number % 97:02d}"


def id_body(rng: Random) -> str:
    return (
        f"{rng.choice(AREAS)}{rng.randint(1940, 2015)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{digits(rng, 3)}"
    )


def id_number(rng: Random) -> str:
    body = id_body(rng)
    if rng.random() < 0.1:
        return f"{body[:6]}{body[8:]}" if body[6:8] == "19" else body + id_check(body)
    number = body + id_check(body)
    return number.lower() if rng.random() < 0.1 else number


def mobile(rng: Random) -> str:
    head, middle, tail = rng.choice(MOBILE), digits(rng, 4), digits(rng, 4)
    plain = head + middle + tail
    forms = [plain] * 5 + [
        f"{head} {middle} {tail}", f"{head}-{middle}-{tail}", f"+86{plain}", f"+86 {head} {middle} {tail}", f"+86-{plain}",
        f"0086{plain}", f"(+86){plain}", plain.translate(FULL_WIDTH),
    ]  # fmt: skip
    return rng.choice(forms)


def landline(rng: Random) -> str:
    area = rng.choice(LANDLINE)
    local = rng.choice("2345678") + digits(rng, 7 if len(area) == 3 or rng.random() < 0.5 else 6)
    forms = [f"{area}-{local}"] * 4 + [
        f"({area}){local}",
        f"（{area}）{local}",
        f"{area} {local}",
        f"{area}-{local}-{digits(rng, 3)}",
    ]
    return rng.choice(forms)


def bank_card(rng: Random) -> str:
    prefix, lengths = rng.choice(
        [
            ("62", (16, 17, 18, 19)),
            ("622", (16, 19)),
            ("4", (16,)),
            ("5" + rng.choice("12345"), (16,)),
            ("3" + rng.choice("47"), (15,)),
        ]
    )
    body = prefix + digits(rng, rng.choice(lengths) - len(prefix) - 1)
    number = next(body + d for d in DIGITS if luhn_valid(body + d))
    if rng.random() < 0.3:
        mark = rng.choice(" -")
        return mark.join(number[n : n + 4] for n in range(0, len(number), 4))
    return number


def credit_code(rng: Random) -> str:
    org = "".join(rng.choices(CREDIT, k=8))
    order = DIGITS + UPPER
    check = (11 - sum(order.index(c) * w for c, w in zip(org, (3, 7, 9, 10, 5, 8, 4, 2))) % 11) % 11
    body = rng.choice(["91", "92", "12", "52", "93"]) + rng.choice(AREAS) + org + "0123456789X"[check]
    if "X" in body[-1:] or any(c not in CREDIT for c in body):
        return credit_code(rng)
    return body + credit_check(body)


def passport(rng: Random) -> str:
    forms = [
        f"E{digits(rng, 8)}", f"G{digits(rng, 8)}", f"E{rng.choice('ABCDFGH')}{digits(rng, 7)}", f"H{digits(rng, 8)}",
        f"{rng.choice(UPPER)}{digits(rng, 8)}", f"{rng.choice('TM')}{rng.choice('KRZ')}{digits(rng, 7)}",
    ]  # fmt: skip
    return rng.choice(forms)


def plate(rng: Random) -> str:
    start = rng.choice(PROVINCES) + rng.choice("ABCDEFGH")
    dot = rng.choice(["", "", "·"])
    if rng.random() < 0.3:
        kind = rng.choice("DF")
        number = (
            f"{kind}{rng.choice(PLATE_LETTERS + DIGITS)}{digits(rng, 4)}"
            if rng.random() < 0.7
            else f"{digits(rng, 5)}{kind}"
        )
    else:
        letters = rng.randint(0, 2)
        number = "".join(rng.sample([*rng.choices(DIGITS, k=5 - letters), *rng.choices(PLATE_LETTERS, k=letters)], 5))
    return start + dot + number


def wechat(rng: Random) -> str:
    return (
        rng.choice(string.ascii_lowercase)
        + "".join(rng.choices(string.ascii_lowercase + DIGITS + "_-", k=rng.randint(5, 12)))
        + rng.choice(DIGITS)
    )


def qq(rng: Random) -> str:
    return rng.choice("123456789") + digits(rng, rng.randint(5, 9))


def email(rng: Random) -> str:
    first, last = rng.choice(FIRST).lower(), rng.choice(LAST).lower().replace("'", "")
    local = rng.choice(
        [
            f"{first}.{last}",
            f"{first}{digits(rng, 3)}",
            f"{first[0]}_{last}",
            f"{digits(rng, 9)}",
            f"{first}+news",
            f"zhang{digits(rng, 2)}.wei",
        ]
    )
    name = f"{local}@{rng.choice(DOMAINS)}"
    return name.upper() if rng.random() < 0.05 else name


def ip(rng: Random) -> str:
    if rng.random() < 0.25:
        groups = [f"{rng.randint(1, 0xFFFF):x}" for _ in range(8)]
        groups[0] = rng.choice(["2400", "2001", "2607", "2a02", "240e"])
        if groups[0] == "2001":
            groups[1] = f"{rng.randint(0x1000, 0xFFF0):x}" if groups[1] == "db8" else "4860"
        return rng.choice([":".join(groups), ":".join(groups[:3]) + "::" + groups[7]])
    first = rng.choice([1, 8, 23, 36, 45, 58, 61, 81, 93, 101, 114, 123, 139, 151, 182, 203, 218])
    return f"{first}.{rng.randint(64, 250)}.{rng.randint(120, 255)}.{rng.randint(1, 254)}"


def mac(rng: Random) -> str:
    pairs = [f"{rng.randint(0, 255):02x}" for _ in range(6)]
    pairs[0], pairs[1] = f"{rng.randint(1, 63) * 4:02x}", pairs[1][0] + rng.choice("abcdef")
    joined = rng.choice([":", ":", "-"]).join(pairs)
    return joined.upper() if rng.random() < 0.5 else joined


def token(rng: Random, count: int) -> str:
    return "".join(
        [rng.choice(UPPER), rng.choice(DIGITS), rng.choice(string.ascii_lowercase), *rng.choices(ALNUM, k=count - 3)]
    )


def url(rng: Random) -> str:
    host = rng.choice(HOSTS)
    forms = [
        f"https://{host}/v1/orders?id={digits(rng, 4)}&access_token={token(rng, 32)}",
        f"https://{host}/callback?token={token(rng, 24)}",
        f"https://{rng.choice(FIRST).lower()}:{token(rng, 10)}@{host}/repo.git",
        f"http://{host}/file?sig={token(rng, 40)}&expires={digits(rng, 10)}",
        f"postgresql://app:{token(rng, 12)}@{host}:5432/main",
        f"https://{host}/api?api_key={token(rng, 30)}",
    ]
    return rng.choice(forms)


SECRET_FORMS: list[Callable[[Random], str]] = [
    lambda rng: "AKIA" + "".join(rng.choices(UPPER + "234567", k=16)),
    lambda rng: "ghp_" + token(rng, 36),
    lambda rng: "sk-" + token(rng, 48),
    lambda rng: "AIza" + token(rng, 35),
    lambda rng: f"xoxb-{digits(rng, 12)}-{digits(rng, 12)}-{token(rng, 24)}",
    lambda rng: "eyJhbGciOiJIUzI1NiJ9." + "eyJ" + token(rng, 30) + "." + token(rng, 43),
    lambda rng: "sk_live_" + token(rng, 24),
]


def secret(rng: Random) -> str:
    return rng.choice(SECRET_FORMS)(rng)


def password(rng: Random) -> str:
    """Return what stands in the sentences of `PASSWORDS`: its kind is `secret` too."""
    return token(rng, rng.randint(10, 24))


def ssn(rng: Random) -> str:
    area = rng.choice([rng.randint(1, 665), rng.randint(667, 899)])
    mark = rng.choice("---  ")
    return f"{area:03d}{mark}{rng.randint(1, 99):02d}{mark}{rng.randint(1, 9999):04d}"


def phone(rng: Random) -> str:
    area, exchange, line = (
        rng.choice(NANP),
        f"{rng.choice('2346789')}{rng.choice('23456789')}{rng.choice('023456789')}",
        digits(rng, 4),
    )
    forms = [
        f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"+1 {area} {exchange} {line}", f"+1-{area}-{exchange}-{line}",
        f"{area}.{exchange}.{line}", f"+44 20 7{digits(rng, 3)} {digits(rng, 4)}", f"+44 77{rng.choice('0123456789')}{digits(rng, 1)} {digits(rng, 6)}",
        f"+49 30 {rng.choice('23456789')}{digits(rng, 7)}", f"+81 90-{rng.choice('123456789')}{digits(rng, 3)}-{digits(rng, 4)}",
        f"+33 6 {rng.randint(10, 68)} {digits(rng, 2)} {digits(rng, 2)} {digits(rng, 2)}", f"+61 41{digits(rng, 1)} {digits(rng, 3)} {digits(rng, 3)}",
        f"+852 9{rng.choice('234567')}{digits(rng, 2)} {digits(rng, 4)}", f"+65 8{rng.choice('123456')}{digits(rng, 2)} {digits(rng, 4)}",
    ]  # fmt: skip
    return rng.choice(forms)


def iban(rng: Random) -> str:
    country, account = rng.choice([
        ("DE", digits(rng, 18)), ("FR", digits(rng, 23)), ("GB", "".join(rng.choices(UPPER, k=4)) + digits(rng, 14)),
        ("ES", digits(rng, 20)), ("NL", "".join(rng.choices(UPPER, k=4)) + digits(rng, 10)), ("CH", digits(rng, 17)),
    ])  # fmt: skip
    number = f"{country}{iban_check(country, account)}{account}"
    return " ".join(number[n : n + 4] for n in range(0, len(number), 4)) if rng.random() < 0.5 else number


def name_zh(rng: Random) -> str:
    return rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, rng.choice((1, 2, 2))))


def name_en(rng: Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def address_zh(rng: Random) -> str:
    flat = rng.choice(
        [
            "",
            f"{rng.randint(1, 30)}栋{rng.randint(1, 3)}单元{rng.randint(101, 2905)}室",
            f"{rng.randint(1, 20)}号楼{rng.randint(101, 1204)}",
        ]
    )
    return f"{rng.choice(CITIES)}{rng.choice(ROADS)}{rng.randint(1, 999)}号{flat}"


def address_en(rng: Random) -> str:
    return f"{rng.randint(1, 9999)} {rng.choice(STREETS)}, {rng.choice(TOWNS)} {rng.randint(10000, 99999)}"


PASSWORDS = {
    "main": {"zh": ["密码：{}", "登录密码是{}，别外传"], "en": ["password: {}", "The API key is {} for now", 'api_key = "{}"']},
    "fresh": {"zh": ["开机密码{}"], "en": ["PASSWORD={}", "token: {}"]},
    "held_out": {"zh": ["后台口令：{}", "密码为{}，请修改"], "en": ["passwd={}", "client_secret: {}", "Your password is {}, change it"]},
}  # fmt: skip

Make = Callable[[Random], str]

MAKE: dict[str, Make] = {
    "id_number": id_number, "mobile": mobile, "landline": landline, "bank_card": bank_card, "credit_code": credit_code,
    "passport": passport, "plate": plate, "wechat": wechat, "qq": qq, "email": email, "ip": ip, "mac": mac, "url": url,
    "secret": secret, "ssn": ssn, "phone": phone, "iban": iban,
}  # fmt: skip
KINDS = (*MAKE, "name", "address")


def not_valid(make: Make) -> Make:
    """Return a maker that draws again while its digits are a valid card number or identity number by chance."""

    def drawn(rng: Random) -> str:
        while True:
            value = make(rng)
            bare = "".join(c for c in value if c.isalnum())
            is_card = bare.isdigit() and 12 <= len(bare) <= 19 and luhn_valid(bare)
            if not is_card and not (
                len(bare) == 18 and bare[:17].isdigit() and id_check(bare[:17]) == bare[17].upper()
            ):
                return value

    return drawn


def wrong_id(rng: Random) -> str:
    body = id_body(rng)
    return body + rng.choice([c for c in DIGITS + "X" if c != id_check(body)])


def impossible_date(rng: Random) -> str:
    body = f"{rng.choice(AREAS)}{rng.randint(1950, 2010)}{rng.choice(['0230', '1332', '0431', '0015'])}{digits(rng, 3)}"
    return body + id_check(body)


def wrong_card(rng: Random) -> str:
    number = bank_card(rng).replace(" ", "").replace("-", "")
    return number[:-1] + str((int(number[-1]) + rng.randint(1, 9)) % 10)


def wrong_credit(rng: Random) -> str:
    code = credit_code(rng)
    return code[:-1] + rng.choice([c for c in CREDIT if c != code[-1]])


def wrong_iban(rng: Random) -> str:
    number = iban(rng).replace(" ", "")
    return number[:2] + f"{(int(number[2:4]) + 1) % 97:02d}" + number[4:]


def wrong_ssn(rng: Random) -> str:
    serial = rng.randint(1, 9999)
    return rng.choice(
        [
            f"000-12-{serial:04d}",
            f"666-45-{serial:04d}",
            f"9{digits(rng, 2)}-{rng.randint(10, 49)}-{serial:04d}",
            f"123-00-{serial:04d}",
            "219-09-0000",
        ]
    )


PLAIN: dict[str, Make] = {
    "wrong_id": not_valid(wrong_id),
    "short_mobile": lambda rng: rng.choice(MOBILE) + digits(rng, 7),
    "long_mobile": not_valid(lambda rng: rng.choice(MOBILE) + digits(rng, 10)),
    "wrong_card": not_valid(wrong_card),
    "long_digits": lambda rng: digits(rng, rng.randint(21, 26)),
    "wrong_credit": wrong_credit,
    "wrong_iban": wrong_iban,
    "price": lambda rng: f"{rng.randint(1, 99999)}.{digits(rng, 2)}",
    "date": lambda rng: f"20{rng.randint(10, 26)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
    "stamp": not_valid(
        lambda rng: (
            f"20{rng.randint(10, 26)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{rng.randint(0, 23):02d}{digits(rng, 4)}"
        )
    ),
    "isbn": not_valid(lambda rng: f"978-7-{digits(rng, 4)}-{digits(rng, 4)}-{digits(rng, 1)}"),
    "uuid": lambda rng: "-".join("".join(rng.choices("0123456789abcdef", k=k)) for k in (8, 4, 4, 4, 12)),
    "model": lambda rng: f"{rng.choice(['XPS', 'RTX', 'GB', 'QX'])}{digits(rng, 5)}",
}
"""Near misses that may stand in any sentence about a number."""

NEAR: dict[str, tuple[Make, dict[str, list[str]], dict[str, list[str]]]] = {
    "impossible_date": (
        impossible_date,
        {"zh": ["系统流水{}已入账", "流水号{}请核对"], "en": ["Batch {} was archived", "Sequence {} is closed"]},
        {"zh": ["批次{}检验合格"], "en": ["The archive is labelled {} since spring"]},
    ),
    "version": (
        lambda rng: f"{rng.randint(1, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 20)}.{rng.randint(0, 200)}",
        {"zh": ["请升级到版本{}再试", "固件版本：{}发布了"], "en": ["Please install version {} first", "It broke in v{} again"]},
        {"zh": ["软件版本号为{}以上才支持"], "en": ["Since release {} the menu is gone"]},
    ),
    "wrong_ip": (
        lambda rng: f"{rng.randint(256, 999)}.{rng.randint(1, 255)}.{rng.randint(256, 600)}.{rng.randint(1, 255)}",
        {"zh": ["章节{}有误", "编码{}不存在"], "en": ["See section {} of the manual"]},
        {"zh": ["条目{}已删除"], "en": ["Part {} is out of stock"]},
    ),
    "wrong_ssn": (
        wrong_ssn,
        {"zh": ["零件{}缺货"], "en": ["The form shows {} as a sample", "Part {} is sold out"]},
        {"zh": ["型号{}停产"], "en": ["Use {} as the placeholder"]},
    ),
    "order": (
        not_valid(lambda rng: rng.choice(["", "DD", "SF", "JD"]) + digits(rng, rng.choice((10, 12, 13, 15, 16, 18)))),
        {"zh": ["订单号{}还没发货", "快递单号：{}，请查收", "我的订单{}被取消了"], "en": ["Order {} has not arrived", "Tracking number {} is stuck", "My invoice no. {} is wrong"]},
        {"zh": ["运单{}显示已签收", "交易流水号是{}的那笔"], "en": ["Your receipt {} is attached", "I still wait for parcel {}"]},
    ),
    "order_like_mobile": (
        lambda rng: rng.choice(MOBILE) + digits(rng, 8),
        {"zh": ["订单号：{}已签收"], "en": ["Order number {} was shipped"]},
        {"zh": ["运单号{}查不到"], "en": ["Tracking no. {} is unknown"]},
    ),
    "plain_url": (
        lambda rng: f"https://www.{rng.choice(HOSTS)}/{rng.choice(['help', 'news', 'a/b'])}?page={rng.randint(1, 90)}",
        {"zh": ["详情见{} 谢谢", "官网是{} 欢迎访问"], "en": ["Read more at {} today", "The page {} is down"]},
        {"zh": ["教程在{} 自取"], "en": ["I found it on {} yesterday"]},
    ),
    "hash": (
        lambda rng: "".join(rng.choices("0123456789abcdef", k=40)),
        {"zh": ["提交{}修复了它", "校验和{}一致"], "en": ["Fixed in commit {} already", "The checksum {} matches"]},
        {"zh": ["回退到{}这个提交"], "en": ["Revert {} please"]},
    ),
    "wrong_plate": (
        lambda rng: rng.choice("天大小中上") + rng.choice("ABC") + digits(rng, 5),
        {"zh": ["包厢号{}已预订", "货架{}上层"], "en": ["Shelf {} is empty"]},
        {"zh": ["座位{}空着"], "en": ["Row {} is taken"]},
    ),
    "bare_qq": (
        lambda rng: rng.choice("123456789") + digits(rng, rng.randint(5, 7)),
        {"zh": ["共售出{}件", "阅读量达到{}次"], "en": ["It sold {} copies", "About {} people saw it"]},
        {"zh": ["累计播放{}次"], "en": ["They counted {} votes"]},
    ),
    "at": (
        lambda rng: f"@{rng.choice(FIRST).lower()}{digits(rng, 2)}",
        {"zh": ["感谢{} 的分享"], "en": ["Thanks to {} for the tip", "It costs 3 @ 5 each, says {} again"]},
        {"zh": ["转自{} 的微博"], "en": ["Follow {} for more"]},
    ),
    "no_name": (
        lambda rng: rng.choice(["已通知", "见附件", "待定", "同上"]),
        {"zh": ["联系人：{}，请知悉", "姓名：{}"], "en": ["Contact person: to be decided, {}"]},
        {"zh": ["收件人：{}。"], "en": ["Name: unknown as of now, {}"]},
    ),
}  # fmt: skip
"""Near misses with sentences of their own: maker, sentences of the main set, sentences of the held-out set."""

PLAIN_FRAMES = {
    "main": {"zh": ["编号{}已处理", "系统显示{}有误", "记录为{}，请核对", "货号{}缺货"], "en": ["Item {} is missing", "The record says {} twice", "Number {} was entered", "We logged {} there"]},
    "fresh": {"zh": ["标签打印成{}", "第一列是{}"], "en": ["Column B holds {}", "It printed {} instead"]},
    "held_out": {"zh": ["条码{}扫不出来", "表格里写着{}吧", "数据{}重复了"], "en": ["Entry {} is blank", "My screen shows {} now", "It reads {} on the label"]},
}  # fmt: skip

FRAMES: dict[str, dict[str, dict[str, list[str]]]] = {
    "main": {
        "id_number": {"zh": ["身份证号{}已核验", "我的身份证是{}，请查收", "办理人证件号码：{}。", "请登记{}这个人的信息"], "en": ["His Chinese ID number is {} as stated", "ID card {} was checked"]},
        "mobile": {"zh": ["客户{}已致电", "请拨打{}联系我", "手机号：{}，谢谢", "我电话{}微信同号", "有事打{}"], "en": ["Call me at {} tonight", "My Chinese mobile is {}.", "Text {} when you land"]},
        "landline": {"zh": ["座机{}无人接听", "公司电话：{}", "请致电{}咨询", "前台号码是{}哦"], "en": ["The Beijing office answers {} all day", "Fax and phone: {}"]},
        "bank_card": {"zh": ["请打款到{}谢谢", "银行卡号{}开户行招商银行", "卡号：{}，户名本人", "尾款转{}即可"], "en": ["Charge the card {} please", "My card number is {}.", "Refund it to {} today"]},
        "credit_code": {"zh": ["统一社会信用代码{}", "税号：{}，请开票", "该公司代码为{}的企业"], "en": ["The company is registered as {} in China", "Its credit code is {}."]},
        "passport": {"zh": ["护照号码：{}，有效期内", "护照{}已过期", "我的护照号是{}请登记"], "en": ["Passport number {} expires soon", "My passport no. is {}.", "passport: {}"]},
        "plate": {"zh": ["车牌{}违停", "请挪一下{}这辆车", "黑色轿车{}肇事逃逸", "车主您好，{}挡路了"], "en": ["The car with the plate {} left", "Parking permit for {} please"]},
        "wechat": {"zh": ["加微信：{}聊", "微信号{}", "我的微信是{}，备注来意", "vx:{} 速来"], "en": ["My WeChat ID is {}.", "WeChat: {}"]},
        "qq": {"zh": ["QQ：{}，在线", "加qq{}领取资料", "QQ号{}", "扣扣：{}咨询"], "en": ["My QQ number is {}.", "QQ: {}"]},
        "email": {"zh": ["请发邮件到{}联系我", "邮箱：{}。", "简历投{}即可", "他的邮箱{}失效了"], "en": ["Write to {} please.", "My email is {}, thanks", "Contact <{}> for help"]},
        "ip": {"zh": ["服务器{}宕机了", "来自{}的登录", "IP地址：{}，异常"], "en": ["Login from {} failed", "The host {} is down.", "Ping {} first"]},
        "mac": {"zh": ["设备{}离线", "MAC地址：{}已绑定", "网卡{}冲突"], "en": ["The adapter {} is unknown", "MAC address {}."]},
        "url": {"zh": ["点这里{} 登录", "接口地址：{} 别外传"], "en": ["Open {} to log in", "Clone {} first", "It calls {} every hour"]},
        "secret": {"zh": ["密钥{}泄露了", "请用{}调用接口"], "en": ["The key {} leaked", "Use {} to sign in", "export TOKEN={}"]},
        "ssn": {"zh": ["他的美国社保号{}已登记"], "en": ["My SSN is {}.", "Social security number: {}", "Employee {} was paid"]},
        "phone": {"zh": ["国外电话{}可以联系", "请打{}找她"], "en": ["Call {} now", "My number is {}.", "Reach us at {} before noon", "Tel: {}"]},
        "iban": {"zh": ["欧洲账户{}收款", "请汇到{}谢谢"], "en": ["Transfer it to {} today", "IBAN: {}", "Our account {} is open"]},
        "name": {"zh": ["联系人：{}，请知悉", "姓名：{}", "我叫{}，想咨询一下", "收件人：{}。"], "en": ["My name is {}.", "Dear {},\nthank you", "Contact person: {}\nThanks", "Best regards,\n{}"]},
        "address": {"zh": ["地址：{}。", "收货地址：{}，谢谢", "家庭住址：{}"], "en": ["Address: {}", "Ship it to {}.", "I live at {}."]},
    },
    "fresh": {
        "id_number": {"zh": ["老人手里攥着{}的证件", "核对结果：{}属实"], "en": ["Guests from China gave {} at the desk"]},
        "mobile": {"zh": ["短信发至{}", "他留下{}就走了", "☎{}"], "en": ["Ping me ({}) on arrival"]},
        "landline": {"zh": ["办公室{}打不通", "医院总台{}"], "en": ["In China dial {} first"]},
        "bank_card": {"zh": ["工资发到{}这张", "扣款失败：{}"], "en": ["The account behind {} is empty"]},
        "credit_code": {"zh": ["营业执照编号{}已注销", "甲方（{}）与乙方"], "en": ["Licence {} was revoked"]},
        "passport": {"zh": ["证件类型：护照，号码{}", "拿着护照{}登机"], "en": ["Her passport ({}) was stolen"]},
        "plate": {"zh": ["司机师傅的{}到了", "尾号限行，{}不能上路"], "en": ["The van {} blocks the gate"]},
        "wechat": {"zh": ["有意者微信{}", "代购v信：{}"], "en": ["on WeChat I am {}"]},
        "qq": {"zh": ["资料发我QQ{}", "Qq：{}非诚勿扰"], "en": ["add QQ {}"]},
        "email": {"zh": ["电子版请传{}", "报名（{}）截止今晚"], "en": ["from: {}", "Reach {}; she is quick"]},
        "ip": {"zh": ["日志里全是{}", "代理走{}"], "en": ["ssh root@{} hangs", "blocked [{}] twice"]},
        "mac": {"zh": ["路由器后台看到{}"], "en": ["wlan0 {} associated"]},
        "url": {"zh": ["浏览器打开{} 就能进后台"], "en": ["webhook={}", "Never post {} in public"]},
        "secret": {"zh": ["配置文件写死了{}"], "en": ["it printed {} to stdout"]},
        "ssn": {"zh": ["报税用的SSN是{}"], "en": ["The W-2 lists {} for him"]},
        "phone": {"zh": ["房东在海外，{}"], "en": ["Questions? {}", "She gave us {} instead"]},
        "iban": {"zh": ["房租汇{}"], "en": ["Refunds go to {} only"]},
        "name": {"zh": ["经办人：{}", "患者{}，男", "乘客{}已登机", "大家好，我是{}，请多关照"], "en": ["Yours truly,\n{}", "Patient: {}", "Hello {},\nwelcome"]},
        "address": {"zh": ["快递放{}门口", "户籍地址：{}"], "en": ["He lives at {}.", "The office is at {}."]},
    },
    "held_out": {
        "id_number": {"zh": ["公民身份号码为{}的当事人", "证件{}扫描不清", "填{}就能查到成绩"], "en": ["The applicant holds {} as identity number", "Resident identity card no. {}."]},
        "mobile": {"zh": ["本人{}随时可接", "预留手机{}收不到验证码", "家长{}未接听", "联系方式{}，急"], "en": ["Ring {} after six", "WhatsApp works on {} too", "Her cell: {}"]},
        "landline": {"zh": ["投诉热线{}永远占线", "传真{}收到了", "总机：{}转人工"], "en": ["Dial {} from abroad", "Our Shanghai line is {}."]},
        "bank_card": {"zh": ["往{}里存了五百", "绑定的是{}这张卡", "储蓄卡{}被冻结"], "en": ["Visa or UnionPay {} was declined", "Put it on {} instead"]},
        "credit_code": {"zh": ["营业执照上的{}对不上", "纳税人识别号{}", "供应商{}已注册"], "en": ["Vendor {} passed the check", "USCC {} is valid"]},
        "passport": {"zh": ["持护照{}入境", "新护照：{}", "她的护照编号{}遗失"], "en": ["He travels on passport {} today", "Passport No.: {}", "the holder of passport number {} is back"]},
        "plate": {"zh": ["一辆{}闯了红灯", "看见{}了吗", "司机开着{}来接我"], "en": ["A taxi, {}, hit the wall", "Number plate {}."]},
        "wechat": {"zh": ["微信联系{}谢谢", "加V：{}进群", "薇信：{}", "微信号为{}的用户"], "en": ["Add me on WeChat: {}", "wechat id {} please"]},
        "qq": {"zh": ["咨询QQ:{}", "企鹅号QQ {}找我", "我的QQ是{}哈", "Q Q：{}"], "en": ["Find me on QQ: {}", "qq number {} works"]},
        "email": {"zh": ["发到{}就行", "抄送给{}和我", "联系{}获取发票"], "en": ["cc {} as well", "Mail ({}) bounced", "I am {} on every platform"]},
        "ip": {"zh": ["攻击者{}已封禁", "把{}加入白名单", "节点{}超时"], "en": ["Requests by {} were blocked", "traceroute to {} ends there", "from {}: timeout"]},
        "mac": {"zh": ["把{}加进名单", "蓝牙地址{}配对失败"], "en": ["Pair with {} again", "ether {} up"]},
        "url": {"zh": ["下载链接是{} 今天有效", "回调到{} 失败"], "en": ["Use this link: {}", "curl {} returns 403"]},
        "secret": {"zh": ["把{}写进了代码", "令牌：{}"], "en": ["Authorization: Bearer {}", "I pasted {} by mistake", "token={}"]},
        "ssn": {"zh": ["社会安全号码：{}"], "en": ["Her social is {}.", "taxpayer {} filed late", "SSN {} on file"]},
        "phone": {"zh": ["海外客服{}不通", "他在国外的号码是{}呢"], "en": ["Phone: {}", "We dialed {} twice", "Ask for Kim on {} today", "ext. desk {}"]},
        "iban": {"zh": ["收款账号{}没错吧", "账户：{}"], "en": ["Pay {} by Friday", "My bank account is {}.", "wire to {} please"]},
        "name": {"zh": ["联系人{}电话如下", "申请人：{}，已提交", "本人{}郑重承诺", "签收人：{}"], "en": ["I am called {}.", "Hi {},\nany news", "Name: {}\nCity: unknown", "Sincerely,\n{}", "This is {} speaking"]},
        "address": {"zh": ["寄到{}吧", "现住{}，独居", "送货地址为{}"], "en": ["Deliver to {} please", "Home address: {}", "We moved to {} last year."]},
    },
}  # fmt: skip

FILLER = {
    "zh": ["昨天买的东西还不错", "质量一般，物流很快", "客服态度很好", "屏幕有点暗", "下次还会再来", "2024年第3季度增长12.5%", "比例是3:2，共200元", "房间在8楼，价格399元起"],
    "en": ["The movie was better than expected", "I would give it 8/10", "It runs 120 minutes and cost $3.5 million", "Nobody answered for two weeks", "The 2019 remake is weaker", "It starts at 7:30 p.m. on Friday", "Version 2 fixed most of it"],
}  # fmt: skip


@dataclass
class Text:
    """One text with its truth."""

    text: str
    spans: list[tuple[int, int, str]] = field(default_factory=list)
    """Start, end (characters) and kind of each value."""
    near: list[tuple[int, int, str]] = field(default_factory=list)
    """Likewise of the near misses."""


def make(number: int, *, seed: int, frames: str) -> list[Text]:
    """Return so many texts of one set of sentences; the same for the same seed."""
    rng = Random(f"{frames}:{seed}")
    return [_text(rng, frames) for _ in range(number)]


def _text(rng: Random, frames: str) -> Text:
    language = rng.choice(("zh", "en"))
    made = Text("")
    for _ in range(rng.randint(1, 4)):
        draw = rng.random()
        if draw < 0.5:
            kind = rng.choice(KINDS)
            if kind == "secret" and rng.random() < 0.4:
                _add(made, rng.choice(PASSWORDS[frames][language]), password(rng), kind, made.spans)
            else:
                _add(made, rng.choice(FRAMES[frames][kind][language]), _value(kind, rng, language), kind, made.spans)
            if kind in ("name", "address") and made.text.endswith(made.text[made.spans[-1][0] : made.spans[-1][1]]):
                made.text += "\n"  # what ends a form's line is on a line of its own
        elif draw < 0.8:
            kind = rng.choice([*PLAIN, *NEAR])
            if kind in PLAIN:
                _add(made, rng.choice(PLAIN_FRAMES[frames][language]), PLAIN[kind](rng), kind, made.near)
            else:
                maker, main, held_out = NEAR[kind]
                _add(made, rng.choice((main if frames == "main" else held_out)[language]), maker(rng), kind, made.near)
        else:
            _add(made, rng.choice(FILLER[language]), "", "", [])
        end = made.text[-1:]
        if end == "\n":
            continue
        if language == "zh":
            made.text += rng.choice(["", "，", "。", "！", "\n"]) if end not in "。，！" and not end.isascii() else "。"
        else:
            made.text += rng.choice([" ", "\n"]) if end in ".!?" else rng.choice([". ", "\n", "! "])
    return made


def _value(kind: str, rng: Random, language: str) -> str:
    if kind == "name":
        return name_zh(rng) if language == "zh" else name_en(rng)
    if kind == "address":
        return address_zh(rng) if language == "zh" else address_en(rng)
    return MAKE[kind](rng)


def _add(made: Text, frame: str, value: str, kind: str, spans: list[tuple[int, int, str]]) -> None:
    before, _, after = frame.partition("{}")
    start = len(made.text) + len(before)
    made.text += before + value + after
    if value:
        spans.append((start, start + len(value), kind))

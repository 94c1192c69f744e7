"""Keys, tokens and passwords."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oreline.data.pii.credentials import secrets

TOKEN = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5"


@pytest.mark.parametrize(
    "text",
    [
        f"密钥⟦ghp_{TOKEN}⟧泄露了",
        "⟦AKIAIOSFODNN7EXAMPLE⟧",
        f"⟦sk-{TOKEN}⟧。",
        f"⟦eyJhbGciOiJIUzI1NiJ9.eyJ{TOKEN}.{TOKEN}⟧",
        "⟦-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----⟧",
        "密码：⟦Abc12345⟧，别外传",
        "用户名admin密码⟦admin@123⟧登录",
        "取款密码是⟦852963⟧。",
        'api_key = "⟦q7w8e9r0t1y2⟧"',
        f"Authorization: Bearer ⟦{TOKEN}⟧",
        "The password is required. Your token: something",
        "secret agent is here, password=******** token=$TOKEN key: [密钥]",
        "commit 3f2a9c1d8e7b6a503f2a9c1d8e7b6a503f2a9c1d",
        "密码是什么？密码：忘记了",
    ],
)
def test_secrets(finds: Callable[..., bool], text: str) -> None:
    assert finds(secrets, text)

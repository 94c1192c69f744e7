"""The page at /docs."""

from __future__ import annotations

import html
import re

from fastapi.testclient import TestClient

from oreline.serve.docs_page import docs_page


def test_it_needs_no_network(client: TestClient) -> None:
    page = client.get("/docs").text
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert "cdn" not in page.lower()


def test_it_shows_every_route_with_examples_that_work(client: TestClient) -> None:
    page = client.get("/docs").text
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            assert f'data-method="{method.upper()}" data-path="{path.lstrip("/")}"' in page
    predict = page[page.index('data-path="predict"') :]
    examples = [
        html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", predict, re.S)[1]),
        html.unescape(re.search(r"<p>or</p><pre>(.*?)</pre>", predict, re.S)[1]),
    ]
    for example in examples:
        answer = client.post("/predict", content=example, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, example


def test_it_escapes_what_it_shows() -> None:
    evil = "<script>alert(1)</script>"
    operation = {"description": evil, "responses": {"200": {"description": evil}}}
    document = {
        "info": {"title": evil, "description": evil, "version": evil},
        "paths": {f"/{evil}": {"get": operation}},
    }
    assert evil not in docs_page(document)

"""The page at /docs: every route, its requests and answers, and a form to try it. One file, no network.

Made from the OpenAPI document, so that it cannot differ from what the server does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
section{border:1px solid #d5dbe3;border-radius:.5rem;margin:1rem 0;padding:.5rem 1rem}
h2{font-size:1.1rem;margin:.4rem 0}code,pre,textarea,input{font:14px/1.4 ui-monospace,monospace}
pre{background:#f4f6f9;padding:.6rem;border-radius:.3rem;overflow:auto;white-space:pre-wrap}
textarea,input{width:100%;box-sizing:border-box}
b.method{background:#1f5fa8;color:#fff;border-radius:.3rem;padding:.1rem .5rem}
td{padding:.1rem .8rem .1rem 0;vertical-align:top}button{margin:.4rem 0;padding:.3rem 1rem}
"""
_SCRIPT = """
for (const form of document.querySelectorAll("form")) form.addEventListener("submit", async event => {
  event.preventDefault();
  const body = form.elements.body, id = form.elements.id, token = document.getElementById("token").value;
  const headers = {...(body && {"Content-Type": "application/json"}), ...(token && {Authorization: "Bearer " + token})};
  const path = form.dataset.path.replace("{id}", encodeURIComponent(id ? id.value : ""));
  const answer = await fetch(path, {method: form.dataset.method, headers, body: body ? body.value : undefined});
  const text = await answer.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch (error) {}
  form.nextElementSibling.textContent = answer.status + " " + answer.statusText + "\\n" + shown;
});
"""


def docs_page(document: Mapping[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    sections = "".join(
        _section(document, method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])} Model version "
        f'<code>{escape(info["version"])}</code>. Machine-readable: <a href="openapi.json">openapi.json</a>.</p>'
        f'<p><label>Token, where the server asks for one: <input id="token" type="password" autocomplete="off">'
        f"</label></p>{sections}<script>{_SCRIPT}</script></html>"
    )


def _section(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> str:
    examples = [json.dumps(example, indent=2) for example in _examples(document, operation)]
    others = "".join(f"<p>or</p><pre>{escape(example)}</pre>" for example in examples[1:])
    rows = "".join(
        f"<tr><td><code>{escape(str(status))}</code><td>{escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    field = '<input name="id" placeholder="id of a prediction" required>' if "{id}" in path else ""
    if examples:
        lines = examples[0].count("\n") + 1
        field += f'<textarea name="body" rows="{lines}" aria-label="request body">{escape(examples[0])}</textarea>'
    return (
        f'<section><h2><b class="method">{escape(method.upper())}</b> <code>{escape(path)}</code></h2>'
        f"<p>{escape(operation.get('description', ''))}</p>"
        f'<form data-method="{escape(method.upper())}" data-path="{escape(path.lstrip("/"))}">'
        f"{field}<button>Send</button></form>"
        f"<pre></pre>{others}<table>{rows}</table></section>"
    )


def _examples(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[Any]:
    """Yield one example for each form that the request may take."""
    if "requestBody" not in operation:
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for form in schema.get("anyOf") or schema.get("oneOf") or [schema]:
        yield _example(document, form)


def _example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _example(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [_example(document, schema["items"])]
    if schema.get("type") == "object":
        required = schema.get("required", [])
        return {name: _example(document, part) for name, part in schema["properties"].items() if name in required}
    return None

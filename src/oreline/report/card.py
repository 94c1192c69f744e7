"""The model card, `README.md` of an artifact: English, then Chinese, under Hugging Face's YAML front matter.

`card` takes the manifest as a mapping (`Manifest.model_dump()`) and `facts`, what the manifest does not know.
All facts are optional:

* `name`: heading; the task's name when not given
* `license`: SPDX name; the card says that it is unknown when not given
* `languages`: codes of the training texts' languages, such as `["en"]`
* `start`: name of the model that training began from (such as `catalog:minilm-l6-en`)
* `base_model`: hub id of the model that training began from; a local path would be a broken link on the hub
* `split`: the split behind the manifest's metrics; `dev` when not given
* `intended_use`: replaces the card's own paragraph
* `limits`: a list of sentences that are added to the card's own
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from oreline.report import formatting
from oreline.report.card_text import CHINESE, ENGLISH, Words

MAX_LABELS = 30
_PIPELINE_TAGS = {"text_classification": "text-classification"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$])")


def card(manifest: Mapping[str, Any], *, facts: Mapping[str, Any]) -> str:
    """Return the model card of an artifact as Markdown.

    Args:
        manifest: the fields of `store.Manifest`.
        facts: see the module's docstring.
    """
    parts = [_front_matter(manifest, facts), *_body(ENGLISH, manifest, facts), *_body(CHINESE, manifest, facts)]
    return "\n\n".join(parts) + "\n"


def escape(text: object, *, limit: int = 200) -> str:
    """Return text that Markdown shows as it is, on one line.

    >>> escape("a|b <script>\\n# c")
    'a\\\\|b \\\\<script\\\\> \\\\# c'
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(formatting.clean(text, limit=limit).split()))


def code(text: object) -> str:
    """Return text as a code span; backquotes in it cannot end it."""
    return "`" + " ".join(formatting.clean(text, limit=200).replace("`", "ˋ").split()) + "`"


def _front_matter(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    task = str(manifest["task"])
    header: dict[str, Any] = {
        "language": list(facts.get("languages", ())),
        "license": str(facts.get("license", "")).lower(),
        "library_name": "oreline",
        "pipeline_tag": _PIPELINE_TAGS.get(task, ""),
        "tags": ["oreline", manifest["runtime"], *([] if task == "none" else [task.replace("_", "-")])],
        "base_model": facts.get("base_model", ""),
        "metrics": sorted(manifest["metrics"]),
        "model-index": _model_index(manifest, facts),
    }
    known = _one_line(formatting.plain({key: value for key, value in header.items() if value}))
    # Without line breaks in a value, no line of it can look like the closing `---`.
    return "---\n" + yaml.safe_dump(known, allow_unicode=True, sort_keys=False).strip() + "\n---"


def _one_line(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(formatting.clean(value).split())
    if isinstance(value, dict):
        return {key: _one_line(entry) for key, entry in value.items()}
    return [_one_line(entry) for entry in value] if isinstance(value, list) else value


def _model_index(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not manifest["metrics"]:
        return []
    split = facts.get("split", "dev")
    fingerprint = str(manifest["data"].get("fingerprint", ""))
    result = {
        "task": {"type": _PIPELINE_TAGS.get(manifest["task"], manifest["task"])},
        "dataset": {"name": f"dataset {fingerprint[:12]}", "type": "private", "split": split},
        "metrics": [
            {"type": name, "value": entry["value"], "name": f"{name} [{entry['low']}, {entry['high']}], n={entry['n']}"}
            for name, entry in sorted(manifest["metrics"].items())
        ],
    }
    return [{"name": str(facts.get("name", manifest["task"])), "results": [result]}]


def _body(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    name = facts.get("name") or words.kinds.get(str(manifest["task"]), manifest["task"])
    sections = [
        f"# {escape(name)}" if words is ENGLISH else f"# {escape(name)}（中文）",
        words.other_language,
        _what(words, manifest),
        f"## {words.labels}\n\n{_labels(words, manifest)}" if manifest["task_options"].get("labels") else "",
        f"## {words.data}\n\n{_pairs(_data(words, manifest))}",
        f"## {words.training}\n\n{_pairs(_training(words, manifest, facts))}",
        f"## {words.metrics}\n\n{_metrics(words, manifest, facts)}",
        f"## {words.intended_use}\n\n{escape(facts.get('intended_use') or words.default_use, limit=2000)}",
        f"## {words.limits}\n\n{_limits(words, manifest, facts)}",
        f"## {words.how_to_use}\n\n{_usage(words, manifest)}",
        f"## {words.lineage}\n\n{_lineage(words, manifest)}",
        f"## {words.license}\n\n{escape(facts.get('license') or words.unknown_license)}",
    ]
    return [section for section in sections if section]


def _what(words: Words, manifest: Mapping[str, Any]) -> str:
    kind = words.kinds.get(str(manifest["task"]), escape(manifest["task"]))
    runtime = words.runtimes.get(str(manifest["runtime"]), escape(manifest["runtime"]))
    # Runtimes without a limit, such as the linear one, have 0 here.
    reach = words.reach.format(max_tokens=manifest["max_tokens"]) if manifest["max_tokens"] else words.whole
    return words.what.format(kind=kind, runtime=runtime, oreline=escape(manifest["oreline"] or "?"), reach=reach)


def _labels(words: Words, manifest: Mapping[str, Any]) -> str:
    labels = [code(label) for label in manifest["task_options"]["labels"]]
    hidden = len(labels) - MAX_LABELS
    more = words.more.format(count=hidden) if hidden > 0 else ""
    return words.num_labels.format(count=len(labels)) + words.comma.join(labels[:MAX_LABELS]) + more


def _data(words: Words, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    data = manifest["data"]
    columns = [f"{role}: {words.comma.join(code(c) for c in names)}" for role, names in manifest["columns"].items()]
    return [
        (words.fingerprint, code(data["fingerprint"]) if data.get("fingerprint") else ""),
        (words.rows, formatting.scalar(data.get("rows"))),
        (words.columns, "; ".join(columns)),
    ]


def _training(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    recipe = manifest["recipe"]
    options = {**_flat(recipe.get("options", {})), **_flat(recipe.get("resolved", {}), "resolved.")}
    return [
        (words.start, code(facts["start"]) if facts.get("start") else ""),
        (words.verb, code(recipe["verb"]) if recipe.get("verb") else ""),
        *((code(name), code(_exact(value))) for name, value in options.items() if value is not None),
    ]


def _exact(value: Any) -> str:
    """Write an option as it was given: a rounded learning rate cannot be repeated."""
    return value if isinstance(value, str) else json.dumps(formatting.plain(value), ensure_ascii=False)


def _flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _metrics(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    if not manifest["metrics"]:
        return words.no_metrics
    rows = [f"| {words.metric} | {words.value} | {words.interval} | n |", "|---|---:|---:|---:|"]
    for name, entry in manifest["metrics"].items():
        value, interval, n = formatting.estimate(entry)
        rows.append(f"| {escape(name)} | {value} | {interval} | {n.removeprefix('n = ')} |")
    return words.on_split.format(split=code(facts.get("split", "dev"))) + "\n\n" + "\n".join(rows)


def _limits(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    own: Sequence[str] = [
        words.limit_labels if manifest["task_options"].get("labels") else "",
        words.limit_length.format(max_tokens=manifest["max_tokens"]) if manifest["max_tokens"] else "",
        words.limit_data,
        words.limit_flags if manifest["extra"].get("processor_flags") else "",
        words.limit_people,
    ]
    extra = [escape(limit, limit=2000) for limit in facts.get("limits", ())]
    return "\n".join(f"- {limit}" for limit in [*own, *extra] if limit)


def _usage(words: Words, manifest: Mapping[str, Any]) -> str:
    return (words.usage if manifest["task"] != "none" else words.usage_encoder).strip()


def _lineage(words: Words, manifest: Mapping[str, Any]) -> str:
    steps = [f"1. {code(step.get('verb', '?'))}: {code(step.get('id', '?'))}" for step in manifest["lineage"]]
    return "\n".join([words.ancestors, "", *steps]) if steps else words.no_ancestors


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in pairs if value)

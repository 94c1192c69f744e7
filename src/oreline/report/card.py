"""The model card, `README.md` of an artifact: English, then Chinese, under Hugging Face's YAML front matter.

`card` takes the manifest as a mapping (`Manifest.model_dump()`) and `facts`, what the manifest does not know.
The start model and its licence come from the lineage's last entry (`{"verb": "start", "name": …, "license": …}`); the
split of the metrics from the recipe, `dev` where it does not say. All facts are optional:

* `name`: heading; the task's name when not given
* `license`: SPDX name; the card says that it is unknown when not given
* `languages`: codes of the training texts' languages, such as `["en"]`
* `start`: name of the model that training began from (such as `catalog:minilm-l6-en`); replaces the lineage's
* `base_model`: hub id of the model that training began from, where the start model's name is not one already; a
  local path would be a broken link on the hub
* `split`: the split behind the manifest's metrics; replaces the recipe's
* `intended_use`: replaces the card's own paragraph
* `limits`: a list of sentences that are added to the card's own
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from oreline.report import formatting
from oreline.report.card_text import CHINESE, ENGLISH, Words

MAX_LABELS = 30
_PIPELINE_TAGS = {
    "text_classification": "text-classification",
    "multilabel": "text-classification",
    "pair": "text-classification",
    "relation": "text-classification",
    "token_classification": "token-classification",
    "intent_slots": "token-classification",
    "question_answering": "question-answering",
    "embedding": "sentence-similarity",
    "chat": "text-generation",
}
"""The hub's names of tasks, where it has one."""
_WINDOWED = ("token_classification", "intent_slots", "question_answering")
"""Tasks that read long texts in windows: nothing is cut."""
_PAIRED = ("pair", "similarity")
"""Tasks that read two texts as one."""
_ROWS = {
    "pair": '{"text": "one text", "text_pair": "another"}',
    "similarity": '{"text": "one text", "text_pair": "another"}',
    "question_answering": '{"text": "Who?", "text_pair": "The text that may say."}',
    "relation": '{"text": "<e1>Ann</e1> works for <e2>Acme</e2>."}',
    "chat": '{"messages": [{"role": "user", "content": "Is it open?"}]}',
}
_PLACES = ("data", "start", "model", "out")
"""Options that are places on the machine of whoever trained: of no use to a reader, and not for everybody's eyes."""
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
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
        "base_model": facts.get("base_model") or _hub_id(_start(manifest, facts).get("name", "")),
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
    split = _split(manifest, facts)
    fingerprint = str(manifest["data"].get("fingerprint", ""))
    result = {
        "task": {"type": _PIPELINE_TAGS.get(manifest["task"], manifest["task"])},
        "dataset": {"name": f"dataset {fingerprint[:12]}", "type": "private", "split": split},
        "metrics": [
            {"type": name, "value": entry["value"], "name": f"{name} " + ", ".join(formatting.estimate(entry)[1:])}
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
        f"## {words.data}\n\n{_pairs(words, _data(words, manifest))}",
        f"## {words.training}\n\n{_pairs(words, _training(words, manifest, facts))}",
        f"## {words.metrics}\n\n{_metrics(words, manifest, facts)}",
        f"## {words.intended_use}\n\n{_intended_use(words, manifest, facts)}",
        f"## {words.limits}\n\n{_limits(words, manifest, facts)}",
        f"## {words.how_to_use}\n\n{_usage(words, manifest)}",
        f"## {words.lineage}\n\n{_lineage(words, manifest)}",
        f"## {words.license}\n\n{_license(words, manifest, facts)}",
    ]
    return [section for section in sections if section]


def _what(words: Words, manifest: Mapping[str, Any]) -> str:
    kind = words.kinds.get(str(manifest["task"]), escape(manifest["task"]))
    runtime = words.runtimes.get(str(manifest["runtime"]), escape(manifest["runtime"]))
    # Runtimes without a limit, such as the linear one, have 0 here.
    cuts = manifest["max_tokens"] and manifest["task"] not in _WINDOWED
    told = words.reach_pair if manifest["task"] in _PAIRED else words.reach
    reach = told.format(max_tokens=manifest["max_tokens"]) if cuts else words.whole
    return words.what.format(kind=kind, runtime=runtime, oreline=escape(manifest["oreline"] or "?"), reach=reach)


def _labels(words: Words, manifest: Mapping[str, Any]) -> str:
    labels = [code(label) for label in manifest["task_options"]["labels"]]
    hidden = len(labels) - MAX_LABELS
    more = words.more.format(count=hidden) if hidden > 0 else ""
    return words.num_labels.format(count=len(labels)) + words.comma.join(labels[:MAX_LABELS]) + more


def _data(words: Words, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    data = manifest["data"]
    columns = [
        f"{escape(role)}{words.colon}{words.comma.join(code(c) for c in names)}"
        for role, names in manifest["columns"].items()
    ]
    return [
        (words.dataset, code(Path(str(data["path"])).name) if data.get("path") else ""),
        (words.fingerprint, code(data["fingerprint"]) if data.get("fingerprint") else ""),
        (words.rows, formatting.scalar(data.get("rows"))),
        (words.columns, words.semicolon.join(columns)),
    ]


def _training(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    recipe = manifest["recipe"]
    given = {name: value for name, value in recipe.get("options", {}).items() if name not in _PLACES}
    options = {**_flat(given), **_flat(recipe.get("resolved", {}), "resolved.")}
    start = _start(manifest, facts)
    return [
        (words.start, code(start["name"]) if start.get("name") else words.no_start),
        (words.start_license, escape(start["license"]) if start.get("license") else ""),
        (words.verb, code(recipe["verb"]) if recipe.get("verb") else ""),
        *((code(name), code(_exact(value))) for name, value in options.items() if value is not None and value != []),
    ]


def _start(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, str]:
    """Return name and licence of the model that everything began from; empty when it began from nothing."""
    first = manifest["lineage"][-1] if manifest["lineage"] else {}
    found = _named(first) if first.get("verb") == "start" else {}
    return {**found, **({"name": str(facts["start"])} if facts.get("start") else {})}


def _named(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return what a start model is called: as the user named it, else its folder, never the path to it."""
    name = entry.get("name") or Path(str(entry.get("path", ""))).name
    return {"name": str(name), "license": str(entry.get("license", ""))}


def _hub_id(name: str) -> str:
    return name if _HUB_ID.fullmatch(name) else ""


def _split(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    return str(facts.get("split") or manifest["recipe"].get("options", {}).get("split") or "dev")


def _license(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    if facts.get("license"):
        return escape(facts["license"])
    start = _start(manifest, facts)
    if start.get("license"):
        return words.start_licensed.format(start=code(start["name"]), license=escape(start["license"]))
    return words.unknown_license if start else words.own_license


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
    is_encoder = manifest["task"] == "none"
    above = words.on_tokens if is_encoder else words.on_split.format(split=code(_split(manifest, facts)))
    return above + "\n\n" + "\n".join(rows)


def _intended_use(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    if facts.get("intended_use"):
        return escape(facts["intended_use"], limit=2000)
    return words.default_use_encoder if manifest["task"] == "none" else words.default_use


def _limits(words: Words, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    predicts = manifest["task"] != "none"
    has_dev_figures = predicts and manifest["metrics"] and _split(manifest, facts) == "dev"
    own: Sequence[str] = [
        _limit_labels(words, manifest),
        words.limit_texts if "generation" in manifest["task_options"] else "",
        _limit_length(words, manifest),
        words.limit_dev if has_dev_figures else "",
        words.limit_data,
        words.limit_flags if manifest["extra"].get("processor_flags") else "",
        words.limit_people,
    ]
    extra = [escape(limit, limit=2000) for limit in facts.get("limits", ())]
    return "\n".join(f"- {limit}" for limit in [*own, *extra] if limit)


def _limit_length(words: Words, manifest: Mapping[str, Any]) -> str:
    if not manifest["max_tokens"] or manifest["task"] in _WINDOWED:
        return ""
    own = {"chat": words.limit_turns, **dict.fromkeys(_PAIRED, words.limit_length_pair)}
    return own.get(manifest["task"], words.limit_length).format(max_tokens=manifest["max_tokens"])


def _limit_labels(words: Words, manifest: Mapping[str, Any]) -> str:
    options = manifest["task_options"]
    if manifest["task"] == "multilabel":
        return words.limit_many_labels
    if reject := options.get("reject"):
        return words.limit_reject.format(label=code(reject["options"]["label"]))
    return words.limit_labels if options.get("labels") else ""


def _usage(words: Words, manifest: Mapping[str, Any]) -> str:
    if manifest["task"] == "none":
        return words.usage_encoder.strip()
    return words.usage.replace("ROWS", _ROWS.get(manifest["task"], '{"text": "one text"}')).strip()


def _lineage(words: Words, manifest: Mapping[str, Any]) -> str:
    steps = [
        f"1. {code(step.get('verb', '?'))}{words.colon}{code(step.get('id') or _named(step)['name'] or '?')}"
        for step in manifest["lineage"]
    ]
    return "\n".join([words.ancestors, "", *steps]) if steps else words.no_ancestors


def _pairs(words: Words, pairs: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}{words.colon}{value}" for name, value in pairs if value)

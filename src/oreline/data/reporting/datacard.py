"""The data card, `README.md` of a dataset, English then Chinese, and `croissant.json` beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from oreline.data.dataset import DatasetManifest
from oreline.data.input.fusion import OVERLAP
from oreline.data.ledger import ACTIONS
from oreline.data.reporting.bias_text import CHINESE as SAID_IN_CHINESE
from oreline.data.reporting.bias_text import ENGLISH as SAID_IN_ENGLISH
from oreline.data.reporting.bias_text import Said, nothing_found, sentences
from oreline.data.reporting.croissant import FILE as CROISSANT
from oreline.data.reporting.croissant import croissant, in_order
from oreline.report.card import escape
from oreline.report.report import Report, Table
from oreline.store import translating, write_json
from oreline.types import Estimate

FILE = "README.md"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""The hub's names of sizes."""
_MAX_ROWS = 30
LIFT = "What the added rows are worth"
"""Title of the report's table about them."""
_SENTENCE = 600
_LEAKS = ("rows", "same_text", "near")


@dataclass(frozen=True, slots=True)
class Words:
    """What a card says in one language."""

    title: str
    what: str
    columns: str
    column: tuple[str, str, str]
    splits: str
    split: tuple[str, str]
    sources: str
    source: tuple[str, str, str]
    overlap: str
    shared: tuple[str, str, str, str]
    made: str
    operator: tuple[str, str, str, str]
    balance: str
    found: str
    warnings: str
    no_warnings: str
    languages: str
    unknown: str
    license: str
    use: str
    added: str
    colon: str
    actions: Mapping[str, str]
    leaks: str
    leak: tuple[str, str, str, str, str]
    lift: str
    bias: str
    said: Said
    """How bias is said."""


_ENGLISH = Words(
    title="Dataset",
    what="{rows:,} rows, refined by Oreline from {rows_in:,}. Every row that was dropped or changed stands in"
    " `ledger.parquet` with the reason; `report.html` shows it in pictures.",
    columns="Columns",
    column=("column", "type", "column of the source"),
    splits="Splits",
    split=("split", "rows"),
    sources="Sources",
    source=("source", "rows", "SHA-256"),
    overlap="Texts that stand in more than one source, before anything was done, and those of them whose labels"
    " contradict one another:",
    shared=("source", "other source", "texts in both", "labels differ"),
    made="What was done",
    operator=("operator", "action", "reason", "rows"),
    balance="{rows_in:,} rows in + {rows_added:,} added = {rows_out:,} out + {rows_dropped:,} dropped.",
    found="What to know",
    warnings="The run warned:",
    no_warnings="The run had no warning.",
    languages="Languages (share of rows): {languages}.",
    unknown="not known",
    license="The licence is not known to Oreline: it is that of the sources.",
    use='`oreline finetune FOLDER`, or `datasets.load_dataset("parquet", data_files={"train": "train/*.parquet"})`.',
    added="{rows_added:,} rows of train were made of others and are nobody's words: a row `SOURCE:ROW+OPERATOR.N` (such"
    " as `{example}`) comes from `SOURCE:ROW`, the `kept_id` of its line in the ledger.",
    colon=": ",
    actions={action: action for action in ACTIONS},
    leaks="Rows of a split that stand in another one, too:",
    leak=("split", "also in", "rows", "same text", "near-duplicate"),
    lift="What the added rows are worth to a linear model, in accuracy on dev against no added rows (95 % interval):",
    bias="Bias",
    said=SAID_IN_ENGLISH,
)
_CHINESE = Words(
    title="数据集",
    what="{rows:,} 行，由 Oreline 从 {rows_in:,} 行原始数据精炼而成。凡是被删除或修改的行，都连同原因记在 "
    "`ledger.parquet` 里；图表见 `report.html`。",
    columns="列",
    column=("列", "类型", "原始列名"),
    splits="划分",
    split=("划分", "行数"),
    sources="来源",
    source=("来源", "行数", "SHA-256"),
    overlap="处理之前，有些文本同时出现在多个来源中；下表列出其数量，以及其中标签互相矛盾的数量：",
    shared=("来源", "另一来源", "共有文本", "标签矛盾"),
    made="处理过程",
    operator=("算子", "动作", "原因", "行数"),
    balance="输入 {rows_in:,} 行 + 新增 {rows_added:,} 行 = 输出 {rows_out:,} 行 + 删除 {rows_dropped:,} 行。",
    found="须知",
    warnings="处理时给出了以下警告（英文）：",
    no_warnings="处理时没有出现警告。",
    languages="语言（按行数计的占比）：{languages}。",
    unknown="未知",
    license="Oreline 无从得知许可证，请以各来源的许可证为准。",
    use='`oreline finetune 文件夹`，或 `datasets.load_dataset("parquet", data_files={"train": "train/*.parquet"})`。',
    added="训练集中有 {rows_added:,} 行是由其他行自动生成的，并非真人所写：`来源:行号+算子.N`（例如 `{example}`）"
    "由 `来源:行号` 这一行生成，后者即账本中的 `kept_id`。",
    colon="：",
    actions={"dropped": "删除", "changed": "修改", "added": "新增", "flagged": "标记"},
    leaks="各划分之间重复出现的行：",
    leak=("划分", "同时出现在", "行数", "文本相同", "近似重复"),
    lift="新增的行对线性模型的作用（与不加这些行相比，dev 上准确率的变化，附 95% 置信区间）：",
    bias="偏差",
    said=SAID_IN_CHINESE,
)


def write_card(folder: Path, manifest: DatasetManifest, report: Report) -> None:
    """Write `README.md` and `croissant.json` into a dataset's folder."""
    text = card(manifest, report)
    with translating(folder / FILE):
        (folder / FILE).write_text(text, encoding="utf-8")
    name = _name(manifest)
    described = _ENGLISH.what.format(rows=manifest.counts["rows_out"], rows_in=manifest.counts["rows_in"])
    biases = _biases(SAID_IN_ENGLISH, report)
    languages = list(_languages(report))
    document = croissant(folder, manifest, name=name, description=described, languages=languages, biases=biases)
    write_json(folder / CROISSANT, document, sort_keys=False)


def card(manifest: DatasetManifest, report: Report) -> str:
    """Return the data card as Markdown, under the front matter that the Hugging Face hub reads."""
    rows = manifest.counts["rows_out"]
    matter: dict[str, Any] = {
        "language": list(_languages(report)),
        "size_categories": [next((name for most, name in _SIZES if rows < most), "n>1M")],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{split}/*.parquet"} for split in in_order(manifest)],
            }
        ],
        "tags": ["oreline"],
    }
    front = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True)
    parts = [f"---\n{front}---", *_body(_ENGLISH, manifest, report), *_body(_CHINESE, manifest, report)]
    return "\n\n".join(parts) + "\n"


def _body(words: Words, manifest: DatasetManifest, report: Report) -> list[str]:
    counts = manifest.counts
    took = next((table for table in report.tables if table.title == "What happened to rows"), None)
    named = [entry for entry in manifest.lineage if "source" in entry]
    said_already = sentences(report.facts.get("bias", {}), SAID_IN_ENGLISH)
    warnings = [said for said in report.warnings if said not in said_already]
    languages = words.languages.format(
        languages=", ".join(f"{name} {share:.0%}" for name, share in _languages(report).items()) or words.unknown
    )
    return [
        f"# {words.title}{words.colon}{escape(_name(manifest))}",
        words.what.format(rows=counts["rows_out"], rows_in=counts["rows_in"]),
        words.use,
        f"## {words.splits}",
        _table(words.split, [[split, f"{rows:,}"] for split, rows in in_order(manifest).items()]),
        f"## {words.columns}",
        _table(
            words.column,
            [[name, kind, manifest.roles.get(name, "")] for name, kind in sorted(manifest.columns.items())],
        ),
        f"## {words.sources}",
        _table(words.source, [[entry["source"], entry.get("rows"), entry.get("sha256", "")] for entry in named]),
        *_overlap(words, report),
        words.license,
        f"## {words.made}",
        words.balance.format(**counts),
        *([words.added.format(**counts, example=_example(named, took))] if counts.get("rows_added") else []),
        _took(words, took),
        *_lift(words, report),
        *_leaks(words, report),
        *_bias(words, report),
        f"## {words.found}",
        languages,
        "\n".join([words.warnings, "", *(f"* {escape(said, limit=_SENTENCE)}" for said in warnings)])
        if warnings
        else words.no_warnings,
    ]


def _bias(words: Words, report: Report) -> list[str]:
    """Return what labels follow that should not decide them; nothing where there are no labels to judge."""
    told = _biases(words.said, report)
    return [f"## {words.bias}", "\n".join(f"* {escape(said, limit=_SENTENCE)}" for said in told)] if told else []


def _biases(said: Said, report: Report) -> list[str]:
    found: Mapping[str, Mapping[str, Any]] = report.facts.get("bias", {})
    return sentences(found, said) or [sentence for sentence in [nothing_found(found, said)] if sentence]


def _overlap(words: Words, report: Report) -> list[str]:
    """Return what sources have in common, where they do."""
    table = next((table for table in report.tables if table.title == OVERLAP), None)
    if table is None or not table.rows:
        return []
    return [
        words.overlap,
        _table(words.shared, [[*row[:2], *(f"{count:,}" for count in row[2:])] for row in table.rows]),
    ]


def _example(named: Sequence[Mapping[str, Any]], took: Table | None) -> str:
    """Return what an added row is called."""
    added = next((row[0] for row in (took.rows if took else ()) if row[1] == "added"), "OPERATOR")
    return f"{Path(str(named[0]['source'])).name if named else 'SOURCE'}:1+{added}.1"


def _took(words: Words, took: Table | None) -> str:
    rows = sorted(took.rows if took else [], key=lambda row: -int(row[3]))
    more = f"\n| … | | | {len(rows) - _MAX_ROWS:,} |" if len(rows) > _MAX_ROWS else ""
    shown = [[name, words.actions[action], reason, f"{num:,}"] for name, action, reason, num in rows[:_MAX_ROWS]]
    return _table(words.operator, shown) + more


def _leaks(words: Words, report: Report) -> list[str]:
    """Return what splits have in common, where there are several."""
    rows = [
        [
            *pair.split("/", 1),
            *("–" if leak[key] is None else f"{leak[key]:,}" for key in ("rows", "same_text", "near")),
        ]
        for pair, leak in report.facts.get("leaks", {}).items()
    ]
    return [words.leaks, _table(words.leak, rows)] if rows else []


def _lift(words: Words, report: Report) -> list[str]:
    """Return what the added rows are worth, where that was measured."""
    table = next((table for table in report.tables if table.title == LIFT), None)
    changes = [(row[0], row[4]) for row in table.rows if row[4] is not None] if table else []
    told = [(name, change.to_json() if isinstance(change, Estimate) else change) for name, change in changes]
    lines = [f"* {name}{words.colon}{one['value']:+.4f} [{one['low']:.4f}, {one['high']:.4f}]" for name, one in told]
    return [words.lift, "\n".join(lines)] if lines else []


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(escape('' if cell is None else cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _name(manifest: DatasetManifest) -> str:
    """Return a name from the sources': the first one's, and how many more."""
    names = [Path(str(entry["source"])).stem for entry in manifest.lineage if "source" in entry]
    return f"{names[0]} +{len(names) - 1}" if len(names) > 1 else (names or ["data"])[0]


def _languages(report: Report) -> Mapping[str, float]:
    """Return the languages of the rows that came out, with their shares."""
    shares: Mapping[str, float] = report.facts.get("languages", {})
    return shares

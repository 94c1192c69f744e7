"""The model card's sentences, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Everything that a card says in one language; `{…}` is filled in by `card`."""

    other_language: str
    what: str
    reach: str
    whole: str
    kinds: Mapping[str, str]
    runtimes: Mapping[str, str]
    comma: str
    more: str
    labels: str
    num_labels: str
    data: str
    fingerprint: str
    rows: str
    columns: str
    training: str
    start: str
    verb: str
    metrics: str
    on_split: str
    metric: str
    value: str
    interval: str
    no_metrics: str
    intended_use: str
    default_use: str
    limits: str
    limit_labels: str
    limit_length: str
    limit_data: str
    limit_flags: str
    limit_people: str
    how_to_use: str
    usage: str
    usage_encoder: str
    lineage: str
    ancestors: str
    no_ancestors: str
    license: str
    unknown_license: str


ENGLISH = Words(
    other_language="中文说明在本文后半部分。",
    what="{kind}, {runtime}. Made with Oreline {oreline}; reads {reach} of each text.",
    reach="up to {max_tokens} tokens",
    whole="all",
    kinds={"text_classification": "Text classification", "none": "Pretrained text encoder"},
    runtimes={
        "torch": "a transformers model (safetensors)",
        "onnx": "an ONNX graph that runs without torch",
        "linear": "character n-gram TF-IDF with logistic regression",
    },
    comma=", ",
    more=", and {count} more (`oreline.json` lists all)",
    labels="Labels",
    num_labels="{count} labels: ",
    data="Training data",
    fingerprint="dataset fingerprint",
    rows="rows",
    columns="source columns by role",
    training="How it was trained",
    start="start model",
    verb="step",
    metrics="Metrics",
    on_split="On the {split} split, with 95 % intervals; n is the number of rows.",
    metric="metric",
    value="value",
    interval="95 % interval",
    no_metrics="None were measured: this model does not predict labels yet.",
    intended_use="Intended use",
    default_use="Texts of the kind it was trained on: same source, language and labels. Evaluate it on your own rows "
    "before you rely on it, and monitor it while it serves.",
    limits="Limits",
    limit_labels="Every text gets one of the labels above, even when none fits.",
    limit_length="Longer texts are cut after {max_tokens} tokens; the rest is not read.",
    limit_data="The figures hold for rows like the ones measured. Other sources, languages or times can be worse; "
    "`oreline monitor` tells when live texts have moved away.",
    limit_flags="The quantised graph was checked on one kind of processor; on others the fp32 graph is used.",
    limit_people="Not tested for fairness between groups of people. Do not let it decide about people alone.",
    how_to_use="How to use",
    usage="""
```bash
oreline predict MODEL_FOLDER texts.csv
oreline serve MODEL_FOLDER --port 8080
```

```python
import oreline as ore

for answer in ore.predict("MODEL_FOLDER", {"text": ["one text", "another text"]}):
    print(answer["label"], answer["scores"])
```
""",
    usage_encoder="""
```bash
oreline finetune DATA --task text_classification --start MODEL_FOLDER --out NEW_FOLDER
```

```python
from transformers import AutoModel

encoder = AutoModel.from_pretrained("MODEL_FOLDER")
```
""",
    lineage="Lineage",
    ancestors="Made from, nearest first:",
    no_ancestors="No earlier artifact: this one was trained from its start model or from nothing.",
    license="Licence",
    unknown_license="Not stated. Look up the licences of the start model and of the data before you pass it on.",
)

CHINESE = Words(
    other_language="English above.",
    what="{kind}，{runtime}。由 Oreline {oreline} 生成；每条文本读取{reach}。",
    reach="最多 {max_tokens} 个 token",
    whole="全文",
    kinds={"text_classification": "文本分类", "none": "预训练文本编码器"},
    runtimes={
        "torch": "transformers 模型（safetensors）",
        "onnx": "ONNX 计算图，运行时不需要 torch",
        "linear": "字符 n-gram TF-IDF 加逻辑回归",
    },
    comma="、",
    more="，另有 {count} 个（全部见 `oreline.json`）",
    labels="标签",
    num_labels="共 {count} 个：",
    data="训练数据",
    fingerprint="数据集指纹",
    rows="行数",
    columns="各角色对应的原始列",
    training="训练方式",
    start="起始模型",
    verb="步骤",
    metrics="指标",
    on_split="在 {split} 划分上测得，附 95 % 置信区间；n 为行数。",
    metric="指标",
    value="数值",
    interval="95 % 区间",
    no_metrics="未测量：该模型尚不能预测标签。",
    intended_use="适用范围",
    default_use="与训练数据同类的文本：来源、语言和标签相同。使用前请先在自己的数据上评估，上线后请持续监控。",
    limits="局限",
    limit_labels="每条文本都会得到上述标签之一，即使没有合适的标签。",
    limit_length="超过 {max_tokens} 个 token 的文本会被截断，其余部分不会读取。",
    limit_data="以上数字只适用于与测量数据相似的文本；换了来源、语言或时间，效果可能变差。"
    "`oreline monitor` 会在线上文本发生漂移时提醒。",
    limit_flags="量化后的计算图只在一种处理器上检验过；在其他处理器上会改用 fp32 计算图。",
    limit_people="未做不同人群之间的公平性测试。请勿让它单独做出影响个人的决定。",
    how_to_use="使用方法",
    usage=ENGLISH.usage,
    usage_encoder=ENGLISH.usage_encoder,
    lineage="来源链",
    ancestors="由以下产物得到（由近及远）：",
    no_ancestors="没有更早的产物：直接由起始模型训练，或从零训练。",
    license="许可证",
    unknown_license="未注明。转发之前，请查明起始模型和数据的许可证。",
)

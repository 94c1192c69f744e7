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
    reach_pair: str
    whole: str
    kinds: Mapping[str, str]
    runtimes: Mapping[str, str]
    comma: str
    colon: str
    semicolon: str
    more: str
    labels: str
    num_labels: str
    data: str
    dataset: str
    fingerprint: str
    rows: str
    columns: str
    training: str
    start: str
    no_start: str
    start_license: str
    verb: str
    metrics: str
    on_split: str
    on_tokens: str
    metric: str
    value: str
    interval: str
    no_metrics: str
    intended_use: str
    default_use: str
    default_use_encoder: str
    limits: str
    limit_labels: str
    limit_many_labels: str
    limit_reject: str
    limit_texts: str
    limit_length: str
    limit_length_pair: str
    limit_turns: str
    limit_dev: str
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
    start_licensed: str
    own_license: str


ENGLISH = Words(
    other_language="中文说明在本文后半部分。",
    what="{kind}, {runtime}. Made with Oreline {oreline}. {reach}",
    reach="It reads up to {max_tokens} tokens of each text.",
    reach_pair="It reads up to {max_tokens} tokens of the two texts together.",
    whole="It reads all of each text.",
    kinds={
        "text_classification": "Text classification",
        "pair": "Classification of pairs of texts",
        "multilabel": "Classification with any number of labels",
        "regression": "A number for each text",
        "similarity": "A number for each pair of texts",
        "token_classification": "A tag for each word",
        "embedding": "A vector for each text, for search",
        "intent_slots": "Intent and slots",
        "question_answering": "Questions answered by spans of a text",
        "relation": "The relation between two marked entities",
        "seq2seq": "A text for each text",
        "chat": "The assistant's next turn in a dialogue",
        "none": "Pretrained text encoder",
    },
    runtimes={
        "torch": "a transformers model (safetensors)",
        "onnx": "an ONNX graph that runs without torch",
        "lead": "the beginning of what is read, copied",
        "linear": "character n-gram TF-IDF with logistic regression",
    },
    comma=", ",
    colon=": ",
    semicolon="; ",
    more=", and {count} more (`oreline.json` lists all)",
    labels="Labels",
    num_labels="{count} labels: ",
    data="Training data",
    dataset="dataset",
    fingerprint="dataset fingerprint",
    rows="rows trained on",
    columns="source columns by role",
    training="How it was trained",
    start="start model",
    no_start="none, trained from nothing",
    start_license="licence of the start model",
    verb="step",
    metrics="Metrics",
    on_split="On the {split} split, with 95 % intervals; n is the number of rows.",
    on_tokens="Mean loss per masked token in nats on rows that were held out, before and after, with 95 % intervals; "
    "n is the number of masked tokens.",
    metric="metric",
    value="value",
    interval="95 % interval",
    no_metrics="None were measured.",
    intended_use="Intended use",
    default_use="Texts of the kind it was trained on: same source, language and labels. Evaluate it on your own rows "
    "before you rely on it, and monitor it while it serves.",
    default_use_encoder="A start model for fine-tuning on texts of the kind it was trained on. It does not answer by "
    "itself.",
    limits="Limits",
    limit_labels="Every text gets one of the labels above, even when none fits.",
    limit_many_labels="It knows the labels above and no other. A text gets each label whose probability reaches that "
    "label's own threshold: several, or none.",
    limit_reject="A text that seems to fit none of the labels is answered {label}. Some that fit one are answered so "
    "too, and some that fit none are not: see the in-scope and out-of-scope figures above.",
    limit_texts="What it writes can be wrong, or not be in what it has read, however fluent it is. The probability "
    "beside an answer says how expected its words are, not whether they are true.",
    limit_length="Longer texts are cut after {max_tokens} tokens; the rest is not read.",
    limit_length_pair="Of two texts with more than {max_tokens} tokens together the longer one is cut first; the rest "
    "is not read.",
    limit_turns="Of a dialogue of more than {max_tokens} tokens the oldest turns are left out.",
    limit_dev="The figures are those of the split `dev`, which was looked at while the model was chosen: expect a "
    "little less elsewhere. `oreline evaluate` measures on rows that nothing was chosen on.",
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

for answer in ore.predict("MODEL_FOLDER", [ROWS]):
    print(answer)
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
    no_ancestors="No earlier model: this one was trained from nothing.",
    license="Licence",
    unknown_license="Not stated. Look up the licences of the start model and of the data before you pass it on.",
    start_licensed="Not stated for this model. Its start model {start} is under: {license}. Look up the licence of the "
    "data too before you pass it on.",
    own_license="Not stated. No start model was used: look up the licence of the data before you pass it on.",
)

CHINESE = Words(
    other_language="The English version is above.",
    what="{kind}：{runtime}。由 Oreline {oreline} 生成。{reach}",
    reach="每条文本最多读取前 {max_tokens} 个 token。",
    reach_pair="两条文本合计最多读取 {max_tokens} 个 token。",
    whole="每条文本都会完整读取。",
    kinds={
        "text_classification": "文本分类模型",
        "pair": "文本对分类模型",
        "multilabel": "多标签分类模型",
        "regression": "文本回归模型",
        "similarity": "文本对回归模型",
        "token_classification": "序列标注模型",
        "embedding": "文本向量模型（用于检索）",
        "intent_slots": "意图与槽位联合模型",
        "question_answering": "抽取式问答模型",
        "relation": "实体关系分类模型",
        "seq2seq": "文本到文本的生成模型",
        "chat": "多轮对话模型",
        "none": "预训练文本编码器",
    },
    runtimes={
        "torch": "transformers 模型（safetensors 格式）",
        "onnx": "ONNX 计算图，运行时无需 torch",
        "lead": "直接复制输入文本的开头",
        "linear": "字符 n-gram TF-IDF 加逻辑回归",
    },
    comma="、",
    colon="：",
    semicolon="；",
    more="，另有 {count} 个（完整列表见 `oreline.json`）",
    labels="标签",
    num_labels="共 {count} 个标签：",
    data="训练数据",
    dataset="数据集",
    fingerprint="数据集指纹",
    rows="训练样本数",
    columns="字段用途与原始列名",
    training="训练方式",
    start="起始模型",
    no_start="无，从零开始训练",
    start_license="起始模型的许可证",
    verb="步骤",
    metrics="评估指标",
    on_split="以下指标在 {split} 集上测得，并附 95% 置信区间；n 为样本数。",
    on_tokens="训练前后在留出数据上每个被遮盖 token 的平均损失（单位：nat），并附 95% 置信区间；"
    "n 为被遮盖的 token 数。",
    metric="指标",
    value="数值",
    interval="95% 置信区间",
    no_metrics="尚未测量。",
    intended_use="适用范围",
    default_use="适用于与训练数据来源、语言和标签体系相同的文本。正式使用前，请先在自己的数据上评估；上线后请持续监控。",
    default_use_encoder="作为起始模型，在同类文本上继续微调；本身不能直接给出预测结果。",
    limits="局限性",
    limit_labels="每条文本都会被归入上述标签之一，即使没有一个标签真正合适。",
    limit_many_labels="模型只认识上述标签。概率达到某标签自身阈值时才会给出该标签，因此一条文本可能有多个标签，也可能一个都没有。",
    limit_reject="看起来不属于任何标签的文本会被标为 {label}（拒识）。有些本应归入某个标签的文本会被误拒，"
    "有些不属于任何标签的文本则未能识别：见上文域内（in scope）与域外（out of scope）指标。",
    limit_texts="生成的内容即使通顺，也可能有误，或包含原文没有的信息；答案旁的概率只表示措辞是否符合模型预期，"
    "并不代表内容属实。",
    limit_length="超过 {max_tokens} 个 token 的文本会被截断，超出部分不会被读取。",
    limit_length_pair="两条文本合计超过 {max_tokens} 个 token 时，先截断较长的一条，超出部分不会被读取。",
    limit_turns="超过 {max_tokens} 个 token 的对话会略去最早的几轮。",
    limit_dev="以上指标来自 `dev` 集，而挑选模型时参考过该数据集，因此在其他数据上的效果通常会略低。"
    "可用 `oreline evaluate` 在未参与挑选的数据上评估。",
    limit_data="以上指标只适用于与评估数据相似的文本；来源、语言或时期不同时，效果可能变差。"
    "`oreline monitor` 可以检测线上文本是否发生漂移。",
    limit_flags="量化后的计算图只在一种处理器上检验过；在其他处理器上会自动改用 fp32 计算图。",
    limit_people="未针对不同人群做过公平性测试。请勿仅凭本模型做出影响个人的决定。",
    how_to_use="使用方法",
    usage=ENGLISH.usage,
    usage_encoder=ENGLISH.usage_encoder,
    lineage="模型来源",
    ancestors="由以下模型依次得到（由近及远）：",
    no_ancestors="没有上级模型：从零开始训练。",
    license="许可证",
    unknown_license="未注明。对外分发之前，请先查明起始模型和训练数据的许可证。",
    start_licensed="本模型未注明许可证。其起始模型 {start} 的许可证为：{license}。"
    "对外分发之前，请同时查明训练数据的许可证。",
    own_license="未注明。本模型没有使用起始模型；对外分发之前，请先查明训练数据的许可证。",
)

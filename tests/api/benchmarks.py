"""Small files in the form in which GLUE and CLUE are published: names, columns, headers, marks, quotes."""

from __future__ import annotations

import json
from typing import Any

PARTS = {"train": 40, "dev": 20}
THREE = ("entailment", "neutral", "contradiction")
NOT_BOTH = ("entailment", "not_entailment")


def _tsv(header: str, rows: list[tuple[Any, ...]]) -> str:
    lines = [header, *("\t".join(map(str, row)) for row in rows)]
    return "\n".join(line for line in lines if line) + "\n"


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _said(part: str, number: int) -> str:
    return f'he said , " a {part} film of {number} rooms'  # a quote that nothing closes, as there are many


def _glue() -> dict[str, str]:
    files = {}
    for part, num in PARTS.items():
        rows = [(_said(part, n), n) for n in range(num)]
        files[f"CoLA/{part}.tsv"] = _tsv("", [("gj04", n % 2, "" if n % 2 else "*", text) for text, n in rows])
        files[f"SST-2/{part}.tsv"] = _tsv("sentence\tlabel", [(text, n % 2) for text, n in rows])
        header = "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String"
        files[f"MRPC/{part}.tsv"] = _tsv(header, [(n % 2, 1000 + n, 2000 + n, text, f'{n} "') for text, n in rows])
        header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate"
        files[f"QQP/{part}.tsv"] = _tsv(header, [(n, n, n + 1, f"Why {text}?", "What?", n % 2) for text, n in rows])
        header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore"
        numbers = [
            (n, "main-news", "MSRpar", "2012test", n, "none", "none", text, "x", f"{n % 6}.000") for text, n in rows
        ]
        files[f"STS-B/{part}.tsv"] = _tsv(header, numbers)
        front = "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse"
        for name in ["train"] if part == "train" else ["dev_matched", "dev_mismatched"]:
            several = [f"label{k}" for k in range(1, 2 if part == "train" else 6)]
            header = "\t".join([front, "sentence1", "sentence2", *several, "gold_label"])
            inferred = [
                (n, 1, "1e", "fiction", "( a )", "( b )", "(ROOT a)", "(ROOT b)", f"{name} {text}", "so")
                + (THREE[n % 3],) * (len(several) + 1)
                for text, n in rows
            ]
            files[f"MNLI/{name}.tsv"] = _tsv(header, inferred)
        header = "index\tquestion\tsentence\tlabel"
        files[f"QNLI/{part}.tsv"] = _tsv(header, [(n, f"When {n}?", text, NOT_BOTH[n % 2]) for text, n in rows])
        header = "index\tsentence1\tsentence2\tlabel"
        files[f"RTE/{part}.tsv"] = _tsv(header, [(n, text, "so", NOT_BOTH[n % 2]) for text, n in rows])
        files[f"WNLI/{part}.tsv"] = _tsv(header, [(n, text, "so", n % 2) for text, n in rows])
    return files


def _clue() -> dict[str, str]:
    files = {}
    for part, num in PARTS.items():
        rows = [(f"{'训练' if part == 'train' else '验证'}电影第{n}次放映", n) for n in range(num)]
        judged = [{"sentence1": text, "sentence2": "怎么还款", "label": str(n % 2)} for text, n in rows]
        files[f"afqmc_public/{part}.json"] = _lines(judged)
        topics = [
            {"label": f"10{n % 3}", "label_desc": "news_edu", "sentence": text, "keywords": ""} for text, n in rows
        ]
        files[f"tnews_public/{part}.json"] = _lines(topics)
        apps = [{"label": str(n % 3), "label_des": "薅羊毛", "sentence": text} for text, n in rows]
        files[f"iflytek_public/{part}.json"] = _lines(apps)
        inferred = [
            {"sentence1": text, "sentence2": "是的", "label": "-" if n % 9 == 0 else THREE[n % 3]} for text, n in rows
        ]
        files[f"cmnli_public/{part}.json"] = _lines(inferred)
        more = [
            {"level": "easy", **row, "label0": "neutral", "genre": "lit", "id": n} for n, row in enumerate(inferred)
        ]
        files[f"ocnli_public/{'train.50k' if part == 'train' else part}.json"] = _lines(more)
        articles = []
        for text, n in rows:
            context = f"{text}，时在{1900 + n}年。"
            answers = [{"text": f"{1900 + n}年", "answer_start": context.index("19")}]
            asked = [{"question": "时在何年？", "id": f"Q{n}", "answers": answers}]
            articles.append({"title": text, "paragraphs": [{"context": context, "id": f"P{n}", "qas": asked}]})
        files[f"cmrc2018_public/{part}.json"] = json.dumps({"version": "v1.0", "data": articles}, ensure_ascii=False)
        named = [
            {"text": f"{text}在北京", "label": {"address": {"北京": [[len(text) + 1, len(text) + 2]]}}}
            for text, n in rows
        ]
        files[f"cluener_public/{part}.json"] = _lines(named)
    return files


FILES = {"glue": _glue(), "clue": _clue()}
"""Content by file, for each suite."""

"""The data card, in two languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from oreline.data.operators.keep_length import Operator
from oreline.data.refine import refine
from oreline.data.reporting.datacard import LIFT, card
from oreline.report.report import Table
from oreline.types import Estimate


def test_both_languages_and_front_matter(tmp_path: Path):
    file = tmp_path / "re|views.csv"
    file.write_text("text,label\n" + "".join(f"这部电影很好看{n},a\na fine film {n},b\n" for n in range(10)) + "x,a\n")
    data = refine(
        file, operators=[("keep_length", Operator())], split={"train": 0.8, "test": 0.2}, out=tmp_path / "out"
    )
    text = (data.path / "README.md").read_text(encoding="utf-8")
    assert text == card(data.manifest, data.report())
    matter = yaml.safe_load(text.split("---")[1])
    assert set(matter["language"]) == {"en", "zh"}
    assert matter["size_categories"] == ["n<1K"]
    assert matter["configs"][0]["data_files"][0] == {"split": "train", "path": "train/*.parquet"}
    assert "# Dataset: re\\|views" in text
    assert "# 数据集：re\\|views" in text
    for said in (
        "21 rows in + 0 added = 20 out + 1 dropped.",
        "输入 21 行 + 新增 0 行 = 输出 20 行 + 删除 1 行。",
        "zh 5",
        data.manifest.lineage[0]["sha256"],
        " | 删除 | ",
        "| test | train | 4 | 0 | 0 |",
        "各划分之间重复出现的行：",
    ):
        assert said in text
    assert "线性模型" not in text
    rows = [
        ["no added rows", 16, 0.5, 0.5, None, None],
        ["augment_words", 32, 0.6, 0.6, Estimate(0.1, -0.02, 0.2, 9), None],
    ]
    report = data.report()
    told = card(data.manifest, replace(report, tables=[*report.tables, Table(LIFT, list("abcdef"), rows)]))
    assert "* augment_words: +0.1000 [-0.0200, 0.2000]" in told
    assert "* augment_words：+0.1000 [-0.0200, 0.2000]" in told
    assert str(tmp_path) not in text, "a place on this machine is nobody's business"

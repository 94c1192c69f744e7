"""The page: well-formed, self-contained, harmless, the same every time, readable by all, and complete."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from importlib import resources

import numpy as np
import pytest

from oreline.report import formatting, html
from oreline.report.report import Report
from oreline.types import Estimate

CSS = resources.files("oreline.report").joinpath("report.css").read_text(encoding="utf-8")


def test_the_page_is_well_formed(report, parse) -> None:
    root = parse(html.page(report.to_json()))
    (page,) = root.all("html")
    assert page.attributes["lang"] == "en"
    assert len(root.all("main")) == len(root.all("h1")) == len(root.all("title")[:1]) == 1
    assert formatting.clean(report.to_json()["title"]) in root.all("h1")[0].text


def test_the_fragment_is_well_formed(report, parse) -> None:
    (element,) = parse(report._repr_html_()).children
    assert element.name == "div"
    assert not element.all("html")
    assert not element.all("body")


def test_the_page_loads_nothing(report, parse) -> None:
    root = parse(html.page(report.to_json()))
    loaders = {"script", "link", "img", "iframe", "object", "embed", "image", "use", "base", "form", "video", "a"}
    assert not loaders & {element.name for element in root.walk()}
    for element in root.walk():
        assert not {"src", "href", "srcset", "xlink:href", "action", "style"} & set(element.attributes)
    (style,) = root.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_hostile_text_adds_no_element_and_no_attribute(hostile, english, many, parse) -> None:
    root = parse(html.page(hostile.to_json()))
    known = [element for report in (english, many) for element in parse(html.page(report.to_json())).walk()]
    known += parse(html.page(Report("update", "t", facts={"decision": "passed"}).to_json())).walk()
    assert {element.name for element in root.walk()} <= {element.name for element in known}
    assert {name for element in root.walk() for name in element.attributes} <= {
        name for element in known for name in element.attributes
    }


def test_hostile_text_is_shown(hostile, parse) -> None:
    main = parse(html.page(hostile.to_json())).all("main")[0]
    cells = [cell.text for cell in main.all("td")]
    assert "<script>alert(1)</script>" in cells
    assert '\'=HYPERLINK("http://evil","x")' in cells
    assert "\ufffd lone" in cells
    assert "⟨U+202E⟩gnp.exe⟨U+202C⟩ שלום" in cells
    assert "␛[31mred␀" in cells


def test_no_page_holds_what_utf8_cannot(report) -> None:
    assert "<h1" in html.page(report.to_json()).encode().decode()


def test_the_page_depends_on_nothing_but_the_document(report, tmp_path) -> None:
    document = report.to_json()
    (tmp_path / "d.json").write_text(json.dumps(document), encoding="utf-8")
    code = (
        "import json, sys; from oreline.report import html;"
        f"d = json.load(open({str(tmp_path / 'd.json')!r}, encoding='utf-8'));"
        "sys.stdout.buffer.write(html.page(d).encode())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "LC_ALL": "C", "TZ": "Asia/Shanghai", "COLUMNS": "33"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, timeout=60)
    assert other.stdout.decode() == html.page(document)


def test_every_estimate_shows_value_interval_and_n(parse) -> None:
    metrics = {f"figure_{i}": Estimate(0.5 + i / 100, 0.4 + i / 100, 0.7 + i / 100, 1000 + i) for i in range(20)}
    report = Report("evaluate", "t", subject={"split": "dev"}, metrics=metrics)
    main = parse(html.page(report.to_json())).all("main")[0]
    blocks = [e.text.split() for e in main.walk() if e.attributes.get("class") == "card" or e.name == "tr"]
    for i, figure in enumerate(metrics.values()):
        (block,) = [" ".join(words) for words in blocks if words[:2] == ["figure", str(i)]]
        assert f"{figure.value:.4f}" in block
        assert f"[{figure.low:.4f}, {figure.high:.4f}]" in block
        assert f"n = {figure.n:,}" in block
    assert "Estimates on dev" in main.text


def test_warnings_come_before_all_figures(english) -> None:
    page = html.page(english.to_json())
    assert "2 texts were cut at 256 tokens" in page
    assert page.index("2 texts were cut") < page.index("0.8385")


@pytest.mark.parametrize(
    "facts", [{"decision": "refused", "verdict": "too few rows"}, {"verdict": "refused", "sentence": "too few rows"}]
)
def test_the_verdict_stands_above_the_figures(facts, parse) -> None:
    report = Report("update", "t", facts={**facts, "max_drop": 0.005}, metrics={"accuracy": Estimate(0.5, 0.4, 0.6, 9)})
    main = parse(html.page(report.to_json())).all("main")[0]
    (banner,) = [element for element in main.all("section") if "verdict" in (element.attributes.get("class") or "")]
    assert "bad" in banner.attributes["class"]
    assert "refused" in banner.text
    assert "too few rows" in banner.text
    assert [term.text for term in main.all("dt")] == ["max drop"]


def test_an_unknown_verdict_is_an_ordinary_fact(parse) -> None:
    main = parse(html.page(Report("monitor", "t", facts={"verdict": "perhaps"}).to_json())).all("main")[0]
    assert [term.text for term in main.all("dt")] == ["verdict"]


def test_those_who_cannot_see_can_read_it(report, parse) -> None:
    main = parse(html.page(report.to_json())).all("main")[0]
    for picture in main.all("svg"):
        if picture.attributes.get("aria-hidden") == "true":
            continue
        assert picture.attributes["role"] == "img"
        assert [child.name for child in picture.children[:2]] == ["title", "desc"]
        assert picture.attributes["aria-label"]
    for cell in main.all("th"):
        assert cell.attributes["scope"] == "col"
    for region in main.walk():
        if region.attributes.get("role") == "region":
            assert region.attributes["aria-label"]
            assert region.attributes["tabindex"] == "0"
    levels = [int(element.name[1]) for element in main.walk() if re.fullmatch("h[1-6]", element.name)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_two_reports_on_one_page_share_no_id(report) -> None:
    assert not re.search(r"\sid=", html.page(report.to_json()))


# --- the style sheet ----------------------------------------------------------------------------------------


def test_the_styles_reach_nothing_outside_of_a_report() -> None:
    bare = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", CSS, flags=re.DOTALL)
    selectors = [part.strip() for group in re.findall(r"([^{}]+)\{", bare) for part in group.split(",")]
    assert len(selectors) > 100
    for selector in selectors:
        assert "oreline" in selector.removeprefix("body").replace("oreline-page", "oreline"), selector
        first = next(part for part in selector.split() if not part.startswith(("body[", "body.vscode-")))
        assert first.split(".")[1] in ("oreline", "oreline-page", "oreline-notebook"), selector


def palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r"([^{}]*)\{([^{}]*--page:[^{}]*--paper[^{}]*)\}", CSS)
    found = [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", body)) for _, body in blocks]
    assert len(found) == 3
    light, dark, notebook_dark = found
    assert dark == notebook_dark
    assert set(light) == set(dark)
    return {"light": light, "dark": dark}


def rgb(color: str) -> np.ndarray:
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio."""
    low, high = sorted(float(rgb(color) @ [0.2126, 0.7152, 0.0722]) for color in (first, second))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_graphics_stand_out(theme) -> None:
    color = palettes()[theme]
    for text, ground, least in [
        ("ink", "paper", 7), ("ink", "page", 7), ("soft", "paper", 4.5), ("soft", "page", 4.5), ("soft", "head", 4.5),
        ("brand", "page", 4.5), ("good", "good-paper", 4.5), ("bad", "bad-paper", 4.5),
        ("unsure", "unsure-paper", 4.5), ("good", "paper", 4.5), ("bad", "paper", 4.5), ("unsure", "paper", 4.5),
        ("ink", "unsure-paper", 7), ("on-right", "right", 4.5), ("on-wrong", "wrong", 4.5),
        ("right", "paper", 3), ("wrong", "paper", 3), *((f"s{i}", "paper", 3) for i in range(1, 7)),
    ]:  # fmt: skip
        assert contrast(color[text], color[ground]) >= least, (text, ground)


def lab(linear: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "vision",
    [
        np.eye(3),
        # Machado, Oliveira, Fernandes (2009), severity 1.0: protanopia and deuteranopia.
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ],
    ids=["normal", "protanopia", "deuteranopia"],
)
def test_colours_differ_for_colour_blind_readers(theme, vision) -> None:
    color = palettes()[theme]
    for names, least in [
        (("right", "wrong"), 30),
        (("s1", "s2", "s3"), 20),
        (("s1", "s2", "s3", "s4", "s5", "s6"), 12),
    ]:
        seen = [lab(np.clip(np.asarray(vision) @ rgb(color[name]), 0, 1)) for name in names]
        for (a, first), (b, second) in itertools.combinations(zip(names, seen, strict=True), 2):
            assert np.linalg.norm(first - second) >= least, (a, b)


def test_a_verdict_is_not_said_twice(parse) -> None:
    facts = {"decision": "undecided", "verdict": "undecided: about 850 rows would decide"}
    root = parse(html.page(Report("update", "t", facts=facts).to_json()))
    (banner,) = [one for one in root.all("section") if (one.attributes.get("class") or "").startswith("verdict")]
    assert banner.text.split().count("undecided") == 1
    assert banner.all("p")[0].text == "about 850 rows would decide"


@pytest.mark.parametrize(
    ("name", "ends"), [("accuracy_change", ["−0.02", "0.02"]), ("accuracy", ["0", "1"]), ("chrf", ["0", "100"])]
)
def test_a_change_is_drawn_around_zero_and_a_figure_on_its_whole_range(name: str, ends: list[str], parse) -> None:
    root = parse(html.page(Report("update", "t", metrics={name: Estimate(0.015, 0.01, 0.02, 90)}).to_json()))
    (scale,) = [one for one in root.all("div") if one.attributes.get("class") == "range"]
    assert [bound.text for bound in scale.all("span")] == ends

"""Take HTML, Markdown, BBCode and LaTeX out of texts and keep what a reader sees.

By patterns, not by a parser: nothing is executed, fetched or resolved, and debris without its other half goes too. Each
format has a pattern (of Rust's regular expressions) that says which texts may hold it, so that others cost nothing, and
knows its own names, so that `a < b`, `<unk>`, `[1]`, `snake_case` and `f**k` stay. Patterns are linear in the text.
"""

from __future__ import annotations

import re

_BLOCK = (
    "address|article|aside|blockquote|body|br|caption|center|dd|details|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|"
    "h[1-6]|header|hr|html|legend|li|main|menu|nav|ol|optgroup|option|p|pre|section|summary|table|tbody|td|tfoot|th|thead|"
    "tr|ul"
)
_INLINE = (
    "a|abbr|acronym|applet|area|audio|b|base|basefont|bdi|bdo|big|blink|button|canvas|cite|code|col|colgroup|data|datalist|"
    "del|dfn|dialog|em|embed|font|frame|frameset|head|i|iframe|img|input|ins|kbd|label|link|map|mark|marquee|meta|meter|"
    "math|nobr|noframes|noscript|object|output|param|path|picture|progress|q|rb|rp|rt|rtc|ruby|s|samp|select|slot|small|source|"
    "script|span|strike|strong|style|sub|sup|svg|template|textarea|time|title|track|tt|u|var|video|wbr"
)
_UNSEEN = "script|style|template|noscript|iframe|svg|math|head"
"""Elements whose content is not read as text; without an end only the tag goes."""

HTML_SIGNS = r"<[/!?]?[A-Za-z\-]"
_UNSEEN_START = re.compile(rf"<(?:({_UNSEEN})\b[^<>]{{0,2000}}>|!--)", re.IGNORECASE | re.ASCII)
_DECLARATION = re.compile(r"<!(?:doctype|\[CDATA\[)[^<>]{0,500}>|<\?xml[^<>]{0,500}\?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK})(?:\s[^<>]{{0,2000}})?/?>", re.IGNORECASE | re.ASCII)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE}|[a-z]+:[a-z]+)(?:\s[^<>]{{0,2000}})?/?>", re.IGNORECASE | re.ASCII)
_CELL_END = re.compile(r"</(?:td|th)\s*>(?=\s*<t[dh]\b)", re.IGNORECASE)

BBCODE_SIGNS = r"\[/?[A-Za-z*][A-Za-z0-9]{0,11}[\]=]"
_BB_NAMES = (
    "b|i|u|s|url|link|quote|code|size|color|colour|font|face|center|left|right|align|justify|list|li|table|tr|td|th|spoiler|"
    "email|indent|hide|sup|sub|p|float|backcolor|background|free|sell|h|h[1-6]|img|image|attach|attachimg|media|flash|video|"
    "audio|youtube|emot|hr"
)
_BB_TAG = re.compile(rf"\[(/?)({_BB_NAMES})(?:=[^\[\]\n]{{0,500}})?\]", re.IGNORECASE)
_BB_UNSEEN = re.compile(
    r"\[(img|image|attach|attachimg|media|flash|video|audio|youtube|emot)(?:=[^\[\]\n]{0,100})?\][^\[\]\n]{0,500}\[/\1\]",
    re.IGNORECASE,
)
_BB_BLOCKS = {"quote", "code", "center", "left", "right", "align", "list", "li", "table", "tr", "p", "indent", "hr"}

MARKDOWN_SIGNS = (
    r"(?m)^\s*(?:#{1,6}\s|>\s|>$|~~~|(?:[-*_]\s?){3,}$|\|.*\||:?-{3,}:?\s*\||={3,}$)"
    r"|\*\*|__|~~|`|\]\(|[*_][^\s*_][^\n]*[*_]|[*_][^\s*_][*_]"
)
_FENCE = re.compile(r"^[ \t]{0,3}(?:```|~~~)[^\n`]{0,60}$\n?", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]{0,3}(?:#{2,6}[ \t]+|#[ \t]+(?=[^\s\d]))(.*)$", re.MULTILINE)
_HEADING_END = re.compile(r"[ \t]+#+[ \t]*$")
_DASHES = r"\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+(?:[ \t]*:?-{3,}:?)?"
_RULE = re.compile(rf"^[ \t]{{0,3}}(?:(?:[-*_][ \t]?){{3,}}|={{3,}}|{_DASHES})[ \t]*$\n?", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]{0,3}(?:> ?)*>(?:[ \t]+(?=\S)|[ \t]*$)", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[ \t]{0,8}\|(.+\|.*)$", re.MULTILINE)
_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,500})\]\((?=[^()\s]{0,100}[./#:])(?:<[^<>\n]{0,1000}>|[^()\s]{1,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?)"
    r"(?:\s+[\"'][^\"'\n]{0,300}[\"'])?\)"
)
_OPENS, _ENDS = r"(?<![^\s({\[<\"'“‘（《「])", r"(?![^\s)}\]>\"'”’）》」,.:;!?，。：；！？])"
"""Before an opening mark stands a space or a bracket, after a closing one a space or a mark."""
_CODE = re.compile(r"(?<![A-Za-z0-9`])(`{1,2})(?![`\s])([!-_a-~ ]{1,500})(?<!\s)\1(?![A-Za-z0-9`])")
_EMPHASIS = re.compile(
    rf"{_OPENS}(\*\*\*|\*\*|\*|~~|__|_)(?=\w)([^\n*_~]{{1,500}}?)(?<=[\w.!?。！？)）])\1(?!\.\w){_ENDS}"
    # Chinese has no spaces: `这是**重点**内容`, but neither `卖*还送` nor `这**也就`, which hide words.
    r"|(?<![A-Za-z0-9*\\])(\*\*)(?=[\w“《（])([^\n*，。；！？,.;!?]{1,60}?)(?<=[\w”》）])\3(?![A-Za-z0-9*])"
)

LATEX_SIGNS = r"\\(?:[A-Za-z]{2,}\*?\s?[\[{]|[\\%&_#$]|item|maketitle|noindent|newline|par|hline)"
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[A-Za-z]{1,30}\*?\}(?:\[[^\[\]\n]{0,100}\])?(?:\{[^{}\n]{0,60}\})?")
_LATEX_UNSEEN = re.compile(
    r"~?\\(?:cite[a-z]*|label|ref|eqref|autoref|cref|pageref|includegraphics|vspace|hspace|bibliography|bibliographystyle|"
    r"documentclass|usepackage|input|include|newcommand|setlength|thispagestyle|pagestyle)\*?(?:\[[^\[\]\n]{0,200}\])*\{[^{}\n]{0,300}\}"
)
_LATEX_SHOWN = re.compile(
    r"\\(section|subsection|subsubsection|chapter|paragraph|title|author|date|caption|textbf|textit|emph|texttt|textsc|textsf|textrm|"
    r"text|underline|footnote|mbox|url|mathrm|mathbf|mathit|uline|textcolor|href|item)\*?(?:\[[^\[\]\n]{0,200}\])?\{([^{}]{0,2000})\}"
)
_LATEX_BLOCKS = {"section", "subsection", "subsubsection", "chapter", "paragraph", "title", "author", "date", "caption"}
_LATEX_BARE = re.compile(
    r"\\(?:item|maketitle|noindent|newline|hline|centering|par|clearpage|newpage|bigskip|medskip|smallskip)(?![A-Za-z])\s?"
)
_LATEX_ESCAPED = re.compile(r"\\([%&_#$])")
_LATEX_LINE_END = re.compile(r"\\\\(?:\[[^\[\]\n]{0,20}\])?(?=\s|$)")


def without_html(text: str) -> str:
    """Return a text without tags; the end of a block is the end of a line, and what no reader sees goes.

    >>> without_html("<p>A <b>fine</b> film.</p><script>x()</script><br/>a < b, <unk>")
    '\\nA fine film.\\n\\na < b, <unk>'
    """
    text = _DECLARATION.sub("", _without_unseen(text))
    text = _CELL_END.sub(" ", text)
    return _INLINE_TAG.sub("", _BLOCK_TAG.sub("\n", text))


def _without_unseen(text: str) -> str:
    """Return a text without comments and elements that nobody reads. Each end is searched once: linear in the text."""
    kept: list[str] = []
    done, endless = 0, set()
    for start in _UNSEEN_START.finditer(text):
        name = (start[1] or "").lower()
        if start.start() < done or name in endless:
            continue
        end = re.compile(rf"</{name}\s*>" if name else "-->", re.IGNORECASE).search(text, start.end())
        if end is None:
            endless.add(name)
            continue
        kept.append(text[done : start.start()])
        done = end.end()
    return "".join([*kept, text[done:]])


def without_bbcode(text: str) -> str:
    """Return a text without the tags of forums that have their other half; a picture's address goes with it.

    >>> without_bbcode("[b]Hot[/b] [url=http://a.b]here[/url] [img]http://a/b.png[/img]a[i] = 1")
    'Hot here a[i] = 1'
    """
    text = _BB_UNSEEN.sub("", text)
    opened: set[str] = set()
    closed: set[str] = set()
    for tag in _BB_TAG.finditer(text):
        (closed if tag[1] else opened).add(tag[2].lower())
    paired = opened & closed

    def shown(tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if name not in paired:
            return tag[0]
        return "\n" if name in _BB_BLOCKS else ""

    return _BB_TAG.sub(shown, text)


def without_markdown(text: str) -> str:
    """Return a text without Markdown's marks; bullets and numbers of lists stay, they are read.

    >>> without_markdown("## Why\\n这是**重点**, see [the page](http://a.b/c) and `x_1`. f**k 2*3*4")
    'Why\\n这是重点, see the page and x_1. f**k 2*3*4'
    """
    text = _FENCE.sub("", text)
    text = _RULE.sub("", text)
    text = _QUOTE.sub("", text)
    text = _HEADING.sub(lambda heading: _HEADING_END.sub("", heading[1]), text)
    text = _TABLE_ROW.sub(lambda row: " ".join(cell.strip() for cell in row[1].split("|") if cell.strip()), text)
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub(lambda found: found[2] or found[4], text)
    return _CODE.sub(r"\2", text)


def without_latex(text: str) -> str:
    """Return a text without LaTeX's commands; formulas stay as they are written.

    >>> without_latex("\\\\section{Why} It is \\\\emph{so}~\\\\cite{a}, 5\\\\% of $x^2$. C:\\\\new")
    'Why\\n It is so, 5% of $x^2$. C:\\\\new'
    """
    text = _ENVIRONMENT.sub("\n", text)
    text = _LATEX_UNSEEN.sub("", text)

    def shown(command: re.Match[str]) -> str:
        return command[2] + ("\n" if command[1] in _LATEX_BLOCKS else "")

    text = _LATEX_SHOWN.sub(shown, text)
    text = _LATEX_LINE_END.sub("\n", text)
    return _LATEX_ESCAPED.sub(r"\1", _LATEX_BARE.sub("", text))

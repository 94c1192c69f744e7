"""Words, lines and paragraphs as places."""

from __future__ import annotations

import gc
import weakref

from oreline.data.quality.tokens import BLOCK_CHARACTERS, MAX_CHARACTERS, Tokens, blocks


def cut(tokens: Tokens, text: str) -> list[str]:
    return [text[start:end] for start, end in zip(tokens.start_T, tokens.end_T)]


def test_words_in_both_languages():
    texts = ["a  bc,\nd", "", " x "]
    tokens = Tokens(texts, chinese=False)
    assert cut(tokens, "\n".join(texts)) == ["a", "bc,", "d", "x"]
    assert tokens.doc_T.tolist() == [0, 0, 0, 2]
    texts = ["我们喜欢 电影。", "", "好"]
    tokens = Tokens(texts, chinese=True)
    assert cut(tokens, "\n".join(texts)) == ["我们", "喜欢", "电影", "。", "好"]
    assert tokens.num_tokens_N.tolist() == [4, 0, 1]


def test_lines_and_paragraphs():
    text = "one\n two \n\n\nthree"
    tokens = Tokens([text, "four"], chinese=False)
    joined = text + "\nfour"
    lines = [joined[a:b] for a, b in zip(tokens.lines.start_L, tokens.lines.end_L)]
    assert lines == ["one", "two", "three", "four"]
    assert [joined[a:b] for a, b in zip(tokens.paragraphs.start_L, tokens.paragraphs.end_L)] == [
        "one\n two",
        "three",
        "four",
    ]
    assert tokens.num_newlines.tolist() == [4, 0]


def test_tokens_go_with_their_last_name():
    """A cycle would hold the arrays of every block until the garbage collector comes, which arrays do not call."""
    gc.disable()
    try:
        for chinese in (False, True):
            tokens = Tokens(["one\n two\n\ntwo", "好\n好"], chinese=chinese)
            assert tokens.repeated(tokens.lines).tolist() == [False, False, True, False, True]
            assert not tokens.repeated(tokens.paragraphs).any()
            gone = weakref.ref(tokens)
            del tokens
            assert gone() is None
    finally:
        gc.enable()


def test_blocks_are_bounded_and_a_long_text_is_cut():
    texts = ["x" * (BLOCK_CHARACTERS // 2)] * 3 + ["y" * (MAX_CHARACTERS + 1), "z"]
    found = list(blocks(texts))
    assert [start for start, _ in found] == [0, 2, 3, 4]
    assert len(found[2][1][0]) == MAX_CHARACTERS
    assert list(blocks([])) == []

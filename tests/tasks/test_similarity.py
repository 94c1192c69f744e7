"""A number for each pair of texts."""

from __future__ import annotations

from oreline.tasks.similarity import Task


def test_two_texts_and_rank_correlation_first():
    assert Task.inputs == ("text", "text_pair")
    assert Task.metrics[0] == "spearman"

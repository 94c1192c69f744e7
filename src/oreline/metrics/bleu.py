"""Word n-grams that written answers share with the truth.

Shape suffixes: N rows, G lengths of n-grams, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from oreline.metrics.counts import ScoredRows
from oreline.metrics.texts import script_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOKENIZERS = {"zh": "zh", "unspaced": "char", "spaced": "13a"}
"""sacrebleu's tokenizer for each script of the true texts."""
MAX_ORDER = 4


class Metric:
    """BLEU of the corpus, from 0 to 100, as sacrebleu has it.

    Words by its tokenizer `13a`; by `zh` where more than three tenths of the letters are Chinese, by `char` where they
    are of another script without spaces. The counts of all rows, which sacrebleu makes, are summed before the figure is
    formed, in each draw of the bootstrap too, so that every draw is an exact corpus BLEU.

    Source: Papineni et al., BLEU: a Method for Automatic Evaluation of Machine Translation, ACL 2002; Post, A Call for
    Clarity in Reporting BLEU Scores, WMT 2018.
    """

    higher_is_better: ClassVar[bool] = True
    view: ClassVar[str] = "texts"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `bleu`."""
        stats_NS = statistics(table.targets.tolist(), table.predicted.tolist())
        return {"bleu": corpus_bleu(weights_RN @ stats_NS)}


def statistics(true: list[str], given: list[str]) -> NDArray[np.float64]:
    """Return for each row: length of answer and truth, n-grams of 1 to 4 words in both, and in the answer; (N, 10)."""
    plug = BLEU(tokenize=TOKENIZERS[script_of(true)], effective_order=True, max_ngram_order=MAX_ORDER)
    rows = np.zeros((len(true), 2 + 2 * MAX_ORDER))
    for row, (reference, answer) in enumerate(zip(true, given, strict=True)):
        found = plug.sentence_score(answer, [reference])
        rows[row] = [found.sys_len, found.ref_len, *found.counts, *found.totals]
    return rows


def corpus_bleu(stats_RS: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return BLEU for each row of summed statistics, (R,).

    The geometric mean of the four precisions times exp(1 − true length / answer length) where answers are too short. A
    precision of zero becomes 1 / (2ᵏ · n-grams) for the k-th such length (sacrebleu's smoothing `exp`).

    >>> round(float(corpus_bleu(np.array([[6.0, 6, 5, 3, 1, 0, 6, 5, 4, 3]]))[0]), 2)
    37.99
    """
    given_R, true_R = stats_RS[:, 0], stats_RS[:, 1]
    both_RG, total_RG = stats_RS[:, 2 : 2 + MAX_ORDER], stats_RS[:, 2 + MAX_ORDER :]
    is_zero_RG = both_RG == 0
    halvings_RG = 2.0 ** np.cumsum(is_zero_RG, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_precision_RG = np.log(np.where(is_zero_RG, 1 / halvings_RG, both_RG)) - np.log(total_RG)
        brevity_R = np.minimum(1 - true_R / given_R, 0)
        score_R = 100 * np.exp(log_precision_RG.mean(axis=1) + brevity_R)
    # Without a shared word, or without a single n-gram of some length, there is nothing to take a mean of.
    defined_R = (both_RG[:, 0] > 0) & (total_RG[:, -1] > 0)
    return np.where(defined_R, score_R, 0.0)

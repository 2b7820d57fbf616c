"""What is measured: names, formulas, sources, and which way collapse lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measure:
    """One number per prompt and system.

    ``collapse`` is +1 where more means less diversity, −1 where more means more of it, 0 for lengths. ``family`` says
    whether its tests are corrected together with the others; what stands beside the family is context.
    """

    key: str
    label: str
    collapse: int
    family: bool
    formula: str
    source: str = ""


HIVEMIND: Final = "Jiang et al. 2025, Artificial Hivemind"
SHAIB: Final = "Shaib et al. 2024, Standardizing the measurement of text diversity"
LI: Final = "Li et al. 2016, A diversity-promoting objective function"
ZHU: Final = "Zhu et al. 2018, Texygen"
HILL: Final = "Hill 1973; Jost 2006"
VENDI: Final = "Friedman & Dieng 2023, The Vendi score"
CUT: Final = "as above on texts cut to the same number of words within each prompt"

MEASURES: Final = (
    Measure(
        "similarity", "Mean similarity", 1, True,
        "mean cosine of all pairs of texts of one system for one prompt: (‖Σv‖² − Σ‖v‖²) / (n(n − 1))", HIVEMIND,
    ),
    Measure(
        "share_above", "Pairs above threshold", 1, True, "share of these pairs whose cosine is above the threshold",
        HIVEMIND,
    ),
    Measure("distinct_1", "Distinct-1", -1, True, "different words / words, over all texts of the cell", LI),
    Measure("distinct_2", "Distinct-2", -1, True, "different word pairs / word pairs", LI),
    Measure("distinct_3", "Distinct-3", -1, True, "different word triples / word triples", LI),
    Measure(
        "self_bleu", "Self-BLEU", 1, True,
        "mean over texts of BLEU-4 with all other texts of the cell as references: clipped n-gram precisions, orders "
        "that the text has n-grams of, k-th order without a match counted as 1/(2^k · n-grams), brevity penalty by the "
        "closest reference length (the shorter of two)", ZHU,
    ),
    Measure(
        "compression", "Compression ratio", 1, True,
        "bytes of the texts joined by line ends (UTF-8, sorted) / bytes after zlib at level 9", SHAIB,
    ),
    Measure("classes", "Classes", -1, True, "number of equivalence classes (Hill number of order 0)", HILL),
    Measure("modes_1", "Effective modes (q = 1)", -1, True, "exp(−Σ p ln p) over the shares p of the classes", HILL),
    Measure("modes_2", "Effective modes (q = 2)", -1, True, "1 / Σ p²", HILL),
    Measure(
        "vendi", "Vendi score", -1, True, "exp(−Σ λ ln λ) over the eigenvalues λ of K/n, K the cosines of the cell",
        VENDI,
    ),
    Measure("words", "Words per text", 0, False, "mean number of words"),
    Measure("distinct_1_cut", "Distinct-1, cut", -1, False, CUT, LI),
    Measure("distinct_2_cut", "Distinct-2, cut", -1, False, CUT, LI),
    Measure("distinct_3_cut", "Distinct-3, cut", -1, False, CUT, LI),
    Measure("self_bleu_cut", "Self-BLEU, cut", 1, False, CUT, ZHU),
    Measure("compression_cut", "Compression ratio, cut", 1, False, CUT, SHAIB),
)  # fmt: skip
BY_KEY: Final = {one.key: one for one in MEASURES}

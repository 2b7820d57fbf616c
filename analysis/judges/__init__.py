"""Automatic judges against people: does a reward model, a language model or any other score say what raters say.

::

    from analysis import schema
    from analysis.judges import compare_judges, read_scores

    table = schema.read("judgements.csv")
    found = compare_judges(table, read_scores("scores.csv"))
    found.row("reward model", "originality").spearman

From the shell: ``python -m analysis.judges judgements.csv scores.csv --out judges/``; within a report:
``python -m analysis judgements.csv --scores scores.csv`` or ``analysis.write_report(result, out, scores=scores)``.
"""

from __future__ import annotations

from analysis.judges.scores import ScoresError, check_scores, read_scores
from analysis.judges.study import JudgeOptions, compare_judges

__all__ = ["JudgeOptions", "ScoresError", "check_scores", "compare_judges", "read_scores"]

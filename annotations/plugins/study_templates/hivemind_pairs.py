"""Which of two answers is better overall, in five levels, after Artificial Hivemind."""

from __future__ import annotations

from typing import Any

from annotations.registry import DimensionDraft, StudyDraft, StudyTemplate, study_templates

from .words import COMMENTS, DEBRIEFING, consent

WELCOME = """\
Thank you for coming. You will read twenty pairs of answers to open-ended questions, and say which of the two is better
overall. There are no right or wrong answers: we want to know what *you* think.
"""

INSTRUCTIONS = """\
Each screen shows **one question** and **two answers, A and B**. Read both, then say which is better overall and how
clearly: *much better*, *slightly better*, or *about the same*.

The questions are open: quite different answers can be equally good. Two answers that say nearly the same are about the
same, even when the words differ.
"""

GRADED: dict[str, Any] = {"levels": 5, "midpoint": True}


@study_templates.register
class HivemindPairs(StudyTemplate):
    """Two answers side by side, five levels from much better to much worse, 20 pairs a session, 25 raters each."""

    name = "hivemind_pairs"
    label = "Pairs: overall quality in five levels (Artificial Hivemind)"
    description = "Two outputs side by side, one graded preference; 20 pairs a session and 25 raters for each."
    source = (
        "After the pairwise preferences of Artificial Hivemind (25 people per pair, 20 pairs a session, five levels "
        "from much better to much worse). Honest differences: wording is ours; sides and pairs are balanced by design; "
        "the answers go into a mixed model with raters, prompts and outputs."
    )

    def draft(self) -> StudyDraft:
        """Return 25 raters per pair, 20 pairs per rater."""
        better = DimensionDraft(
            "quality", "better overall", "All in all: which would you rather get?", "graded_preference", GRADED
        )
        return StudyDraft(
            lead="Which is …",
            dimensions=(better,),
            welcome=WELCOME,
            consent=consent("You read twenty pairs of short texts in this browser and say which is better."),
            instructions=INSTRUCTIONS,
            path={"comments": COMMENTS, "debriefing": {"on": True, "text": DEBRIEFING}},
            design={
                "comparisons": "all_pairs",
                "sample_pairing": "matched",
                "raters_per_task": 25,
                "trials_per_rater": 20,
                "attention_trials": 1,
                "repeat_trials": 1,
                "seed": 1,
            },
            analysis={"contrasts": "all_pairs", "correction": "holm", "alpha": 0.05, "trials": ["main"]},
        )

"""Overall quality of single answers from 1 to 5, after Artificial Hivemind."""

from __future__ import annotations

from typing import Any

from annotations.registry import DimensionDraft, StudyDraft, StudyTemplate, study_templates

from .words import COMMENTS, DEBRIEFING, consent

WELCOME = """\
Thank you for coming. You will read fifteen answers to open-ended questions, one at a time, and rate how good each is
overall. There are no right or wrong answers: we want to know what *you* think.
"""

INSTRUCTIONS = """\
Each screen shows **one question** and **one answer**. Read both, then say how good the answer is overall, from 1 to 5.

- **1 – very poor**: it does not answer the question, or nobody would want it
- **2 – poor**
- **3 – acceptable**
- **4 – good**
- **5 – excellent**: hard to imagine a better one

The questions are open: many quite different answers can be excellent. Judge the answer that is there, not whether you
would have answered alike.
"""

POINTS: dict[str, Any] = {"points": 5, "labels": ["Very poor", "Poor", "Acceptable", "Good", "Excellent"]}


@study_templates.register
class HivemindAbsolute(StudyTemplate):
    """One answer at a time, overall quality from 1 to 5, 15 a session, 25 raters each."""

    name = "hivemind_absolute"
    label = "Absolute ratings: overall quality 1–5 (Artificial Hivemind)"
    description = "One output at a time, one rating from 1 to 5; 15 outputs a session and 25 raters for each."
    source = (
        "After the absolute ratings of Artificial Hivemind (25 people per answer to an open-ended question, 15 answers "
        "a session, overall quality from 1 to 5). Honest differences: wording and labels are ours; who sees what is "
        "balanced by design; the answers go into a cumulative mixed model rather than into averages alone."
    )

    def draft(self) -> StudyDraft:
        """Return 25 raters per output, 15 outputs per rater."""
        quality = DimensionDraft(
            "quality", "good overall", "All in all: would you be glad to get this answer?", "likert", POINTS
        )
        return StudyDraft(
            lead="How … is this answer?",
            dimensions=(quality,),
            welcome=WELCOME,
            consent=consent("You read fifteen short texts in this browser and rate each from 1 to 5."),
            instructions=INSTRUCTIONS,
            path={"comments": COMMENTS, "debriefing": {"on": True, "text": DEBRIEFING}},
            design={
                "comparisons": "single",
                "raters_per_task": 25,
                "trials_per_rater": 15,
                "attention_trials": 1,
                "repeat_trials": 0,
                "seed": 1,
            },
            analysis={"contrasts": "all_pairs", "correction": "holm", "alpha": 0.05, "trials": ["main"]},
        )

"""The default study: pairs judged on originality, surprise and creativity."""

from __future__ import annotations

from typing import Any

from annotations.registry import DimensionDraft, StudyDraft, StudyTemplate, study_templates

from .words import consent

WELCOME = """\
Thank you for coming. You will read pairs of short texts that answer the same task, and say which one is more original,
more surprising and more creative. There are no right or wrong answers: we want to know what *you* think.
"""

INSTRUCTIONS = """\
Each screen shows **one task** and **two answers, A and B**. Read both to the end, then say for each row which of the
two fits the word better, and how clearly.

- **Original**: few people would come up with it.
- **Surprising**: it is not what you expected, and it makes you look twice.
- **Creative**: it is both new *and* a good answer to the task.

**An example.** Task: *unusual uses for a paper clip.* A: "Hold sheets of paper together." B: "Bend it into the mast of
a walnut-shell boat for a toy regatta." Most people would say that B is much more original; whether it is also much more
creative is up to you.

Judge the ideas, not spelling or length. Some pairs are hard to tell apart: go with your first impression.
Your answers are saved after every screen.
"""

GRADED: dict[str, Any] = {"levels": 5, "midpoint": True}


@study_templates.register
class PairwiseCreativity(StudyTemplate):
    """Three dimensions, graded preference with five levels, all pairs of systems, Holm over all tests."""

    name = "pairwise_creativity"
    label = "Pairs: originality, surprise, creativity"
    description = "Two outputs side by side, three graded preferences; all pairs of systems are compared."
    source = (
        "Our own default. Wording of the dimensions follows common use in divergent-thinking research; side-by-side "
        "judgements are sharper than single ratings. It is not a copy of any published questionnaire."
    )

    def draft(self) -> StudyDraft:
        """Return the defaults: 3 raters per pair, 20 trials per rater, 1 attention and 1 repeat trial."""
        return StudyDraft(
            lead="Which is more …",
            dimensions=(
                DimensionDraft(
                    "originality", "original", "Few people would come up with it.", "graded_preference", GRADED
                ),
                DimensionDraft(
                    "surprise",
                    "surprising",
                    "It is not what you expected; it makes you look twice.",
                    "graded_preference",
                    GRADED,
                ),
                DimensionDraft(
                    "creativity",
                    "creative",
                    "It is both new and a good answer to the task.",
                    "graded_preference",
                    GRADED,
                ),
            ),
            welcome=WELCOME,
            consent=consent("You read pairs of texts in this browser and answer a few questions about each pair."),
            instructions=INSTRUCTIONS,
            design={
                "comparisons": "all_pairs",
                "sample_pairing": "matched",
                "raters_per_task": 3,
                "trials_per_rater": 20,
                "attention_trials": 1,
                "repeat_trials": 1,
                "seed": 1,
            },
            analysis={"contrasts": "all_pairs", "correction": "holm", "alpha": 0.05, "trials": ["main"]},
        )

"""An expert asks, ranks twenty outputs, and asks again."""

from __future__ import annotations

from annotations.registry import DimensionDraft, StudyDraft, StudyTemplate, study_templates

from .words import COMMENTS, consent

WELCOME = """\
Thank you for lending us your judgement. You will ask open questions of your own field. Each is answered twenty times;
you put the answers in order, and ask again. Nobody else sees your questions while the study runs.
"""

INSTRUCTIONS = """\
**A round** has two steps.

1. **Ask** an open question that an expert would find worth asking, one to which several good answers exist. You may
   refine the question of the round before, or ask a new one.
2. **Rank** the twenty answers, the best first: once by how *creative* and once by how *insightful* they are. Both
   orders may well differ. Answers that you cannot tell apart may share a place.

- **Creative**: new to somebody who knows the field, and still an answer to the question.
- **Insightful**: it shows something true and useful that is not obvious.

Take your time and breaks as you like: everything is saved, and the same link brings you back.
"""


@study_templates.register
class ExpertPanel(StudyTemplate):
    """Rounds of one question, twenty outputs and two rankings, linked so that progress over rounds can be analysed."""

    name = "expert_panel"
    label = "Expert panel: ask, rank 20 outputs, ask again"
    description = "Experts ask models questions of their own and rank what comes; every ranking is preference data."
    source = (
        "Our own design for learning from experts' rankings. It compares systems only on questions that these experts "
        "asked: with few experts the report speaks about them and not about experts at large. Outputs of all systems "
        "are mixed in one ranking, so every round compares the systems; rankings export as chosen/rejected pairs."
    )

    def draft(self) -> StudyDraft:
        """Return five rounds of twenty outputs."""
        words = (
            ("creativity", "creative", "New to somebody who knows the field, and still an answer to the question."),
            ("insight", "insightful", "It shows something true and useful that is not obvious."),
        )
        return StudyDraft(
            lead="Put the answers in order: most …",
            dimensions=tuple(DimensionDraft(key, label, text, "ranking", {"ties": True}) for key, label, text in words),
            welcome=WELCOME,
            consent=consent(
                "You ask questions in this browser and put the answers of computer programs in order. Your questions "
                "are sent to these programs and are part of the research data: do not write anything confidential."
            ),
            instructions=INSTRUCTIONS,
            path={"comments": COMMENTS},
            design={"comparisons": "panel", "rounds": 5, "least_rounds": 1, "outputs": 20, "experts": 1, "seed": 1},
            analysis={"contrasts": "all_pairs", "correction": "holm", "alpha": 0.05, "trials": ["main"]},
        )

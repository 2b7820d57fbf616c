"""Fourteen yes/no verdicts on a story, after the Torrance test of creative writing."""

from __future__ import annotations

from annotations.registry import DimensionDraft, StudyDraft, StudyTemplate, study_templates

from .words import COMMENTS, DEBRIEFING, consent

WELCOME = """\
Thank you for lending us your judgement. You will read short stories and give fourteen verdicts on each, yes or no.
They ask for the eye of somebody who writes or teaches writing.
"""

INSTRUCTIONS = """\
Each screen shows **one story** with what its writer was asked for. Read the story to the end before you answer; it
scrolls. Then give a verdict, **yes or no**, on each of the fourteen points. Open a point to read what it means.

Judge each point on its own: a story may be well paced and yet say nothing new. If you hesitate, ask yourself whether
you would defend a *yes* before a colleague.
"""

# The fourteen tests and their four groups are the published ones; the questions are in our own words.
VERDICTS = (
    ("pacing", "Fluency: pacing", "Does the story stretch and shorten time where that serves it?"),
    ("scene", "Fluency: scene and summary", "Is there a good balance of scenes that we witness and of what is told?"),
    ("language", "Fluency: language", "Are idiom, metaphor and allusion used with skill, and not as decoration?"),
    ("ending", "Fluency: ending", "Does the ending feel earned, rather than stuck on or broken off?"),
    ("coherence", "Fluency: coherence", "Do the parts make one whole that can be understood?"),
    ("perspective", "Flexibility: perspective", "Are there several voices or points of view, and do they convince?"),
    ("emotion", "Flexibility: emotion", "Do outer events and inner feeling keep a balance that lets us feel with it?"),
    ("structure", "Flexibility: structure", "Are there turns that surprise and yet make sense afterwards?"),
    ("theme", "Originality: theme", "Would a reader take away an idea that is not the usual one?"),
    ("thought", "Originality: thought", "Is it free of clichés, in its phrases and in its plot?"),
    ("form", "Originality: form", "Does the story do something of its own with its form?"),
    ("character", "Elaboration: characters", "Is each character as complex as the story needs, not a flat type?"),
    ("subtext", "Elaboration: subtext", "Does the text mean more than it says, and does that enrich it?"),
    ("world", "Elaboration: world", "Is the world of the story there for the senses, and believable?"),
)


@study_templates.register
class TorranceWriting(StudyTemplate):
    """One story at a time, fourteen verdicts, three experts per story."""

    name = "torrance_writing"
    label = "Stories: Torrance test of creative writing (14 verdicts)"
    description = "One story at a time and fourteen yes/no verdicts in four groups; three experts for each story."
    source = (
        "After the Torrance Test of Creative Writing (Chakrabarty et al. 2024, Art or Artifice?): fourteen binary "
        "tests of fluency, flexibility, originality and elaboration, three experts per story. Honest differences: the "
        "questions are in our own words; experts do not write a reason for each verdict (add a free-text dimension if "
        "you want that); the report fits each verdict by a mixed model and corrects over all fourteen."
    )

    def draft(self) -> StudyDraft:
        """Return 3 experts per story, 4 stories per expert."""
        return StudyDraft(
            lead="Does the story pass?",
            dimensions=tuple(DimensionDraft(key, label, text, "yes_no", {}) for key, label, text in VERDICTS),
            welcome=WELCOME,
            consent=consent("You read short stories in this browser and give fourteen yes/no verdicts on each."),
            instructions=INSTRUCTIONS,
            path={"comments": COMMENTS, "debriefing": {"on": True, "text": DEBRIEFING}},
            design={
                "comparisons": "single",
                "raters_per_task": 3,
                "trials_per_rater": 4,
                "attention_trials": 0,
                "repeat_trials": 0,
                "seed": 1,
            },
            analysis={"contrasts": "all_pairs", "correction": "holm", "alpha": 0.05, "trials": ["main"]},
        )

"""Single texts on sliders, after the human study of CreativityNeuro."""

from __future__ import annotations

from typing import Any

from annotations.registry import DimensionDraft, StudyDraft, StudyTemplate, study_templates

from .words import COMMENTS, DEBRIEFING, consent

WELCOME = """\
Thank you for coming. You will read ten short answers to creative tasks, one at a time, and say on sliders how original,
how surprising and how creative each is. There are no right or wrong answers: we want to know what *you* think.
"""

INSTRUCTIONS = """\
Each screen shows **one task** and **one answer** to it. Read the answer to the end, then move each slider.

- **Original**: few people would come up with it.
- **Surprising**: it is not what you expected.
- **Creative**: it is both new *and* a good answer to the task.

The left end means *not at all*, the right end *extremely*. Use the whole line: most answers are neither. Every slider
must be moved; if the place where it stands is right, move it away and back. The order of the three changes from screen
to screen, so look at the word beside the slider.
"""

SLIDER: dict[str, Any] = {
    "low": 0,
    "high": 100,
    "low_label": "Not at all",
    "high_label": "Extremely",
    "start": "fixed",
    "start_at": 50,
    "show_number": False,
}

QUIZ: dict[str, Any] = {
    "on": True,
    "attempts": 2,
    "questions": [
        {
            "key": "creative",
            "label": "When is an answer creative?",
            "options": [
                {"value": "new", "label": "When it is new, whether or not it answers the task"},
                {"value": "both", "label": "When it is new and a good answer to the task"},
                {"value": "long", "label": "When it is long and well written"},
            ],
            "correct": ["both"],
            "explanation": "Creative means both: new, and a good answer to the task.",
        },
        {
            "key": "middle",
            "label": "What do you do when the middle of the line is just right?",
            "options": [
                {"value": "leave", "label": "Leave the slider where it stands"},
                {"value": "move", "label": "Move it away and back"},
            ],
            "correct": ["move"],
            "explanation": "A slider that was never moved does not count as an answer.",
        },
    ],
}


@study_templates.register
class CreativitySliders(StudyTemplate):
    """Two conditions, 40 stimuli, 10 of them a person in a balanced Latin square, three sliders in shuffled order."""

    name = "creativity_sliders"
    label = "Sliders: one text at a time (CreativityNeuro)"
    description = "One output at a time, three 0–100 sliders in an order that changes with each text."
    source = (
        "After the human evaluation of CreativityNeuro (N = 720): two conditions, sliders from “Not at all” to "
        "“Extremely” that start at 50 and must be moved, three dimensions shuffled per stimulus, 10 of 40 stimuli per "
        "person. Bring 20 prompts with one output of each condition. Honest differences: the wording of welcome, "
        "instructions, definitions and quiz is ours; every stimulus is at each position equally often by design, not "
        "on average; nobody sees both outputs of one prompt; the report's model has raters, prompts and outputs as "
        "random effects, and answers standardised per rater and dimension stand beside it as a sensitivity analysis."
    )

    def draft(self) -> StudyDraft:
        """Return 180 raters per stimulus, 10 stimuli per rater: 720 raters for 40 stimuli."""
        words = (
            ("originality", "original", "Few people would come up with it."),
            ("surprise", "surprising", "It is not what you expected."),
            ("creativity", "creative", "It is both new and a good answer to the task."),
        )
        return StudyDraft(
            lead="How … is this answer?",
            dimensions=tuple(DimensionDraft(key, label, text, "slider", SLIDER) for key, label, text in words),
            welcome=WELCOME,
            consent=consent("You read ten short texts in this browser and move three sliders for each."),
            instructions=INSTRUCTIONS,
            path={"quiz": QUIZ, "comments": COMMENTS, "debriefing": {"on": True, "text": DEBRIEFING}},
            design={
                "comparisons": "single",
                "raters_per_task": 180,
                "trials_per_rater": 10,
                "dimension_order": "shuffled",
                "attention_trials": 0,
                "repeat_trials": 0,
                "seed": 1,
            },
            analysis={"contrasts": "all_pairs", "correction": "holm", "alpha": 0.05, "trials": ["main"]},
        )

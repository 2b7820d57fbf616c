"""A path with every step, and answers to it, for tests."""

from __future__ import annotations

from typing import Any

from annotations.blind import Path
from annotations.domain.path import parse_path

YES_NO = [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}]
FULL: dict[str, Any] = {
    "eligibility": {
        "text": "Two questions before we *begin*.",
        "fields": [
            {
                "key": "age",
                "type": "number",
                "label": "How old are you?",
                "min": 0,
                "max": 120,
                "eligible": {"min": 18},
            },
            {"key": "reads", "type": "choice", "label": "Do you read English?", "options": YES_NO, "eligible": ["yes"]},
        ],
    },
    "consent": {"boxes": ["I am 18 or older.", "I have read the text above."]},
    "questionnaire": {
        "fields": [
            {
                "key": "gender",
                "type": "choice",
                "label": "Gender",
                "options": [{"value": "f", "label": "Woman"}, {"value": "m", "label": "Man"}],
                "may_skip": True,
            },
            {
                "key": "tongues",
                "type": "multiple",
                "label": "Which languages do you speak?",
                "options": [{"value": "en", "label": "English"}, {"value": "de", "label": "German"}],
            },
            {"key": "years", "type": "number", "label": "Years of writing", "required": False, "min": 0, "max": 80},
            {"key": "job", "type": "text", "label": "What do you do?", "help": "In a few words.", "required": False},
            {
                "key": "creative",
                "type": "scale",
                "label": "How creative are you?",
                "min": 1,
                "max": 7,
                "low": "Not at all",
                "high": "Very",
            },
        ]
    },
    "quiz": {
        "attempts": 2,
        "questions": [
            {
                "key": "what",
                "label": "What do you judge?",
                "options": [{"value": "ideas", "label": "The ideas"}, {"value": "spelling", "label": "The spelling"}],
                "correct": ["ideas"],
                "explanation": "Only the ideas count.",
            }
        ],
    },
    "practice": {
        "trials": [
            {
                "prompt": "Unusual uses for a paper clip",
                "texts": ["Hold paper together.", "Bend it into the mast of a toy boat."],
                "expected": {"originality": ["4", "5"]},
                "feedback": "Few people would think of a *mast*.",
            }
        ]
    },
    "breaks": {"every": 2},
    "comments": {},
    "debriefing": {"text": "Some texts were written by machines.", "systems": True, "agreement": True},
    "ending": {"codes": {"declined": "NOTHANKS", "screened_out": "OUT", "failed_quiz": "QUIZ"}},
}
GIVEN: dict[str, dict[str, Any]] = {
    "eligibility": {"field-age": "34", "field-reads": "yes"},
    "consent": {"field-box-1": "1", "field-box-2": "1"},
    "questionnaire": {
        "field-gender.skip": "1",
        "field-tongues": ["en", "de"],
        "field-years": "12",
        "field-job": "lighthouse keeper",
        "field-creative": "6",
    },
    "instructions": {},
    "quiz": {"field-attempt": "1", "field-what": "ideas"},
    "practice": {"field-number": "1"},
    "comments": {"field-comments": "The mast was lovely."},
    "debriefing": {},
}


def parsed_practice(**trial: Any) -> Path:
    """Return a path of which only one practice trial is set."""
    return parse_path({"practice": {"on": True, "trials": [{"prompt": "Uses for a clip", **trial}]}})

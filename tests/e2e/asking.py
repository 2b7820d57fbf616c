"""Studies that ask any type of question on 1, 2 or n outputs, for tests in the browser."""

from __future__ import annotations

from typing import Any

from annotations.domain import planning, studies
from annotations.models import Output, Study
from tests.annotations.factories import StudyFactory

STORY = (
    "The lighthouse keeper wound the clock backwards every evening, so that the ships would arrive before they had "
    "left. Nobody minded. The harbour master wrote two sets of books, and the bakers learnt to sell bread by the smell "
    "of tomorrow. Only the gulls kept ordinary time, and they complained of it."
)
REASONS = ["New idea", "Unexpected turn", "Vivid detail", "Fits the task better", "Better written"]

# One study per type: (question type, options, number of outputs).
ASKED: dict[str, tuple[str, dict[str, Any], int]] = {
    "forced_choice": ("forced_choice", {"tie": True}, 2),
    "graded_preference": ("graded_preference", {}, 2),
    "choice_with_reasons": ("choice_with_reasons", {"reasons": REASONS, "note": True}, 2),
    "likert": ("likert", {"points": 7}, 1),
    "likert_named": ("likert", {"points": 5, "labels": ["poor", "fair", "good", "very good", "excellent"]}, 2),
    "slider": ("slider", {"start": 50}, 1),
    "slider_bare": ("slider", {"start": "none"}, 3),
    "yes_no": ("yes_no", {}, 1),
    "ranking": ("ranking", {}, 5),
    "ranking_ties": ("ranking", {"ties": True}, 3),
    "best_worst": ("best_worst", {}, 4),
    "free_text": ("free_text", {"least": 10, "most": 200}, 1),
}


def dimension(key: str, question_type: str, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the fields of a dimension."""
    return {"key": key, "label": more.pop("label", key), "question_type": question_type, "options": options, **more}


def study_of(*dimensions: dict[str, Any], outputs: int, text: str = STORY, **kwargs: Any) -> Study:
    """Return an open study of three trials per rater, each of so many outputs."""
    kwargs.setdefault("lead", "How is this text?")
    scheme = {1: "single", 2: "all_pairs"}.get(outputs, "groups")
    design = {"comparisons": scheme, "outputs_per_task": outputs, "raters_per_task": 4}
    kwargs["design"] = design | kwargs.pop("design", {})
    systems = tuple(f"system-{number}" for number in range(max(outputs, 2)))
    study = StudyFactory(systems=systems, prompts=3, dimensions=list(dimensions), **kwargs)
    for number, output in enumerate(Output.objects.filter(prompt__study=study).order_by("pk")):
        output.text = f"{text} ({number})"
        output.save()
    planning.freeze_study(study=study)
    return studies.open_study(study=study)


def study_asking(name: str, *, rows: int = 2, **kwargs: Any) -> Study:
    """Return a study whose rows are all of one type of `ASKED`."""
    question_type, options, outputs = ASKED[name]
    words = ("creativity", "insight", "surprise")[:rows]
    labels = ("creative", "insightful", "surprising")
    return study_of(
        *(dimension(word, question_type, options, label=label) for word, label in zip(words, labels, strict=False)),
        outputs=outputs,
        **kwargs,
    )

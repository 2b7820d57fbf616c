"""How often one rater put first what most others put first, for the debriefing."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from annotations.blind import Questionnaire
from annotations.enums import TrialKind
from annotations.models import Judgement
from annotations.registry import question_types

FEWEST = 5  # comparable answers, below which a share says nothing


@dataclass(frozen=True, slots=True)
class Agreement:
    """In `agreed` of `compared` answers the rater put first what most others put first."""

    agreed: int
    compared: int


def agreement_of(participation_id: int, questionnaire: Questionnaire) -> Agreement | None:
    """Compare the main trials of a rater with what others favoured on the same tasks; None when it is too little.

    Answers that favour nothing, and tasks on which the others are split evenly, are left out.
    """
    rows = _favoured(participation_id, questionnaire)
    agreed = compared = 0
    for mine, others in rows:
        ranked = Counter(others).most_common(2)
        if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
            continue
        compared += 1
        agreed += mine == ranked[0][0]
    return Agreement(agreed, compared) if compared >= FEWEST else None


def _favoured(participation_id: int, questionnaire: Questionnaire) -> list[tuple[int, list[int]]]:
    """Return for each of the rater's answers the output that it favours and those that others favoured."""
    main = Judgement.objects.filter(trial__kind=TrialKind.MAIN, late=False)
    own = list(main.filter(lease__participation=participation_id).select_related("trial"))
    shared = main.filter(trial__task__in=[judgement.trial.task_id for judgement in own]).exclude(
        lease__participation=participation_id
    )
    others: dict[tuple[int, str], list[int]] = defaultdict(list)
    for judgement in shared.select_related("trial"):
        for key, output in _first(judgement, questionnaire).items():
            others[judgement.trial.task_id, key].append(output)
    return [
        (output, others[judgement.trial.task_id, key])
        for judgement in own
        for key, output in _first(judgement, questionnaire).items()
    ]


def _first(judgement: Judgement, questionnaire: Questionnaire) -> dict[str, int]:
    """Return by dimension the id of the output that the answer puts clearly first."""
    found, shown = {}, judgement.trial.output_ids
    for question in questionnaire.questions:
        if question.key in judgement.answers:
            kind = question_types.get(question.type)
            place = kind.favoured(judgement.answers[question.key], question.options, outputs=len(shown))
            if place is not None:
                found[question.key] = shown[place - 1]
    return found

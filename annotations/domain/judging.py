"""Judging: where a rater stands, and "record this answer and show me the next pair" in one statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.db import connection

from annotations.blind import BlindTrial, Path, Questionnaire, RaterView, Timing
from annotations.enums import LeaseState, Step, StudyState
from annotations.errors import AnswerError, BadToken
from annotations.models import Lease, Study
from annotations.registry import Raw, Value, question_types, raw_of

from . import assignment, panel
from .booklets import booklet_of
from .frames import frame_of, frame_of_draft
from .path import Standing, break_due, next_step
from .scenes import Who, set_scene

Answers = Mapping[str, str | Raw]
"""What a browser sent, by dimension; a bare text is the one value of a simple question."""

WHERE_IS = """
SELECT p.id, p.state, p.outcome, p.language, p.steps_done, s.id, s.state, s.plan_id, s.design,
       l.id, l.state, ARRAY(SELECT j.trial_id FROM annotations_judgement j WHERE j.lease_id = l.id)
FROM annotations_participation p
JOIN annotations_study s ON s.id = p.study_id
LEFT JOIN LATERAL (SELECT x.id, x.state FROM annotations_lease x WHERE x.participation_id = p.id
                   ORDER BY x.id DESC LIMIT 1) l ON TRUE
WHERE p.public_id = %(public_id)s
"""

# Writing, renewing and reading what is answered are one statement, one round trip and one commit over the rater's own
# rows, so the cost does not depend on the size of the study. A second copy of the same POST waits on the unique index
# and then writes nothing. A lease that has lapsed still takes the answer, as late. A lease that was renewed within the
# last 30 seconds is not written again. Values go in as text with a cast: one type for each, one prepared statement.
# The lock on the lease is the one that the foreign key takes anyway; taken first, it keeps an answer on its way from
# coming after the rater's withdrawal.
RECORD = """
WITH me AS MATERIALIZED (
  SELECT l.id AS lease_id, l.state AS lease_state, l.expires_at, s.state AS study_state,
         statement_timestamp() + make_interval(mins => s.lease_minutes) AS renewed_to, p.language, p.steps_done
  FROM annotations_lease l
  JOIN annotations_participation p ON p.id = l.participation_id
  JOIN annotations_study s ON s.id = p.study_id
  WHERE l.id = %(lease)s::bigint AND p.public_id = %(public_id)s
  FOR KEY SHARE OF l
), written AS (
  INSERT INTO annotations_judgement
    (lease_id, trial_id, answers, first_answer_ms, submit_ms, hidden_ms, idle_ms, evidence, late)
  SELECT lease_id, %(trial)s::bigint, %(answers)s::jsonb, %(first_answer_ms)s::int, %(submit_ms)s::int,
         %(hidden_ms)s::int, %(idle_ms)s::int, %(evidence)s::jsonb, lease_state = 'lapsed' OR study_state = 'closed'
  FROM me ON CONFLICT (lease_id, trial_id) DO NOTHING RETURNING 1
), renewed AS (
  UPDATE annotations_lease l
  SET expires_at = CASE WHEN l.state = 'leased' THEN (SELECT renewed_to FROM me) ELSE l.expires_at END
  WHERE l.id = (SELECT lease_id FROM me WHERE expires_at < renewed_to - interval '30 seconds')
)
SELECT me.study_state, me.lease_state, EXISTS (SELECT FROM written),
       ARRAY(SELECT j.trial_id FROM annotations_judgement j WHERE j.lease_id = me.lease_id), me.language, me.steps_done
FROM me
"""


class Place(NamedTuple):
    """One row of WHERE_IS."""

    participation_id: int
    participation_state: str
    outcome: str
    language: str
    steps_done: list[str]
    study_id: int
    study_state: str
    plan_id: int | None
    design: Any  # JSON comes as text where it is read by plain SQL
    lease_id: int | None
    lease_state: str | None
    answered: list[int]


def read_trial_token(token: str) -> tuple[int, int, int]:
    """Return plan, lease and position; raises BadToken."""
    parts = token.split(".")
    try:
        plan_id, lease_id, position = (int(part, 16) for part in parts)
    except ValueError:
        raise BadToken from None
    if not (0 < plan_id < 2**63 and 0 < lease_id < 2**63 and 0 < position < 2**15):
        raise BadToken
    return plan_id, lease_id, position


def where_is(*, public_id: str) -> RaterView:
    """Return the page that this rater should see now. Coming back to a lapsed booklet takes it up again if it can."""
    place = _place(public_id)
    if place.lease_state == LeaseState.LAPSED and _reinstated(place.lease_id, place.study_state):
        place = _place(public_id)
    if place.lease_id is not None and place.lease_state == LeaseState.LEASED and _is_through(place):
        # The completion itself was lost: a worker was killed after the last answer, or two tabs gave the last two.
        assignment.complete(lease_id=place.lease_id)
        place = _place(public_id)
    return _view(place)


def record_judgement(
    *,
    public_id: str,
    trial: str,
    answers: Answers,
    timing: Timing | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> RaterView:
    """Store the answers of one trial and return what comes next: one query in the normal course, written once.

    `answers` holds what the browser sent, by dimension, `evidence` what the page noticed meanwhile. Raises AnswerError
    when a row is missing or impossible (nothing is stored then) and BadToken when the trial's token is not one. A token
    of somebody else's trial changes nothing and shows the rater's own place.
    """
    plan_id, lease_id, position = read_trial_token(trial)
    booklet = booklet_of(lease_id)
    if booklet is None or booklet.plan_id != plan_id or position > len(booklet.trials):
        return where_is(public_id=public_id)
    frame = frame_of(plan_id)
    trial_id = booklet.trial_ids[position - 1]
    values = _values(
        public_id=public_id,
        lease=lease_id,
        trial=trial_id,
        answers=json.dumps(
            parse_answers(
                questionnaire=frame.questionnaire, answers=answers, outputs=len(booklet.trials[position - 1].texts)
            )
        ),
        **_milliseconds(timing or Timing()),
        evidence=json.dumps(dict(evidence or {})),
    )
    with connection.cursor() as cursor:
        cursor.execute(RECORD, values)
        row = cursor.fetchone()
    if row is None:
        return where_is(public_id=public_id)
    study_state, lease_state, written, answered, language, done = row
    trials = booklet.ahead({*answered, trial_id})
    if not trials and lease_state != LeaseState.COMPLETED:
        assignment.complete(lease_id=lease_id)
    if study_state != StudyState.OPEN or lease_state != LeaseState.LEASED or not trials:
        return where_is(public_id=public_id)
    if break_due(frame.path, done, trials[0].number):
        return where_is(public_id=public_id)
    frame = frame_of(plan_id, language)
    return RaterView(
        step=Step.TRIAL,
        study_title=frame.title,
        questionnaire=frame.questionnaire,
        trials=_until_break(trials, frame.path, done),
        total=len(booklet.trials),
        judged=trials[0].number - 1,
        instructions=frame.instructions,
        duplicate=not written,
        contact=frame.contact,
        language=frame.language,
        path=frame.path,
    )


def parse_answers(*, questionnaire: Questionnaire, answers: Answers, outputs: int = 2) -> dict[str, Value]:
    """Return the values to store; raises AnswerError naming the rows that are missing or not among the choices."""
    clean: dict[str, Value] = {}
    wrong = []
    for question in questionnaire.questions:
        kind = question_types.get(question.type)
        try:
            clean[question.key] = kind.read(raw_of(answers.get(question.key, "")), question.options, outputs=outputs)
        except AnswerError:
            wrong.append(question.label)
    if wrong:
        message = f"Please answer: {', '.join(wrong)}."
        raise AnswerError(message)
    return clean


def _milliseconds(timing: Timing) -> dict[str, int | None]:
    return {
        "first_answer_ms": timing.first_answer_ms,
        "submit_ms": timing.submit_ms,
        "hidden_ms": timing.hidden_ms,
        "idle_ms": timing.idle_ms,
    }


def _values(**values: str | int | None) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in values.items()}


def _place(public_id: str) -> Place:
    with connection.cursor() as cursor:
        cursor.execute(WHERE_IS, {"public_id": public_id})
        row = cursor.fetchone()
    if row is None:
        raise BadToken
    place = Place(*row)
    return place._replace(design=json.loads(place.design))


def _is_through(place: Place) -> bool:
    """Say whether every trial of the latest booklet is judged."""
    booklet = booklet_of(place.lease_id) if place.lease_id is not None else None
    return booklet is not None and not booklet.ahead(set(place.answered))


def _reinstated(lease_id: int | None, study_state: str) -> bool:
    return study_state == StudyState.OPEN and assignment.reinstate(lease=Lease(pk=lease_id))


def _until_break(trials: tuple[BlindTrial, ...], path: Path, done: Collection[str]) -> tuple[BlindTrial, ...]:
    """Keep back the trial after a break, so that the page does not show it before the break."""
    return trials[:1] if len(trials) > 1 and break_due(path, done, trials[1].number) else trials


def _view(place: Place) -> RaterView:
    frame = (
        frame_of(place.plan_id, place.language)
        if place.plan_id
        else frame_of_draft(
            Study.objects.get(pk=place.study_id), version=f"draft-{place.study_id}", language=place.language
        )
    )
    booklet = booklet_of(place.lease_id) if place.lease_id is not None else None
    ahead = booklet.ahead(set(place.answered)) if booklet is not None else ()
    step = next_step(frame.path, place.steps_done, _standing(place, ahead, through=booklet is not None and not ahead))
    view = RaterView(
        step=step,
        study_title=frame.title,
        questionnaire=frame.questionnaire,
        trials=_until_break(ahead, frame.path, place.steps_done) if step is Step.TRIAL else (),
        total=len(booklet.trials) if booklet is not None else 0,
        judged=(ahead[0].number - 1) if ahead else len(place.answered),
        instructions=frame.instructions,
        late=place.lease_state == LeaseState.LAPSED,
        contact=frame.contact,
        language=frame.language,
        path=frame.path,
        slug=frame.slug,
        consent=frame.consent,
    )
    return set_scene(view, Who(place.participation_id, tuple(place.steps_done), place.lease_id))


def _standing(place: Place, ahead: tuple[BlindTrial, ...], *, through: bool) -> Standing:
    is_panel = place.design.get("comparisons") == panel.SCHEME
    return Standing(
        participation=place.participation_state,
        study=place.study_state,
        lease=place.lease_state,
        through=through,
        number=ahead[0].number if ahead else 1,
        is_panel=is_panel,
        round=panel.step_of(participation_id=place.participation_id, design=place.design, lease_state=place.lease_state)
        if is_panel
        else None,
    )

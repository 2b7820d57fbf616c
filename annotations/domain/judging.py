"""Judging: where a rater stands, and "record this answer and show me the next pair" in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotations.blind import BlindTrial, Questionnaire, RaterView, Timing
from annotations.enums import LeaseState, ParticipationState, Step, StudyState
from annotations.errors import AnswerError, BadToken
from annotations.models import Lease, Plan, Study
from annotations.registry import recruitment_platforms, question_types

from . import assignment
from .frames import frame_of, frame_of_draft

# The next two trials of the rater's own booklet: constant cost, however large the study. Texts stand in display order.
# They are read by scalar subqueries, so that only the rows that are shown are looked up, each by its key.
NEXT = """
LEFT JOIN LATERAL (
  SELECT t.position,
         (SELECT prompt.text FROM annotations_task task JOIN annotations_prompt prompt ON prompt.id = task.prompt_id
          WHERE task.id = t.task_id) AS prompt,
         ARRAY(SELECT (SELECT o.text FROM annotations_output o WHERE o.id = shown.id)
               FROM unnest(t.output_ids) WITH ORDINALITY AS shown(id, side) ORDER BY shown.side) AS texts
  FROM annotations_trial t
  WHERE t.booklet_id = me.booklet_id AND t.position IS DISTINCT FROM me.answered
    AND NOT EXISTS (SELECT FROM annotations_judgement j WHERE j.lease_id = me.lease_id AND j.trial_id = t.id)
  ORDER BY t.position LIMIT 2
) AS next ON TRUE
"""

COLUMNS = """
SELECT me.participation_id, me.participation_state, me.completion_code, me.study_id, me.study_state, me.study_code,
       me.platform, me.return_address, me.plan_id, me.lease_id, me.lease_state, me.length, {written} AS written,
       next.position, next.prompt, next.texts
FROM me
"""

ME = """
  SELECT p.id AS participation_id, p.state AS participation_state, p.completion_code, s.id AS study_id,
         s.state AS study_state, s.completion_code AS study_code, s.recruitment AS platform, s.return_address,
         s.plan_id, s.lease_minutes, l.id AS lease_id, l.state AS lease_state, l.booklet_id, b.length,
"""

WHERE_IS = f"""
WITH me AS MATERIALIZED ({ME} NULL::int AS answered
  FROM annotations_participation p
  JOIN annotations_study s ON s.id = p.study_id
  LEFT JOIN LATERAL (SELECT * FROM annotations_lease x WHERE x.participation_id = p.id ORDER BY x.id DESC LIMIT 1) l
    ON TRUE
  LEFT JOIN annotations_booklet b ON b.id = l.booklet_id
  WHERE p.public_id = %(public_id)s
)
{COLUMNS.format(written="0")} {NEXT} ORDER BY next.position
"""  # noqa: S608 - constants only

# Writing, renewing and reading the next trials are one statement, one round trip and one commit. A second copy of the
# same POST waits on the unique index and then writes nothing. A lease that has lapsed still takes the answer, as late.
# (The state stands in a CASE, not in the WHERE: a partial index over running leases must not tempt the planner.)
RECORD = f"""
WITH me AS MATERIALIZED ({ME} t.id AS trial_id, t.position AS answered
  FROM annotations_participation p
  JOIN annotations_study s ON s.id = p.study_id
  JOIN annotations_lease l ON l.id = %(lease)s AND l.participation_id = p.id AND l.plan_id = %(plan)s
  JOIN annotations_booklet b ON b.id = l.booklet_id
  JOIN annotations_trial t ON t.booklet_id = l.booklet_id AND t.position = %(position)s
  WHERE p.public_id = %(public_id)s
), written AS (
  INSERT INTO annotations_judgement
    (lease_id, trial_id, answers, first_answer_ms, submit_ms, hidden_ms, idle_ms, late)
  SELECT lease_id, trial_id, %(answers)s::jsonb, %(first_answer_ms)s::int, %(submit_ms)s::int, %(hidden_ms)s::int,
         %(idle_ms)s::int, lease_state = 'lapsed' OR study_state = 'closed'
  FROM me ON CONFLICT (lease_id, trial_id) DO NOTHING RETURNING id
), renewed AS (
  UPDATE annotations_lease l
  SET expires_at = CASE WHEN l.state = 'leased'
                        THEN statement_timestamp() + make_interval(mins => (SELECT lease_minutes FROM me))
                        ELSE l.expires_at END
  WHERE l.id = (SELECT lease_id FROM me)
)
{COLUMNS.format(written="(SELECT count(*) FROM written)")} {NEXT} ORDER BY next.position
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the statements above; the columns up to `written` are the same in every row of an answer."""

    participation_id: int
    participation_state: str
    completion_code: str
    study_id: int
    study_state: str
    study_code: str
    platform: str
    return_address: str
    plan_id: int | None
    lease_id: int | None
    lease_state: str | None
    length: int | None
    written: int
    position: int | None
    prompt: str | None
    texts: list[str] | None


def trial_token(*, plan_id: int, lease_id: int, position: int) -> str:
    """Name a trial to the server. It is worth nothing without the rater's own link, so it carries no signature."""
    return f"{plan_id:x}.{lease_id:x}.{position:x}"


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
    rows = _ask(WHERE_IS, {"public_id": public_id})
    if not rows:
        raise BadToken
    if rows[0].lease_state == LeaseState.LAPSED and _reinstated(rows[0]):
        rows = _ask(WHERE_IS, {"public_id": public_id})
    return _view(rows)


def record_judgement(
    *, public_id: str, trial: str, answers: Mapping[str, str], timing: Timing | None = None
) -> RaterView:
    """Store the answers of one trial and return what comes next: one query in the normal course, written once.

    `answers` holds what the browser sent, by dimension. Raises AnswerError when a row is missing or impossible (nothing
    is stored then) and BadToken when the trial's token is not one. A token of somebody else's trial changes nothing
    and shows the rater's own place.
    """
    plan_id, lease_id, position = read_trial_token(trial)
    try:
        questionnaire = frame_of(plan_id).questionnaire
    except Plan.DoesNotExist:
        raise BadToken from None
    clean = parse_answers(questionnaire=questionnaire, answers=answers)
    timing = timing or Timing()
    values = {
        "public_id": public_id,
        "plan": plan_id,
        "lease": lease_id,
        "position": position,
        "answers": json.dumps(clean),
        "first_answer_ms": timing.first_answer_ms,
        "submit_ms": timing.submit_ms,
        "hidden_ms": timing.hidden_ms,
        "idle_ms": timing.idle_ms,
    }
    rows = _ask(RECORD, values)
    if not rows:
        return where_is(public_id=public_id)
    first = rows[0]
    if first.lease_state == LeaseState.LAPSED and _reinstated(first):
        return where_is(public_id=public_id)
    if first.position is None and first.lease_state == LeaseState.LEASED:
        assignment.complete(lease_id=lease_id)
        return where_is(public_id=public_id)
    return _view(rows, duplicate=not first.written)


def parse_answers(*, questionnaire: Questionnaire, answers: Mapping[str, str]) -> dict[str, str | int]:
    """Return the values to store; raises AnswerError naming the rows that are missing or not among the choices."""
    clean: dict[str, str | int] = {}
    wrong = []
    for question in questionnaire.questions:
        try:
            clean[question.key] = question_types.get(question.type).parse(
                answers.get(question.key, ""), question.options
            )
        except AnswerError:
            wrong.append(question.label)
    if wrong:
        message = f"Please answer: {', '.join(wrong)}."
        raise AnswerError(message)
    return clean


def _ask(sql: str, values: dict[str, Any]) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [_Row(*row) for row in cursor.fetchall()]


def _reinstated(row: _Row) -> bool:
    return row.study_state == StudyState.OPEN and assignment.reinstate(lease=Lease(pk=row.lease_id))


def _step(row: _Row) -> Step:
    """Finished first: whoever has judged everything gets the code, whatever the study does meanwhile."""
    if row.lease_state == LeaseState.COMPLETED:
        return Step.FINISHED
    if row.study_state == StudyState.CLOSED:
        return Step.CLOSED
    if row.study_state != StudyState.OPEN:
        return Step.PAUSED
    if row.lease_id is None:
        return Step.FULL if row.participation_state == ParticipationState.TURNED_AWAY else Step.INSTRUCTIONS
    return Step.TRIAL if row.lease_state == LeaseState.LEASED else Step.LAPSED


def _view(rows: list[_Row], *, duplicate: bool = False) -> RaterView:
    first = rows[0]
    step = _step(first)
    frame = (
        frame_of(first.plan_id)
        if first.plan_id
        else frame_of_draft(Study.objects.get(pk=first.study_id), version=f"draft-{first.study_id}")
    )
    trials: tuple[BlindTrial, ...] = ()
    if step is Step.TRIAL:
        trials = tuple(_blind(row) for row in rows if row.position is not None)
    ended = step is Step.FINISHED
    code = (first.study_code or first.completion_code) if ended else ""
    platform = recruitment_platforms.get(first.platform)
    return RaterView(
        step=step,
        study_title=frame.title,
        questionnaire=frame.questionnaire,
        trials=trials,
        total=first.length or 0,
        judged=(trials[0].number - 1) if trials else 0,
        completion_code=code,
        return_url=platform.return_url(first.return_address, code=code) if ended else "",
        instructions=frame.instructions,
        duplicate=duplicate,
        late=first.lease_state == LeaseState.LAPSED,
        contact=frame.contact,
    )


def _blind(row: _Row) -> BlindTrial:
    token = trial_token(plan_id=row.plan_id or 0, lease_id=row.lease_id or 0, position=row.position or 0)
    return BlindTrial(token, row.position or 0, row.length or 0, row.prompt or "", tuple(row.texts or ()))

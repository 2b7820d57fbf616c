"""Freezing: the canonical JSON of design and analysis plan, its SHA-256, and the plan's rows, written by COPY."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from annotations import design
from annotations.enums import StudyState, TrialKind
from annotations.errors import WrongState
from annotations.models import Output, Participation, Plan, Study

from . import preparation_record, quality_rules
from .attention import checks_for, ensure_checks
from .events import log_event
from .frames import question_of
from .generating_states import refuse_while_generating

FORMAT = 1
INSERT_TRIALS = """
INSERT INTO annotations_trial (booklet_id, position, task_id, kind, output_ids, dimension_order)
SELECT b.id, x.position, t.id, x.kind,
       CASE WHEN x.places IS NOT NULL
            THEN ARRAY(SELECT t.output_ids[p.place + 1] FROM unnest(x.places) WITH ORDINALITY AS p(place, slot)
                       ORDER BY p.slot)
            WHEN x.flipped THEN ARRAY[t.output_ids[2], t.output_ids[1]] ELSE t.output_ids END,
       coalesce(x.dimensions, '{}')
FROM staged_trial x
JOIN annotations_booklet b ON b.plan_id = %(plan)s AND b.number = x.booklet
JOIN annotations_task t ON t.plan_id = %(plan)s AND t.key = x.task
ORDER BY b.number, x.position
"""
INSERT_LEASES = """
INSERT INTO annotations_lease (plan_id, booklet_id, copy, state)
SELECT plan_id, id, 1, 'available' FROM annotations_booklet WHERE plan_id = %(plan)s ORDER BY number
"""
DELETE_PLAN = (
    "DELETE FROM annotations_lease WHERE plan_id = %(plan)s",
    "DELETE FROM annotations_trial t USING annotations_booklet b WHERE b.id = t.booklet_id AND b.plan_id = %(plan)s",
    "DELETE FROM annotations_booklet WHERE plan_id = %(plan)s",
    "DELETE FROM annotations_task WHERE plan_id = %(plan)s",
)
# Content hashes are those of the texts as brought; where preparation changed one, the text as shown counts, too.
MATERIAL_DIGEST = """
SELECT count(*), encode(sha256(convert_to(coalesce(string_agg(
         CASE WHEN o.raw_text IS NULL THEN o.content_hash
              ELSE o.content_hash || ':' || encode(sha256(convert_to(o.text, 'UTF8')), 'hex') END,
         ',' ORDER BY o.content_hash COLLATE "C"), ''), 'UTF8')), 'hex')
FROM annotations_output o JOIN annotations_prompt p ON p.id = o.prompt_id
WHERE p.study_id = %(study)s AND NOT p.is_check AND o.left_out = ''
"""


def output_name(*, prompt: str, system: str, sample: int) -> str:
    """Name an output by its place, so that plans and exports do not depend on database ids."""
    return f"{prompt}/{system}/{sample}"


def material_digest(*, study: Study) -> tuple[int, str]:
    """Return the number of outputs that take part and a SHA-256 over their sorted content hashes."""
    with connection.cursor() as cursor:
        cursor.execute(MATERIAL_DIGEST, {"study": study.pk})
        count, digest = cursor.fetchone()
    return int(count), str(digest)


def canonical_json(*, study: Study, planned: design.Plan | None, version: int) -> str:
    """Return what is frozen, as JSON with sorted keys and no spaces: the same study anywhere gives the same text.

    A panel has no plan (`planned` is None): its rounds are made while it runs.
    """
    outputs, digest = material_digest(study=study)
    texts = {name: _sha256(getattr(study, name)) for name in ("welcome", "consent", "instructions")}
    questions = [question_of(dimension) for dimension in study.dimensions.all()]
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": version,
        "title": study.title,
        "lead": study.lead,
        "texts_sha256": texts,
        "language": study.language,
        "translations_sha256": _sha256(_canonical(study.translations)),
        "path": study.path,
        "dimensions": [
            {
                "key": q.key,
                "label": q.label,
                "definition": q.definition,
                "question_type": q.type,
                "options": dict(q.options),
            }
            for q in questions
        ],
        "systems": [{"name": s.name, "role": s.role} for s in study.systems.exclude(role="check")],
        "design": planned.spec.to_dict() if planned is not None else study.design,
        "analysis": study.analysis,
        "quality": quality_rules.declared(study.quality),
        "material": {"outputs": outputs, "sha256": digest},
        "preparation": preparation_record.record_of(study=study),
        "plan": _plan_of(planned),
    }
    return _canonical(content)


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plan_of(planned: design.Plan | None) -> dict[str, Any]:
    if planned is None:
        return {"tasks": 0, "booklets": 0, "trials": 0, "sha256": ""}
    return {
        "tasks": len(planned.tasks),
        "booklets": len(planned.booklets),
        "trials": len(planned.trials),
        "sha256": planned.fingerprint(),
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_plan(
    *,
    study: Study,
    planned: design.Plan | None,
    certificate: dict[str, Any],
    booklets: int = 0,
    looks: dict[str, Any] | None = None,
    actor: AbstractBaseUser | None = None,
) -> Plan:
    """Write the plan and freeze the study, all or nothing; raises WrongState when it is not a draft any more.

    A panel has no plan but a number of `booklets` (rounds) that may come at most.
    `looks` replaces the declared looks of the analysis plan by the same with what the design expects of them.
    """
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.state != StudyState.DRAFT:
            message = "This study is frozen already."
            raise WrongState(message)
        refuse_while_generating(study=locked)
        version = (locked.plans.order_by("-version").values_list("version", flat=True).first() or 0) + 1
        if looks is not None:
            locked.analysis = {**locked.analysis, "looks": looks}
        canonical = canonical_json(study=locked, planned=planned, version=version)
        plan = Plan.objects.create(
            study=locked,
            version=version,
            canonical=canonical,
            sha256=_sha256(canonical),
            certificate=certificate,
            booklets_planned=len(planned.booklets) if planned is not None else booklets,
            trials_planned=len(planned.trials) if planned is not None else booklets,
        )
        if planned is not None:
            _copy_tasks(study=locked, plan=plan, planned=planned)
            _copy_trials(plan=plan, planned=planned)
        locked.plan, locked.state = plan, StudyState.FROZEN
        locked.save(update_fields=["plan", "state", "analysis"])
        log_event(study=locked, name="frozen", data={"sha256": plan.sha256, "version": version}, actor=actor)
    study.refresh_from_db()
    return plan


def _copy_tasks(*, study: Study, plan: Plan, planned: design.Plan) -> None:
    outputs = Output.objects.filter(prompt__study=study, prompt__is_check=False)
    ids = {
        output_name(prompt=key, system=system, sample=sample): (pk, prompt)
        for pk, prompt, key, system, sample in outputs.values_list(
            "pk", "prompt_id", "prompt__key", "system__name", "sample"
        ).iterator(chunk_size=5000)
    }
    checks = checks_for(study=study, spec=planned.spec)
    written = ensure_checks(study=study, checks=checks) if checks else {}
    with connection.cursor() as cursor:
        statement = "COPY annotations_task (plan_id, key, prompt_id, kind, output_ids, expected) FROM STDIN"
        with cursor.copy(statement) as copy:
            for task in planned.tasks:
                shown = [ids[name][0] for name in task.outputs]
                copy.write_row((plan.pk, task.key, ids[task.outputs[0]][1], TrialKind.MAIN.value, shown, "{}"))
            for check in checks:
                prompt, outputs_of_check = written[check.key]
                shown = [output.pk for output in outputs_of_check]
                expected = json.dumps(check.expected)
                copy.write_row((plan.pk, check.key, prompt.pk, TrialKind.ATTENTION.value, shown, expected))


def _copy_trials(*, plan: Plan, planned: design.Plan) -> None:
    is_group = not planned.spec.shows_pairs and planned.spec.outputs_per_task > 1
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE staged_trial (booklet int, position int, task text, kind text, flipped boolean, "
            "places int[], dimensions smallint[]) ON COMMIT DROP"
        )
        with cursor.copy("COPY annotations_booklet (plan_id, number, length) FROM STDIN") as copy:
            for booklet in planned.booklets:
                copy.write_row((plan.pk, booklet.number, len(booklet.trials)))
        with cursor.copy("COPY staged_trial FROM STDIN") as copy:
            for booklet in planned.booklets:
                for trial in booklet.trials:
                    is_check = trial.kind == TrialKind.ATTENTION
                    key = planned.attention[trial.item] if is_check else planned.tasks[trial.item].key
                    places = list(trial.order) if is_group else None
                    dimensions = list(trial.dimensions) or None
                    row = (booklet.number, trial.position, key, trial.kind, trial.flipped, places, dimensions)
                    copy.write_row(row)
        # Without fresh statistics the planner takes the tables for empty and joins them row by row: 45 s, not 1.
        cursor.execute("ANALYZE staged_trial, annotations_booklet, annotations_task")
        cursor.execute(INSERT_TRIALS, {"plan": plan.pk})
        cursor.execute(INSERT_LEASES, {"plan": plan.pk})
        cursor.execute("DROP TABLE staged_trial")
        # A plan of a million rows must not be served with the statistics of an empty table.
        cursor.execute("ANALYZE annotations_trial, annotations_lease")


def thaw_study(*, study: Study, actor: AbstractBaseUser | None = None) -> Study:
    """Make a frozen study a draft again, as long as nobody has come; the next freeze is a new version.

    The plan's canonical JSON and hash are kept; its tasks, booklets, trials and leases go.
    """
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.state != StudyState.FROZEN or Participation.objects.filter(study=locked).exists():
            message = "Only a frozen study that nobody has entered can be changed again. Create a new study instead."
            raise WrongState(message)
        plan = locked.plan
        with connection.cursor() as cursor:
            for statement in DELETE_PLAN:
                cursor.execute(statement, {"plan": locked.plan_id})
        locked.plan, locked.state = None, StudyState.DRAFT
        locked.save(update_fields=["plan", "state"])
        log_event(study=locked, name="thawed", data={"sha256": plan.sha256 if plan else ""}, actor=actor)
    study.refresh_from_db()
    return study

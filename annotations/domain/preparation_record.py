"""What preparation leaves in the frozen plan: rules, decisions, a hash of the shown texts, what the audit said."""

from __future__ import annotations

from typing import Any

from django.db import connection

from annotations.enums import JobState
from annotations.models import AuditRun, Study

from . import normalising

# Names of outputs, texts as shown: independent of database ids.
SHOWN = """
SELECT count(*) FILTER (WHERE o.left_out = ''), count(*) FILTER (WHERE o.left_out <> ''),
       count(*) FILTER (WHERE o.raw_text IS NOT NULL),
       encode(sha256(convert_to(coalesce(string_agg(
           concat_ws('/', p.key, s.name, o.sample) || ' ' || encode(sha256(convert_to(o.text, 'UTF8')), 'hex'), ','
           ORDER BY concat_ws('/', p.key, s.name, o.sample) COLLATE "C") FILTER (WHERE o.left_out = ''), ''), 'UTF8')), 'hex')
FROM annotations_output o
JOIN annotations_prompt p ON p.id = o.prompt_id JOIN annotations_system s ON s.id = o.system_id
WHERE p.study_id = %(study)s AND NOT p.is_check
"""  # noqa: E501
KEPT: tuple[str, ...] = (
    "do", "finding", "severity", "title", "reason", "outputs", "outputs_sha256", "within",
    "difference_before", "difference_after", "lost_prompts",
)  # fmt: skip


def record_of(*, study: Study) -> dict[str, Any]:
    """Return the part of the canonical JSON: the same material and decisions anywhere give the same.

    Authors and times stand in the log and in `Study.preparation`, not here.
    """
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, {"study": study.pk})
        shown, left_out, changed, digest = cursor.fetchone()
    rules = [rule.name for rule in normalising.chosen(study.preparation.get("rules", ()))]
    return {
        "rules": rules,
        "rules_version": normalising.VERSION if rules else None,
        "changed": int(changed),
        "left_out": int(left_out),
        "shown": {"outputs": int(shown), "sha256": str(digest)},
        "decisions": [
            {name: one[name] for name in KEPT if name in one} for one in study.preparation.get("decisions", [])
        ],
        "audit": _audit(study),
    }


def _audit(study: Study) -> dict[str, Any] | None:
    """Return what the latest audit said; None when none was made."""
    run = study.audit_runs.filter(state=JobState.DONE).first()
    if run is None:
        return None
    from .auditing import is_current  # which reads the digest of freezing

    return {
        "fingerprint": run.fingerprint,
        "current": is_current(study=study, run=run),
        "outputs": run.outputs,
        "findings": {
            severity: sum(one["severity"] == severity for one in run.findings)
            for severity in ("leak", "warning", "note")
        },
        "undecided": [
            {"finding": one["key"], "title": one["title"], "severity": one["severity"]}
            for one in undecided(study=study, run=run)
        ],
    }


def undecided(*, study: Study, run: AuditRun | None = None) -> list[dict[str, Any]]:
    """Return the leaks and warnings of the latest audit about which nothing was decided."""
    run = run or study.audit_runs.filter(state=JobState.DONE).first()
    if run is None:
        return []
    decided = {one["finding"] for one in study.preparation.get("decisions", []) if one.get("finding")}
    return [one for one in run.findings if one["severity"] != "note" and one["key"] not in decided]

"""Quality: looking at raters, excluding them by the declared rules or by hand, taking that back. Nothing is deleted.

A look never holds anybody up: checks read committed answers, and what they find is written under a lock on the
participation, so that two looks at once write each finding and each exclusion once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.utils import timezone

from annotations.enums import ParticipationState, StudyState
from annotations.errors import NotReady, WrongState
from annotations.models import Event, Examination, Exclusion, Flag, Participation, Study
from annotations.registry import Finding

from . import quality_rules as rules
from .editing import STALE
from .events import log_event
from .jobs import alone
from .quality_history import Scaled, Trace, trace_of
from .quality_places import reissue, take_back

LIFTED = "The rule holds no more."
SETTLED = "quality_settled"
LOCK = 20_2616  # the first key of our advisory locks: looks at raters
ENDED = (ParticipationState.FINISHED, ParticipationState.LAPSED)
LONGEST = 300
# Ended since the last look. Closed studies are settled as a whole.
DUE = """
SELECT p.id FROM annotations_participation p
JOIN annotations_study s ON s.id = p.study_id AND s.state IN ('open', 'paused')
LEFT JOIN annotations_examination e ON e.participation_id = p.id
WHERE p.state IN ('finished', 'lapsed')
  AND EXISTS (SELECT FROM annotations_lease l WHERE l.participation_id = p.id AND l.state IN ('completed', 'lapsed')
              AND (e.id IS NULL OR l.ended_at > e.at))
ORDER BY p.id LIMIT %(most)s
"""


def stamp(*, study: Study) -> str:
    """Return a short hash of what is declared; the form carries it, so that a stale tab undoes nothing."""
    return hashlib.sha256(json.dumps(rules.declared(study.quality), sort_keys=True).encode()).hexdigest()[:16]


def declare(
    *, study: Study, quality: Mapping[str, Any], seen: str | None = None, actor: AbstractBaseUser | None = None
) -> Study:
    """Declare checks and rules, while the study is a draft; raises NotReady that says what is wrong."""
    try:
        whole = rules.declared(quality)
    except ValueError as error:
        raise NotReady(str(error)) from error
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.state != StudyState.DRAFT:
            message = "The design is frozen, so the rules cannot be changed any more."
            raise WrongState(message)
        if seen is not None and seen != stamp(study=locked):
            raise WrongState(STALE)
        if locked.quality != whole:
            locked.quality = whole
            locked.save(update_fields=["quality"])
            log_event(study=locked, name="quality_declared", data=whole, actor=actor)
    study.refresh_from_db()
    return study


def examine(
    *, participation: Participation, settle: bool = False, peers: bool = False, scaled: Scaled | None = None
) -> dict[str, str]:
    """Look at one rater: write what is found, and exclude by the declared rules. Doing it twice changes nothing.

    Checks that compare with others find with `peers`, but exclude only with `settle` (when the study is closed).
    `scaled` remembers other raters' answers from one look to the next. Returns the verdicts that hold, by name.
    """
    study = participation.study
    whole = rules.declared(study.quality)
    by_peers = [name for name in (*whole["checks"], rules.TOGETHER) if rules.needs_peers(name, whole)]
    with transaction.atomic():
        locked = Participation.objects.select_for_update(of=("self",)).get(pk=participation.pk)
        if locked.state == ParticipationState.WITHDRAWN:
            return {}
        trace = trace_of(locked, by_peers=by_peers if settle or peers else None, scaled=scaled)
        found = rules.look(trace.history, whole, peers=settle or peers)
        _write(locked, found, trace)
        verdicts = rules.verdicts(found if settle else _alone(found, whole), whole)
        _apply(study, locked, verdicts, final=settle, by_peers=by_peers)
        Examination.objects.update_or_create(
            participation=locked,
            defaults={
                "at": timezone.now(),
                "judgements": len(trace.judgement_ids),
                "settled": settle,
                "verdicts": rules.verdicts(found, whole),
            },
        )
    return verdicts


def _alone(found: rules.Findings, whole: Mapping[str, Any]) -> rules.Findings:
    """Leave out what rests on the answers of others."""
    return {name: findings for name, findings in found.items() if not rules.needs_peers(name, whole)}


def _write(participation: Participation, found: rules.Findings, trace: Trace) -> None:
    """Write each finding once, by its key; what is found no more is marked as gone, for the checks that looked."""
    rows = [_flag(participation, name, finding, trace) for name in found for finding in found[name] if not finding.weak]
    known = {(row.check_name, row.key): row for row in Flag.objects.filter(participation=participation).exclude(key="")}
    old = [row for row in rows if (row.check_name, row.key) in known]
    for row in old:
        row.pk = known[row.check_name, row.key].pk
    Flag.objects.bulk_create(row for row in rows if (row.check_name, row.key) not in known)
    Flag.objects.bulk_update(old, ["score", "detail", "gone_at"])
    kept = {(row.check_name, row.key) for row in rows}
    standing = [row for row in known.values() if row.gone_at is None and row.check_name in found]
    gone = [row.pk for row in standing if (row.check_name, row.key) not in kept]
    if gone:
        Flag.objects.filter(pk__in=gone).update(gone_at=timezone.now())


def _flag(participation: Participation, name: str, finding: Finding, trace: Trace) -> Flag:
    judgement = trace.judgement_ids[finding.position - 1] if finding.position else None
    key = f"{finding.key}:{judgement}" if judgement else finding.key
    return Flag(
        participation=participation,
        judgement_id=judgement,
        check_name=name,
        key=key,
        score=finding.score,
        detail=dict(finding.detail),
    )


def _apply(
    study: Study, participation: Participation, verdicts: Mapping[str, str], *, final: bool, by_peers: Iterable[str]
) -> None:
    """Make the exclusions of the rules what the verdicts say. One that a person has undone stays undone.

    A verdict that may rest on others is lifted only when all of them were asked.
    """
    known = {row.check_name: row for row in participation.exclusions.exclude(check_name="")}
    for name, reason in verdicts.items():
        row = known.get(name)
        if row is None:
            Exclusion.objects.create(participation=participation, check_name=name, reason=reason[:LONGEST])
            log_event(study=study, name="excluded", participation=participation, data={"check": name})
            reissue(study=study, participation=participation)
        elif row.undone_at is not None and row.undone_reason == LIFTED:
            row.undone_at, row.undone_reason, row.reason = None, "", reason[:LONGEST]
            row.save(update_fields=["undone_at", "undone_reason", "reason"])
            log_event(study=study, name="excluded", participation=participation, data={"check": name})
            reissue(study=study, participation=participation)
    waiting = set() if final else set(by_peers)
    for name, row in known.items():
        if name not in verdicts and name not in waiting and row.undone_at is None:
            row.undone_at, row.undone_reason = timezone.now(), LIFTED
            row.save(update_fields=["undone_at", "undone_reason"])
            log_event(study=study, name="exclusion_lifted", participation=participation, data={"check": name})
            take_back(study=study, participation=participation)


def exclude(*, participation: Participation, reason: str, actor: AbstractBaseUser) -> Exclusion:
    """Exclude a rater by hand, with a reason; one who is excluded by hand already stays so."""
    with _locked(participation) as study:
        standing = participation.exclusions.filter(check_name="", undone_at=None).first()
        if standing is not None:
            return standing
        made = Exclusion.objects.create(participation=participation, reason=_checked(reason), author_id=actor.pk)
        log_event(study=study, name="excluded", participation=participation, actor=actor, data={"by": "hand"})
        reissue(study=study, participation=participation)
    return made


def undo(*, exclusion: Exclusion, reason: str, actor: AbstractBaseUser) -> Exclusion:
    """Take an exclusion back, with a reason; the rule does not make it again. Undone twice is undone once."""
    with _locked(exclusion.participation) as study:
        row = Exclusion.objects.get(pk=exclusion.pk)
        if row.undone_at is None:
            row.undone_at, row.undone_by_id, row.undone_reason = timezone.now(), actor.pk, _checked(reason)
            row.save(update_fields=["undone_at", "undone_by", "undone_reason"])
            data = {"check": row.check_name or "by hand"}
            log_event(study=study, name="exclusion_undone", participation=row.participation, actor=actor, data=data)
            take_back(study=study, participation=row.participation)
    return row


@contextmanager
def _locked(participation: Participation) -> Iterator[Study]:
    """Hold a participation for a decision; raises WrongState for one that was withdrawn."""
    with transaction.atomic():
        rows = Participation.objects.select_for_update(of=("self",)).select_related("study")
        row = rows.get(pk=participation.pk)
        if row.state == ParticipationState.WITHDRAWN:
            message = "This person has withdrawn the data: there is nothing to decide about."
            raise WrongState(message)
        yield row.study


def _checked(reason: str) -> str:
    if not reason.strip() or reason.strip() == LIFTED:
        message = "Please give a reason: it stands beside the decision for good."
        raise NotReady(message)
    return reason.strip()[:LONGEST]


def examine_due(*, most: int = 200) -> int:
    """Look at raters who ended since the last look, and settle studies that were closed; returns how many raters.

    Called by Celery beat every 30 s; one that finds another at work leaves it to that one.
    """
    with alone(LOCK, 0) as free:
        if not free:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(DUE, {"most": most})
            due = [row[0] for row in cursor.fetchall()]
        for participation in Participation.objects.select_related("study").filter(pk__in=due).order_by("pk"):
            examine(participation=participation)
        return len(due) + sum(settle_study(study=study) for study in _closed_unsettled())


def look_at_study(*, study_id: int) -> int:
    """Look at every rater of a study in the background; asked for twice at once, it is done once."""
    study = Study.objects.filter(pk=study_id, plan__isnull=False).first()
    with alone(LOCK, study_id) as free:
        return examine_study(study=study) if free and study is not None else 0


def _closed_unsettled() -> list[Study]:
    """Return the closed studies in which the checks that need everybody have not spoken since the close."""
    found = []
    for study in Study.objects.filter(state=StudyState.CLOSED, plan__isnull=False):
        names = (StudyState.CLOSED.value, SETTLED)
        last = Event.objects.filter(study=study, name__in=names).order_by("-pk").values_list("name", flat=True).first()
        if last != SETTLED:
            found.append(study)
    return found


def examine_study(*, study: Study, actor: AbstractBaseUser | None = None) -> int:
    """Look at every rater who ended, now; what rests on others is told, and excludes only once the study is closed."""
    if study.state == StudyState.CLOSED:
        return settle_study(study=study, actor=actor)
    count, scaled = 0, Scaled()
    for participation in _ended(study):
        examine(participation=participation, peers=True, scaled=scaled)
        count += 1
    return count


def settle_study(*, study: Study, actor: AbstractBaseUser | None = None) -> int:
    """Settle a closed study: first the checks that need nobody else, then those that compare with whoever is left."""
    raters, scaled = list(_ended(study)), Scaled()
    for participation in raters:
        examine(participation=participation)
    for participation in raters:
        examine(participation=participation, settle=True, scaled=scaled)
    log_event(study=study, name=SETTLED, data={"raters": len(raters)}, actor=actor)
    return len(raters)


def _ended(study: Study) -> Iterable[Participation]:
    found = study.participations.filter(state__in=ENDED).select_related("study").order_by("pk")
    return found.iterator(chunk_size=500)

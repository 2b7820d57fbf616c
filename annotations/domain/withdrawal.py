"""Withdrawal: what a person gave is erased or cut from the person, as the consent says, and the booklet goes out again.

Whatever is added to the database about a person has to be added here; ``tests/annotations/domain/test_withdrawal.py``
looks into every table.
"""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotations.enums import JobState, LeaseState, Outcome, ParticipationState, SubmissionState
from annotations.models import (
    Exclusion,
    Flag,
    Invitation,
    Judgement,
    Lease,
    LedgerEntry,
    Output,
    Participation,
    PathAnswer,
    Prompt,
    Rater,
    RecruitmentIdentity,
    Report,
    Round,
    Submission,
)
from annotations.models.rater import new_code

from .booklets import forget_booklet
from .events import log_event
from .frames import frame_of
from .participation import locked

ERASE, ANONYMISE = "erase", "anonymise"
# A session in one of these states has been settled: nothing has to be said to the platform about it any more.
SETTLED = (
    SubmissionState.APPROVED,
    SubmissionState.REJECTED,
    SubmissionState.RETURNED,
    SubmissionState.TIMED_OUT,
    SubmissionState.SCREENED_OUT,
    SubmissionState.PARTIAL,
)
REISSUE = """
INSERT INTO annotations_lease (plan_id, booklet_id, copy, state)
SELECT l.plan_id, l.booklet_id,
       (SELECT max(x.copy) + 1 FROM annotations_lease x WHERE x.booklet_id = l.booklet_id), 'available'
FROM annotations_lease l WHERE l.id = ANY(%(leases)s)
"""
WITHDRAWN = "The data of somebody who is part of this report were withdrawn after it was made."


def withdraw(*, public_id: str) -> None:
    """Erase or anonymise what this person gave, as the study's path says; done twice it is done once.

    Leases are locked before judgements are touched, so that no answer on its way slips in afterwards. The log keeps
    that it happened, with the pseudonym. Money that is owed stays in the ledger, without the person.
    """
    with transaction.atomic():
        person = locked(public_id=public_id)
        if person.state == ParticipationState.WITHDRAWN:
            return
        leases = list(Lease.objects.select_for_update().filter(participation=person).order_by("pk"))
        mode = frame_of(person.study.plan_id).path.withdrawal if person.study.plan_id else ERASE
        _forget_person(person)
        if mode == ANONYMISE:
            _cut(person, leases)
        else:
            _erase(person, leases)
        _stub(person)
        _mark_reports(person)
        log_event(
            study=person.study,
            name="withdrawn",
            data={"pseudonym": person.rater.pseudonym, "mode": mode},
            participation=person,
        )
    for lease in leases:
        forget_booklet(lease.pk)


def _forget_person(person: Participation) -> None:
    """Whatever the mode: who it was, and what was said outside the trials."""
    RecruitmentIdentity.objects.filter(participation=person).delete()
    PathAnswer.objects.filter(participation=person).delete()
    Invitation.objects.filter(participation=person).update(address=None, digest="", problem="")
    LedgerEntry.objects.filter(participation=person).update(participation=None)
    person.events.update(participation=None)
    forget_settled(Submission.objects.filter(participation=person))


def forget_settled(submissions: QuerySet[Submission] | None = None) -> int:
    """Forget who was behind sessions of people who withdrew, once the platform has settled them; returns how many.

    A session that still has to be paid for keeps its (encrypted) id until then. Called by Celery beat for the rest.
    """
    rows = submissions
    if rows is None:
        rows = Submission.objects.filter(participation__state=ParticipationState.WITHDRAWN)
    settled = rows.filter(state__in=SETTLED, wanted="")
    count = 0
    for submission in settled:
        submission.session = submission.person = None
        submission.session_digest = f"withdrawn-{submission.pk}"
        submission.participation = None
        submission.save(update_fields=["session", "person", "session_digest", "participation"])
        count += 1
    return count


def _erase(person: Participation, leases: list[Lease]) -> None:
    """Delete answers, findings and questions; issue again whatever booklet nobody else has got meanwhile."""
    held = [lease.pk for lease in leases]
    Flag.objects.filter(participation=person).delete()
    Exclusion.objects.filter(participation=person).delete()
    Judgement.objects.filter(lease__in=held).delete()
    _erase_rounds(person)
    again = [lease.pk for lease in leases if lease.state in (LeaseState.LEASED, LeaseState.COMPLETED)]
    own = set(Round.objects.filter(lease__in=held).values_list("lease", flat=True))
    _issue_again([lease for lease in again if lease not in own])
    Lease.objects.filter(pk__in=held).update(
        state=LeaseState.WITHDRAWN, participation=None, ended_at=timezone.now(), leased_at=None, expires_at=None
    )


def _erase_rounds(person: Participation) -> None:
    """The questions of an expert, and what was written for them: the words go, the empty rows stay where they are."""
    rounds = Round.objects.filter(participation=person)
    prompts = list(rounds.exclude(prompt=None).values_list("prompt", flat=True))
    for prompt in prompts:
        Output.objects.filter(prompt=prompt).update(text="", metadata={}, content_hash=f"withdrawn-{prompt}")
    Prompt.objects.filter(pk__in=prompts).update(text="")
    rounds.update(question="", message="")


def _cut(person: Participation, leases: list[Lease]) -> None:
    """Give the answers to a new pseudonym that nothing connects with this person."""
    running = [lease.pk for lease in leases if lease.state == LeaseState.LEASED]
    Lease.objects.filter(pk__in=running).update(state=LeaseState.LAPSED, ended_at=timezone.now())
    _issue_again(running)
    if not leases:
        return
    other = Participation.objects.create(
        study=person.study,
        rater=Rater.objects.create(),
        state=ParticipationState.LAPSED if running else person.state,
        outcome=Outcome.LAPSED if running else person.outcome,
        language=person.language,
        finished_at=person.finished_at,
        consent_sha256=person.consent_sha256,
        simulated=person.simulated,
    )
    began = min((lease.leased_at for lease in leases if lease.leased_at), default=timezone.now())
    Participation.objects.filter(pk=other.pk).update(created_at=began)
    Rater.objects.filter(pk=other.rater.pk).update(created_at=began)
    Lease.objects.filter(participation=person).update(participation=other)
    Flag.objects.filter(participation=person).update(participation=other, detail={})
    Exclusion.objects.filter(participation=person).update(participation=other)
    Round.objects.filter(participation=person).update(participation=other)


def _issue_again(leases: list[int]) -> None:
    if leases:
        with connection.cursor() as cursor:
            cursor.execute(REISSUE, {"leases": leases})


def _stub(person: Participation) -> None:
    """Leave what the person's own link needs to say what happened, and the code of somebody who has earned it."""
    earned = person.outcome == Outcome.COMPLETED
    person.state = ParticipationState.WITHDRAWN
    person.outcome = Outcome.COMPLETED if earned else Outcome.WITHDRAWN
    person.completion_code = person.completion_code if earned else new_code()
    person.browser = person.consent_sha256 = ""
    person.steps_done = []
    person.consented_at = person.finished_at = None
    person.withdrawn_at = timezone.now()
    person.save()


def _mark_reports(person: Participation) -> None:
    """Say on reports that they are from before. Their files go: they hold the answers, under the pseudonym of then."""
    reports = Report.objects.filter(study=person.study, state=JobState.DONE)
    reports.update(message=WITHDRAWN)
    names = [str(report.bundle.name) for report in reports if report.bundle]
    reports.update(bundle="")
    for name in names:
        transaction.on_commit(partial(default_storage.delete, name))


def withdrawals_since(*, report: Report) -> int:
    """Return how many people withdrew after a report was made."""
    made: dt.datetime = report.finished_at or report.created_at
    return Participation.objects.filter(study=report.study_id, withdrawn_at__gt=made).count()

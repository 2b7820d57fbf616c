"""Withdrawal leaves no trace of the person outside the log's pseudonym: a dump of every table, the files and Redis."""

from __future__ import annotations

import datetime as dt
import io
import threading
import zipfile
from pathlib import Path

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from annotations.domain import quality_overview, withdrawal
from annotations.domain.identities import digest_of, invitation_digest
from annotations.enums import JobState, LeaseState, ParticipationState, SubmissionState
from annotations.models import (
    Event,
    Flag,
    Invitation,
    Judgement,
    Lease,
    LedgerEntry,
    Participation,
    PathAnswer,
    RecruiterAccount,
    Recruitment,
    Report,
    Submission,
)
from tests.annotations.factories import StudyFactory, UserFactory
from tests.annotations.paths import FULL
from tests.annotations.views.test_path import arrive, go_to, one_page, page_of, step

JOB, COMMENT, WRITTEN = (
    "lighthouse keeper of Skagen",
    "Greetings from Ejner Thygesen",
    "a verse of my own: xylotypograph",
)
PERSON, SESSION, MAIL = "5f1c0de5c0ffee5f1c0de5c0", "66session66session66sess", "ejner.thygesen@example.org"
GAVE = (JOB, COMMENT, WRITTEN, PERSON, SESSION, MAIL)
TEXT = {"key": "why", "label": "why", "question_type": "free_text", "options": {}}
GRADE = {"key": "originality", "label": "original"}


def dump() -> str:
    """Every row of every table as PostgreSQL's own COPY writes it."""
    written = io.StringIO()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            with cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                for block in copy:
                    written.write(bytes(block).decode())
    return written.getvalue()


def files(folder: Path) -> str:
    """Everything that was uploaded or made, packed files unpacked."""
    found = []
    for path in filter(Path.is_file, folder.rglob("*")):
        found.append(path.name)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed:
                found += [packed.read(name).decode(errors="replace") for name in packed.namelist()]
        else:
            found.append(path.read_bytes().decode(errors="replace"))
    return "\n".join(found)


def in_redis() -> str:
    with current_app.connection() as broker:
        client = broker.default_channel.client
        return repr([(key, client.dump(key)) for key in client.scan_iter("*")])


@pytest.fixture
def study(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return StudyFactory(open=True, path=FULL, dimensions=[GRADE, TEXT], design={"raters_per_task": 1})


def send(person):
    return person.client.post(
        person.url("rater_answer"), {"trial": person.trial(), "answer-originality": "1", "answer-why": WRITTEN}
    )


@pytest.fixture
def told(study, settings):
    """Somebody who filled in everything that can be filled in, to the last page."""
    client = Client()
    person = arrive(client, study, f"?PROLIFIC_PID={PERSON}&SESSION_ID={SESSION}")
    fill(person)
    participation = person.participation
    participation.refresh_from_db()
    judgement = Judgement.objects.filter(lease__participation=participation).first()
    Judgement.objects.filter(pk=judgement.pk).update(evidence={"pasted": WRITTEN})
    Flag.objects.create(participation=participation, judgement=judgement, check_name="paste", detail={"text": WRITTEN})
    Invitation.objects.create(
        study=study, digest=invitation_digest(MAIL), address=MAIL, participation=participation, problem=MAIL
    )
    account = RecruiterAccount.objects.create(name="lab", platform="prolific", owner=UserFactory())
    remote = Recruitment.objects.create(study=study, account=account)
    Submission.objects.create(
        recruitment=remote,
        participation=participation,
        session=SESSION,
        person=PERSON,
        session_digest=digest_of(SESSION),
        state=SubmissionState.APPROVED,
    )
    LedgerEntry.objects.create(
        study=study, participation=participation, kind="earned", amount=300, currency="USD", reference="earned-1"
    )
    report = Report.objects.create(study=study, state=JobState.DONE)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        bundle.writestr("judgements.csv", WRITTEN)
    report.bundle.save("bundle.zip", ContentFile(packed.getvalue()))
    assert page_of(person) == "finished"
    return person


def fill(person, until="finished"):
    for _ in range(40):
        page = page_of(person)
        if page in (until, "finished", "full"):
            return person
        if page in ("trial", "practice"):
            send(person)
        elif page == "questionnaire":
            step(person, page, **{"field-job": JOB})
        elif page == "comments":
            step(person, page, **{"field-comments": COMMENT})
        else:
            one_page(person, page)
    raise AssertionError(page)


def withdraw(person):
    return person.client.post(person.url("rater_withdraw"), {"field-sure": "1"})


def test_dump_holds_what_was_given_before_withdrawal(told, tmp_path):
    """So that the test below cannot pass by looking in the wrong place; ids are encrypted and stand there as hashes."""
    before = dump() + files(tmp_path)

    assert [value for value in (JOB, COMMENT, WRITTEN, MAIL) if value not in before] == []
    assert [digest for digest in map(digest_of, (PERSON, SESSION)) if digest not in before] == []
    assert invitation_digest(MAIL) in before


def test_nothing_that_was_given_is_left_anywhere(told, tmp_path, django_capture_on_commit_callbacks):
    digests = [digest_of(PERSON), digest_of(SESSION), invitation_digest(MAIL), told.participation.browser]

    with django_capture_on_commit_callbacks(execute=True):
        withdraw(told)

    left = dump() + files(tmp_path) + in_redis()
    assert [value for value in (*GAVE, *digests) if value and value in left] == []


def test_log_keeps_that_it_happened_with_the_pseudonym(told):
    withdraw(told)

    event = Event.objects.get(name="withdrawn")
    assert event.data == {"pseudonym": told.participation.rater.pseudonym, "mode": "erase"}
    assert not Event.objects.exclude(pk=event.pk).filter(participation=told.participation).exists()


def test_booklet_goes_out_again_so_that_k_is_reached(told, study):
    wanted = study.plan.booklets_planned
    withdraw(told)

    while True:
        other = arrive(Client(), study)
        fill(other)
        if page_of(other) == "full":
            break

    assert Lease.objects.filter(state=LeaseState.COMPLETED).count() == wanted
    assert Participation.objects.filter(state=ParticipationState.FINISHED).count() == wanted


def test_withdrawal_half_way_gives_the_booklet_to_the_next(study):
    person = fill(arrive(Client(), study), "trial")
    send(person)

    withdraw(person)

    assert Judgement.objects.count() == 0
    assert list(Lease.objects.filter(copy=2).values_list("state", flat=True)) == ["available"]
    assert Lease.objects.filter(state=LeaseState.WITHDRAWN, participation=None).count() == 1


def test_money_owed_stays_owed_without_the_person(told):
    withdraw(told)

    entry = LedgerEntry.objects.get()
    assert (entry.amount, entry.participation) == (300, None)


def test_session_that_must_still_be_paid_is_forgotten_when_it_is_settled(told):
    Submission.objects.update(state=SubmissionState.AWAITING)
    withdraw(told)
    waiting = Submission.objects.get()
    Submission.objects.update(state=SubmissionState.APPROVED)

    forgotten = withdrawal.forget_settled()

    settled = Submission.objects.get()
    assert (waiting.session, forgotten) == (SESSION, 1)
    assert (settled.session, settled.person, settled.participation) == (None, None, None)


def test_reports_say_that_they_are_from_before(told):
    withdraw(told)

    report = Report.objects.get()
    assert "withdrawn after it was made" in report.message
    assert not report.bundle


def test_own_link_says_that_the_data_are_withdrawn(told):
    code = told.participation.completion_code

    withdraw(told)
    again = withdraw(told)

    html = told.look().content.decode()
    assert again.status_code == 303
    assert "Your data are withdrawn" in html
    assert code in html  # who has finished is still paid
    assert Event.objects.filter(name="withdrawn").count() == 1


def test_withdrawal_asks_whether_one_is_sure(told):
    response = told.client.post(told.url("rater_withdraw"))

    assert response.status_code == 422
    assert "Please tick this box if you are sure." in response.content.decode()
    assert PathAnswer.objects.exists()


@pytest.mark.parametrize("page", ["eligibility", "consent", "questionnaire", "instructions", "quiz", "practice"])
def test_withdrawal_is_possible_on_every_page(study, page):
    person = go_to(arrive(Client(), study), page)
    html = person.look().content.decode()

    withdraw(person)

    assert f'href="{person.url("rater_withdraw")}"' in html
    assert page_of(person) == "withdrawn"
    assert Participation.objects.get().outcome == "withdrawn"


@pytest.fixture
def cut(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return StudyFactory(open=True, path=FULL | {"consent": {"withdrawal": "anonymise"}})


def test_anonymised_answers_stay_under_a_name_that_nobody_knows(cut, tmp_path, django_capture_on_commit_callbacks):
    person = go_to(arrive(Client(), cut, f"?pid={PERSON}"), "finished")
    before = person.participation.rater.pseudonym
    report = Report(study=cut, state=JobState.DONE)
    report.bundle.save("before.csv", ContentFile(f"rater,answer\n{before},1\n".encode()))

    about = {"participation": person.participation, "check_name": "too_fast"}
    Flag.objects.create(detail={"fast": 3, "of": 3, "words_per_minute": 900}, **about)
    judgement = Judgement.objects.first()
    Flag.objects.create(detail={"words": 90, "seconds": 2.0}, judgement=judgement, **about)

    with django_capture_on_commit_callbacks(execute=True):
        withdraw(person)

    told = quality_overview.findings_of(study=cut, flags=list(Flag.objects.filter(judgement=None)))
    assert [one["words"] for one in told] == ["details went with a withdrawal"]
    assert before not in files(tmp_path)
    kept = Participation.objects.get(state=ParticipationState.FINISHED)
    assert Judgement.objects.filter(lease__participation=kept).count() == 3
    assert kept.rater.pseudonym != before
    assert kept.public_id != person.participation.public_id
    assert not PathAnswer.objects.exists()
    assert page_of(person) == "withdrawn"
    assert [
        value for value in (PERSON, digest_of(PERSON), "lighthouse keeper", "The mast was lovely") if value in dump()
    ] == []


def test_anonymised_half_booklet_is_issued_again(cut):
    person = go_to(arrive(Client(), cut), "trial")
    person.send(person.trial())

    withdraw(person)

    assert sorted(Lease.objects.exclude(state="available", copy=1).values_list("state", "copy")) == [
        ("available", 2),
        ("lapsed", 1),
    ]
    assert Judgement.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_answer_on_its_way_never_comes_after_the_withdrawal():
    study = StudyFactory(open=True)
    for _ in range(4):
        person = go_to(arrive(Client(), study), "trial")
        trial = person.trial()
        gate = threading.Barrier(2)

        def run(deed, gate=gate):
            gate.wait(timeout=20)
            deed()
            connection.close()

        jobs = [
            threading.Thread(target=run, args=(deed,))
            for deed in (lambda p=person, t=trial: p.send(t), lambda p=person: withdraw(p))
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join(timeout=30)

        assert page_of(person) == "withdrawn"
    assert Judgement.objects.count() == 0


def test_report_knows_how_many_withdrew_since(told):
    report = Report.objects.get()
    Report.objects.update(finished_at=told.participation.finished_at + dt.timedelta(minutes=1))
    report.refresh_from_db()
    before = withdrawal.withdrawals_since(report=report)
    withdraw(told)
    Participation.objects.filter(pk=told.participation.pk).update(
        withdrawn_at=report.finished_at + dt.timedelta(minutes=1)
    )

    assert (before, withdrawal.withdrawals_since(report=report)) == (0, 1)


def test_withdrawal_page_is_shown_without_changing_anything(told):
    html = told.client.get(reverse("rater_withdraw", args=[told.token])).content.decode()

    assert "This cannot be undone" in html
    assert PathAnswer.objects.exists()

"""Letters through Django's SMTP to a real mail server: nobody gets two, whatever breaks."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from annotations.domain import invitations, letters, participation
from annotations.domain.studies import pause_study
from annotations.models import Invitation
from annotations.registry import recruitment_platforms
from annotations.tasks import send_invitations
from tests.annotations.domain.conftest import judge_all
from tests.annotations.factories import StudyFactory
from tests.standins.smtp import serve_mail

ROOT = Path(__file__).resolve().parents[3]
SITE = "https://eval.example.org"
DAY = dt.timedelta(days=1)


@pytest.fixture
def post(settings):
    with serve_mail() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        yield server


def make_study(*, people=3, queued=True, **wanted):
    study = StudyFactory(
        open=True,
        recruitment="invitations",
        title="Unusual uses",
        contact="lab@example.org",
        recruitment_settings=wanted,
    )
    data = "address\n" + "".join(f"p{number}@example.org\n" for number in range(people))
    invitations.import_list(study=study, name="a.csv", data=data.encode())
    if queued:
        invitations.queue_letters(study=study, site=f"{SITE}/")
    return study


def everybody(people=3):
    return [f"p{number}@example.org" for number in range(people)]


def come(study, number, *, judged=None):
    """Enter by the link of person `number`, and judge so many trials (None: none, -1: all)."""
    token = Invitation.objects.order_by("pk")[number].token
    identity = recruitment_platforms.get("invitations").identity({"i": token})
    person = participation.enter_study(slug=study.slug, identity=identity)
    if judged is not None:
        judge_all(participation=person, limit=None if judged < 0 else judged)
    return person


def test_a_letter_holds_the_link_and_the_way_out_and_nothing_else_of_the_person(db, post):
    study = make_study(people=1)
    token = Invitation.objects.get().token

    assert send_invitations() == 1

    recipient, letter = post.letters[0]
    text = letter.get_content().replace("\r\n", "\n")
    assert recipient == letter["To"] == "p0@example.org"
    assert letter["Subject"] == "An invitation to take part: Unusual uses"
    assert letter["Reply-To"] == "lab@example.org"
    assert f"{SITE}/s/{study.slug}/?i={token}\n" in text
    assert f"{SITE}/s/{study.slug}/unsubscribe?i={token}\n" in text
    assert letter["List-Unsubscribe"].strip() == f"<{SITE}/s/{study.slug}/unsubscribe?i={token}>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.get_content_type() == "text/plain"
    assert "&" not in text.replace("&lang", "")  # nothing is escaped as in HTML


def test_own_words_replace_the_standard_ones(db, post):
    make_study(people=1, subject="Come & judge", message="Dear colleague,\nhelp us.", reply_to="me@example.org")

    send_invitations()

    letter = post.letters[0][1]
    assert letter["Subject"] == "Come & judge"
    assert letter["Reply-To"] == "me@example.org"
    assert letter.get_content().startswith("Dear colleague,\r\nhelp us.\r\n") or letter.get_content().startswith(
        "Dear colleague,\nhelp us.\n"
    )


def test_sending_twice_sends_once(db, post):
    study = make_study()

    assert [send_invitations(), send_invitations()] == [3, 0]
    assert invitations.queue_letters(study=study, site=SITE) == 0
    assert post.recipients() == everybody()


def test_a_hundred_letters_go_in_batches_over_few_connections(db, post):
    make_study(people=120)

    assert send_invitations() == 120
    assert Counter(post.recipients()) == Counter(everybody(120))


def test_workers_at_the_same_time_share_the_letters(transactional_db, post):
    make_study(people=120)
    done, barrier = [], threading.Barrier(4)

    def work():
        barrier.wait(30)
        done.append(letters.send_due())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(done) == 120
    assert Counter(post.recipients()) == Counter(everybody(120))


def test_a_killed_worker_sends_nobody_two_letters(process_environment, post):
    """Killed while the mail server holds the third letter: whether it went is not known, so it is not sent again."""
    study = make_study(people=6)
    post.hangs_at = {"p2@example.org"}
    environment = process_environment | {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(post.port),
        "EMAIL_USE_TLS": "0",
    }
    code = "import django; django.setup(); from annotations.domain.letters import send_due; send_due()"
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment)
    assert post.hanging.wait(60)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(30)
    post.hangs_at = set()

    send_invitations()

    # The rest of the batch was claimed too: nobody knows, so nobody gets a second letter by itself.
    assert max(Counter(post.recipients()).values()) == 1
    assert set(post.recipients()) == {"p0@example.org", "p1@example.org", "p2@example.org"}
    assert invitations.overview(study=study)["uncertain"] == 4
    Invitation.objects.filter(sent_at=None).update(sending_at=timezone.now() - dt.timedelta(hours=1))
    assert invitations.resend_uncertain(study=study) == 4
    send_invitations()
    assert set(post.recipients()) == set(everybody(6))


def test_a_mail_server_that_is_away_loses_nothing(db, post, settings, free_port):
    make_study()
    here, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port

    assert send_invitations() == 0
    settings.EMAIL_PORT = here
    assert send_invitations() == 3

    assert post.recipients() == everybody()


def test_an_address_that_does_not_exist_is_noted_and_the_others_get_theirs(db, post):
    study = make_study()
    post.unknown = {"p1@example.org"}

    send_invitations()
    send_invitations()

    assert post.recipients() == ["p0@example.org", "p2@example.org"]
    assert invitations.troubled(study=study) == [
        {"address": "p…@example.org", "problem": "refused by the mail server (550)"}
    ]


def test_an_address_that_is_busy_is_tried_again(db, post):
    make_study(people=1)
    post.busy = {"p0@example.org"}
    assert letters.send_due(most=1) == 0

    post.busy = set()

    assert send_invitations() == 1


def test_a_connection_that_breaks_after_the_letter_leaves_it_uncertain(db, post):
    study = make_study()
    post.breaks_off = {"p1@example.org"}

    send_invitations()
    post.breaks_off = set()
    send_invitations()

    assert Counter(post.recipients()) == Counter(everybody())
    assert invitations.overview(study=study)["uncertain"] == 1


def test_reminders_go_to_those_who_have_not_finished_at_most_n_times_and_spaced(db, post):
    study = make_study(people=4, reminders=2, reminder_days=3)
    send_invitations()
    come(study, 0, judged=-1)
    come(study, 1, judged=1)
    invitations.unsubscribe(slug=study.slug, token=Invitation.objects.order_by("pk")[2].token)
    start = timezone.now()
    post.letters.clear()

    sent = [letters.send_due(now=start + days * DAY) for days in (1, 2.9, 3.1, 5, 6.2, 9.5, 30)]

    assert sent == [0, 0, 2, 0, 2, 0, 0]
    assert Counter(post.recipients()) == {"p1@example.org": 2, "p3@example.org": 2}
    texts = {recipient: letter.get_content() for recipient, letter in post.letters}
    assert "have begun the study" in texts["p1@example.org"]
    assert "a while ago we invited you" in texts["p3@example.org"]
    assert {letter["Subject"] for _, letter in post.letters} == {"A reminder: Unusual uses"}


def test_nobody_is_reminded_while_the_study_is_not_open(db, post):
    study = make_study(reminders=1, reminder_days=1)
    send_invitations()
    pause_study(study=study)

    assert letters.send_due(now=timezone.now() + 5 * DAY) == 0


def test_a_full_study_reminds_only_who_has_a_place(db, post):
    study = make_study(people=3, reminders=1, reminder_days=1)
    send_invitations()
    come(study, 0, judged=1)
    study.plan.leases.filter(state="available").update(state="withdrawn")
    post.letters.clear()

    assert letters.send_due(now=timezone.now() + 2 * DAY) == 1
    assert post.recipients() == ["p0@example.org"]


def test_a_reminder_that_surely_did_not_go_is_not_counted(db, post, settings, free_port):
    make_study(people=1, reminders=1, reminder_days=1)
    send_invitations()
    here, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port

    letters.send_due(now=timezone.now() + 2 * DAY)

    assert Invitation.objects.get().reminders == 0
    settings.EMAIL_PORT = here
    assert letters.send_due(now=timezone.now() + 2 * DAY) == 1


def test_people_known_by_a_code_get_no_letter(db, post):
    study = make_study(people=1, queued=False)
    invitations.import_list(study=study, name="b.csv", data=b"code\nx17\n")

    assert invitations.queue_letters(study=study, site=SITE) == 1
    assert send_invitations() == 1


def test_no_log_line_of_a_letter_holds_an_address(db, post, caplog):
    make_study()
    post.breaks_off, post.unknown = {"p1@example.org"}, {"p0@example.org"}

    send_invitations()

    assert caplog.text
    assert "example.org" not in caplog.text

"""A worker of MTurk at our pages: preview, work in Amazon's frame, handing in, returning and coming back.

"MTurk, as they are" of LESSONS_FROM_PEERS, against the stand-in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from annotations.domain import recruiting, recruiting_sync
from annotations.enums import LeaseState, Outcome, ParticipationState, SubmissionState
from annotations.models import Event, Participation, RecruitmentIdentity, Study, Submission
from annotations.plugins.recruitment.mturk import WORKER_SITES
from annotations.registry import Identity, recruitment_platforms
from tests.annotations.factories import StudyFactory, UserFactory
from tests.annotations.views.conftest import ANSWERS, trial_on
from tests.standins.mturk.fixtures import SECRETS, query_of, submit
from tests.standins.mturk.market import Market
from tests.standins.mturk.server import StandIn, serve

MTURK = recruitment_platforms.get("mturk")
FORM = re.compile(r'<form class="actions" method="post" action="(http[^"]+)">(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
FRAMED = {"Sec-Fetch-Dest": "iframe"}


@pytest.fixture
def mturk(settings) -> Iterator[StandIn]:
    with serve(Market(prepaid="1000.00", https_only=False)) as server:
        settings.MTURK_WORKER_SITE = server.url
        yield server


@pytest.fixture
def study(db, mturk) -> Study:
    """A study of three booklets on MTurk, published."""
    made = StudyFactory(open=True, recruitment="mturk", design={"raters_per_task": 1, "trials_per_rater": 6})
    account = recruiting.save_account(
        owner=UserFactory(superuser=True), name="lab", platform="mturk", base_url=mturk.url, secrets=SECRETS
    )
    remote = recruiting.configure(study=made, account=account, reward=200, minutes=10, settings={}, auto_approve=True)
    entrance = f"http://testserver{reverse('study_entrance', args=[made.slug])}"
    remote = recruiting.create_remote(recruitment=remote, site="http://testserver", entrance=entrance)
    recruiting.publish(recruitment=remote)
    made.refresh_from_db()
    return made


class Worker:
    """A worker with a browser, whose frame shows our pages."""

    def __init__(self, mturk: StandIn, name: str) -> None:
        self.mturk, self.name = mturk, name
        self.client = Client(headers=FRAMED)

    def accept(self) -> str:
        """Accept the first HIT; returns our address in the frame."""
        hit = next(iter(self.mturk.market.hits))
        self.address = self.mturk.market.accept(hit, worker=self.name)
        self.assignment = query_of(self.address)["assignmentId"]
        return self.address

    def open(self):
        """Open the frame; returns the page, or where it leads."""
        return self.client.get(self.address, follow=True)

    def begin(self):
        """Open the frame and walk to the first trial."""
        page = self.open()
        if page.redirect_chain:
            return page
        parts = urlsplit(self.address)
        page = self.client.post(f"{parts.path}?{parts.query}", follow=True)
        self.place = page.redirect_chain[-1][0]
        token = self.place.strip("/").split("/")[1]
        for step in ("consent", "instructions"):
            page = self.client.post(reverse("rater_step", args=[token, step]), {"box-1": "on"}, follow=True)
        return page

    def judge(self, most: int = 100):
        """Judge until there is no more trial; returns the last page."""
        page = self.client.get(self.place)
        while most and 'data-trial="' in page.content.decode():
            data = {"trial": trial_on(page.content.decode()), **ANSWERS}
            page = self.client.post(f"{self.place}answer", data, follow=True)
            most -= 1
        return page

    def hand_in(self, page) -> int:
        """Send the form of the end page; returns Amazon's status."""
        action, inside = FORM.search(page.content.decode()).groups()
        assert action == f"{self.mturk.url}/mturk/externalSubmit"
        return submit(self.mturk, dict(FIELD.findall(inside)))


def hit(mturk: StandIn):
    return next(iter(mturk.market.hits.values()))


def test_a_preview_says_so_and_stores_nothing(client, study, mturk):
    page = client.get(mturk.market.preview(hit(mturk).ident), headers=FRAMED)

    assert page.status_code == 200
    assert "This is a preview. Accept the task to begin" in page.content.decode()
    assert "<form" not in page.content.decode()
    assert page.cookies == {}
    assert Participation.objects.count() == RecruitmentIdentity.objects.count() == 0


def test_a_preview_names_nobody_even_with_a_worker_in_its_address():
    query = {
        "assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE",
        "hitId": "3H",
        "workerId": "A1",
        "turkSubmitTo": "https://x",
    }

    assert MTURK.identity(query) == Identity(study="3H", preview=True)


def test_a_preview_cannot_be_posted_into_a_participation(client, study, mturk):
    parts = urlsplit(mturk.market.preview(hit(mturk).ident))

    client.post(f"{parts.path}?{parts.query}")

    assert Participation.objects.count() == 0


def test_a_worker_works_in_the_frame_and_hands_in_by_a_form(study, mturk):
    worker = Worker(mturk, "A1")
    worker.accept()
    worker.begin()

    status = worker.hand_in(worker.judge())

    done = hit(mturk).assignments[0]
    person = Participation.objects.get()
    code = study.recruitment_settings["codes"]["completed"]
    assert status == 200
    assert (done.ident, done.worker, done.status) == (worker.assignment, "A1", "Submitted")
    assert person.identity.session == f"{worker.assignment}:A1"
    assert f"<FreeText>{code}</FreeText>" in done.answer or person.completion_code in done.answer


def test_what_was_handed_in_is_approved_and_paid_once(study, mturk):
    worker = Worker(mturk, "A1")
    worker.accept()
    worker.begin()
    worker.hand_in(worker.judge())

    for _ in range(3):
        recruiting_sync.sync(recruitment_id=study.remote.pk)

    assert [(entry.worker, str(entry.amount)) for entry in mturk.market.books.entries] == [("A1", "2.00")]
    one = Submission.objects.get()
    assert (one.state, one.participation.state) == (SubmissionState.APPROVED, ParticipationState.FINISHED)
    told = {kind: study.ledger.filter(kind=kind).values_list("amount", flat=True) for kind in ("paid", "fee")}
    assert {kind: list(amounts) for kind, amounts in told.items()} == {"paid": [200], "fee": [40]}


def test_the_end_goes_to_amazon_and_to_nobody_else(settings):
    settings.MTURK_WORKER_SITE = ""
    for wanted in ("https://evil.example.org", "https://www.mturk.com.evil.example.org", "javascript:alert(1)", ""):
        identity = MTURK.identity({"assignmentId": "3A", "workerId": "A1", "hitId": "3H", "turkSubmitTo": wanted})
        leave = MTURK.leave(outcome=Outcome.COMPLETED, code="C", template="", settings={}, identity=identity)
        assert leave.url == "https://www.mturk.com/mturk/externalSubmit"
        assert leave.fields["assignmentId"] == "3A"


@pytest.mark.parametrize("site", WORKER_SITES)
def test_live_and_sandbox_are_known(settings, site):
    settings.MTURK_WORKER_SITE = ""
    identity = MTURK.identity({"assignmentId": "3A", "workerId": "A1", "turkSubmitTo": f"{site}/"})

    leave = MTURK.leave(outcome=Outcome.COMPLETED, code="C", template="", settings={}, identity=identity)

    assert (leave.url, leave.method) == (f"{site}/mturk/externalSubmit", "post")


@pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.FULL, Outcome.LAPSED])
def test_who_has_nothing_to_hand_in_is_asked_to_return_the_task(outcome):
    identity = Identity(person="A1", session="3A:A1")

    leave = MTURK.leave(outcome=outcome, code="C", template="", settings={}, identity=identity)

    assert (leave.url, leave.give_back) == ("", True)


def test_who_says_no_reads_that_the_task_should_be_returned(study, mturk):
    worker = Worker(mturk, "A1")
    worker.accept()
    parts = urlsplit(worker.address)
    page = worker.client.post(f"{parts.path}?{parts.query}", follow=True)
    token = page.redirect_chain[-1][0].strip("/").split("/")[1]

    page = worker.client.post(reverse("rater_decline", args=[token]), follow=True)

    assert "please return the task on the page where you accepted it" in page.content.decode()
    assert FORM.search(page.content.decode()) is None


def test_amazon_alone_may_frame_the_pages_of_this_study_alone(client, study, mturk):
    other = StudyFactory(open=True)
    worker = Worker(mturk, "A1")
    worker.accept()
    welcome = worker.open()
    trial = worker.begin()

    for page in (welcome, trial):
        assert f"frame-ancestors {mturk.url}" in page["Content-Security-Policy"]
        assert "X-Frame-Options" not in page
    elsewhere = client.get(reverse("study_entrance", args=[other.slug]), headers=FRAMED)
    assert "frame-ancestors 'none'" in elsewhere["Content-Security-Policy"]
    assert elsewhere["X-Frame-Options"] == "DENY"


def test_a_page_that_is_not_framed_keeps_the_strict_policy(study, mturk):
    worker = Worker(mturk, "A1")
    worker.accept()
    worker.begin()

    page = worker.client.get(worker.place, headers={"Sec-Fetch-Dest": "document"})

    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"


def test_the_end_page_may_post_to_amazon_and_other_pages_may_not(study, mturk):
    worker = Worker(mturk, "A1")
    worker.accept()
    worker.begin()
    trial = worker.client.get(worker.place, headers={"Sec-Fetch-Dest": "document"})
    worker.judge()

    end = worker.client.get(worker.place, headers={"Sec-Fetch-Dest": "document"})

    assert f"form-action 'self' {mturk.url};" in end["Content-Security-Policy"]
    assert "form-action 'self';" in trial["Content-Security-Policy"]


def test_a_link_that_names_nobody_lets_nobody_in(client, study):
    page = client.get(reverse("study_entrance", args=[study.slug]))

    assert page.status_code == 403
    assert "The link does not say who you are" in page.content.decode()


def test_the_same_worker_in_another_browser_is_at_the_same_trial(study, mturk):
    worker = Worker(mturk, "A1")
    worker.accept()
    worker.begin()
    worker.judge(2)
    here = trial_on(worker.client.get(worker.place).content.decode())

    worker.client = Client(headers=FRAMED)
    again = worker.open()

    assert trial_on(again.content.decode()) == here
    assert Participation.objects.count() == 1


def test_who_returns_and_accepts_again_hands_in_the_assignment_of_now(study, mturk):
    mturk.market.reuse_ids = False
    worker = Worker(mturk, "A1")
    worker.accept()
    worker.begin()
    worker.judge(2)
    first = worker.assignment
    mturk.market.give_back(first)
    worker.accept()
    worker.open()

    assert worker.hand_in(worker.judge()) == 200

    assert worker.assignment != first
    assert [one.ident for one in hit(mturk).by_status("Submitted")] == [worker.assignment]
    assert Participation.objects.count() == 1
    assert Event.objects.filter(study=study, name="came_again").count() == 1


def test_a_repeat_taker_is_told_so_even_if_amazon_let_him_in(study, mturk):
    """Two HITs are open: Amazon excludes by qualification, which comes too late for somebody who is quick."""
    worker = Worker(mturk, "A1")
    worker.accept()
    worker.begin()
    worker.hand_in(worker.judge())
    recruiting_sync.sync(recruitment_id=study.remote.pk)
    worker.address = worker.address.replace(worker.assignment, "3ANOTHERASSIGNMENT000000000000")

    page = worker.open()

    assert page.status_code == 409
    assert "You have taken part in this study already" in page.content.decode()
    assert Participation.objects.count() == 1


def test_the_next_worker_with_a_returned_assignment_gets_its_booklet_at_once(study, mturk):
    """MTurk never says that an assignment was returned; its id in other hands does."""
    first, others = Worker(mturk, "A1"), [Worker(mturk, f"A{number}") for number in (2, 3)]
    for worker in (first, *others):
        worker.accept()
        worker.begin()
    first.judge(2)
    assert study.plan.leases.filter(state=LeaseState.AVAILABLE).count() == 0
    mturk.market.give_back(first.assignment)
    late = Worker(mturk, "A4")
    late.accept()

    page = late.begin()

    assert late.assignment == first.assignment
    assert 'data-trial="' in page.content.decode()
    assert "All places are taken" not in page.content.decode()
    assert Event.objects.filter(name="seat_returned").count() == 1
    assert late.hand_in(late.judge()) == 200
    recruiting_sync.sync(recruitment_id=study.remote.pk)
    assert [entry.worker for entry in mturk.market.books.entries] == ["A4"]


def test_a_worker_whose_seat_went_on_cannot_be_paid_for_the_work_of_the_next(study, mturk):
    first = Worker(mturk, "A1")
    first.accept()
    first.begin()
    end = first.judge()
    mturk.market.give_back(first.assignment)
    late = Worker(mturk, "A4")
    late.accept()
    late.begin()

    assert first.hand_in(end) == 400
    assert late.hand_in(late.judge()) == 200
    recruiting_sync.sync(recruitment_id=study.remote.pk)

    assert [entry.worker for entry in mturk.market.books.entries] == ["A4"]


def test_ids_are_kept_apart_and_out_of_the_log(study, mturk, caplog):
    worker = Worker(mturk, "A1SECRETWORKER")
    worker.accept()
    worker.begin()
    worker.hand_in(worker.judge())
    recruiting_sync.sync(recruitment_id=study.remote.pk)

    told = [str(event.data) for event in Event.objects.filter(study=study)]
    told += [str((event.event_id, event.data)) for event in study.remote.events.all()]
    told += [f"{entry.reference} {entry.note}" for entry in study.ledger.all()]
    for secret in ("A1SECRETWORKER", worker.assignment):
        assert [line for line in [*told, caplog.text] if secret in line] == []

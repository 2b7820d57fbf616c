"""A study on MTurk, run by the same verbs as one on Prolific: exactly k complete raters, books equal to the cent."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from django.urls import reverse

from annotations.domain import bonuses, decisions, participation, reconciling, recruiting, recruiting_sync
from annotations.enums import LeaseState, RemoteState
from annotations.errors import NotReady, PlatformError
from annotations.models import BonusOrder, Participation, Study, Submission
from annotations.registry import recruitment_platforms
from tests.annotations.domain.conftest import judge_all
from tests.annotations.factories import StudyFactory, UserFactory
from tests.standins.mturk.errors import Refused
from tests.standins.mturk.fixtures import SECRETS, query_of, work
from tests.standins.mturk.market import Market
from tests.standins.mturk.server import StandIn, serve

MTURK = recruitment_platforms.get("mturk")
# What the page "Recruitment" sends for every platform.
PAGE = {
    "fee": "0.428",
    "tax": "0",
    "description": "Judge ideas.",
    "screened_out_slots": 0,
    "screened_out_by_code": False,
}


@pytest.fixture
def mturk(settings) -> Iterator[StandIn]:
    with serve(Market(prepaid="1000.00", https_only=False)) as server:
        settings.MTURK_WORKER_SITE = server.url
        yield server


def published(mturk: StandIn, *, settings=None, reward=200, **design) -> Study:
    design = {"raters_per_task": 2, "trials_per_rater": 3} | design
    study = StudyFactory(open=True, recruitment="mturk", design=design)
    account = recruiting.save_account(
        owner=UserFactory(), name="lab", platform="mturk", base_url=mturk.url, secrets=SECRETS
    )
    remote = recruiting.configure(
        study=study, account=account, reward=reward, minutes=10, settings=PAGE | (settings or {}), auto_approve=True
    )
    entrance = f"http://testserver{reverse('study_entrance', args=[study.slug])}"
    remote = recruiting.create_remote(recruitment=remote, site="http://testserver", entrance=entrance)
    recruiting.publish(recruitment=remote)
    study.refresh_from_db()
    return study


def come(study: Study, mturk: StandIn, worker: str) -> tuple[Participation, str]:
    """Accept the first HIT that has a place, and agree here; returns the person and the assignment."""
    for hit in mturk.market.hits.values():
        try:
            address = mturk.market.accept(hit.ident, worker=worker)
        except Refused:
            continue
        identity = MTURK.identity(query_of(address))
        return participation.enter_study(slug=study.slug, identity=identity), identity.seat
    raise LookupError(worker)


def hand_in(mturk: StandIn, assignment: str, worker: str) -> None:
    mturk.market.submit([("assignmentId", assignment), ("workerId", worker), ("code", "C")])


def sync(study: Study) -> None:
    """One round; what the platform does not answer is asked again in the next."""
    with contextlib.suppress(PlatformError):
        recruiting_sync.sync(recruitment_id=study.remote.pk)


def books_agree(study: Study, mturk: StandIn) -> bool:
    study.remote.refresh_from_db()
    found = reconciling.compare(recruitment=study.remote)
    theirs = {line.kind: line.theirs for line in found.lines}
    real = mturk.market.books
    assert theirs["paid"] == 100 * real.total("reward")
    assert theirs["bonus"] == 100 * real.total("bonus")
    assert theirs["fee"] == 100 * real.fees
    return found.agrees


def test_as_many_places_as_booklets_and_the_fee_of_so_many(db, mturk):
    study = published(mturk, raters_per_task=2, trials_per_rater=3)

    booklets = study.plan.booklets_planned
    hit = next(iter(mturk.market.hits.values()))
    assert booklets >= 10
    assert hit.most == study.remote.places == booklets
    assert MTURK.fee_on_reward(amount=200, places=booklets, settings=study.remote.settings) == 80


@pytest.mark.long
def test_a_crowd_with_returns_timeouts_and_trouble_is_complete_and_paid_to_the_cent(db, mturk):
    """Some return, some go away, Amazon throttles, fails, loses answers and is away for a while."""
    chance = random.Random(11)
    study = published(mturk, raters_per_task=3, trials_per_rater=3)
    wanted = study.plan.booklets_planned
    finished: list[str] = []
    for number in range(10 * wanted):
        if len(finished) >= wanted:
            break
        worker = f"AWORKER{number}"
        if number % 5 == 0:
            mturk.trouble.throttle, mturk.trouble.fail, mturk.trouble.drop = chance.choices((0, 1, 2), k=3)
        mturk.trouble.closed = number in (7, 8)
        try:
            person, assignment = come(study, mturk, worker)
        except LookupError:
            mturk.trouble.closed = False
            sync(study)
            continue
        fate = chance.random()
        if fate < 0.12:  # returns half-way; nobody tells us
            judge_all(participation=person, limit=1)
            mturk.market.give_back(assignment)
        elif fate < 0.2:  # goes away; the assignment runs out there, the lease here
            judge_all(participation=person, limit=1)
            mturk.market.advance(31 * 60)
            study.plan.leases.filter(participation=person, state="leased").update(expires_at="2020-01-01T00:00Z")
            from annotations.domain.assignment import expire_leases

            expire_leases()
        elif judge_all(participation=person):
            hand_in(mturk, assignment, worker)
            finished.append(worker)
        else:
            mturk.market.give_back(assignment)
        sync(study)
    mturk.trouble.throttle = mturk.trouble.fail = mturk.trouble.drop = 0
    mturk.trouble.closed = False
    for _ in range(2):
        sync(study)

    assert study.plan.leases.filter(state=LeaseState.COMPLETED).count() == wanted
    assert Counter(finished).most_common(1)[0][1] == 1
    paid = Counter(entry.worker for entry in mturk.market.books.entries)
    assert paid == dict.fromkeys(finished, 1)
    assert books_agree(study, mturk)


def test_who_was_approved_there_by_itself_is_paid_here_too(db, mturk):
    study = published(mturk)
    person, assignment = come(study, mturk, "A1")
    judge_all(participation=person)
    hand_in(mturk, assignment, "A1")
    mturk.market.advance(4 * 24 * 3600)

    sync(study)

    assert Submission.objects.get().state == "approved"
    assert books_agree(study, mturk)


def test_a_bonus_by_hand_is_paid_once_and_costs_twenty_per_cent(db, mturk):
    study = published(mturk)
    person, assignment = come(study, mturk, "A1")
    judge_all(participation=person)
    hand_in(mturk, assignment, "A1")
    sync(study)
    mturk.trouble.drop = 1

    for _ in range(2):
        decisions.give_bonus(submission=Submission.objects.get(), amount=150, reason="Thank you.", key="click-1")
    for _ in range(2):
        sync(study)

    assert BonusOrder.objects.get().state == "paid"
    assert str(mturk.market.books.total("bonus")) == "1.50"
    assert study.ledger.get(reference__startswith="fee:bonus").amount == 30
    assert books_agree(study, mturk)
    assert bonuses.REWARD not in BonusOrder.objects.get().key


def test_a_rejected_place_is_made_again(db, mturk):
    """A rejection frees no place on MTurk; the booklet that is free again needs one."""
    study = published(mturk)
    people = [come(study, mturk, f"A{number}") for number in range(study.remote.places)]
    for number, (_, assignment) in enumerate(people):
        hand_in(mturk, assignment, f"A{number}")
    sync(study)
    one = Submission.objects.order_by("pk").first()
    decisions.reject(submission=one, reason="NOT_DONE", message="No pair was judged.")

    for _ in range(2):
        sync(study)

    come(study, mturk, "ALATE")


def test_pausing_by_hand_stays_and_stopping_ends(db, mturk):
    study = published(mturk)
    recruiting.pause(recruitment=study.remote)
    sync(study)
    with pytest.raises(LookupError):
        come(study, mturk, "A1")

    study.remote.refresh_from_db()
    assert study.remote.state == RemoteState.PAUSED
    recruiting.publish(recruitment=study.remote)
    come(study, mturk, "A1")
    recruiting.stop(recruitment=study.remote)
    sync(study)
    with pytest.raises(LookupError):
        come(study, mturk, "A2")


def test_a_stranger_who_hands_in_without_coming_here_is_not_paid_by_itself(db, mturk):
    study = published(mturk)
    hit = next(iter(mturk.market.hits))
    work(mturk.market, hit, "ANEVERHERE")

    sync(study)

    assert mturk.market.books.entries == []
    assert Submission.objects.get().participation is None


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ({"screened_out_reward": 50}, "whole reward or nothing"),
        ({"countries": ["USA"]}, "two-letter"),
        ({"approved_percent": 101}, "between 0 and 100"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_setting_is_named(db, mturk, wanted, word):
    with pytest.raises(NotReady, match=word):
        published(mturk, settings=wanted)

"""The ledger: once is once, the cap is never passed, what an hour pays, payments whose answer got lost."""

import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from annotations.domain import (
    assignment,
    bonuses,
    decisions,
    ledger,
    participation,
    reconciling,
    recruiting,
    recruiting_sync,
)
from annotations.enums import BonusState, LedgerKind, StudyState
from annotations.models import BonusOrder, Judgement, LedgerEntry, Study
from tests.annotations.factories import ParticipationFactory


def test_what_is_booked_twice_is_there_once(lab):
    person = ParticipationFactory(study=lab.study)

    new = [ledger.earn(recruitment=lab.recruitment, participation=person) for _ in range(3)]

    assert new == [True, False, False]
    assert LedgerEntry.objects.filter(kind="earned").count() == 1


def test_committed_is_the_sum_of_the_ledger_at_every_moment(lab):
    person = lab.person("anna")
    seen = []
    for step in (person.opens, person.judges, person.submits, lab.sync, lab.sync):
        step()
        seen.append((lab.fresh().committed, ledger.balance(study=lab.study).committed))

    assert seen == [(210, 210)] * 5  # 150, a third of it as fee, a fifth of that as tax; kept first, spent later


def test_a_claim_keeps_reward_and_fee_and_a_return_lets_go_of_it(lab):
    person = lab.person("anna")
    person.opens()
    assert ledger.balance(study=lab.study).open == 210

    person.returns()
    lab.sync()

    balance = ledger.balance(study=lab.study)
    assert (balance.open, balance.committed, lab.fresh().committed) == (0, 0, 0)


def capped(lab, amount):
    Study.objects.filter(pk=lab.study.pk).update(budget_cap=amount)
    return lab.fresh()


def test_of_many_who_claim_at_once_only_as_many_get_a_booklet_as_the_cap_pays(make_lab, transactional_db):
    lab = make_lab(prompts=6)
    capped(lab, "6.40")  # three of 2.10
    people = [lab.person(f"p{number}") for number in range(6)]
    came = [participation.enter_study(slug=lab.study.slug, identity=person.identity) for person in people]
    found, barrier = [], threading.Barrier(6)

    def claim(one):
        one.study = Study.objects.get(pk=lab.study.pk)
        barrier.wait(30)
        with transaction.atomic():
            found.append(assignment._take(one))
        connection.close()

    threads = [threading.Thread(target=claim, args=(one,)) for one in came]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(lease is not None for lease in found) == 3
    assert lab.fresh().committed == 630
    assert ledger.balance(study=lab.study).left == 10


def test_recruitment_pauses_before_the_cap_is_passed_and_goes_on_when_it_is_raised(lab):
    for number in range(2):
        lab.person(f"p{number}").does_it_all()
    capped(lab, "6.00")  # two are paid, a third would pass it

    lab.sync()
    paused = (lab.remote.status, lab.recruitment.pause_reason)
    capped(lab, "60.00")
    lab.sync()

    assert paused == ("PAUSED", recruiting_sync.CAP)
    assert (lab.remote.status, lab.fresh().pause_reason) == ("ACTIVE", "")
    assert ledger.balance(study=lab.study).committed <= 600


def test_a_bonus_that_passes_the_cap_is_not_ordered(lab):
    person = lab.person("anna").does_it_all()
    lab.sync()
    lab.sync()
    capped(lab, "2.50")

    with pytest.raises(Exception, match="no room for this bonus"):
        decisions.give_bonus(submission=_fresh(person, lab), amount=50, reason="Thank you", key="one")
    assert BonusOrder.objects.count() == 0


def _fresh(person, lab):
    one = person.submission
    one.recruitment = lab.fresh()
    return one


def test_entries_cannot_be_changed_or_taken_away(lab):
    ledger.book(recruitment=lab.recruitment, kind=LedgerKind.PAID, amount=5, reference="x")

    with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
        LedgerEntry.objects.update(amount=6)
    with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
        LedgerEntry.objects.all().delete()


def test_an_hour_pays_what_active_time_says_and_too_little_is_said(lab):
    for number in range(3):
        lab.person(f"p{number}").judges()
    # three trials of 200 s, of which 50 s were hidden or idle: 450 s; 1.50 for 450 s is 12.00 an hour
    Judgement.objects.update(submit_ms=200_000, hidden_ms=30_000, idle_ms=20_000)

    rate = ledger.hourly_rate(study=lab.study)

    assert (rate.people, rate.median_minutes, rate.rate) == (3, pytest.approx(7.5), pytest.approx(1200.0))
    assert (rate.minimum, rate.is_low) == (900.0, False)
    Study.objects.filter(pk=lab.study.pk).update(minimum_hourly_rate=13)
    assert ledger.hourly_rate(study=lab.fresh().study).is_low


def test_an_hourly_rate_of_two_people_is_not_shown(lab):
    for number in range(2):
        lab.person(f"p{number}").judges()

    assert ledger.hourly_rate(study=lab.study) is None


# Bonuses, which the platform would pay twice


@pytest.fixture
def paid(lab):
    """Somebody who has the reward."""
    person = lab.person("anna").does_it_all()
    lab.sync()
    lab.sync()
    return person


def order(lab, person, key="k", amount=40):
    return bonuses.order(submission=_fresh(person, lab), key=key, amount=amount, reason="Thank you")


@pytest.mark.parametrize("lost", ["/bonus-payments/", "/pay/"])
def test_a_bonus_whose_answer_got_lost_is_paid_once(lab, paid, prolific, lost):
    order(lab, paid)
    prolific.swallow.append(lost)

    for _ in range(4):
        lab.sync()

    assert paid.session.bonus_payments == [40]
    assert BonusOrder.objects.get().state == BonusState.PAID
    assert lab.ours() == lab.theirs()
    assert ledger.balance(study=lab.study).open == 0


def test_a_worker_killed_after_the_payment_was_sent_does_not_send_it_again(lab, paid, prolific):
    one = order(lab, paid)
    prolific.platform.pay_bonus(paid.session, 40)  # it was heard
    BonusOrder.objects.filter(pk=one.pk).update(state=BonusState.SENDING, sent_at=timezone.now())

    lab.sync()

    assert paid.session.bonus_payments == [40]
    assert BonusOrder.objects.get().state == BonusState.PAID
    assert lab.ours() == lab.theirs()


def test_what_the_platform_never_heard_is_sent_again_when_its_list_shows_nothing_for_a_while(lab, paid):
    one = order(lab, paid)
    BonusOrder.objects.filter(pk=one.pk).update(state=BonusState.SENDING, sent_at=timezone.now())
    lab.sync()
    waits = BonusOrder.objects.get().state
    BonusOrder.objects.filter(pk=one.pk).update(sent_at=timezone.now() - dt.timedelta(minutes=31))

    lab.sync()

    assert waits == BonusState.SENDING
    assert paid.session.bonus_payments == [40]


def test_two_equal_bonuses_are_two_and_not_taken_for_one(lab, paid, prolific):
    order(lab, paid, key="one")
    order(lab, paid, key="two")
    prolific.swallow.append("/pay/")

    for _ in range(4):
        lab.sync()

    assert paid.session.bonus_payments == [40, 40]
    assert lab.ours() == lab.theirs()


def test_a_bonus_is_not_sent_while_the_platform_is_down(lab, paid, prolific):
    order(lab, paid)
    with prolific.outage(), pytest.raises(Exception, match="does not answer"):
        lab.sync()
    assert BonusOrder.objects.get().state == BonusState.PLANNED

    lab.sync()

    assert paid.session.bonus_payments == [40]


# People who could not take part


def screened_out(lab, name="eve"):
    person = lab.person(name)
    came = participation.enter_study(slug=lab.study.slug, identity=person.identity)
    came.state, came.outcome = "screened_out", "screened_out"
    came.save()
    person.submits("screened_out")
    return person


def test_screened_out_people_are_paid_by_code_where_the_platform_can(make_lab):
    lab = make_lab(settings={"screened_out_reward": 20, "screened_out_slots": 50, "screened_out_by_code": True})
    person = screened_out(lab)

    lab.sync()
    lab.sync()

    assert person.session.status == "SCREENED OUT"
    assert person.paid == 20
    assert lab.ours() == lab.theirs()


def test_screened_out_people_are_paid_by_a_bonus_elsewhere(make_lab):
    lab = make_lab(settings={"screened_out_reward": 20})
    person = screened_out(lab)

    for _ in range(3):
        lab.sync()

    assert person.session.return_requested is not None
    assert person.session.bonus_payments == [20]
    assert lab.ours() == lab.theirs()


def test_books_that_differ_name_the_kind_and_the_person(lab, paid, prolific):
    agrees = reconciling.compare(recruitment=lab.recruitment)
    prolific.platform.pay_bonus(paid.session, 30)

    found = reconciling.compare(recruitment=lab.recruitment)

    assert agrees.agrees
    assert not found.agrees
    assert [(gap.rater, gap.kind, gap.ours, gap.theirs) for gap in found.gaps] == [
        (paid.here.rater.pseudonym, "bonus", 0, 30)
    ]
    assert {line.kind: line.difference for line in found.lines} == {"paid": 0, "bonus": 30, "fee": 12}


def test_only_fees_can_be_taken_over(lab, paid, prolific):
    prolific.platform.books.charges[0] = prolific.platform.books.charges[0].__class__(
        "reward", lab.remote.id, paid.session.id, paid.session.participant, 150, 51, 10
    )

    difference = reconciling.adopt_fees(recruitment=lab.recruitment)

    assert difference == 1
    assert reconciling.compare(recruitment=lab.recruitment).agrees
    assert lab.fresh().committed == 211


def test_what_the_platform_approved_by_itself_is_noted_as_approved_too(lab):
    person = lab.person("anna").does_it_all()
    lab.site.platform.approve(person.session)

    lab.sync()

    balance = ledger.balance(study=lab.study)
    assert (balance.earned, balance.approved, balance.paid) == (150, 150, 150)


def test_another_address_gets_no_secret_that_was_typed_for_the_one_before(account):
    address, token = account.base_url, account.secrets["token"]
    more = {"owner": account.owner, "name": "Lab", "platform": "prolific", "account": account}

    same = recruiting.save_account(base_url=address + "/", secrets={"token": ""}, **more).secrets["token"]
    other = recruiting.save_account(base_url="https://elsewhere.example/api", secrets={"token": ""}, **more).secrets

    assert same == token
    assert other == {}


def test_a_closed_study_pauses_there(lab):
    Study.objects.filter(pk=lab.study.pk).update(state=StudyState.PAUSED)

    lab.sync()

    assert lab.remote.status == "PAUSED"
    assert lab.recruitment.pause_reason == recruiting_sync.NOT_OPEN

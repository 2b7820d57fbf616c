"""Recruitment: accounts whose secrets are never shown, what is moved there, what is decided, the money."""

import re

import pytest

from annotations.domain import studies
from annotations.domain.recruiting import connect
from annotations.enums import RemoteState, Role
from annotations.models import BonusOrder, Event, LedgerEntry, RecruiterAccount, Recruitment, StudyMember, Submission
from tests.annotations.factories import StudyFactory
from tests.annotations.recruiting.conftest import Field, recruited
from tests.standins.prolific import StandIn

from .conftest import address, said

TOKEN = "secret-token-of-a-lab"


@pytest.fixture
def prolific():
    with StandIn(token=TOKEN) as site:
        yield site


@pytest.fixture
def study(researcher):
    made = StudyFactory(open=True, design={"raters_per_task": 2, "trials_per_rater": 3}, prompts=4, currency="GBP")
    StudyMember.objects.update_or_create(study=made, user=researcher, defaults={"role": Role.OWNER})
    return made


@pytest.fixture
def account(desk, study, prolific):
    sent = {
        "platform": "prolific",
        "account": "",
        "prolific-new-name": "Lab",
        "prolific-new-base_url": prolific.base_url,
        "prolific-new-secret_token": TOKEN,
    }
    response = desk.post(address(study, "recruitment_account"), sent, follow=True)
    assert said(response) == ["Saved. Research Person, 100,000.00 GBP available."]
    return RecruiterAccount.objects.get()


SETUP = {
    "reward": "1.50",
    "minutes": "10",
    "fee": "1/3",
    "tax": "1/5",
    "budget_cap": "",
    "minimum_hourly_rate": "9",
    "screened_out_reward": "0",
    "screened_out_slots": "0",
    "auto_approve": "on",
    "more": "{}",
}


def set_up(desk, study, account, **more):
    return desk.post(address(study, "recruitment_save"), SETUP | {"account": account.pk} | more, follow=True)


def test_a_secret_is_stored_encrypted_and_never_shown_again(desk, study, account, django_assert_num_queries):
    from django.db import connection

    html = desk.get(address(study, "recruitment")).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets::text FROM annotations_recruiteraccount")
        (stored,) = cursor.fetchone()

    assert account.secrets["token"] == TOKEN
    assert TOKEN not in html
    assert TOKEN not in stored
    assert TOKEN not in str(list(Event.objects.values_list("data", flat=True)))


def test_an_empty_secret_keeps_the_stored_one(desk, study, account, prolific):
    prefix = f"prolific-{account.pk}"
    sent = {"platform": "prolific", "account": account.pk, f"{prefix}-name": "New name"}
    sent[f"{prefix}-base_url"] = prolific.base_url

    desk.post(address(study, "recruitment_account"), sent)

    account.refresh_from_db()
    assert (account.name, account.secrets["token"]) == ("New name", TOKEN)


def test_from_the_form_to_people_coming(desk, study, account, prolific):
    assert said(set_up(desk, study, account)) == ["Saved."]

    created = desk.post(address(study, "recruitment_create"), follow=True)
    published = desk.post(address(study, "recruitment_publish"), follow=True)

    booklets = study.plan.booklets_planned
    assert said(created) == [f"Created there as a draft with {booklets} places. Look at it there, then publish."]
    assert said(published) == ["Published: people can come."]
    remote = next(iter(prolific.platform.studies.values()))
    assert (remote.status, remote.places, remote.reward) == ("ACTIVE", booklets, 150)
    assert remote.fields["external_study_url"] == (
        f"http://testserver/s/{study.slug}/?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}"
        "&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    )
    assert {code["code_type"] for code in remote.fields["completion_codes"]} >= {"COMPLETED", "NO_CONSENT"}
    study.refresh_from_db()
    assert study.recruitment == "prolific"
    assert study.recruitment_settings["codes"] == Recruitment.objects.get().codes


def test_a_setting_that_is_wrong_is_named(desk, study, account):
    assert said(set_up(desk, study, account, fee="a third")) == ["'fee' must be a share such as 0.333, not 'a third'"]
    assert set_up(desk, study, account, more="[1]").status_code == 422


def test_the_cap_limits_the_places(desk, study, account, prolific):
    set_up(desk, study, account, budget_cap="6.40")  # 2.10 each: three of them

    desk.post(address(study, "recruitment_create"))

    assert next(iter(prolific.platform.studies.values())).places == 3


def test_publishing_waits_for_the_study_to_be_open(desk, study, account):
    set_up(desk, study, account)
    desk.post(address(study, "recruitment_create"))
    studies.pause_study(study=study)

    response = desk.post(address(study, "recruitment_publish"), follow=True)

    assert said(response)[-1] == "Open the study first: whoever comes now would find it closed."


@pytest.mark.parametrize("move", [("pause", "PAUSED", "paused"), ("stop", "COMPLETED", "ended")], ids=lambda m: m[0])
def test_pause_and_stop_reach_the_platform(desk, study, account, move):
    name, status, state = move
    set_up(desk, study, account)
    for step in ("create", "publish", name):
        desk.post(address(study, f"recruitment_{step}"))

    remote = connect(Recruitment.objects.select_related("account").get())._api.get(
        f"/studies/{Recruitment.objects.get().remote_id}/"
    )
    assert remote["status"] == status
    assert Recruitment.objects.get().state == RemoteState(state)


@pytest.fixture
def lab(db, prolific, researcher) -> Field:
    made = recruited(prolific)
    StudyMember.objects.update_or_create(study=made.study, user=researcher, defaults={"role": Role.OWNER})
    return made


def decide(desk, person, action, **more):
    submission = person.submission
    where = address(person.field.study, "recruitment_decide", submission.pk, action)
    return said(desk.post(where, more, follow=True))


def unfinished(lab):
    person = lab.person("anna")
    person.judges(1)
    person.submits()
    lab.sync()
    return person


def test_a_session_is_approved_by_hand(desk, lab):
    person = unfinished(lab)

    assert decide(desk, person, "approve") == ["Approved; the platform pays."]

    assert person.session.status == "APPROVED"
    assert lab.ours() == lab.theirs() == {"paid": 150, "bonus": 0, "fee": 60}
    assert decide(desk, person, "approve") == ["This session is approved: there is nothing to decide any more."]


def test_a_return_is_asked_for_with_the_reason(desk, lab):
    person = unfinished(lab)

    assert decide(desk, person, "return", reason="Only one of three pairs was judged.") == [
        "The person is asked to return the session."
    ]

    assert person.session.return_reasons == ["Only one of three pairs was judged."]
    assert person.submission.state == "return_requested"


LONG = "The attention question in the middle asked for the answer B in so many words; A was given, twice in a row."


@pytest.mark.parametrize(
    "refused",
    [
        ("USED_LLM", LONG, "Choose one of the reasons"),
        ("OTHER", LONG, "Choose one of the reasons"),
        ("LOW_EFFORT", LONG + " It looks like ChatGPT.", "language model is no ground"),
        ("LOW_EFFORT", "Too short.", "at least 100 characters"),
    ],
)
def test_a_rejection_that_is_not_allowed_is_refused_here_already(desk, lab, prolific, refused):
    reason, message, word = refused
    person = unfinished(lab)
    asked = prolific.requests["POST", f"/api/v1/submissions/{person.session.id}/transition/"]

    (answer,) = decide(desk, person, "reject", reason=reason, message=message)

    assert word in answer
    assert person.session.status == "AWAITING REVIEW"
    assert prolific.requests["POST", f"/api/v1/submissions/{person.session.id}/transition/"] == asked


def test_an_allowed_rejection_frees_the_place_and_the_booklet(desk, lab):
    person = lab.person("anna")
    person.judges()
    lab.recruitment.auto_approve = False
    lab.recruitment.save()
    person.submits()
    lab.sync()

    assert decide(desk, person, "reject", reason="FAILED_CHECK", message=LONG) == ["Rejected; the place is free again."]

    assert person.session.rejection == ("FAILED_CHECK", LONG)
    assert lab.leases("completed") == 0
    assert sum(LedgerEntry.objects.filter(kind="earned").values_list("amount", flat=True)) == 0


def test_a_bonus_sent_twice_by_the_same_form_is_one(desk, lab):
    person = lab.person("anna").does_it_all()
    lab.sync()
    lab.sync()

    answers = [decide(desk, person, "bonus", amount="0.50", reason="Good comments", nonce="n1") for _ in range(2)]

    assert answers == [["Bonus: paid."], ["Bonus: paid."]]
    assert person.session.bonus_payments == [50]
    assert BonusOrder.objects.count() == 1
    assert lab.ours() == lab.theirs()


def test_the_books_are_compared_and_a_gap_is_shown(desk, lab):
    person = lab.person("anna").does_it_all()
    lab.sync()
    lab.sync()
    agrees = desk.post(address(lab.study, "recruitment_compare")).content.decode()
    lab.site.platform.pay_bonus(person.session, 30)  # by hand, on the platform's own page

    differs = desk.post(address(lab.study, "recruitment_compare")).content.decode()

    assert "The books agree to the penny." in agrees
    assert "The books differ." in differs
    assert re.search(rf"Bonus of <code>{person.here.rater.pseudonym}</code>|bonus of <code>", differs)


def test_the_page_shows_people_by_pseudonym_and_no_id_of_the_platform(desk, lab):
    person = lab.person("0123456789abcdef01234567").does_it_all()
    lab.sync()
    lab.sync()

    html = desk.get(address(lab.study, "recruitment")).content.decode()

    assert person.here.rater.pseudonym in html
    assert person.session.participant not in html
    assert person.session.id not in html
    assert "Approved" in html


def test_an_account_of_somebody_else_can_neither_be_seen_nor_used(desk, study, lab):
    other = RecruiterAccount.objects.get()

    html = desk.get(address(study, "recruitment")).content.decode()
    response = set_up(desk, study, other)

    assert "Add an account first." in html
    assert response.status_code == 422
    assert Recruitment.objects.filter(study=study).count() == 0


@pytest.mark.parametrize("role", [Role.ANALYST, Role.OBSERVER])
def test_money_is_for_owners_and_editors(desk, researcher, lab, role):
    StudyMember.objects.filter(study=lab.study, user=researcher).update(role=role)

    assert desk.get(address(lab.study, "recruitment")).status_code == 403
    assert desk.post(address(lab.study, "recruitment_pause")).status_code == 403
    assert Submission.objects.count() == 0

"""The open link of a study: the welcome, one participation per person, and the way back."""

import pytest
from django.test import Client
from django.urls import reverse

from annotations.domain import studies
from annotations.models import Participation, RecruitmentIdentity
from tests.annotations.factories import ParticipationFactory, StudyFactory, token_of


def address(study, query=""):
    return reverse("study_entrance", args=[study.slug]) + query


def place(participation):
    return reverse("rater_page", args=[token_of(participation)])


def test_entrance_shows_the_welcome_and_stores_nothing(client, study):
    html = client.get(address(study)).content.decode()

    assert "Thank you for coming." in html
    assert 'type="submit">Go on</button>' in html
    assert Participation.objects.count() == 0


@pytest.mark.parametrize(
    ("frozen", "words"),
    [
        ((22, 43.1), "About 22 screens of texts, about 45 minutes."),
        ((22, 10.4), "About 22 screens of texts, about 10 minutes."),
        ((4, 7.4), "About 4 screens of texts, about 7 minutes."),
        ((1, 0.2), "About 1 screen of texts, about 1 minute."),
    ],
)
def test_entrance_says_how_long_it_takes_before_consent(client, study, frozen, words):
    pairs, estimated = frozen
    study.plan.certificate["summary"]["longest_booklet"] = pairs
    study.plan.certificate["estimate"]["median_minutes"] = estimated
    study.plan.save()

    html = client.get(address(study)).content.decode()

    assert words in html


def test_entrance_gives_the_estimate_of_the_frozen_plan(client, study):
    pairs = max(booklet.length for booklet in study.plan.booklets.all())

    html = client.get(address(study)).content.decode()

    assert f"About {pairs} screens of texts, about " in html


def test_entrance_names_no_system_and_no_cost(client, study):
    html = client.get(address(study)).content.decode()

    for secret in (*study.systems.values_list("name", flat=True), "certificate", "cost"):
        assert secret not in html


@pytest.mark.parametrize("lost", ["estimate", "summary"])
def test_entrance_of_an_older_plan_makes_no_promise(client, study, lost):
    del study.plan.certificate[lost]
    study.plan.save()

    html = client.get(address(study)).content.decode()

    assert "minute" not in html.partition("<h1")[2].partition("Nothing is decided")[0]


def test_welcome_sets_no_cookie(client, study):
    response = client.get(address(study))

    assert not response.cookies
    assert response["Cache-Control"] == "no-store"


def test_going_on_leads_to_a_link_of_one_s_own(client, study):
    response = client.post(address(study))

    participation = Participation.objects.get()
    assert (response.status_code, response["Location"]) == (303, place(participation))
    assert (participation.state, participation.consented_at) == ("arrived", None)


def test_same_browser_is_taken_to_its_place(client, study):
    client.post(address(study))

    response = client.get(address(study))

    assert (response.status_code, response["Location"]) == (303, place(Participation.objects.get()))


def test_cookie_of_the_place_goes_nowhere_else(client, study):
    cookie = client.post(address(study)).cookies["place"]

    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (address(study), "Lax", True)


def test_next_person_at_a_shared_computer_may_come_in(client, study):
    client.post(address(study))

    client.post(address(study, "?new"))

    assert client.get(address(study, "?new")).status_code == 200
    assert Participation.objects.count() == 2


@pytest.mark.parametrize("value", ["", "nonsense", "abcdefabcdef.forged"])
def test_forged_cookie_is_ignored(client, study, value):
    client.cookies["place"] = value

    assert client.get(address(study)).status_code == 200


def test_cookie_of_a_deleted_participation_is_ignored(client, study):
    client.post(address(study))
    RecruitmentIdentity.objects.all().delete()
    Participation.objects.all().delete()

    assert client.get(address(study)).status_code == 200


@pytest.mark.parametrize("query", ["?pid=anna", "?PROLIFIC_PID=anna&STUDY_ID=s&SESSION_ID=t"])
def test_identity_is_carried_through_the_form(client, study, query):
    html = client.get(address(study, query)).content.decode()
    escaped = query.replace("&", "&amp;")

    client.post(address(study, query))

    assert f'action="{address(study)}{escaped}"' in html
    assert RecruitmentIdentity.objects.get().person == "anna"


def test_nasty_query_is_escaped(client, study):
    html = client.get(address(study) + '?pid=x"><script>alert(1)</script>').content.decode()

    assert "<script" not in html


def test_known_person_is_taken_to_the_place_on_any_device(study):
    first, second = Client(), Client()
    first.post(address(study, "?pid=anna"))

    response = second.get(address(study, "?pid=anna"))

    assert (response.status_code, response["Location"]) == (303, place(Participation.objects.get()))


def test_known_person_coming_again_is_one_participation(client, study):
    for _ in range(3):
        client.post(address(study, "?pid=anna"))

    assert Participation.objects.count() == 1


def test_link_that_names_a_person_never_opens_the_place_of_another(client, study):
    client.post(address(study, "?pid=anna"))

    assert client.get(address(study, "?pid=bert")).status_code == 200


@pytest.mark.parametrize("state", ["draft", "frozen"])
def test_study_that_was_never_opened_is_not_there(client, db, state):
    study = StudyFactory(frozen=state == "frozen")

    response = client.get(address(study))

    assert response.status_code == 404
    assert "There is no study at this address." in response.content.decode()
    assert study.title not in response.content.decode()


@pytest.mark.parametrize(
    ("verb", "words"),
    [(studies.pause_study, "The study is taking a break"), (studies.close_study, "The study has ended")],
)
def test_study_that_is_not_open_says_so(client, study, verb, words):
    verb(study=study)

    shown, posted = client.get(address(study)), client.post(address(study))

    assert words in shown.content.decode()
    assert posted.status_code == 409
    assert "not open for answers" in posted.content.decode()
    assert Participation.objects.count() == 0


def test_known_person_finds_his_place_in_a_closed_study(client, study):
    participation = ParticipationFactory(study=study, person="anna")
    studies.close_study(study=study)

    response = client.get(address(study, "?pid=anna"))

    assert response["Location"] == place(participation)


def test_unknown_study_is_a_friendly_404(client, db):
    response = client.get("/s/nothing2/")

    assert response.status_code == 404
    assert "Please check the link" in response.content.decode()

"""A rater's own link over HTTP: every step has its page, and every accident has one judgement."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from annotations.access import rater_token
from annotations.domain import assignment, studies
from annotations.models import Judgement, Lease
from tests.annotations.factories import ParticipationFactory, StudyFactory, token_of

from .conftest import ANSWERS, Person, trial_on


def test_own_link_shows_instructions_before_the_first_trial(client, newcomer):
    rater = newcomer()

    response = rater.look()

    assert response.status_code == 200
    assert response.templates[0].name == "annotations/instructions.html"
    assert "An example." in response.content.decode()


def test_begin_leads_to_the_first_trial(newcomer):
    rater = newcomer()

    response = rater.client.post(rater.url("rater_begin"), follow=True)

    assert response.redirect_chain == [(rater.url(), 303)]
    assert "1 of 3" in response.content.decode()


def test_plain_form_is_answered_by_a_redirect(person):
    response = person.send(person.trial())

    assert (response.status_code, response["Location"]) == (303, person.url())
    assert "2 of 3" in person.look().content.decode()


def test_script_gets_only_the_trials_that_it_does_not_hold(person):
    page = person.look().content.decode()
    now = trial_on(page)
    held = trial_on(page.split("<template", 1)[1])

    response = person.send(now, fetch=True, **ANSWERS, held=held)

    fragment = response.content.decode()
    assert (response.status_code, response["X-Step"], response["X-Trial"]) == (200, "trial", held)
    assert fragment.count("<article") == 1
    assert held not in fragment
    assert 'data-number="3"' in fragment


def test_script_that_holds_nothing_gets_both_trials(person):
    response = person.send(person.trial(), fetch=True)

    assert response.content.decode().count("<article") == 2


def test_last_answer_tells_the_script_to_go_on(person):
    for _ in range(3):
        response = person.send(person.trial(), fetch=True)

    assert (response["X-Step"], response["X-Trial"], response.content) == ("finished", "", b"")


def test_end_shows_the_completion_code(person):
    for _ in range(3):
        person.send(person.trial())

    html = person.look().content.decode()

    person.participation.refresh_from_db()
    assert 'id="code" tabindex="0"' in html
    assert person.participation.completion_code in html


def test_end_links_back_to_the_recruiter_with_the_code(db):
    study = StudyFactory(open=True, return_address="https://recruiter.example/done?cc={code}", completion_code="C0DE")
    person = Person(ParticipationFactory(study=study, begun=True))
    for _ in range(3):
        person.send(person.trial())

    html = person.look().content.decode()

    assert 'href="https://recruiter.example/done?cc=C0DE" rel="noreferrer"' in html


def test_incomplete_form_comes_back_with_its_answers(person):
    trial = person.trial()

    response = person.send(trial, **{"answer-originality": "2"})

    html = response.content.decode()
    assert response.status_code == 422
    assert trial_on(html) == trial
    assert 'id="originality-2" value="2" data-key="2" checked' in html
    assert '<a href="#surprise-1">surprising</a>, <a href="#creativity-1">creative</a>.' in html
    assert "#originality-1" not in html
    assert person.judgements() == 0


def test_incomplete_form_of_another_trial_leads_to_the_rater_s_place(person):
    first = person.trial()
    person.send(first)

    response = person.send(first, **{"answer-originality": "2"})

    assert (response.status_code, response["Location"]) == (303, person.url())
    assert person.judgements() == 1


def test_incomplete_answer_of_the_script_is_refused_without_a_page(person):
    response = person.send(person.trial(), fetch=True, **{"answer-originality": "9"})

    assert (response.status_code, response.content) == (422, b"")


def test_trial_without_answers_selects_nothing(person):
    html = person.look().content.decode()

    assert html.count('type="radio"') == 15
    assert " checked>" not in html.split('class="rows"')[1]


@pytest.mark.parametrize("times", [2, 5])
def test_same_post_again_is_one_judgement(person, times):
    trial = person.trial()

    responses = [person.send(trial) for _ in range(times)]

    assert [response.status_code for response in responses] == [303] * times
    assert person.judgements() == 1
    assert "2 of 3" in person.look().content.decode()


def test_same_post_again_keeps_the_first_answers(person):
    trial = person.trial()

    person.send(trial, **(ANSWERS | {"answer-originality": "1"}))
    person.send(trial, **(ANSWERS | {"answer-originality": "5"}))

    assert Judgement.objects.get().answers["originality"] == 2


def test_reload_shows_the_same_trial_with_the_same_sides(person):
    first = person.look().content

    assert person.look().content == first


def test_two_tabs_answer_the_same_trial_once(person):
    tab = person.trial()
    person.send(tab)

    response = person.send(tab, fetch=True)

    assert response["X-Trial"] == person.trial()
    assert person.judgements() == 1


def test_second_device_goes_on_at_the_same_trial(person):
    person.send(person.trial())
    elsewhere = Person(person.participation)

    assert elsewhere.look().content == person.look().content


def test_first_device_is_shown_where_the_second_went_on(person):
    first = person.trial()
    elsewhere = Person(person.participation)
    elsewhere.send(first)
    elsewhere.send(elsewhere.trial())

    response = person.send(first, fetch=True)

    assert response["X-Trial"] == elsewhere.trial()
    assert person.judgements() == 2


@pytest.mark.parametrize("name", ["rater_begin", "rater_answer"])
def test_opening_a_form_s_address_leads_to_the_rater_s_place(person, name):
    response = person.client.get(person.url(name))

    assert (response.status_code, response["Location"]) == (303, person.url())


@pytest.mark.parametrize("name", ["rater_page", "rater_begin", "rater_answer", "rater_pause", "rater_help"])
@pytest.mark.parametrize("change", [lambda t: t[:-3], lambda t: "x" + t, lambda t: t.split(".")[0], lambda t: "a.b"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_forged_or_truncated_link_is_a_friendly_404(person, name, change, method):
    response = getattr(person.client, method)(reverse(name, args=[change(person.token)]))

    html = response.content.decode()
    assert response.status_code == 404
    assert "Please copy the whole link again" in html
    assert "is saved" in html
    assert person.judgements() == 0


def test_signed_link_of_nobody_is_a_friendly_404(client, db):
    response = client.get(reverse("rater_page", args=[rater_token("nobodyatall1")]))

    assert response.status_code == 404
    assert "Please copy the whole link again" in response.content.decode()


@pytest.mark.parametrize("trial", ["", "1", "1.2", "x.y.z", "1.2.3.4", "-1.2.3", "ffffffffffffffffff.1.1", "9" * 300])
def test_forged_trial_is_a_friendly_404(person, trial):
    response = person.send(trial)

    assert response.status_code == 404
    assert person.judgements() == 0


def test_trial_of_somebody_else_changes_nothing(person, newcomer):
    other = newcomer(begun=True)

    response = person.send(other.trial())

    assert response.status_code == 303
    assert Judgement.objects.count() == 0


def test_paused_study_says_so_and_keeps_the_answer_on_its_way(study, person):
    trial = person.trial()
    studies.pause_study(study=study)

    response = person.send(trial, fetch=True)

    assert response["X-Step"] == "paused"
    assert person.judgements() == 1
    assert "taking a break" in person.look().content.decode()


def test_closed_study_says_so_and_keeps_a_late_answer(study, person):
    trial = person.trial()
    studies.close_study(study=study)

    response = person.send(trial, fetch=True)

    assert response["X-Step"] == "closed"
    assert Judgement.objects.get().late
    assert "The study has ended" in person.look().content.decode()


def test_full_study_turns_away_politely(db):
    study = StudyFactory(open=True)
    for _ in range(study.plan.booklets_planned):
        ParticipationFactory(study=study, begun=True)
    person = Person(ParticipationFactory(study=study))

    person.client.post(person.url("rater_begin"))

    assert "All places are taken" in person.look().content.decode()


def test_lapsed_place_is_taken_up_again(study, person):
    person.send(person.trial())
    trial = person.trial()
    assignment.expire_leases(now=timezone.now() + dt.timedelta(days=1))

    response = person.send(trial)

    assert response.status_code == 303
    assert person.judgements() == 2
    assert "3 of 3" in person.look().content.decode()


def test_lapsed_place_that_was_passed_on_says_so(db):
    study = StudyFactory(open=True)
    people = [Person(ParticipationFactory(study=study, begun=True)) for _ in range(study.plan.booklets_planned)]
    person = people[0]
    person.send(person.trial())
    Lease.objects.filter(participation=person.participation).update(expires_at=timezone.now())
    assignment.expire_leases()
    Person(ParticipationFactory(study=study, begun=True))

    html = person.look().content.decode()

    assert "Your place was passed on" in html
    assert person.judgements() == 1


def test_pause_page_shows_the_own_link(person):
    person.send(person.trial())

    html = person.client.get(person.url("rater_pause")).content.decode()

    assert f"http://testserver{person.url()}</code>" in html
    assert "2 of 3 comes next" in html


def test_help_page_explains_the_words(person):
    html = person.client.get(person.url("rater_help")).content.decode()

    assert "Few people would come up with it." in html


def test_times_of_the_page_are_stored(person):
    timing = {"t_first": "1200", "t_submit": "9000", "t_hidden": "500", "t_idle": "0"}

    person.send(person.trial(), **ANSWERS, **timing)

    judgement = Judgement.objects.get()
    assert (judgement.first_answer_ms, judgement.submit_ms, judgement.hidden_ms, judgement.idle_ms) == (
        1200,
        9000,
        500,
        0,
    )


def test_pages_are_never_cached_and_keep_to_themselves(person):
    response = person.look()

    assert response["Cache-Control"] == "no-store"
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Referrer-Policy"] == "same-origin"
    assert "'unsafe" not in response["Content-Security-Policy"]
    assert "Set-Cookie" not in response


def test_post_needs_no_cookie(person):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)

    response = strict.post(person.url("rater_answer"), {"trial": person.trial(), **ANSWERS})

    assert response.status_code == 303


def test_token_of_is_what_the_page_takes(person):
    assert token_of(person.participation) == person.token

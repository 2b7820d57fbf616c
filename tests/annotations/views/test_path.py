"""The whole path over HTTP: every step once, twice, in two tabs; every ending with its page, outcome and code."""

from __future__ import annotations

import pytest
from django.urls import reverse

from annotations.domain import studies
from annotations.models import ConsentVersion, Event, Judgement, Lease, Participation, PathAnswer
from tests.annotations.factories import StudyFactory
from tests.annotations.paths import FULL, GIVEN

from .conftest import ANSWERS, Person, trial_on


@pytest.fixture
def full_study(db):
    return StudyFactory(open=True, path=FULL)


def arrive(client, study, query=""):
    client.post(reverse("study_entrance", args=[study.slug]) + query)
    return Person(Participation.objects.latest("pk"), client)


def step(person, name, **changed):
    return person.client.post(reverse("rater_step", args=[person.token, name]), GIVEN[name] | changed)


def page_of(person):
    names = [template.name.removeprefix("annotations/").removesuffix(".html") for template in person.look().templates]
    return next(name for name in names if "/" not in name)


def one_page(person, page):
    if page in ("trial", "practice"):
        person.send(person.trial())
    elif page == "instructions":
        person.client.post(person.url("rater_begin"))
    elif page == "break":
        at = person.judgements()
        person.client.post(reverse("rater_step", args=[person.token, "break"]), {"field-at": str(at)})
    else:
        assert step(person, "practice" if page == "practice_feedback" else page).status_code == 303, page


def go_to(person, name):
    """Walk until a page."""
    for _ in range(30):
        page = page_of(person)
        if page == name:
            return person
        one_page(person, page)
    raise AssertionError(page)


def test_whole_path_is_walked_in_order(client, full_study):
    person, seen = arrive(client, full_study), []

    while page_of(person) != "finished" and len(seen) < 30:
        seen.append(page_of(person))
        one_page(person, seen[-1])

    assert seen == [
        "eligibility",
        "consent",
        "questionnaire",
        "instructions",
        "quiz",
        "practice",
        "practice_feedback",
        "trial",
        "trial",
        "break",
        "trial",
        "comments",
        "debriefing",
    ]
    person.participation.refresh_from_db()
    assert (person.participation.state, person.participation.outcome) == ("finished", "completed")
    assert person.participation.completion_code in person.look().content.decode()


def test_answers_are_kept_once_per_step(client, full_study):
    person = go_to(arrive(client, full_study), "finished")

    kept = {(row.step, row.attempt): (row.answers, row.passed) for row in PathAnswer.objects.all()}

    assert kept == {
        ("questionnaire", 1): (
            {"gender": None, "tongues": ["en", "de"], "years": 12, "job": "lighthouse keeper", "creative": 6},
            None,
        ),
        ("quiz", 1): ({"what": ["ideas"]}, True),
        ("practice", 1): ({"originality": 2, "surprise": 0, "creativity": -2}, False),
        ("comments", 1): ({"comments": "The mast was lovely."}, None),
    }
    assert person.judgements() == 3


@pytest.mark.parametrize("name", ["eligibility", "consent", "questionnaire", "quiz", "comments", "debriefing"])
def test_step_sent_twice_is_one(client, full_study, name):
    person = go_to(arrive(client, full_study), name)

    first, second = step(person, name), step(person, name)

    assert (first.status_code, second.status_code) == (303, 303)
    person.participation.refresh_from_db()
    assert person.participation.steps_done.count(name) == 1
    assert PathAnswer.objects.filter(step=name).count() <= 1


@pytest.mark.parametrize(
    "name", ["questionnaire", "quiz", "practice", "break", "comments", "debriefing", "trial", "no"]
)
def test_step_that_is_not_the_own_one_changes_nothing(client, full_study, name):
    person = arrive(client, full_study)

    response = person.client.post(reverse("rater_step", args=[person.token, name]), {"field-comments": "too early"})

    person.participation.refresh_from_db()
    assert (response.status_code, response["Location"]) == (303, person.url())
    assert (person.participation.steps_done, PathAnswer.objects.count()) == ([], 0)


def test_nobody_has_a_booklet_before_the_way_to_the_trials_is_behind(client, full_study):
    person = go_to(arrive(client, full_study), "practice_feedback")

    assert Lease.objects.filter(state="leased").count() == 0
    person.client.post(person.url("rater_begin"))
    assert Lease.objects.filter(state="leased").count() == 0
    step(person, "practice")

    assert Lease.objects.filter(state="leased").count() == 1


def test_not_eligible_ends_kindly_and_nothing_that_was_said_is_kept(client, full_study):
    person = arrive(client, full_study)

    step(person, "eligibility", **{"field-age": "17"})

    html = person.look().content.decode()
    assert page_of(person) == "screened_out"
    assert ">OUT</code>" in html
    person.participation.refresh_from_db()
    assert (person.participation.state, person.participation.outcome) == ("screened_out", "screened_out")
    assert PathAnswer.objects.count() == 0
    assert not Event.objects.filter(data__icontains="17").exclude(name="frozen").exists()  # its hash may hold a 17


def test_eligible_answers_are_not_kept_either(client, full_study):
    step(arrive(client, full_study), "eligibility")

    assert PathAnswer.objects.count() == 0


def test_somebody_who_was_screened_out_cannot_try_again(client, full_study):
    person = arrive(client, full_study, "?pid=anna")
    step(person, "eligibility", **{"field-age": "17"})

    step(person, "eligibility")
    client.post(reverse("study_entrance", args=[full_study.slug]) + "?pid=anna")

    assert page_of(person) == "screened_out"
    assert Participation.objects.count() == 1


def test_incomplete_step_comes_back_as_it_was_filled_in(client, full_study):
    person = go_to(arrive(client, full_study), "questionnaire")

    response = step(person, "questionnaire", **{"field-creative": "", "field-years": "many"})

    html = response.content.decode()
    assert response.status_code == 422
    assert "Please write a number." in html
    assert '<a href="#f-creative-1">How creative are you?</a>' in html
    assert 'value="lighthouse keeper"' in html
    assert 'id="f-tongues-2" value="de" checked' in html
    assert PathAnswer.objects.count() == 0


def test_consent_keeps_version_wording_and_time(client, full_study):
    person = go_to(arrive(client, full_study), "consent")

    assert step(person, "consent", **{"field-box-2": ""}).status_code == 422
    step(person, "consent")

    version = ConsentVersion.objects.get()
    person.participation.refresh_from_db()
    assert (version.number, version.language, version.text) == (
        1,
        "en",
        f"{full_study.consent}\n\n- I am 18 or older.\n- I have read the text above.",
    )
    assert person.participation.consent_sha256 == version.sha256
    assert person.participation.consented_at is not None


def test_consent_can_be_printed_before_and_after(client, full_study):
    person = go_to(arrive(client, full_study), "consent")
    before = person.client.get(person.url("rater_consent")).content.decode()
    step(person, "consent")

    after = person.client.get(person.url("rater_consent")).content.decode()

    assert "You have not agreed to anything yet." in before
    assert "You agreed to version 1 of this text on " in after
    assert "I am 18 or older." in after
    assert "Taking part is voluntary." in after


def test_declining_has_a_kind_page_and_a_code_of_its_own(client, full_study):
    person = go_to(arrive(client, full_study), "consent")

    person.client.post(person.url("rater_decline"))

    html = person.look().content.decode()
    person.participation.refresh_from_db()
    assert "That is fine" in html
    assert ">NOTHANKS</code>" in html
    assert (person.participation.state, person.participation.outcome) == ("declined", "declined")
    assert person.participation.consented_at is None


def test_declining_can_be_taken_back(client, full_study):
    person = go_to(arrive(client, full_study), "consent")
    person.client.post(person.url("rater_decline"))

    person.client.post(person.url("rater_reconsider"))

    assert page_of(person) == "consent"


def test_declining_after_consent_changes_nothing(client, full_study):
    person = go_to(arrive(client, full_study), "questionnaire")

    person.client.post(person.url("rater_decline"))

    assert page_of(person) == "questionnaire"


def test_wrong_quiz_explains_and_the_last_attempt_ends_it(client, full_study):
    person = go_to(arrive(client, full_study), "quiz")

    step(person, "quiz", **{"field-what": "spelling"})
    again = person.look().content.decode()
    step(person, "quiz", **{"field-what": "spelling"})  # the same form once more is the same attempt
    still = page_of(person)
    step(person, "quiz", **{"field-what": "spelling", "field-attempt": "2"})

    assert "Only the ideas count." in again
    assert "You have one more try." in again
    assert still == "quiz"
    assert page_of(person) == "failed_quiz"
    assert ">QUIZ</code>" in person.look().content.decode()
    person.participation.refresh_from_db()
    assert person.participation.outcome == "failed_quiz"
    assert list(PathAnswer.objects.filter(step="quiz").values_list("attempt", "passed")) == [(1, False), (2, False)]


def test_explanation_is_not_shown_before_a_wrong_answer(client, full_study):
    person = go_to(arrive(client, full_study), "quiz")

    assert "Only the ideas count." not in person.look().content.decode()


def test_practice_says_what_fits(client, full_study):
    person = go_to(arrive(client, full_study), "practice")
    html = person.look().content.decode()

    response = person.send(trial_on(html), fetch=True, **ANSWERS)

    feedback = person.look().content.decode()
    assert "This one does not count" in html
    assert (response["X-Step"], response.content) == ("practice", b"")
    assert "You said: A much more." in feedback
    assert "What fits better: B slightly more / B much more." in feedback
    assert "<em>mast</em>" in feedback
    assert Judgement.objects.count() == 0


def test_incomplete_practice_comes_back(client, full_study):
    person = go_to(arrive(client, full_study), "practice")

    response = person.send(person.trial(), **{"answer-originality": "2"})

    assert response.status_code == 422
    assert 'id="originality-2" value="2"' in response.content.decode()
    assert PathAnswer.objects.filter(step="practice").count() == 0


def test_break_keeps_the_next_trial_back(client, full_study):
    person = go_to(arrive(client, full_study), "trial")
    first = person.look().content.decode()
    second = person.send(trial_on(first), fetch=True)
    at_break = person.send(second["X-Trial"], fetch=True)

    assert first.count("<article") == 2
    assert second.content.decode().count("<article") == 1  # the second trial; the third comes after the break
    assert (at_break["X-Step"], at_break.content) == ("break", b"")
    assert "2 of 3 are done, and saved." in person.look().content.decode()


def test_break_of_another_tab_is_left_once(client, full_study):
    person = go_to(arrive(client, full_study), "break")
    address = reverse("rater_step", args=[person.token, "break"])

    person.client.post(address, {"field-at": "1"})
    assert page_of(person) == "break"
    for _ in range(2):
        person.client.post(address, {"field-at": "2"})

    person.participation.refresh_from_db()
    assert person.participation.steps_done.count("break-2") == 1
    assert page_of(person) == "trial"


def test_systems_are_named_in_the_debriefing_and_nowhere_else(client, db):
    study = StudyFactory(open=True, path=FULL, systems=("quokka-steered", "okapi-baseline"))
    person = arrive(client, study)
    before = []
    while page_of(person) != "debriefing":
        before.append(person.look().content.decode())
        one_page(person, page_of(person))

    assert "quokka-steered" in person.look().content.decode()
    assert len(before) >= 10
    assert not [html for html in before if "quokka" in html or "okapi" in html]
    step(person, "debriefing")
    assert "quokka" not in person.look().content.decode()


def test_own_agreement_is_shown_when_others_have_answered(client, db):
    path = {"debriefing": {"agreement": True}}
    study = StudyFactory(open=True, path=path, systems=("a", "b"), design={"raters_per_task": 4, "trials_per_rater": 6})
    for _ in range(3):
        go_to(arrive(type(client)(), study), "finished")
    person = go_to(arrive(client, study), "debriefing")
    for judgement in Judgement.objects.select_related("trial"):
        left, right = judgement.trial.output_ids
        value = 2 if left < right else -2  # all put the same output first
        judgement.answers = {"originality": value, "surprise": 0, "creativity": value}
        judgement.save()

    html = person.look().content.decode()

    assert "In 12 of 12 comparisons you put first what most others put first." in html


@pytest.mark.parametrize(("show", "code"), [("code", True), ("redirect", False), ("thanks", False)])
def test_end_shows_code_or_button_or_thanks(client, db, show, code):
    path = {"ending": {"show": show, "texts": {"completed": "Come *again*."}}}
    study = StudyFactory(open=True, path=path, return_address="https://r.example/?cc={code}", completion_code="C0DE")
    person = go_to(arrive(client, study), "finished")

    html = person.look().content.decode()

    assert ('id="code"' in html) is code
    assert 'href="https://r.example/?cc=C0DE"' in html
    assert "<em>again</em>" in html


def test_path_without_instructions_begins_with_a_click(client, db):
    study = StudyFactory(open=True, path={"instructions": {"on": False}, "consent": {"on": False}})
    person = arrive(client, study)

    html = person.look().content.decode()
    person.client.post(person.url("rater_begin"))

    assert "Ready to begin" in html
    assert page_of(person) == "trial"


def test_paused_study_keeps_the_step_and_lets_begin_afterwards(client, full_study):
    person = go_to(arrive(client, full_study), "practice_feedback")
    studies.pause_study(study=full_study)
    step(person, "practice")
    paused = page_of(person)
    studies.resume_study(study=full_study)

    assert paused == "paused"
    go_to(person, "trial")
    assert Lease.objects.filter(state="leased").count() == 1


GERMAN = {
    "title": "Ungewöhnliche Ideen",
    "welcome": "Willkommen.",
    "consent": "Ich bin *einverstanden*.",
    "dimensions.originality.label": "originell",
    "path.questionnaire.gender.options.f": "Frau",
}


def test_study_speaks_the_language_that_was_chosen(client, db):
    study = StudyFactory(open=True, path=FULL, translations={"de": GERMAN, "ar": {"title": "أفكار"}})
    welcome = client.get(reverse("study_entrance", args=[study.slug]) + "?pid=x&lang=de").content.decode()
    client.post(reverse("study_entrance", args=[study.slug]) + "?pid=x&lang=de", {"language": "de"})
    person = Person(Participation.objects.get(), client)

    go_to(person, "consent")
    consent = person.look().content.decode()
    go_to(person, "questionnaire")
    questions = person.look().content.decode()
    go_to(person, "trial")

    assert '<html lang="de" dir="ltr">' in welcome
    assert 'href="?pid=x&amp;lang=ar" lang="ar"' in welcome
    assert "Willkommen." in welcome
    assert "<em>einverstanden</em>" in consent
    assert ("Frau" in questions, "Man" in questions) == (True, True)  # what is not translated stays as it is
    assert "originell" in person.look().content.decode()
    assert ConsentVersion.objects.get().language == "de"


def test_browser_s_language_is_offered_first(client, db):
    study = StudyFactory(open=True, translations={"ar": {"title": "أفكار غير مألوفة"}})

    html = client.get(reverse("study_entrance", args=[study.slug]), headers={"Accept-Language": "ar-EG,en;q=0.5"})

    assert '<html lang="ar" dir="rtl">' in html.content.decode()


def test_language_that_is_not_offered_is_the_study_s_own(client, study):
    html = client.get(reverse("study_entrance", args=[study.slug]) + "?lang=de").content.decode()

    assert '<html lang="en" dir="ltr">' in html


def test_answer_and_next_trial_are_one_query_with_breaks_and_languages(client, db, django_assert_num_queries):
    study = StudyFactory(open=True, path=FULL, translations={"de": GERMAN})
    client.post(reverse("study_entrance", args=[study.slug]), {"language": "de"})
    person = go_to(Person(Participation.objects.get(), client), "trial")
    trial = person.trial()

    with django_assert_num_queries(1):
        response = person.send(trial, fetch=True)

    assert response["X-Step"] == "trial"

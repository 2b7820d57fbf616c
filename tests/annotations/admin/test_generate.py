"""The page "generate": systems, keys that are never shown again, what it costs before it starts, how far it is."""

import datetime as dt
import json
import re
from html import unescape

import pytest
from django.utils import timezone

from annotations import pace
from annotations.domain import generating, generating_systems
from annotations.models import Generation, Output, Prompt, Sample, System, Writer
from annotations.registry import generators
from tests.annotations.factories import StudyFactory
from tests.standins.chat import chat_server

from .conftest import address, said

KEY = "sk-Numbat-0123456789abcdef"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(pace.Pace, "sleep", lambda self, seconds: None)
    with chat_server() as running:
        yield running


@pytest.fixture
def sent(monkeypatch):
    """What is handed to the background worker; the worker itself is tested with the real one."""
    from celery import current_app

    found = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **more: found.append((name, args)))
    return found


@pytest.fixture
def study(researcher):
    made = StudyFactory(prompts=0, systems=())
    for number in range(4):
        Prompt.objects.create(study=made, key=f"p{number}", text=f"Thing {number}", task_family="ab"[number % 2])
    return made


def filled(server, name="steered", *, kind="openai_compatible", **more):
    """Return the form of a system as a browser sends it: every field with its default."""
    plugin = generators.get(kind)
    data = {}
    for option in plugin.takes:
        value = option.default
        if option.kind == "yes_no":
            data |= {option.name: "on"} if value else {}
        elif option.kind == "lines":
            data[option.name] = "\n".join(value)
        elif option.kind == "json":
            data[option.name] = json.dumps(value) if value else ""
        else:
            data[option.name] = "" if value is None else value
    return {**data, "name": name, "role": "treatment", "base_url": server.base_url, "model": "m", **more}


def start_form(**more):
    systems = [str(pk) for pk in System.objects.values_list("pk", flat=True)]
    rules = {"refusal": "keep", "truncated": "keep", "empty": "resample", "most_resamples": 3, "then": "keep"}
    return {"systems": systems, "samples": 2, "keys": "", "budget": "", **rules, **more}


def add(study, server, name="steered", **settings):
    return generating_systems.save_system(
        study=study,
        name=name,
        role="treatment",
        generator="openai_compatible",
        settings={"base_url": server.base_url, "model": "m", **settings},
        secrets={"api_key": KEY},
    ).writer


def test_system_is_added_tried_and_copied_and_its_key_is_never_shown_again(desk, study, server):
    at = address(study, "generate_system")
    saved = desk.post(f"{at}?new=openai_compatible", filled(server, secret_api_key=KEY), follow=True)
    system = System.objects.get(name="steered")
    tried = desk.post(address(study, "generate_try", system.pk), {"prompt": "A bridge?"})
    copied = desk.post(f"{at}?copy={system.pk}", filled(server, "hotter", temperature=1.7), follow=True)

    assert said(saved) == ["steered is saved. Try it before you start."]
    assert "A leap no. 0 on a bridge." in tried.content.decode()
    assert said(copied) == ["hotter is saved. Try it before you start."]
    twin = Writer.objects.get(system__name="hotter")
    assert (twin.secrets, twin.settings["temperature"]) == ({"api_key": KEY}, 1.7)
    pages = [saved, tried, copied, desk.get(address(study, "generate"))]
    pages += [desk.get(address(study, "generate"), {verb: system.pk}) for verb in ("edit", "copy")]
    assert not any(KEY in page.content.decode() for page in pages)
    assert not Output.objects.exists()


def test_key_is_forgotten_when_the_address_changes_so_that_it_goes_to_nobody_else(desk, study, server):
    writer = add(study, server)
    at = f"{address(study, 'generate_system')}?edit={writer.system_id}"

    warmer = desk.post(at, filled(server, temperature=1.4), follow=True)
    kept = Writer.objects.get().secrets
    moved = desk.post(at, filled(server, base_url="http://somewhere.example/v1"), follow=True)

    assert (said(warmer), kept) == (["steered is saved. Try it before you start."], {"api_key": KEY})
    assert "type it again" in said(moved)[0]
    assert Writer.objects.get().secrets == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "nowhere"}, "Base_url must be an address"),
        ({"base_url": "http://me:pass@x.example/v1"}, "the key has a field of its own"),
        ({"model": ""}, "Model must be named"),
        ({"template": "Hello"}, "Template must hold {prompt}"),
        ({"temperature": "9"}, "less than or equal to 5"),
        ({"extra_body": "{"}, "This is no JSON"),
    ],
)
def test_wrong_setting_is_said_at_its_field(desk, study, server, *, change, words):
    answer = desk.post(f"{address(study, 'generate_system')}?new=openai_compatible", filled(server, **change))

    assert answer.status_code == 422
    assert words in unescape(answer.content.decode())
    assert not System.objects.exists()


def test_before_it_starts_it_says_how_many_requests_that_is_and_what_it_costs(desk, study, server, sent):
    add(study, server, price_input=1, price_output=10, max_tokens=100, per_call=2)

    page = desk.post(address(study, "generate_plan"), start_form(samples=5)).content.decode()

    # 4 prompts, 5 samples, in calls of 2; at most (7 + 8 bytes + 32) tokens at 1 and 100 at 10 for a million each
    assert "20 samples in 12 requests" in page
    assert "at most 0.0208 " in page
    assert "Ask for 20 samples" in page
    assert (Generation.objects.count(), sent) == (0, [])


def test_start_hands_the_generation_to_the_worker_and_the_page_shows_how_far_it_is(desk, study, server, sent):
    add(study, server)

    begun = desk.post(address(study, "generate_start"), start_form(families=["a"], budget="5"), follow=True)
    made = Generation.objects.get()
    waiting = desk.get(address(study, "generate_live")).json()
    generating.run_generation(generation_id=made.pk)
    over = desk.get(address(study, "generate_live")).json()
    page = desk.get(address(study, "generate")).content.decode()

    assert said(begun) == ["4 samples are asked for. This page shows how far it is."]
    assert sent == [("annotations.tasks.run_generation", [made.pk])]
    assert made.limits == {"budget": "5"}
    assert "0 of 4" in waiting["panels"]["generation"]
    assert (waiting["reload"], over["reload"]) == (False, True)
    assert "4 of 4 arrived" in page


def test_start_says_what_is_wrong_and_starts_nothing(desk, study, server, sent):
    add(study, server)

    answer = desk.post(address(study, "generate_plan"), start_form(keys="p1\nnothing", samples=0))

    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "There is no prompt with the key 'nothing'." in page
    assert sent == []


def test_stop_resume_retry_and_cancel_are_there_when_they_make_sense(desk, study, server, sent):
    writer = add(study, server)
    made = generating.request_generation(study=study, samples=1)

    stopped = desk.post(address(study, "generate_stop", made.pk), follow=True).content.decode()
    Sample.objects.filter(pk=made.samples.first().pk).update(state="failed", error="The server refused the request.")
    page = desk.get(address(study, "generate")).content.decode()
    resumed = desk.post(address(study, "generate_resume", made.pk), {"budget": "2"}, follow=True)
    desk.post(address(study, "generate_stop", made.pk), follow=True)
    retried = desk.post(address(study, "generate_retry", made.pk), follow=True)
    cancelled = desk.post(address(study, "generate_cancel", made.pk), follow=True)

    assert "Resume" in stopped
    assert "ask again for what failed" in page
    assert "The server refused the request." in page
    assert f"for example {writer.system.name} / p0 / 0" in page
    assert said(resumed) == ["It goes on."]
    assert said(retried) == ["1 sample is asked for again."]
    assert said(cancelled) == ["Cancelled. What has come stays; 4 samples had not come."]
    assert len(sent) == 2


def test_dead_worker_is_told(desk, study, server):
    add(study, server)
    made = generating.request_generation(study=study, samples=1)
    Generation.objects.update(state="running", beat_at=timezone.now() - dt.timedelta(seconds=95))

    page = desk.get(address(study, "generate")).content.decode()

    assert re.search(r"No sign of life for \d{2,3} s\.", page)
    desk.post(address(study, "generate_stop", made.pk))
    assert Generation.objects.get().state == "stopped"


def test_broker_that_is_away_loses_nothing(desk, study, server, monkeypatch):
    from celery import current_app
    from kombu.exceptions import OperationalError

    def away(*args, **more):
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", away)
    add(study, server)

    begun = desk.post(address(study, "generate_start"), start_form(), follow=True)

    assert "no worker can be reached" in said(begun)[0]
    assert Generation.objects.get().state == "queued"


def test_observer_of_the_study_sees_nothing_of_it(study, server, window, share):
    add(study, server)
    share(study, "observer")

    assert window.get(address(study, "generate")).status_code == 403
    assert window.post(address(study, "generate_start"), start_form()).status_code == 403


def test_number_of_queries_does_not_grow_with_the_samples(desk, study, server, django_assert_max_num_queries):
    add(study, server)
    generating.request_generation(study=study, samples=50)

    with django_assert_max_num_queries(40):
        desk.get(address(study, "generate"))


def test_samples_are_listed_with_the_answers_that_were_not_taken(desk, study, server, *, share, window):
    add(study, server, lanes=1)
    cut = {"finish_reason": "length", "message": {"content": "And then the <b>bridge</b>"}}
    server.script = [cut, cut]
    generating.run_generation(
        generation_id=generating.request_generation(study=study, samples=7, rules={"truncated": "resample"}).pk
    )
    at = address(study, "generate_samples")

    everything = desk.get(at).content.decode()
    second = desk.get(at, {"page": 2}).content.decode()
    again = desk.get(at, {"mark": "truncated", "state": "arrived"}).content.decode()
    none = desk.get(at, {"state": "failed", "system": System.objects.get().pk}).content.decode()

    assert "page 1 of 2" in everything
    assert (everything.count("steered / p"), second.count("steered / p")) == (25, 3)
    assert again.count("steered / p0 / 0") == 1
    assert again.count("steered / p") == 1
    assert again.count("And then the &lt;b&gt;bridge&lt;/b&gt;") == 2
    assert "the server says “length”" in again
    assert "There is no such sample." in none
    share(study, "analyst")
    assert window.get(at).status_code == 403


def test_new_generation_takes_the_place_of_a_stopped_one_so_that_a_system_can_be_added(desk, study, server, sent):
    add(study, server)
    first = generating.request_generation(study=study, samples=1)
    busy = desk.get(address(study, "generate")).content.decode()
    generating.stop_generation(generation=first)
    add(study, server, "later")

    page = desk.get(address(study, "generate")).content.decode()
    begun = desk.post(address(study, "generate_start"), start_form(samples=1), follow=True)
    first.refresh_from_db()
    generating.run_generation(generation_id=Generation.objects.exclude(pk=first.pk).get().pk)

    assert "To add a system, or to ask for more, stop it first." in busy
    assert "This takes the place of the stopped generation above" in page
    assert said(begun) == ["8 samples are asked for. This page shows how far it is."]
    assert (first.state, first.message) == ("cancelled", "A newer one took its place; 0 samples had not come.")
    assert Output.objects.count() == len(server.calls) == 8

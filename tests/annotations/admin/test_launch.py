"""Open, pause, resume, close: each click is one event, and a click too many is harmless."""

import pytest
from django.urls import reverse

from annotations.models import Event
from tests.annotations.factories import StudyFactory

from .conftest import address, said


def move(client, study, *names):
    for name in names:
        response = client.post(address(study, f"open_{name}"), follow=True)
    study.refresh_from_db()
    return response


@pytest.fixture
def frozen(db):
    return StudyFactory(frozen=True)


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["open"], "open"),
        (["open", "pause"], "paused"),
        (["open", "pause", "resume"], "open"),
        (["open", "close"], "closed"),
        (["open", "pause", "close"], "closed"),
        (["open", "close", "open"], "open"),
    ],
)
def test_study_moves(desk, frozen, names, state):
    move(desk, frozen, *names)

    assert frozen.state == state


@pytest.mark.parametrize("name", ["open", "pause", "close"])
def test_double_click_is_one_event(desk, frozen, name):
    move(desk, frozen, *dict.fromkeys(["open", name]))
    before = Event.objects.count()

    response = move(desk, frozen, name)

    assert response.status_code == 200
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["pause"], "A study that is frozen cannot become paused."),
        (["resume"], "A study that is frozen cannot become open."),
        (["close"], "A study that is frozen cannot become closed."),
        (["open", "close", "pause"], "A study that is closed cannot become paused."),
        (["open", "close", "resume"], "A study that is closed cannot become open."),
    ],
)
def test_move_of_a_stale_tab_is_refused_in_words(desk, frozen, names, words):
    response = move(desk, frozen, *names)

    assert said(response)[-1] == words


def test_draft_cannot_be_opened(desk, draft):
    response = move(desk, draft, "open")

    assert draft.state == "draft"
    assert said(response) == ["A study that is draft cannot become open."]


def test_page_holds_the_link_and_what_can_be_done(desk, frozen):
    link = "http://testserver" + reverse("study_entrance", args=[frozen.slug])

    before = desk.get(address(frozen, "open")).content.decode()
    during = move(desk, frozen, "open").content.decode()
    paused = move(desk, frozen, "pause").content.decode()

    assert f'value="{link}"' in before
    assert f'data-copy="{link}"' in before
    assert "Open the study" in before
    assert "Pause</button>" in during
    assert "Resume</button>" in paused
    assert "The study is paused: raters wait until it is resumed." in paused

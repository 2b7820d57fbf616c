"""Who may look and who may change, at every station and action; changes only by POST and with the CSRF token."""

import re

import pytest
from django.test import Client

from annotations.models import Event, Study
from tests.annotations.factories import StudyFactory, UserFactory

from .conftest import address

PAGES = ("material", "design", "preview", "freeze", "open", "monitor", "results", "texts")
LIVE = ("material_live", "design_live", "monitor_live", "results_live", "results_csv", "results_parquet")
ACTIONS = (
    "material_upload",
    "material_roles",
    "design_save",
    "design_follow",
    "design_dimensions",
    "design_check",
    "design_looks",
    "freeze_do",
    "freeze_thaw",
    "open_open",
    "open_pause",
    "open_resume",
    "open_close",
    "monitor_expire",
    "results_request",
    "texts_save",
)


def picture_of(study):
    """Everything about a study that an action could change."""
    fresh = Study.objects.filter(pk=study.pk).values().get()
    return fresh, list(study.dimensions.values()), list(study.systems.values()), Event.objects.count()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("kwargs", [{"prompts": 0}, {}, {"frozen": True}, {"open": True}], ids=str)
def test_page_opens_in_every_state(desk, name, kwargs):
    study = StudyFactory(**kwargs)

    response = desk.get(address(study, name))

    assert response.status_code == 200
    assert study.title in response.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_page_for_a_viewer_shows_everything_and_offers_no_change(window, draft, name):
    html = window.get(address(draft, name)).content.decode()

    main = html[html.index('<main class="ev">') :]
    assert "You may look at this study, but not change it." in main
    forms = re.findall(r"<form\b.*?</form>", main.split("</main>")[0], re.DOTALL)
    assert not [form for form in forms if 'method="post"' in form and 'type="submit"' in form]


@pytest.mark.parametrize("name", [*PAGES, *LIVE])
def test_page_sends_strangers_to_the_login(db, draft, name):
    response = Client().get(address(draft, name))

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("name", [*PAGES, *LIVE])
def test_page_is_closed_to_staff_without_permission(draft, name):
    client = Client()
    client.force_login(UserFactory(is_staff=True))

    response = client.get(address(draft, name))

    assert response.status_code == 403


@pytest.mark.parametrize("action", ACTIONS)
def test_action_refuses_get(desk, draft, action):
    before = picture_of(draft)

    response = desk.get(address(draft, action))

    assert response.status_code == 405
    assert picture_of(draft) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_action_refuses_a_viewer(window, draft, action):
    before = picture_of(draft)

    response = window.post(address(draft, action))

    assert response.status_code == 403
    assert picture_of(draft) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_action_refuses_a_post_without_token(researcher, draft, action):
    client = Client(enforce_csrf_checks=True)
    client.force_login(researcher)
    before = picture_of(draft)

    response = client.post(address(draft, action))

    assert response.status_code == 403
    assert picture_of(draft) == before


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("kwargs", [{"prompts": 0}, {}, {"frozen": True}, {"open": True}], ids=str)
def test_action_with_an_empty_form_never_breaks(desk, action, kwargs):
    study = StudyFactory(**kwargs)

    response = desk.post(address(study, action), follow=True)

    assert response.status_code in (200, 422)
    assert study.title in response.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_page_of_an_unknown_study_is_not_found(desk, draft, name):
    draft.pk += 1000

    response = desk.get(address(draft, name))

    assert response.status_code == 404

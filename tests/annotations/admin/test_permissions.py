"""Who may look and who may change, at every station and action; changes only by POST and with the CSRF token."""

import re

import pytest
from django.test import Client

from annotations.models import Event, Study
from tests.annotations.factories import StudyFactory

from .conftest import address

PAGES = ("material", "design", "preview", "freeze", "open", "monitor", "results", "texts", "members", "log")
LOOKING = ("monitor", "results", "members")
LIVE = ("material_live", "design_live", "monitor_live", "results_live")
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


@pytest.mark.parametrize("name", LOOKING)
def test_page_for_an_observer_offers_no_change(window, share, draft, name):
    share(draft, "observer")

    html = window.get(address(draft, name)).content.decode()

    main = html[html.index('<main class="ev">') :].split("</main>")[0]
    forms = re.findall(r"<form\b.*?</form>", main, re.DOTALL)
    changing = [form for form in forms if 'method="post"' in form and "members/leave" not in form]
    assert changing == []


@pytest.mark.parametrize("role", ["analyst", "observer"])
@pytest.mark.parametrize("name", sorted(set(PAGES) - set(LOOKING)))
def test_page_that_names_systems_is_closed_to_the_blinded(window, share, draft, name, role):  # noqa: PLR0917
    share(draft, role)

    assert window.get(address(draft, name)).status_code == 403


@pytest.mark.parametrize("name", [*PAGES, *LIVE])
def test_page_sends_strangers_to_the_login(db, draft, name):
    response = Client().get(address(draft, name), follow=True)

    assert response.redirect_chain[-1][0].startswith("/accounts/login/")
    assert draft.title not in response.content.decode()


@pytest.mark.parametrize("name", [*PAGES, *LIVE])
def test_page_of_a_study_of_others_is_not_found(window, draft, name):
    response = window.get(address(draft, name))

    assert response.status_code == 404
    assert draft.title not in response.content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_action_refuses_get(desk, draft, action):
    before = picture_of(draft)

    response = desk.get(address(draft, action))

    assert response.status_code == 405
    assert picture_of(draft) == before


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", ["analyst", "observer"])
def test_action_refuses_who_may_only_look(window, share, draft, action, role):  # noqa: PLR0917
    if (role, action) == ("analyst", "results_request"):
        pytest.skip("analysts have reports made")
    share(draft, role)
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

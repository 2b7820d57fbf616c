"""The list of studies, a new one from a template, the first page, and where a study's own address leads."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotations.domain import studies
from annotations.models import Study
from tests.annotations.factories import StudyFactory, UserFactory

from .conftest import address, judge, said

LIST, NEW, HOME = "admin:annotations_study_changelist", "admin:annotations_study_add", "admin:index"


def test_list_shows_state_and_progress(desk):
    study = StudyFactory(open=True)
    judge(study, raters=2)

    html = desk.get(reverse(LIST)).content.decode()

    assert study.title in html
    assert "Open" in html
    assert f"2 of {study.plan.booklets_planned}" in html


@pytest.mark.parametrize("name", [LIST, HOME])
def test_list_costs_the_same_queries_for_many_studies(desk, name):
    StudyFactory(open=True)
    few = _counted(desk, name)

    for _ in range(4):
        StudyFactory(frozen=True)

    assert _counted(desk, name) == few


def _counted(client, name):
    with CaptureQueriesContext(connection) as found:
        client.get(reverse(name))
    return len(found)


def test_list_offers_no_way_to_delete(desk, draft):
    response = desk.post(reverse("admin:annotations_study_delete", args=[draft.pk]), {"post": "yes"})

    assert response.status_code == 403
    assert Study.objects.filter(pk=draft.pk).exists()


def test_home_names_studies_with_their_progress(desk):
    study = StudyFactory(open=True)
    judge(study, raters=1)

    html = desk.get(reverse(HOME)).content.decode()

    assert study.title in html
    assert f"1 of {study.plan.booklets_planned} raters finished" in html


def test_home_without_studies_invites_to_the_first(desk):
    html = desk.get(reverse(HOME)).content.decode()

    assert "Start your first study" in html


def test_home_shows_no_study_to_staff_without_permission(client, draft):
    client.force_login(UserFactory(is_staff=True))

    html = client.get(reverse(HOME)).content.decode()

    assert draft.title not in html


def test_new_study_comes_from_a_template_and_begins_at_material(desk, researcher):
    response = desk.post(reverse(NEW), {"title": "Bricks", "template": "pairwise_creativity"})

    study = Study.objects.get()
    assert response.headers["Location"] == address(study, "material")
    assert (study.title, study.created_by) == ("Bricks", researcher)
    assert study.dimensions.count() == 3


def test_new_study_shows_description_and_source_of_every_template(desk):
    html = desk.get(reverse(NEW)).content.decode()

    assert "Pairs: originality, surprise, creativity" in html
    assert "all pairs of systems are compared" in html
    assert "not a copy of any published questionnaire" in html


@pytest.mark.parametrize(
    "data", [{}, {"title": " ", "template": "pairwise_creativity"}, {"title": "T", "template": "no"}]
)
def test_new_study_with_a_wrong_form_makes_none(desk, data):
    response = desk.post(reverse(NEW), data)

    assert response.status_code == 422
    assert not Study.objects.exists()


def test_new_study_sent_twice_from_one_form_makes_one(desk):
    form = desk.get(reverse(NEW)).context["nonce"]
    data = {"title": "Bricks", "template": "pairwise_creativity", "nonce": form}

    first, second = desk.post(reverse(NEW), data), desk.post(reverse(NEW), data)

    assert Study.objects.count() == 1
    assert first.headers["Location"] == second.headers["Location"]


def test_new_study_is_closed_to_viewers(window):
    assert window.get(reverse(NEW)).status_code == 403
    assert window.post(reverse(NEW), {"title": "T", "template": "pairwise_creativity"}).status_code == 403


@pytest.mark.parametrize(
    ("kwargs", "station"),
    [({"prompts": 0}, "material"), ({}, "preview"), ({"frozen": True}, "open"), ({"open": True}, "monitor")],
)
def test_study_address_leads_to_where_it_stands(desk, kwargs, station):
    study = StudyFactory(**kwargs)

    response = desk.get(reverse("admin:annotations_study_change", args=[study.pk]))

    assert response.headers["Location"] == address(study, station)


def test_closed_study_leads_to_its_results(desk):
    study = StudyFactory(open=True)
    judge(study)
    studies.close_study(study=study)

    response = desk.get(reverse("admin:annotations_study_path", args=[study.pk]))

    assert response.headers["Location"] == address(study, "results")


def test_address_of_no_study_leads_to_the_list(desk):
    response = desk.get(reverse("admin:annotations_study_change", args=["nonsense"]), follow=True)

    assert said(response) == ["There is no such study."]

"""Lists of what was stored: open, searchable, without a query per row, and never editable by hand."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotations import models
from annotations.domain import reporting
from annotations.models import Judgement, RecruitmentIdentity
from tests.annotations.factories import StudyFactory, UserFactory

from .conftest import judge

READ_ONLY = sorted(
    (model for model, found in admin.site._registry.items() if found.__module__.startswith("annotations.admin")
     and model not in (models.Study, models.ApiToken) and model._meta.app_label == "annotations"),
    key=lambda model: model.__name__,
)  # fmt: skip
NAMES = [model._meta.model_name for model in READ_ONLY]


@pytest.fixture
def filled(db):
    study = StudyFactory(open=True)
    judge(study, raters=2)
    who = study.participations.first()
    models.Flag.objects.create(participation=who, check_name="slow")
    models.Exclusion.objects.create(participation=who, reason="test", author=UserFactory())
    models.MaterialImport.objects.create(study=study, filename="outputs.csv", source="csv", state="done")
    models.PowerCheck.objects.create(study=study)
    reporting.request_report(study=study)
    return study


def listing(name):
    return reverse(f"admin:annotations_{name}_changelist")


# Shown on the pages of their study instead, where roles decide who sees them.
ON_PAGES = {
    *(
        "Alert",
        "ApiToken",
        "BonusOrder",
        "ConsentVersion",
        "Invitation",
        "LedgerEntry",
        "PathAnswer",
        "RecruiterAccount",
        "RecruiterEvent",
    ),
    *("AuditRun", "Generation", "Judge", "Measurement", "OutputScore", "Sample"),
    *("Recruitment", "Round", "StudyMember", "Submission", "Writer", "Examination"),
}


def test_every_model_has_a_list_or_a_place_on_a_page():
    listed = {model.__name__ for model in [*READ_ONLY, models.Study]}

    assert listed == set(models.__all__) - {"Dimension", "Trial"} - ON_PAGES


@pytest.mark.parametrize("name", NAMES)
def test_list_opens_searches_and_filters(root, filled, name):
    found = root.get(listing(name))

    assert found.status_code == 200
    assert root.get(listing(name), {"q": "brick"}).status_code == 200
    assert found.context["cl"].result_count > 0


@pytest.mark.parametrize("name", NAMES)
def test_list_costs_the_same_queries_for_many_rows(root, filled, name):
    with CaptureQueriesContext(connection) as few:
        root.get(listing(name))

    judge(filled, raters=3)
    more = StudyFactory(open=True)
    judge(more, raters=2)
    models.Flag.objects.create(participation=more.participations.first(), check_name="slow")
    models.Exclusion.objects.create(participation=more.participations.last(), reason="test", author=UserFactory())
    models.MaterialImport.objects.create(study=more, filename="more.csv", source="csv", state="done")
    models.PowerCheck.objects.create(study=more)
    reporting.request_report(study=more)

    with CaptureQueriesContext(connection) as many:
        root.get(listing(name))
    assert len(many) == len(few)


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_row_can_be_looked_at_and_not_changed_or_deleted_even_by_a_superuser(root, filled, model):
    name, row = model._meta.model_name, model.objects.first()
    before = list(model.objects.values())

    shown = root.get(reverse(f"admin:annotations_{name}_change", args=[row.pk]))
    changed = root.post(reverse(f"admin:annotations_{name}_change", args=[row.pk]), {})
    deleted = root.post(reverse(f"admin:annotations_{name}_delete", args=[row.pk]), {"post": "yes"})
    added = root.post(reverse(f"admin:annotations_{name}_add"), {})

    assert (shown.status_code, changed.status_code, deleted.status_code, added.status_code) == (200, 403, 403, 403)
    assert list(model.objects.values()) == before


def test_judgements_cannot_be_deleted_by_an_action(root, filled):
    keys = list(Judgement.objects.values_list("pk", flat=True))

    root.post(listing("judgement"), {"action": "delete_selected", "_selected_action": keys, "post": "yes"})

    assert list(Judgement.objects.values_list("pk", flat=True)) == keys


def test_recruiters_ids_are_for_superusers_only(root, client, filled):
    identity = RecruitmentIdentity.objects.first()
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    address = reverse("admin:annotations_recruitmentidentity_change", args=[identity.pk])

    assert root.get(address).status_code == 200
    assert client.get(address).status_code == 403
    assert client.get(listing("recruitmentidentity")).status_code == 403
    assert "Recruiters" not in client.get(reverse("admin:index")).content.decode()


def test_participation_does_not_show_the_id_of_the_raters_link(root, filled):
    who = filled.participations.first()

    html = root.get(reverse("admin:annotations_participation_change", args=[who.pk])).content.decode()

    assert who.rater.pseudonym in html
    assert who.public_id not in html


@pytest.mark.parametrize("name", ["auth_user_changelist", "auth_user_add", "auth_group_changelist", "auth_group_add"])
def test_accounts_open(root, name):
    assert root.get(reverse(f"admin:{name}")).status_code == 200

"""Walks over every address of the site: an editor of one study reaches nothing of another, the blinded no name.

Addresses are found by the resolver (see worlds.py), so that a new page is walked without being named here.
"""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from annotations.domain import members
from annotations.enums import Role
from annotations.models import Event
from tests.annotations.factories import StudyFactory, UserFactory
from tests.annotations.worlds import (
    OUTPUT,
    SYSTEMS,
    Address,
    Arguments,
    addresses,
    marked_study,
    picture,
    text_of,
    writes,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
OK, BROKEN = 200, 500
# Tables in which every row of the walk's world is the marked study's own.
OF_THE_MARKED_STUDY = {
    f"annotations_{name}"
    for name in (
        *("alert", "exclusion", "flag", "judgement", "lease", "materialimport", "participation", "pathanswer"),
        *("judge", "measurement", "outputscore", "plan", "report", "task", "trial"),
    )
}
# A person without a role in the study gets no further than this at an address that names it or something of it.
CLOSED = {403, 404, 405}
# Leads away to the admin's first page, to one's own list or to the login, and says nothing of the row.
LEADS_AWAY = {301, 302}
# What the blinded may do.
MASKED_DEEDS = {
    "annotations_study_results_request": {"analyst"},
    "annotations_study_members_leave": {"analyst", "observer"},
}


@pytest.fixture
def world(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return marked_study()


@pytest.fixture
def eve(world):
    """An editor of a study of her own, and of no other one."""
    user = UserFactory(username="eve", is_staff=True)
    study = StudyFactory(title="Own study", author=user, prompts=2)
    return user, study


def payload(world):
    """Fields that would change something at whatever form is asked."""
    study = world.study
    system, dimension = study.systems.first(), study.dimensions.first()
    keys = list(study.systems.values_list("pk", flat=True))
    return {
        "action": "delete_selected",
        "_selected_action": keys,
        "post": "yes",
        "title": "Taken over",
        "template": "pairwise_creativity",
        "person": "eve",
        "username": "eve",
        "role": "owner",
        "reason": "because",
        "masked": "1",
        "name": "Taken over",
        "text": "Taken over",
        "days": "3",
        f"role-{system.pk}": "baseline",
        f"{dimension.pk}-label": "Taken over",
        "study": study.pk,
    }


TERM = "quo"  # finds what is marked, and is no mark itself, since a page repeats what was searched for
SEARCH = {
    "q": TERM,
    "s": TERM,
    "term": TERM,
    "app_label": "annotations",
    "model_name": "output",
    "field_name": "prompt",
}


def walk(user, world, *, at=None, below=""):
    """GET and POST every address as this person, or those `below` a path; yield what came of each.

    Each request is undone, and the person logged in again, so that each meets the same world.
    """
    client = Client(raise_request_exception=False)
    client.force_login(user)
    session, before, last = client.cookies["sessionid"].value, picture(), Event.objects.latest("pk").pk
    fields = payload(world)
    for address in addresses(Arguments(world, at=at)):
        if below not in address.path:
            continue
        is_list = address.name.endswith("_changelist")  # which calls an unknown parameter an error, and says no more
        asked = {"q": TERM} if is_list else SEARCH | {"study": world.study.pk, "booklet": 1, "next": "/admin/"}
        for method, data in (("get", asked), ("post", fields)):
            client.cookies.clear()
            client.cookies["sessionid"] = session
            with transaction.atomic():
                untouched = writes()
                response = getattr(client, method)(address.path, data)
                text, after = text_of(response), before if writes() == untouched else picture()
                nameless = tuple(Event.objects.filter(pk__gt=last, actor=None).values_list("name", flat=True))
                transaction.set_rollback(True)
            gone, new = lost(before, after), lost(after, before)
            yield Answer(address, method, response.status_code, text, gone, new, nameless)


@dataclass(frozen=True)
class Answer:
    """What came of one request.

    `gone` counts the rows that changed or went by table, `new` those that came; `nameless` are events without a person.
    """

    address: Address
    method: str
    status: int
    text: str
    gone: dict[str, int]
    new: dict[str, int]
    nameless: tuple[str, ...]

    def __str__(self):
        return f"{self.method.upper()} {self.address} → {self.status}"


def lost(before, after):
    return {table: len(rows - after[table]) for table, rows in before.items() if rows - after[table]}


def found_in(text, secrets):
    return [secret for secret in secrets if secret.lower() in text.lower()]


def is_of_no_study(address):
    """Say whether an address names no study: allauth's own pages, the catch-all, the list of apps."""
    return (
        address.path.startswith(("/accounts/", "/admin/media/", "/admin/annotations/nothing"))
        or address.name == "app_list"
    )


@pytest.mark.parametrize("permitted", [False, pytest.param(True, marks=pytest.mark.long)])
def test_editor_of_one_study_reaches_nothing_of_another(world, eve, permitted):
    user, _ = eve
    if permitted:  # Django's own permissions open nothing: only roles do
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="annotations"))
    problems, opened = [], set()

    for answer in walk(user, world):
        opened |= {answer.address.name} if answer.status == OK else set()
        if names := found_in(answer.text, world.secrets):
            problems.append(f"{answer} tells {names}")
        if answer.gone:
            problems.append(f"{answer} changed {answer.gone}")
        if answer.status >= BROKEN:
            problems.append(f"{answer} broke")
        if answer.address.bound and not is_of_no_study(answer.address):
            if answer.status not in CLOSED | LEADS_AWAY:
                problems.append(f"{answer} is open")
            if answer.new:
                problems.append(f"{answer} added {answer.new}")

    assert not problems, "\n".join(problems)
    assert {"index", "annotations_study_changelist", "annotations_output_changelist", "api_studies"} <= opened


def test_ids_of_another_study_are_nothing_under_ones_own(world, eve):
    user, own = eve
    problems, opened = [], set()

    for answer in walk(user, world, at=own, below=f"/study/{own.pk}/"):
        opened |= {answer.address.name} if answer.status == OK else set()
        if names := found_in(answer.text, world.secrets):
            problems.append(f"{answer} tells {names}")
        if answer.status >= BROKEN:
            problems.append(f"{answer} broke")
        if answer.nameless:
            problems.append(f"{answer} logged {answer.nameless} without saying who did it")
        if gone := {table: count for table, count in answer.gone.items() if table in OF_THE_MARKED_STUDY}:
            problems.append(f"{answer} changed {gone}")

    assert not problems, "\n".join(problems)
    assert {"annotations_study_material", "annotations_study_members", "annotations_study_log"} <= opened


@pytest.mark.parametrize("role", ["analyst", pytest.param("observer", marks=pytest.mark.long)])
def test_blinded_member_meets_no_name_of_a_system(world, role):
    user = UserFactory(username="ana", is_staff=True)
    members.add_member(study=world.study, user=user, role=Role(role))
    problems, opened = [], set()

    for answer in walk(user, world):
        opened |= {answer.address.name} if answer.status == OK else set()
        if names := found_in(answer.text, (*SYSTEMS, OUTPUT)):
            problems.append(f"{answer} tells {names}")
        if answer.status >= BROKEN:
            problems.append(f"{answer} broke")
        changed = answer.gone | answer.new
        free = answer.method == "get" or role in MASKED_DEEDS.get(answer.address.name, ())
        if changed and answer.address.bound and not free:
            problems.append(f"{answer} changed {changed}")

    assert not problems, "\n".join(problems)
    assert {"annotations_study_monitor", "annotations_study_results", "api_study", "api_results"} <= opened
    taken = {"api_export", "annotations_study_results_export", "annotations_study_results_file"}
    assert taken & opened == (taken if role == "analyst" else set())


def test_walk_goes_everywhere(world):
    names = {address.name for address in addresses(Arguments(world))}

    assert {"index", "annotations_study_material", "annotations_output_change", "api_export", "mfa_index"} <= names
    assert len(names) > 150
    assert not {name for name in names if name.startswith("rater_")}


def test_walk_asks_for_an_argument_that_it_does_not_know(world, settings):
    from evalplatform import urls

    class Extended:
        urlpatterns = [*urls.urlpatterns, path("admin/<int:badger_id>/", lambda request, badger_id: None)]

    settings.ROOT_URLCONF = Extended

    with pytest.raises(LookupError, match=r"'badger_id' that the walk does not know: .*worlds\.py"):
        addresses(Arguments(world))


def test_walk_sees_a_leak_and_a_change(world, eve, settings):
    from evalplatform import urls

    def leak(request, object_id):
        world.study.__class__.objects.filter(pk=object_id).update(title="Taken over")
        return HttpResponse(world.study.title)

    class Extended:
        urlpatterns = [path("admin/annotations/study/<int:object_id>/leak", leak, name="leak"), *urls.urlpatterns[:1]]

    settings.ROOT_URLCONF = Extended

    seen = [*walk(eve[0], world, below="/leak")]

    assert [answer.method for answer in seen] == ["get", "post"]
    assert all(found_in(answer.text, world.secrets) for answer in seen)
    assert all(answer.gone == {"annotations_study": 1} for answer in seen)

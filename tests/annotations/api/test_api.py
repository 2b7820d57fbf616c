"""The API: own studies only, read-only, by the same table of permissions, with names masked for the blinded."""

import csv
import io
import json

import pytest
from django.test import Client

from annotations.domain import dataset, masking, monitoring
from annotations.domain.members import issue_token
from annotations.models import Event, Report
from annotations.registry import exports
from tests.annotations.factories import StudyFactory, UserFactory, the_researcher

from .conftest import SYSTEMS, body

pytestmark = pytest.mark.django_db


def at(study, *more):
    return "/api/studies/" + "/".join((study.slug, *more, ""))


def test_list_holds_own_studies_with_the_role(caller, study):
    StudyFactory(prompts=0)

    found = caller("analyst").get("/api/studies/").json()

    assert [(one["slug"], one["role"], one["masked"], one["state"]) for one in found] == [
        (study.slug, "analyst", True, "open")
    ]
    assert found[0]["design_sha256"] == study.plan.sha256


def test_session_will_do_too(study):
    client = Client()
    client.force_login(the_researcher())

    assert [one["slug"] for one in client.get("/api/studies/").json()] == [study.slug]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer evp_wrong"}, {"authorization": "Bearer"}])
def test_without_a_valid_token_nobody_is_let_in(study, headers):
    response = Client(headers=headers).get("/api/studies/")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_account_that_is_no_researcher_is_not_let_in(study):
    client = Client()
    client.force_login(UserFactory(is_staff=False))

    assert client.get("/api/studies/").status_code == 403


def test_study_of_others_is_not_there(caller, study):
    client = caller(None)

    for more in ((), ("monitor",), ("results",), ("exports",), ("exports", "long_csv")):
        assert client.get(at(study, *more)).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_changed(caller, study, method):
    client = caller("owner")

    for more in ((), ("monitor",), ("exports",), ("exports", "long_csv")):
        assert getattr(client, method)(at(study, *more)).status_code == 405


def test_status_says_what_each_station_misses(caller, study):
    found = caller("editor").get(at(study)).json()

    assert [one["station"] for one in found["path"]][-2:] == ["monitor", "results"]
    assert {one["state"] for one in found["path"][:4]} == {"done"}


def test_monitor_is_that_of_the_page(caller, study):
    found = caller("observer").get(at(study, "monitor")).json()

    expected = json.loads(json.dumps(monitoring.monitor(study=study), default=str))
    assert found["judgements"] == expected["judgements"] == 8
    assert found["raters"] == expected["raters"]


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("owner", set(exports.names())),
        ("editor", set(exports.names())),
        ("analyst", {"long_csv", "long_parquet", "answers", "plan", "certificate"}),
        ("observer", set()),
    ],
)
def test_exports_are_those_of_the_role(caller, study, role, names):
    client = caller(role)

    listed = {one["name"] for one in client.get(at(study, "exports")).json()}
    statuses = {}
    for name in exports.names():
        response = client.get(at(study, "exports", name))
        statuses[name] = response.status_code
        assert not response.streaming or len(body(response)) >= 0  # read to its end, it is closed

    assert names <= listed == {name for name, status in statuses.items() if status == 200}
    assert {status for name, status in statuses.items() if name not in listed} <= {403}


def test_export_is_the_long_table(caller, study):
    response = caller("editor").get(at(study, "exports", "long_csv"))

    rows = list(csv.DictReader(io.StringIO(body(response).decode())))
    assert len(rows) == len(list(dataset.rows(study=study))) == 8 * 3
    assert {row["system_a"] for row in rows} == set(SYSTEMS)
    assert response.headers["Content-Disposition"] == f'attachment; filename="{study.slug}-judgements.csv"'


def test_export_for_a_blinded_analyst_has_letters_until_the_study_is_unblinded(caller, study):
    client = caller("analyst")

    blind = body(client.get(at(study, "exports", "answers"))).decode()
    masking.unblind(study=study, reason="done", actor=UserFactory())
    plain = body(client.get(at(study, "exports", "answers"))).decode()

    assert not [name for name in SYSTEMS if name in blind]
    assert {one["system"] for line in blind.splitlines() for one in json.loads(line)["outputs"]} == {"A", "B"}
    assert all(name in plain for name in SYSTEMS)


def test_export_is_noted_with_who_and_from_where(caller, study):
    client = caller("editor")

    body(client.get(at(study, "exports", "plan"), REMOTE_ADDR="192.0.2.9"))

    event = Event.objects.get(study=study, name="exported")
    assert (event.actor, event.address) == (client.user, "192.0.2.9")
    assert event.data == {"export": "plan", "masked": False, "rows": 1}


def test_unknown_export_is_not_found(caller, study):
    assert caller("owner").get(at(study, "exports", "nothing")).status_code == 404


def test_results_are_the_report_that_the_role_may_see(caller, study):
    for masked in (False, True):
        summary = {"sentences": ["masked" if masked else SYSTEMS[0]], "rows": []}
        Report.objects.create(study=study, state="done", masked=masked, summary=summary)

    assert caller("observer").get(at(study, "results")).json()["sentences"] == ["masked"]
    assert caller("editor").get(at(study, "results")).json()["sentences"] == [SYSTEMS[0]]


def test_results_before_a_report_are_not_found(caller, study):
    assert caller("owner").get(at(study, "results")).status_code == 404


def test_token_of_an_account_that_was_closed_is_dead(study):
    user = UserFactory(is_staff=True)
    _, text = issue_token(user=user, name="old", days=1)
    user.is_active = False
    user.save()

    assert Client(headers={"authorization": f"Bearer {text}"}).get("/api/studies/").status_code == 401

"""Prolific's plug-in against the stand-in: who came, how one leaves, and an API that is slow, busy, lost or down."""

import logging

import httpx
import pytest

from annotations.enums import Outcome, RemoteState, SubmissionState
from annotations.errors import RemoteRefused, RemoteUncertain, RemoteUnreachable
from annotations.plugins.recruitment import prolific_api
from annotations.plugins.recruitment.prolific_api import Api
from annotations.plugins.recruitment.prolific_client import ProlificClient
from annotations.registry import Identity, RemoteDraft, recruitment_platforms
from tests.standins.prolific import StandIn

TOKEN = "a-token-that-nobody-may-see"
CODES = {Outcome.COMPLETED: "DONE", Outcome.DECLINED: "NO", Outcome.SCREENED_OUT: "OUT"}


@pytest.fixture
def prolific():
    with StandIn(token=TOKEN) as site:
        yield site


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(prolific, waits):
    return ProlificClient(Api(prolific.base_url, TOKEN, sleep=waits.append), {})


@pytest.fixture
def plugin():
    return recruitment_platforms.get("prolific")


def draft(**more):
    settings = recruitment_platforms.get("prolific").clean_settings(more.pop("settings", {}))
    fields = {"places": 3, "reward": 150, "minutes": 10, "codes": CODES, "settings": settings}
    return RemoteDraft(name="Uses", description="Short texts", url="https://x.org/s/a/", **(fields | more))


@pytest.fixture
def remote_id(client):
    found = client.create(draft(), key="k1")
    client.publish(found)
    return found


def test_identity_is_read_from_the_three_parameters(plugin):
    query = {"PROLIFIC_PID": "5f1", "STUDY_ID": "6a2", "SESSION_ID": "7b3"}

    assert plugin.identity(query) == Identity(person="5f1", session="7b3", study="6a2")


def test_an_unfilled_placeholder_is_nobody(plugin):
    found = plugin.identity({"PROLIFIC_PID": "{{%PROLIFIC_PID%}}", "SESSION_ID": "{{%SESSION_ID%}}"})

    assert (found.person, found.session, found.preview) == ("", "", True)


@pytest.mark.parametrize(
    ("outcome", "url"),
    [
        (Outcome.COMPLETED, "https://app.prolific.com/submissions/complete?cc=DONE"),
        (Outcome.DECLINED, "https://app.prolific.com/submissions/complete?cc=NO"),
        (Outcome.WITHDRAWN, ""),
    ],
)
def test_each_outcome_leaves_with_its_own_code(plugin, outcome, url):
    settings = {"codes": {str(key): code for key, code in CODES.items()}}

    found = plugin.leave(outcome=outcome, code="OWN", template="", settings=settings, identity=Identity())

    assert (found.url, found.method) == (url, "get")


def test_a_study_made_by_hand_leaves_with_its_one_code_and_only_the_finished_get_it(plugin):
    ways = [
        plugin.leave(outcome=outcome, code="OWN", template="", settings={}, identity=Identity()).url
        for outcome in (Outcome.COMPLETED, Outcome.FULL)
    ]

    assert ways == ["https://app.prolific.com/submissions/complete?cc=OWN", ""]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"fee": "x"}, "fee"),
        ({"tax": "-1"}, "tax"),
        ({"filters": {}}, "filters"),
        ({"screened_out_reward": -1}, "screened_out_reward"),
        ({"screened_out_by_code": True}, "screened_out_slots"),
        ({"codes": {"nothing": "X"}}, "nothing"),
    ],
)
def test_a_wrong_setting_is_named(plugin, wrong, word):
    with pytest.raises(ValueError, match=word):
        plugin.clean_settings(wrong)


def test_fee_and_tax_are_rounded_half_up_per_payment(plugin):
    settings = {"fee": "1/3", "tax": "0.2"}

    # 20/3 = 6.67 → 7, a fifth of it 1.4 → 1; 50/3 = 16.67 → 17, 3.4 → 3
    assert [plugin.fee(reward=reward, places=1, settings=settings) for reward in (150, 20, 50)] == [60, 8, 20]
    assert plugin.fee(reward=20, places=3, settings=settings) == 24


# The API


def test_creating_again_finds_the_first(client, prolific):
    ids = {client.create(draft(), key="k1") for _ in range(3)}

    assert len(ids) == len(prolific.platform.studies) == 1
    assert client.create(draft(), key="k2") not in ids


def test_a_creation_whose_answer_got_lost_is_found_again(client, prolific):
    prolific.swallow.append("/studies/")  # the list before it
    prolific.swallow.append("/studies/")  # and the creation itself

    found = client.create(draft(), key="k1")

    assert list(prolific.platform.studies) == [found]


def test_what_is_sent_is_what_prolific_documents(client, prolific):
    study = prolific.platform.studies[client.create(draft(), key="k1")]

    assert study.fields["external_study_url"] == (
        "https://x.org/s/a/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    )
    assert study.fields["prolific_id_option"] == "url_parameters"
    assert [
        (code["code"], code["code_type"], code["actions"][0]["action"]) for code in study.fields["completion_codes"]
    ] == [
        ("DONE", "COMPLETED", "MANUALLY_REVIEW"),
        ("NO", "NO_CONSENT", "REQUEST_RETURN"),
        ("OUT", "SCREENED_OUT", "REQUEST_RETURN"),
    ]


def test_published_paused_published_stopped_and_each_of_it_twice(client, remote_id):
    states = []
    for move in (client.pause, client.publish, client.stop):
        move(remote_id)
        move(remote_id)
        states.append(client.facts(remote_id).state)

    assert states == [RemoteState.PAUSED, RemoteState.PUBLISHED, RemoteState.ENDED]


def test_places_only_rise(client, remote_id, prolific):
    client.set_places(remote_id, 5)
    client.set_places(remote_id, 4)

    assert prolific.platform.studies[remote_id].places == 5


def test_a_busy_platform_is_asked_again_after_the_time_it_names(client, prolific, waits):
    prolific.limit = (1, 0.4, 2)
    client.whoami()

    prolific.limit = (0, 60.0, 2)
    with pytest.raises(RemoteUnreachable):
        client.whoami()

    assert len(waits) == prolific_api.PATIENCE.tries - 1
    assert all(2 <= wait <= 2 + prolific_api.PATIENCE.first * 2**at for at, wait in enumerate(waits))


def test_more_patience_than_a_worker_has_is_left_for_the_next_round(client, prolific, waits):
    prolific.limit = (0, 60.0, 3600)

    with pytest.raises(RemoteUnreachable):
        client.whoami()

    assert waits == []


def test_waits_double_with_jitter_and_end(client, prolific, waits):
    with prolific.outage(), pytest.raises(RemoteUnreachable):
        client.whoami()

    assert len(waits) == prolific_api.PATIENCE.tries - 1
    assert all(0 <= wait <= prolific_api.PATIENCE.first * 2**at for at, wait in enumerate(waits))
    assert prolific.requests["GET", "/api/v1/users/me/"] == prolific_api.PATIENCE.tries


def test_a_refusal_is_said_in_the_platforms_words_and_not_tried_again(client, prolific, waits):
    prolific.platform.books.balance = 0
    remote_id = client.create(draft(), key="k")

    with pytest.raises(RemoteRefused, match="balance is not sufficient"):
        client.publish(remote_id)

    assert waits == []


def test_paying_is_never_repeated_when_the_answer_got_lost(client, remote_id, prolific):
    one = prolific.platform.reserve(prolific.platform.studies[remote_id], "anna")
    prolific.swallow.append("/pay/")

    with pytest.raises(RemoteUncertain):
        client.bonus(remote_id, session=one.id, person="anna", amount=125, key="k")

    assert one.bonus_payments == [125]


def test_paying_during_an_outage_is_uncertain_and_writing_down_is_not(client, remote_id, prolific):
    one = prolific.platform.reserve(prolific.platform.studies[remote_id], "anna")

    with prolific.outage(), pytest.raises(RemoteUnreachable) as caught:
        client.bonus(remote_id, session=one.id, person="anna", amount=125, key="k")

    assert not isinstance(caught.value, RemoteUncertain)
    assert one.bonus_payments == []


def test_a_next_link_to_another_host_is_not_followed(monkeypatch):
    api = Api("http://127.0.0.1:9/api/v1", TOKEN)
    page = {"results": [], "_links": {"next": {"href": "http://elsewhere.example/api/v1/?page=2"}}}
    monkeypatch.setattr(api, "_answer", lambda *args, **more: httpx.Response(200, json=page))

    with pytest.raises(RemoteRefused, match="another host"):
        list(api.pages("/submissions/"))


def test_the_token_stands_in_no_message_and_no_log(client, prolific, caplog):
    caplog.set_level(logging.DEBUG)
    wrong = ProlificClient(Api(prolific.base_url, TOKEN + "x", sleep=lambda _: None), {})

    with pytest.raises(RemoteRefused) as caught:
        wrong.whoami()
    client.whoami()

    assert TOKEN not in str(caught.value) + repr(client._api) + caplog.text


def test_every_status_is_understood(client, remote_id, prolific):
    platform, study = prolific.platform, prolific.platform.studies[remote_id]
    platform.change(study, {"total_available_places": 20})
    people = {name: platform.reserve(study, name) for name in "abcdefg"}
    for name in "bcdefg":
        platform.start(people[name])
    for name in "cdg":
        platform.complete(people[name], "DONE")
    platform.approve(people["d"])
    platform.give_back(people["e"])
    platform.complete(people["f"], "NO")
    platform.reject(people["g"], category="NO_DATA", message="x" * 100)

    states = {one.person: one.state for one in client.submissions(remote_id)}

    assert states == {
        "a": SubmissionState.RESERVED,
        "b": SubmissionState.ACTIVE,
        "c": SubmissionState.AWAITING,
        "d": SubmissionState.APPROVED,
        "e": SubmissionState.RETURNED,
        "f": SubmissionState.RETURN_REQUESTED,
        "g": SubmissionState.REJECTED,
    }


def test_many_are_approved_in_one_request(client, remote_id, prolific, wait_until):
    platform, study = prolific.platform, prolific.platform.studies[remote_id]
    people = [platform.reserve(study, name) for name in "abc"]
    for one in people:
        platform.start(one)
        platform.complete(one, "DONE")

    client.approve(remote_id, [one.id for one in people])
    wait_until(lambda: all(one.status == "APPROVED" for one in people))

    assert prolific.requests["POST", "/api/v1/submissions/bulk-approve/"] == 1


def test_a_session_of_another_study_is_none_of_ours(client, remote_id, prolific):
    other = client.create(draft(), key="k2")
    client.publish(other)
    one = prolific.platform.reserve(prolific.platform.studies[other], "anna")

    assert client.submission(remote_id, one.id) is None
    assert client.submission(other, one.id).session == one.id


def test_charges_add_up_to_the_books(client, remote_id, prolific):
    platform, study = prolific.platform, prolific.platform.studies[remote_id]
    one = platform.reserve(study, "anna")
    platform.start(one)
    platform.complete(one, "DONE")
    platform.approve(one)
    platform.pay_bonus(one, 30)

    charges = list(client.charges(remote_id))

    assert [(charge.kind, charge.amount) for charge in charges] == [("reward", 150), ("bonus", 30), ("fee", 72)]
    assert sum(charge.amount for charge in charges) == 10_000_000 - platform.books.balance


def test_an_answer_that_cannot_be_read_leaves_a_payment_uncertain_and_is_not_sent_again(client, monkeypatch):
    sent = []
    monkeypatch.setattr(
        client._api, "_send", lambda *args, **more: sent.append(args) or httpx.Response(202, text="Yes.")
    )

    with pytest.raises(RemoteUncertain):
        client._api.once("/bulk-bonus-payments/1/pay/")

    assert len(sent) == 1


def test_one_connection_is_kept_per_process():
    assert prolific_api._http() is prolific_api._http()
    assert isinstance(prolific_api._http(), httpx.Client)

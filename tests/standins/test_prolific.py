"""The stand-in behaves as the documentation of Prolific says: otherwise the tests that lean on it prove nothing."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.standins.running import running

from .prolific import Platform, StandIn, TooLate
from .prolific.hooks import signature
from .prolific.platform import NoPlace

TARGET = (
    "https://eval.example.org/s/x/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
)


def draft(**more):
    return {
        "name": "Unusual uses",
        "internal_name": "uses",
        "description": "You judge short texts.",
        "external_study_url": TARGET,
        "prolific_id_option": "url_parameters",
        "completion_codes": [
            {"code": "DONE", "code_type": "COMPLETED", "actions": [{"action": "MANUALLY_REVIEW"}]},
            {"code": "AUTO", "code_type": "OTHER", "actions": [{"action": "AUTOMATICALLY_APPROVE"}]},
            {
                "code": "OUT",
                "code_type": "SCREENED_OUT",
                "actions": [{"action": "FIXED_SCREEN_OUT_PAYMENT", "fixed_screen_out_reward": 20, "slots": 2}],
            },
        ],
        "total_available_places": 3,
        "estimated_completion_time": 10,
        "reward": 150,
        **more,
    }


@pytest.fixture
def prolific():
    with StandIn() as site:
        yield site


@pytest.fixture
def api(prolific):
    with httpx.Client(base_url=prolific.base_url, headers={"Authorization": "Token test-token"}) as client:
        yield client


@pytest.fixture
def study(prolific, api):
    made = api.post("/studies/", json=draft()).json()
    api.post(f"/studies/{made['id']}/transition/", json={"action": "PUBLISH"})
    return prolific.platform.studies[made["id"]]


def takes(prolific, study, name, code="DONE"):
    one = prolific.platform.reserve(study, name)
    prolific.platform.start(one)
    if code != "stay":
        prolific.platform.complete(one, code)
    return one


def test_a_request_without_the_token_is_refused(prolific):
    answer = httpx.get(f"{prolific.base_url}/users/me/")

    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == 401


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": ""}, "name"),
        ({"prolific_id_option": "other"}, "prolific_id_option"),
        ({"completion_codes": []}, "completion_codes"),
        ({"reward": 0}, "reward"),
    ],
)
def test_a_draft_that_is_wrong_is_refused_with_the_field(api, change, word):
    answer = api.post("/studies/", json=draft(**change))

    assert answer.status_code == 400
    assert word in str(answer.json()["error"]["detail"])


def test_places_only_increase_and_rewards_stay_once_published(api, study):
    fewer = api.patch(f"/studies/{study.id}/", json={"total_available_places": 2})
    dearer = api.patch(f"/studies/{study.id}/", json={"reward": 200})
    more = api.patch(f"/studies/{study.id}/", json={"total_available_places": 4})

    assert (fewer.status_code, dearer.status_code, more.status_code) == (400, 400, 200)
    assert more.json()["total_available_places"] == 4


def test_publishing_without_enough_balance_is_refused(api, prolific):
    prolific.platform.books.balance = 3 * 210 - 1
    made = api.post("/studies/", json=draft()).json()

    assert api.post(f"/studies/{made['id']}/transition/", json={"action": "PUBLISH"}).status_code == 400


def test_a_list_is_paged_by_next_and_ends_with_null(api, prolific, study):
    api.patch(f"/studies/{study.id}/", json={"total_available_places": 40})
    for number in range(40):
        takes(prolific, study, f"p{number}", "stay")

    first = api.get(f"/studies/{study.id}/submissions/").json()
    second = api.get(first["_links"]["next"]["href"]).json()

    assert (len(first["results"]), len(second["results"]), first["meta"]["count"]) == (20, 20, 40)
    assert second["_links"]["next"]["href"] is None
    assert len({one["id"] for page in (first, second) for one in page["results"]}) == 40


def test_a_place_that_is_returned_or_timed_out_is_free_again_but_not_for_the_same_person(prolific, study):
    platform = prolific.platform
    leaver, sleeper, _ = (takes(prolific, study, name, "stay") for name in ("a", "b", "c"))
    with pytest.raises(NoPlace):
        platform.reserve(study, "d")

    platform.give_back(leaver)
    platform.reserve(study, "d")
    with pytest.raises(NoPlace):
        platform.reserve(study, "a")
    platform.clock.advance(study.maximum_time + 1)
    platform.settle()

    assert sleeper.status == "TIMED-OUT"
    assert platform.reserve(study, "e").status == "RESERVED"


def test_a_timed_out_one_may_still_complete_until_the_place_is_taken(prolific, study):
    platform = prolific.platform
    slow, slower, _ = (takes(prolific, study, name, "stay") for name in ("a", "b", "c"))
    platform.clock.advance(study.maximum_time + 1)
    platform.settle()

    platform.complete(slow, "DONE")
    for name in ("d", "e"):
        platform.reserve(study, name)

    assert slow.status == "AWAITING REVIEW"
    with pytest.raises(TooLate):
        platform.complete(slower, "DONE")


def test_codes_do_what_their_actions_say_and_the_books_are_exact(api, prolific, study):
    done, auto, out = (
        takes(prolific, study, name, code) for name, code in (("a", "DONE"), ("b", "AUTO"), ("c", "OUT"))
    )
    nothing = takes(prolific, study, "d", None)
    for _ in range(2):
        assert api.post(f"/submissions/{done.id}/transition/", json={"action": "APPROVE"}).status_code == 200

    assert [one.status for one in (done, auto, out, nothing)] == [
        "APPROVED", "APPROVED", "SCREENED OUT", "AWAITING REVIEW",
    ]  # fmt: skip
    assert nothing.entered_code == "NOCODE"
    cost = api.get(f"/studies/{study.id}/cost/").json()["rewards"]
    # 150, 150 and 20; a third of each as fee (50, 50, 7), a fifth of that as tax (10, 10, 1)
    assert [cost[name]["amount"] for name in ("rewards", "fees", "tax")] == [320, 107, 21]


def test_a_rejection_needs_a_known_category_and_a_hundred_characters(api, prolific, study):
    one = takes(prolific, study, "a")
    at = f"/submissions/{one.id}/transition/"

    answers = [
        api.post(at, json={"action": "REJECT", "rejection_category": category, "message": message}).status_code
        for category, message in (("USED_LLM", "x" * 100), ("LOW_EFFORT", "x" * 99), ("LOW_EFFORT", "x" * 100))
    ]

    assert answers == [400, 400, 200]
    assert one.status == "REJECTED"


def test_paying_a_bonus_twice_pays_twice(api, prolific, study):
    one = takes(prolific, study, "a")
    made = api.post("/submissions/bonus-payments/", json={"study_id": study.id, "csv_bonuses": f"{one.id},1.50"}).json()

    for _ in range(2):
        assert api.post(f"/bulk-bonus-payments/{made['id']}/pay/").status_code == 202

    assert made["total_amount"] == 150 + 50 + 10
    assert one.bonus_payments == [150, 150]


def test_a_pause_keeps_people_out_and_a_stop_ends(api, prolific, study):
    move = f"/studies/{study.id}/transition/"

    states = [api.post(move, json={"action": name}).json()["status"] for name in ("PAUSE", "START", "STOP")]

    assert states == ["PAUSED", "ACTIVE", "COMPLETED"]
    assert api.post(move, json={"action": "START"}).status_code == 422


def test_the_rate_limit_says_when_to_come_again_and_an_outage_answers_503(api, prolific):
    prolific.limit = (2, 60.0, 7)
    answers = [api.get("/users/me/") for _ in range(3)]
    prolific.limit = None
    with prolific.outage():
        down = api.get("/users/me/").status_code

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "7"
    assert (down, api.get("/users/me/").status_code) == (503, 200)


@pytest.fixture
def listener():
    """A web server that remembers what was posted to it and answers what the test wants."""
    got, statuses = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers, body))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}/", got, statuses


def subscribe(api, prolific, target):
    workspace = prolific.platform.workspace
    secret = api.post("/hooks/secrets/", json={"workspace_id": workspace}).json()["value"]
    wanted = {"workspace_id": workspace, "event_type": "submission.status.change", "target_url": target}
    made = api.post("/hooks/subscriptions/", json=wanted)
    confirm = {"secret": made.headers["X-Hook-Secret"]}
    assert api.post(f"/hooks/subscriptions/{made.json()['id']}/", json=confirm).status_code == 200
    return secret


@pytest.fixture
def heard(api, prolific, listener):
    """What a confirmed subscriber hears, the answers that he will give, and his secret."""
    target, got, statuses = listener
    return got, statuses, subscribe(api, prolific, target)


def test_events_are_signed_and_come_again_with_the_same_id_until_they_are_accepted(prolific, study, heard, wait_until):
    got, statuses, secret = heard
    statuses[:] = [500, 503]

    one = prolific.platform.reserve(study, "a")
    wait_until(lambda: len(got) == 3)

    headers, body = got[-1]
    assert len({told["X-Event-ID"] for told, _ in got}) == 1
    assert headers["X-Prolific-Request-Signature"] == signature(secret, headers["X-Prolific-Request-Timestamp"], body)
    assert one.id in body.decode()


def test_an_unconfirmed_subscription_hears_nothing(api, prolific, study, listener):
    target, _, _ = listener
    workspace = prolific.platform.workspace
    api.post("/hooks/secrets/", json={"workspace_id": workspace})
    wanted = {"workspace_id": workspace, "event_type": "submission.status.change", "target_url": target}
    api.post("/hooks/subscriptions/", json=wanted)

    prolific.platform.reserve(study, "a")

    assert prolific.hooks.counted["emitted"] == 0


def test_events_are_lost_repeated_and_late_as_a_test_wishes(prolific, study, heard, wait_until):
    got, _, _ = heard
    prolific.hooks.faults.repeated = 1.0
    prolific.hooks.faults.delay = (0.0, 0.1)

    prolific.platform.reserve(study, "a")
    wait_until(lambda: len(got) == 2)
    prolific.hooks.faults.lost = 1.0
    prolific.platform.reserve(study, "b")

    assert len({told["X-Event-ID"] for told, _ in got}) == 1
    assert prolific.hooks.counted["lost"] == 1


def test_unreviewed_submissions_approve_themselves_after_21_days(prolific, study):
    one = takes(prolific, study, "a")

    prolific.platform.clock.advance(21 * 24 * 3600 + 1)
    prolific.platform.settle()

    assert one.status == "APPROVED"


def test_a_platform_that_lets_ended_ones_be_approved():
    platform = Platform(approves_ended=True)
    study = platform.create(draft())
    platform.transition(study, "PUBLISH")
    one = platform.reserve(study, "a")
    platform.give_back(one)

    platform.approve(one)

    assert one.status == "APPROVED"

"""The client of MTurk against the stand-in: the real boto3 over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from annotations.enums import RemoteState, SubmissionState
from annotations.errors import RemoteRefused, RemoteUnreachable
from annotations.plugins.recruitment.mturk_client import MTurkClient, cents, code_in, fee_on
from annotations.registry import RemoteDraft, recruitment_platforms
from tests.standins.mturk.errors import Refused
from tests.standins.mturk.fixtures import SECRETS, work
from tests.standins.mturk.market import Market
from tests.standins.mturk.server import StandIn, serve
from tests.standins.mturk.things import Hit

MTURK = recruitment_platforms.get("mturk")
KEY = "9d1a4c52-5b0e-4b52-9b57-000000000001"


@pytest.fixture
def mturk() -> Iterator[StandIn]:
    with serve(Market(prepaid="1000.00")) as server:
        yield server


@pytest.fixture
def client(mturk) -> MTurkClient:
    return MTURK.connect(base_url=mturk.url, secrets=SECRETS)


def draft(*, places: int = 3, reward: int = 200, **changes) -> RemoteDraft:
    return RemoteDraft(
        name="Judge ideas",
        description="Which is more original?",
        url="https://eval.example.org/s/abc/?a=1&b=2",
        places=places,
        reward=reward,
        minutes=10,
        settings=MTURK.clean_settings(changes),
    )


def hits(server: StandIn) -> list[Hit]:
    return sorted(server.market.hits.values(), key=lambda hit: hit.created)


def published(client: MTurkClient, **changes) -> str:
    remote = client.create(draft(**changes), key=KEY)
    client.publish(remote)
    return remote


def test_a_created_study_lets_nobody_in_until_it_is_published(mturk, client):
    remote = client.create(draft(), key=KEY)

    with pytest.raises(Refused, match="no more"):
        mturk.market.accept(hits(mturk)[0].ident, worker="A1")
    assert client.facts(remote).state is RemoteState.DRAFT
    assert mturk.market.books.on_hold == 0
    client.publish(remote)
    mturk.market.accept(hits(mturk)[0].ident, worker="A1")
    assert client.facts(remote).state is RemoteState.PUBLISHED


def test_the_question_carries_the_address_with_its_query(mturk, client):
    published(client)

    assert hits(mturk)[0].question.url == "https://eval.example.org/s/abc/?a=1&b=2"


def test_a_repeated_creation_finds_the_first(mturk, client):
    assert client.create(draft(), key=KEY) == client.create(draft(), key=KEY)

    assert len(mturk.market.hits) == len(mturk.market.qualifications) == 1


def test_a_creation_whose_answer_was_lost_makes_one_hit(mturk, client):
    """boto3 tries again, Amazon knows the token, and the HIT is found and expired."""
    mturk.trouble.drop = 2

    remote = client.create(draft(), key=KEY)

    assert len(mturk.market.hits) == len(mturk.market.qualifications) == 1
    assert client.facts(remote).state is RemoteState.DRAFT


def test_a_creation_after_the_token_has_run_out_makes_no_second_hit(mturk, client):
    client.create(draft(), key=KEY)
    mturk.market.advance(25 * 3600)

    client.create(draft(), key=KEY)

    assert len(mturk.market.hits) == 1


def test_pausing_and_stopping_let_nobody_in_but_those_who_accepted_finish(mturk, client):
    remote = published(client)
    hit = hits(mturk)[0].ident
    session = work(mturk.market, hit, "A1")
    mturk.market.accept(hit, worker="A2")

    client.pause(remote)

    with pytest.raises(Refused, match="no more"):
        mturk.market.accept(hit, worker="A3")
    assert client.facts(remote).state is RemoteState.PAUSED
    assert client.facts(remote).places_taken == 2
    client.publish(remote)
    mturk.market.accept(hit, worker="A3")
    client.stop(remote)
    assert client.facts(remote).state is RemoteState.ENDED
    assert [one.session for one in client.submissions(remote)] == [session]


def test_requirements_are_those_of_the_settings(mturk, client):
    published(client, countries="us, gb", approved_percent=99, approved_hits=0)
    hit = hits(mturk)[0].ident
    market = mturk.market
    market.worker("A1").country = "DE"
    market.worker("A2").approved = 980

    for worker in ("A1", "A2"):
        with pytest.raises(Refused, match="requirements"):
            market.accept(hit, worker=worker)
    market.accept(hit, worker="A3")


def test_who_took_part_is_kept_out_of_the_study_and_of_later_ones(mturk, client):
    first = published(client, places=18, groups_of_nine=True)
    one, two = (hit.ident for hit in hits(mturk))
    work(mturk.market, one, "A1")

    assert [found.person for found in client.submissions(first)] == ["A1"]

    with pytest.raises(Refused, match="requirements to work"):
        mturk.market.accept(two, worker="A1")
    later = client.create(draft(exclude=[first]), key="another-key")
    client.publish(later)
    with pytest.raises(Refused, match="requirements to work"):
        mturk.market.accept(hits(mturk)[-1].ident, worker="A1")
    assert client.facts(first).places == 18  # the later HIT is not counted to the earlier study
    assert mturk.market.worker("A1").mails == []


def test_submissions_are_read_page_after_page(mturk, client):
    remote = published(client, places=201, reward=1)
    hit = hits(mturk)[0].ident
    sessions = {work(mturk.market, hit, f"A{number}", code=f"C{number}") for number in range(200)}

    found = {one.session: one for one in client.submissions(remote)}

    assert set(found) == sessions
    assert {one.state for one in found.values()} == {SubmissionState.AWAITING}
    assert {one.code for one in found.values()} == {f"C{number}" for number in range(200)}
    assert client.facts(remote).places_taken == 200
    assert mturk.calls["ListAssignmentsForHIT"] == 4  # twice two full pages, and no third


def test_an_approval_pays_once_however_often_it_is_sent(mturk, client):
    remote = published(client)
    session = work(mturk.market, hits(mturk)[0].ident, "A1")

    client.approve(remote, [session])
    client.approve(remote, [session, session])

    assert len(mturk.market.books.entries) == 1
    assert [(one.state, one.reward) for one in client.submissions(remote)] == [(SubmissionState.APPROVED, 200)]


def test_an_approval_whose_answer_was_lost_is_found_made(mturk, client):
    remote = published(client)
    session = work(mturk.market, hits(mturk)[0].ident, "A1")
    real = client.call

    def losing(operation, /, **values):
        if operation == "approve_assignment":
            mturk.trouble.drop = 1
        return real(operation, **values)

    client.call = losing  # type: ignore[assignment]
    client.approve(remote, [session])

    assert len(mturk.market.books.entries) == 1


def test_two_approvals_at_once_pay_once(mturk, client):
    remote = published(client)
    session = work(mturk.market, hits(mturk)[0].ident, "A1")
    problems = []

    def approve():
        try:
            client.approve(remote, [session])
        except Exception as error:  # noqa: BLE001 - counted below
            problems.append(error)

    threads = [threading.Thread(target=approve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert len(mturk.market.books.entries) == 1


def test_a_submission_that_amazon_does_not_know_yet_is_no_submission(mturk, client):
    remote = published(client)
    mturk.market.lag = 60
    session = work(mturk.market, hits(mturk)[0].ident, "A1")

    assert list(client.submissions(remote)) == []
    with pytest.raises(RemoteRefused, match="no submission"):
        client.approve(remote, [session])
    mturk.market.advance(61)
    client.approve(remote, [session])


def test_a_returned_assignment_is_not_approved_in_the_name_of_the_next_worker(mturk, client):
    """Amazon gives the id of a returned assignment to the next worker (psiTurk's issues 184 and 390)."""
    remote = published(client, places=1)
    hit = hits(mturk)[0].ident
    address = mturk.market.accept(hit, worker="A1")
    first = MTURK.identity(dict(part.split("=") for part in address.partition("?")[2].split("&")))
    mturk.market.give_back(first.session.partition(":")[0])
    second = work(mturk.market, hit, "A2")

    assert first.session.partition(":")[0] == second.partition(":")[0]
    with pytest.raises(RemoteRefused, match="no submission of this worker"):
        client.approve(remote, [first.session])
    assert mturk.market.books.entries == []
    assert [one.session for one in client.submissions(remote)] == [second]
    assert client.submission(remote, first.session) is None


def test_one_refusal_does_not_hold_up_the_other_approvals(mturk, client):
    remote = published(client)
    good = work(mturk.market, hits(mturk)[0].ident, "A1")

    with pytest.raises(RemoteRefused):
        client.approve(remote, ["3NOSUCHASSIGNMENT0000000000000:A9", good])

    assert [entry.worker for entry in mturk.market.books.entries] == ["A1"]


def test_a_rejection_has_words_and_can_be_taken_back(mturk, client):
    remote = published(client)
    session = work(mturk.market, hits(mturk)[0].ident, "A1")

    client.reject(remote, session, reason="NOT_DONE", message="No pair was judged.")
    client.reject(remote, session, reason="NOT_DONE", message="No pair was judged.")
    assert [one.state for one in client.submissions(remote)] == [SubmissionState.REJECTED]
    client.approve(remote, [session])

    assert [one.state for one in client.submissions(remote)] == [SubmissionState.APPROVED]
    with pytest.raises(RemoteRefused, match="status of: Submitted"):
        client.reject(remote, session, reason="NOT_DONE", message="No pair was judged.")


def test_a_bonus_is_paid_once_even_after_amazon_forgot_the_token(mturk, client):
    remote = published(client)
    session = work(mturk.market, hits(mturk)[0].ident, "A1")
    client.approve(remote, [session])
    bonus = {"session": session, "person": "A1", "amount": 150, "key": "bonus-7"}

    client.bonus(remote, **bonus)
    mturk.trouble.drop = 1
    client.bonus(remote, **bonus)
    mturk.market.advance(25 * 3600)
    client.bonus(remote, **bonus)
    client.bonus(remote, **(bonus | {"key": "bonus-8"}))

    assert mturk.market.books.total("bonus") == Decimal("3.00")
    assert next(client.submissions(remote)).bonus == 300


@pytest.mark.parametrize("places", [3, 12])
def test_our_books_are_amazons_to_the_cent(mturk, client, places):
    remote = published(client, places=places, reward=133)
    hit = hits(mturk)[0].ident
    sessions = [work(mturk.market, hit, f"A{number}") for number in range(3)]
    client.approve(remote, sessions[:2])
    client.reject(remote, sessions[2], reason="NOT_DONE", message="Nothing was done.")
    for number, session in enumerate(sessions[:2]):
        amount = 33 + number
        client.bonus(remote, session=session, person=f"A{number}", amount=amount, key=f"b{number}")

    lines = list(client.charges(remote))

    books = mturk.market.books
    told = {kind: sum(line.amount for line in lines if line.kind == kind) for kind in ("reward", "bonus", "fee")}
    assert told == {
        "reward": 100 * books.total("reward"),
        "bonus": 100 * books.total("bonus"),
        "fee": 100 * books.fees,
    }
    assert len({line.reference for line in lines}) == len(lines) == 8
    assert [line.reference for line in client.charges(remote)] == [line.reference for line in lines]
    assert not [line for line in lines if line.session and line.session.partition(":")[2] in line.reference]


@pytest.mark.parametrize(
    ("places", "wanted", "sizes"),
    [(8, 9, [9]), (9, 12, [9, 3]), (10, 25, [25]), (3, 3, [3]), (5, 2, [5])],
    ids=["within nine", "from nine to twelve", "above ten", "none", "never less"],
)
def test_places_only_increase_and_nine_never_become_ten(mturk, client, *, places, wanted, sizes):
    remote = published(client, places=places)

    client.set_places(remote, wanted)
    client.set_places(remote, wanted)

    assert [hit.most for hit in hits(mturk)] == sizes
    assert client.facts(remote).places == sum(sizes)
    if len(sizes) > 1:
        mturk.market.accept(hits(mturk)[-1].ident, worker="A1")  # the new one runs like the first


def test_new_places_of_a_paused_study_stay_shut(mturk, client):
    remote = published(client, places=9)
    client.pause(remote)

    client.set_places(remote, 11)

    with pytest.raises(Refused, match="no more"):
        mturk.market.accept(hits(mturk)[-1].ident, worker="A1")
    client.publish(remote)
    mturk.market.accept(hits(mturk)[-1].ident, worker="A1")


def test_groups_of_nine_cost_half_the_fee(mturk, client):
    one = published(client, places=20, groups_of_nine=True)

    assert [hit.most for hit in hits(mturk)] == [9, 9, 2]
    assert mturk.market.books.on_hold == Decimal("48.00")  # 20 × 2.40
    assert MTURK.fee(reward=200, places=20, settings={"groups_of_nine": True}) == 20 * 40
    assert MTURK.fee(reward=200, places=20, settings={}) == 20 * 80
    client.set_places(one, 23)
    assert [hit.most for hit in hits(mturk)] == [9, 9, 2, 3]


@pytest.mark.parametrize(
    ("amount", "places", "masters", "fee"),
    [
        (200, 9, False, 40),
        (200, 10, False, 80),
        (200, 10, True, 90),
        (2, 1, False, 1),
        (52, 1, False, 10),
        (53, 1, False, 11),
    ],
)
def test_fees_follow_amazons_price_list(amount, places, masters, fee):
    assert fee_on(amount, places=places, masters=masters) == fee


def test_throttling_and_faults_are_tried_again_by_boto3(mturk, client):
    remote = published(client)
    mturk.trouble.throttle, mturk.trouble.fail = 1, 1

    assert client.facts(remote).state is RemoteState.PUBLISHED


def test_an_outage_says_that_it_is_one(mturk, client):
    remote = published(client)
    mturk.trouble.closed = True

    with pytest.raises(RemoteUnreachable):
        client.facts(remote)


def test_refusals_say_what_to_do_and_hold_no_ids(mturk, client):
    wrong = MTURK.connect(base_url=mturk.url, secrets=SECRETS | {"secret_key": "wrong"})
    with pytest.raises(RemoteRefused, match="AWS refused the access key"):
        wrong.create(draft(), key=KEY)
    with pytest.raises(RemoteRefused, match="not hold enough money"):
        client.create(draft(places=1000), key=KEY)
    with pytest.raises(RemoteRefused) as caught:
        client.facts("3NOSUCHQUALIFICATION0000000000")
    assert "3NOSUCH" not in str(caught.value)
    with pytest.raises(RemoteRefused, match="cannot ask for a submission back"):
        client.request_return("x", "y", reason="z")


def test_another_currency_than_dollars_is_refused(client):
    with pytest.raises(RemoteRefused, match="US dollars"):
        client.create(RemoteDraft("n", "d", "https://e.org", 1, 100, 5, currency="EUR"), key=KEY)


@pytest.mark.parametrize(("amount", "value"), [("2", 200), ("2.5", 250), ("101.42", 10142), ("0.07", 7)])
def test_amounts_are_read_as_they_come(amount, value):
    assert cents(amount) == value


def test_an_answer_without_a_code_has_none():
    assert code_in("") == code_in("<a/>") == ""

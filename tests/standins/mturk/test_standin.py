"""The stand-in of MTurk behaves as Amazon documents, seen through the real boto3 client."""

from __future__ import annotations

import datetime as dt
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.standins.mturk.books import fee_on
from tests.standins.mturk.errors import Refused
from tests.standins.mturk.market import PREVIEW, Market
from tests.standins.mturk.qualifying import APPROVED_PERCENT, LOCALE
from tests.standins.mturk.questions import EXTERNAL
from tests.standins.mturk.server import KEY, SECRET, StandIn, serve

QUESTION = (
    f'<ExternalQuestion xmlns="{EXTERNAL}"><ExternalURL>https://eval.example.org/s/abc/?lang=en</ExternalURL>'
    "<FrameHeight>0</FrameHeight></ExternalQuestion>"
)
HIT = {
    "Title": "Judge ideas",
    "Description": "Which is more original?",
    "Reward": "2.00",
    "AssignmentDurationInSeconds": 1800,
    "LifetimeInSeconds": 86400,
    "AutoApprovalDelayInSeconds": 259200,
    "Question": QUESTION,
}


@pytest.fixture
def mturk() -> Iterator[StandIn]:
    """A market with $100."""
    with serve(Market(prepaid="100.00")) as server:
        yield server


@pytest.fixture
def client(mturk: StandIn) -> Any:
    return client_of(mturk)


def client_of(server: StandIn, *, secret: str = SECRET) -> Any:
    return boto3.client(
        "mturk",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id=KEY,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )


def create(client: Any, **changes: Any) -> str:
    return str(client.create_hit(**{**HIT, "MaxAssignments": 3, **changes})["HIT"]["HITId"])


def assignment_of(address: str) -> str:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))["assignmentId"]


def finish(server: StandIn, hit: str, worker: str) -> str:
    """Accept and submit over HTTP; returns the assignment's id."""
    ident = assignment_of(server.market.accept(hit, worker=worker))
    post(server, assignmentId=ident, code="ABC")
    return ident


def post(server: StandIn, **fields: str) -> int:
    data = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(f"{server.url}/mturk/externalSubmit", data=data, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_hit_holds_its_price_and_frees_it_when_it_is_over(mturk, client):
    hit = create(client, MaxAssignments=9)

    assert client.get_account_balance()["AvailableBalance"] == "78.40"  # 100 − 9 × 2.40
    assert client.get_account_balance()["OnHoldBalance"] == "21.60"
    client.update_expiration_for_hit(HITId=hit, ExpireAt=dt.datetime(2015, 1, 1, tzinfo=dt.UTC))
    assert client.get_account_balance() | {"ResponseMetadata": None} == {
        "AvailableBalance": "100.00",
        "OnHoldBalance": "0.00",
        "ResponseMetadata": None,
    }


@pytest.mark.parametrize(
    ("amount", "assignments", "masters", "fee"),
    [
        ("2.00", 9, False, "0.40"),
        ("2.00", 10, False, "0.80"),
        ("2.00", 10, True, "0.90"),
        ("0.02", 1, False, "0.01"),
        ("0.52", 1, False, "0.10"),
        ("0.53", 1, False, "0.11"),
    ],
)
def test_fees_follow_the_price_list(amount, assignments, masters, fee):
    assert fee_on(Decimal(amount), assignments=assignments, masters=masters) == Decimal(fee)


def test_too_little_money_refuses_the_hit(client):
    with pytest.raises(client.exceptions.RequestError, match="insufficient funds") as caught:
        create(client, MaxAssignments=100)

    assert caught.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.InsufficientFunds"


@pytest.mark.parametrize(
    "question",
    [
        "<ExternalQuestion/>",
        QUESTION.replace("<FrameHeight>0</FrameHeight>", ""),
        QUESTION.replace("2006-07-14", "2011-11-11"),
        "no xml",
    ],
)
def test_a_question_that_breaks_the_schema_is_refused(client, question):
    with pytest.raises(ClientError, match=r"ParameterValidationError.*validates against the appropriate schema"):
        create(client, Question=question)


def test_an_address_without_https_is_refused(client):
    with pytest.raises(client.exceptions.RequestError, match="HTTPS"):
        create(client, Question=QUESTION.replace("https:", "http:"))


def test_the_frame_gets_four_parameters_and_the_preview_no_worker(mturk, client):
    hit = create(client)

    preview, accepted = mturk.market.preview(hit), mturk.market.accept(hit, worker="A1")

    assert dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(preview).query)) == {
        "lang": "en",
        "assignmentId": PREVIEW,
        "hitId": hit,
        "turkSubmitTo": mturk.url,
    }
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(accepted).query))
    assert (query["workerId"], query["hitId"]) == ("A1", hit)
    assert len(query["assignmentId"]) == 30


def test_a_hit_goes_from_assignable_over_unassignable_to_reviewable(mturk, client):
    hit = create(client, MaxAssignments=1)
    states = [client.get_hit(HITId=hit)["HIT"]["HITStatus"]]
    ident = assignment_of(mturk.market.accept(hit, worker="A1"))
    states.append(client.get_hit(HITId=hit)["HIT"]["HITStatus"])
    post(mturk, assignmentId=ident, code="ABC")
    states.append(client.get_hit(HITId=hit)["HIT"]["HITStatus"])

    assert states == ["Assignable", "Unassignable", "Reviewable"]


def test_a_form_with_only_the_assignment_is_refused(mturk, client):
    ident = assignment_of(mturk.market.accept(create(client), worker="A1"))

    assert post(mturk, assignmentId=ident) == 400
    assert post(mturk, assignmentId=ident, code="ABC") == 200
    assert post(mturk, assignmentId=ident, code="ABC") == 400


def test_a_returned_id_goes_to_the_next_worker_and_the_first_cannot_submit_it(mturk, client):
    hit = create(client)
    first = assignment_of(mturk.market.accept(hit, worker="A1"))
    mturk.market.give_back(first)
    second = assignment_of(mturk.market.accept(hit, worker="A2"))

    assert first == second
    assert post(mturk, assignmentId=first, workerId="A1") == 400
    assert post(mturk, assignmentId=second, workerId="A2") == 200


def test_an_abandoned_assignment_frees_its_place(mturk, client):
    hit = create(client, MaxAssignments=1)
    mturk.market.accept(hit, worker="A1")
    with pytest.raises(Refused, match="no more"):
        mturk.market.accept(hit, worker="A2")

    mturk.market.advance(1801)

    assert client.get_hit(HITId=hit)["HIT"]["NumberOfAssignmentsAvailable"] == 1
    mturk.market.accept(hit, worker="A2")


def test_who_accepted_before_the_end_may_submit_after_it(mturk, client):
    hit = create(client)
    ident = assignment_of(mturk.market.accept(hit, worker="A1"))
    client.update_expiration_for_hit(HITId=hit, ExpireAt=dt.datetime(2015, 1, 1, tzinfo=dt.UTC))

    assert client.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Unassignable"
    assert post(mturk, assignmentId=ident, code="ABC") == 200
    assert client.get_hit(HITId=hit)["HIT"]["HITStatus"] == "Reviewable"


def test_lists_are_paged_by_next_token_and_a_full_last_page_has_none(mturk, client):
    hit = create(client, MaxAssignments=4)
    made = {finish(mturk, hit, f"A{number}") for number in range(4)}

    first = client.list_assignments_for_hit(HITId=hit, MaxResults=2)
    second = client.list_assignments_for_hit(HITId=hit, MaxResults=2, NextToken=first["NextToken"])

    assert "NextToken" not in second
    assert {one["AssignmentId"] for one in first["Assignments"] + second["Assignments"]} == made


def test_a_page_of_more_than_a_hundred_is_refused(client):
    with pytest.raises(ClientError, match="lie between 1 and 100"):
        client.list_hits(MaxResults=101)


def test_approving_pays_once_and_the_second_time_is_an_error(mturk, client):
    ident = finish(mturk, create(client), "A1")

    client.approve_assignment(AssignmentId=ident, RequesterFeedback="Thank you.")
    with pytest.raises(client.exceptions.RequestError, match="with a status of: Submitted"):
        client.approve_assignment(AssignmentId=ident)

    assert client.get_assignment(AssignmentId=ident)["Assignment"]["AssignmentStatus"] == "Approved"
    assert (mturk.market.books.total("reward"), mturk.market.books.fees) == (Decimal("2.00"), Decimal("0.40"))


def test_a_submission_that_amazon_does_not_know_yet_has_status_null(mturk, client):
    mturk.market.lag = 60
    hit = create(client)
    ident = finish(mturk, hit, "A1")

    assert client.list_assignments_for_hit(HITId=hit)["NumResults"] == 0
    with pytest.raises(client.exceptions.RequestError, match="with a status of: null"):
        client.approve_assignment(AssignmentId=ident)
    mturk.market.advance(61)
    client.approve_assignment(AssignmentId=ident)


def test_a_rejection_needs_words_and_may_be_overridden(mturk, client):
    ident = finish(mturk, create(client), "A1")
    with pytest.raises(client.exceptions.RequestError, match="must not be empty"):
        client.reject_assignment(AssignmentId=ident, RequesterFeedback=" ")
    client.reject_assignment(AssignmentId=ident, RequesterFeedback="No answers were given.")
    assert mturk.market.books.entries == []

    client.approve_assignment(AssignmentId=ident, OverrideRejection=True)

    assert mturk.market.books.total("reward") == Decimal("2.00")


def test_submissions_approve_themselves(mturk, client):
    ident = finish(mturk, create(client), "A1")

    mturk.market.advance(259_201)

    assert client.get_assignment(AssignmentId=ident)["Assignment"]["AssignmentStatus"] == "Approved"


def test_a_bonus_with_the_same_token_is_paid_once(mturk, client):
    ident = finish(mturk, create(client), "A1")
    bonus = {
        "WorkerId": "A1",
        "AssignmentId": ident,
        "BonusAmount": "1.50",
        "Reason": "Longer than said.",
        "UniqueRequestToken": "bonus-1",
    }
    client.send_bonus(**bonus)
    with pytest.raises(client.exceptions.RequestError, match="already been processed"):
        client.send_bonus(**bonus)

    assert (mturk.market.books.total("bonus"), mturk.market.books.fees) == (Decimal("1.50"), Decimal("0.30"))
    assert client.list_bonus_payments(AssignmentId=ident)["BonusPayments"][0]["BonusAmount"] == "1.50"


def test_a_hit_with_the_same_token_is_created_once_and_the_error_names_it(client):
    hit = create(client, UniqueRequestToken="study-1")

    with pytest.raises(client.exceptions.RequestError, match=hit) as caught:
        create(client, UniqueRequestToken="study-1")

    assert caught.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.HitAlreadyExists"
    assert client.list_hits()["NumResults"] == 1


def test_nine_assignments_cannot_become_ten(mturk, client):
    hit = create(client, MaxAssignments=8)
    client.create_additional_assignments_for_hit(HITId=hit, NumberOfAdditionalAssignments=1)

    with pytest.raises(client.exceptions.RequestError, match="fewer than 10"):
        client.create_additional_assignments_for_hit(HITId=hit, NumberOfAdditionalAssignments=1)


def test_the_same_hit_type_gets_the_same_id(client):
    kind = {name: HIT[name] for name in ("Title", "Description", "Reward", "AssignmentDurationInSeconds")}

    assert client.create_hit_type(**kind)["HITTypeId"] == client.create_hit_type(**kind)["HITTypeId"]


def test_qualifications_keep_out_who_was_here_before(mturk, client):
    kind = client.create_qualification_type(
        Name="has done it", Description="Took part before.", QualificationTypeStatus="Active"
    )["QualificationType"]["QualificationTypeId"]
    before = {"QualificationTypeId": kind, "Comparator": "DoesNotExist", "ActionsGuarded": "PreviewAndAccept"}
    hit = create(client, QualificationRequirements=[before])
    client.associate_qualification_with_worker(QualificationTypeId=kind, WorkerId="A1", SendNotification=False)

    with pytest.raises(Refused, match="requirements to work"):
        mturk.market.accept(hit, worker="A1")
    with pytest.raises(Refused, match="requirements to preview"):
        mturk.market.preview(hit, worker="A1")
    mturk.market.accept(hit, worker="A2")
    assert mturk.market.worker("A1").mails == []


def test_the_systems_own_qualifications_are_checked(mturk, client):
    wanted = [
        {"QualificationTypeId": APPROVED_PERCENT, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [98]},
        {"QualificationTypeId": LOCALE, "Comparator": "In", "LocaleValues": [{"Country": "US"}, {"Country": "GB"}]},
    ]
    hit = create(client, QualificationRequirements=wanted)
    mturk.market.worker("A1").country = "FR"
    mturk.market.worker("A2").approved = 900

    for worker in ("A1", "A2"):
        with pytest.raises(Refused, match="requirements to work"):
            mturk.market.accept(hit, worker=worker)
    mturk.market.accept(hit, worker="A3")


def test_mails_reach_only_those_whose_work_was_decided(mturk, client):
    hit = create(client)
    client.approve_assignment(AssignmentId=finish(mturk, hit, "A1"))

    failed = client.notify_workers(Subject="Hello", MessageText="A new study.", WorkerIds=["A1", "A9"])

    assert [one["WorkerId"] for one in failed["NotifyWorkersFailureStatuses"]] == ["A9"]
    assert mturk.market.worker("A1").mails == [("Hello", "A new study.")]


def test_wrong_secrets_and_switched_on_trouble(mturk, client):
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client_of(mturk, secret="another").get_account_balance()
    mturk.trouble.throttle = mturk.trouble.fail = 1
    with pytest.raises(ClientError, match=r"ThrottlingException.*Rate exceeded"):
        client.get_account_balance()
    with pytest.raises(client.exceptions.ServiceFault):
        client.get_account_balance()
    mturk.trouble.drop = 1
    with pytest.raises(ConnectionClosedError):
        client.get_account_balance()
    assert client.get_account_balance()["AvailableBalance"] == "100.00"

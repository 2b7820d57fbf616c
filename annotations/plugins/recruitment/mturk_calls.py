"""Calls of MTurk's API: boto3's answers as they are, its errors as ours, pages as one list, request tokens."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from annotations.errors import RemoteRefused, RemoteUnreachable

if TYPE_CHECKING:  # boto3 takes a third of a second to load, which no page but those of MTurk should pay for
    from botocore.exceptions import ClientError

LIVE: Final = "https://mturk-requester.us-east-1.amazonaws.com"
REGION: Final = "us-east-1"  # the only one
MOST: Final = 100  # of a page
TRIES: Final = 4
BUSY: Final = {"ThrottlingException", "Throttling", "ServiceFault", "RequestTimeout", "InternalFailure"}
KEYS: Final = {
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "AccessDeniedException",
    "SignatureDoesNotMatch",
}
IDS: Final = re.compile(r"\b[A-Z0-9]{10,}\b")
STAMP: Final = re.compile(r"\s*\(\d+ s\)\s*$")
PARTS: Final = {
    "list_assignments_for_hit": "Assignments",
    "list_bonus_payments": "BonusPayments",
    "list_hits_for_qualification_type": "HITs",
    "list_qualification_types": "QualificationTypes",
    "list_workers_with_qualification_type": "Qualifications",
}


def token_of(*parts: str) -> str:
    """Return a request token: the same call gets the same one. At most 64 characters are allowed."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def readable(message: str) -> str:
    """Return a refusal without its time and without ids, which may stand in our log and on our pages."""
    return IDS.sub("…", STAMP.sub("", message))


class Refusal(RemoteRefused):
    """MTurk refused this."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(f"MTurk: {readable(message)}")
        self.raw, self.code = message, code

    def wants(self, status: str) -> bool:
        """Say whether the call is refused because the thing is not in this state."""
        return "can be called with a status of" in self.raw and status in self.raw


class Calls:
    """One account. boto3 itself repeats what was throttled or not answered."""

    def __init__(self, *, base_url: str, key: str, secret: str) -> None:
        import boto3
        from botocore.config import Config

        self._client = boto3.client(
            "mturk",
            region_name=REGION,
            endpoint_url=base_url or LIVE,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(
                retries={"total_max_attempts": TRIES, "mode": "standard"}, connect_timeout=5, read_timeout=20
            ),
        )

    def __call__(self, operation: str, /, **values: Any) -> dict[str, Any]:
        """Call one operation by boto3's name."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**values)
        except ClientError as error:
            raise _ours(error) from None
        except BotoCoreError:
            raise RemoteUnreachable from None
        return answer

    def pages(self, operation: str, /, **values: Any) -> Iterator[dict[str, Any]]:
        """Yield all rows of a list; a last page that is full has no further token."""
        following: dict[str, str] = {}
        while True:
            answer = self(operation, MaxResults=MOST, **following, **values)
            yield from answer[PARTS[operation]]
            if not answer.get("NextToken"):
                return
            following = {"NextToken": answer["NextToken"]}

    def once(self, operation: str, /, *, token: str, **values: Any) -> dict[str, Any] | None:
        """Call with a request token; None when it was carried out before (Amazon remembers for 24 hours)."""
        try:
            return self(operation, UniqueRequestToken=token, **values)
        except Refusal as error:
            if "AlreadyExists" in error.code or "already been processed" in error.raw:
                return None
            raise


def _ours(error: ClientError) -> Refusal | RemoteRefused | RemoteUnreachable:
    """Turn an error of boto3 into one of ours; 5xx and throttling are tried again later."""
    told = error.response.get("Error", {})
    code, status = told.get("Code", ""), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in BUSY or status >= 500:  # noqa: PLR2004 - HTTP
        return RemoteUnreachable()
    if code in KEYS:
        return RemoteRefused("AWS refused the access key. Check both parts of it, and that its user may use MTurk.")
    turk = error.response.get("TurkErrorCode", "")
    if "InsufficientFunds" in turk:
        return RemoteRefused("The MTurk account does not hold enough money for this. Add money there and try again.")
    return Refusal(told.get("Message", code), code=turk)

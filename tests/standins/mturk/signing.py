"""Checks AWS's Signature Version 4 with botocore's own signer, so that a wrong key or secret is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .errors import NotSigned

PARTS = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/[^,]+, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")
REGION, SERVICE = "us-east-1", "mturk-requester"


def check_signature(*, headers: Mapping[str, str], body: bytes, url: str, keys: Mapping[str, str]) -> None:
    """Raise NotSigned unless the request is signed with the secret of a known key."""
    found = PARTS.fullmatch(headers.get("Authorization", ""))
    if not found or found[1] not in keys:
        raise NotSigned("The security token included in the request is invalid.")
    signed = {name: headers.get(name, "") for name in found[2].split(";") if name != "host"}
    request = AWSRequest(method="POST", url=url, data=body, headers=signed)
    request.context["timestamp"] = headers.get("X-Amz-Date", "")
    signer = SigV4Auth(Credentials(found[1], keys[found[1]]), SERVICE, REGION)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    if expected != found[3]:
        raise NotSigned("The request signature we calculated does not match the signature you provided.")

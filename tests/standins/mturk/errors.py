"""How MTurk refuses: the name of the exception, its own error code, and a message that ends with a time."""

from __future__ import annotations

import time

CODES = "AWS.MechanicalTurk."


def stamped(message: str) -> str:
    """Return the message as MTurk sends it, with the time in milliseconds at its end."""
    return f"{message} ({int(time.time() * 1000)} s)"


class Refused(Exception):
    """An answer with status 400 (or another) and a JSON body with `__type`."""

    status = 400
    kind = "RequestError"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def body(self) -> dict[str, str]:
        """What is sent."""
        code = {"TurkErrorCode": CODES + self.code} if self.code else {}
        return {"__type": self.kind, "Message": stamped(self.message), **code}


class Faulty(Refused):
    """A 5xx of theirs."""

    status = 500
    kind = "ServiceFault"


class Throttled(Refused):
    """Too many calls."""

    kind = "ThrottlingException"

    def body(self) -> dict[str, str]:
        """What is sent: no code and no time."""
        return {"__type": self.kind, "message": self.message}


class Invalid(Refused):
    """A parameter that breaks its constraint, or XML that does not validate."""

    kind = "ParameterValidationError"


class NotSigned(Throttled):
    """The signature or the key is wrong."""

    kind = "UnrecognizedClientException"


class UnknownOperation(Throttled):
    """There is no such operation."""

    kind = "UnknownOperationException"


def wrong_status(*allowed: str) -> Refused:
    """Return the refusal of a call that the thing's status does not allow; `null` right after a submission."""
    names = ",".join(allowed) or "null"
    return Refused(f"This operation can be called with a status of: {names}", code="InvalidAssignmentState")


def missing(kind: str, ident: str) -> Refused:
    """Return the refusal of an id that does not exist."""
    return Refused(f"{kind} {ident} does not exist.", code=f"{kind.replace(' ', '')}DoesNotExist")


def already(token: str, made: str) -> Refused:
    """Return the refusal of a UniqueRequestToken that was used before; the message holds the id of what it made."""
    return Refused(
        f'The idempotency token "{token}" has already been processed. {made}'.strip(), code="HitAlreadyExists"
    )

"""Errors that speak: the docstring of a class is its default message. Doors turn them into pages, JSON or log lines."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass

SHOWN = 20


class PlatformError(Exception):
    """Something went wrong."""

    status = 400

    def __init__(self, message: str = "", /) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))


class StudyNotFound(PlatformError):
    """There is no study at this address. Please check the link, or ask the person who sent it to you."""

    status = 404


class BadToken(PlatformError):
    """The link is not complete or not valid. Please copy the whole link again; answers that you gave are safe."""

    status = 404


class StudyNotOpen(PlatformError):
    """The study is not open for answers at the moment."""

    status = 409


class StudyFull(PlatformError):
    """All places in this study are taken at the moment. Thank you for coming."""

    status = 409


class CodeNeeded(PlatformError):
    """Please type the code that you were given."""

    status = 403


class CodeWrong(CodeNeeded):
    """That code is not right. Please check it, or ask the person who gave it to you."""


class BrowserUsed(PlatformError):
    """Somebody has taken part with this browser already, and this study allows that once. Thank you for coming."""

    status = 409


class TookPart(PlatformError):
    """You have taken part in an earlier study of this series, so this one is not for you. Thank you for coming back."""

    status = 409


class HandedIn(PlatformError):
    """You have taken part in this study already, and your work was handed in. Please return this task unopened."""

    status = 409


class LinkIncomplete(PlatformError):
    """The link does not say who you are. Please open the study again through the link that you were given."""

    status = 403


class NotReady(PlatformError):
    """The study is not ready for this step."""

    status = 409


class WrongState(PlatformError):
    """The study is in a state in which that cannot be done."""

    status = 409


class AnswerError(PlatformError):
    """Please answer every row."""

    status = 422


class NotAllowed(PlatformError):
    """You may not do that in this study."""

    status = 403


class RemoteRefused(PlatformError):
    """The recruitment platform refused this."""

    status = 409


class RemoteUnreachable(PlatformError):
    """The recruitment platform does not answer at the moment. Nothing was changed; it is tried again."""

    status = 503


class RemoteUncertain(RemoteUnreachable):
    """The connection broke while money was on its way. It is not sent again before the platform's own list was read."""


class BadSignature(PlatformError):
    """The message is not signed as the platform signs."""

    status = 403


class KeyMissing(PlatformError):
    """A value in the database was encrypted with a key that FIELD_ENCRYPTION_KEYS does not hold any more."""

    status = 500


class GeneratorFailed(PlatformError):
    """The model did not answer.

    `lasting` when trying again is no use: a wrong key, an unknown model, settings that the server refuses. `unsure`
    when the server may have answered all the same, and may want to be paid for it.
    """

    status = 503

    def __init__(
        self, message: str = "The model did not answer.", /, *, lasting: bool = False, unsure: bool = False
    ) -> None:
        self.lasting, self.unsure = lasting, unsure
        super().__init__(message)


class AskLater(GeneratorFailed):
    """The sample was not had this time; it is asked for again later."""


class SourceUnreachable(PlatformError):
    """The source does not answer at the moment. Nothing was imported; try again later."""

    status = 503


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one cell of a file; `row` counts data rows from 1, 0 stands for the whole file."""

    file: str
    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}, row {self.row}" if self.row else self.file
        return f"{where}, column '{self.column}': {self.reason}" if self.column else f"{where}: {self.reason}"

    def as_dict(self) -> dict[str, str | int]:
        """Return the problem as plain JSON."""
        return asdict(self)


class MaterialRefused(PlatformError):
    """The file was refused; nothing was imported."""

    status = 422

    def __init__(self, problems: list[Problem], *, truncated: bool = False) -> None:
        self.problems = problems
        self.truncated = truncated
        first = "\n".join(str(problem) for problem in problems[:SHOWN])
        more = f"\n… and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        super().__init__(f"The file was refused; nothing was imported.\n{first}{more}")

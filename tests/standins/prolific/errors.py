"""Errors in the shape of the platform's API."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer that is no success: ``{"error": {"status", "title", "error_code", "detail", …}}``."""

    def __init__(self, status: int, title: str, detail: Any, *, code: int = 0, retry_after: int = 0) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail, self.code = status, title, detail, code
        self.retry_after = retry_after  # seconds

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {
            "error": {
                "status": self.status,
                "title": self.title,
                "error_code": self.code or 100_000 + self.status,
                "detail": self.detail,
                "additional_information": "/api/v1/errors/",
                "traceback": None,
                "interactive": False,
            }
        }


def bad(detail: Any) -> Refused:
    """400: the request is wrong; `detail` is a sentence or a list of them by field."""
    return Refused(400, "Bad request", detail, code=140_001)


def missing(what: str) -> Refused:
    """404: there is no such thing, or it belongs to somebody else."""
    return Refused(404, "Not found", f"{what} not found.", code=140_404)


def conflict(detail: Any) -> Refused:
    """422: well formed, but not possible now."""
    return Refused(422, "Unprocessable entity", detail, code=140_422)

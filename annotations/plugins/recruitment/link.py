"""An open link: anybody who has it may take part; `?pid=` may name the person, whom a second device then finds.

An access code may be asked for; seats and a cap per browser are for every platform (``annotations.domain.admission``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from annotations.registry import Identity, RecruitmentPlatform, recruitment_platforms

LONGEST_ID = 128
LONGEST_CODE = 60


@recruitment_platforms.register
class OpenLink(RecruitmentPlatform):
    """The plain link of a study."""

    name = "link"
    label = "Open link"

    def identity(self, query: Mapping[str, str]) -> Identity:
        """Read `pid` (or Prolific's `PROLIFIC_PID` and `SESSION_ID`, whose links look alike), and the access code."""
        person = query.get("pid") or query.get("PROLIFIC_PID") or ""
        return Identity(
            person=person[:LONGEST_ID],
            session=query.get("SESSION_ID", "")[:LONGEST_ID],
            code=query.get("code", "").strip()[:LONGEST_CODE],
        )

    def return_url(self, template: str, *, code: str) -> str:
        """Put the completion code where the address says {code}."""
        return template.replace("{code}", quote(code, safe=""))

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Check `code`, what people have to type before they are let in; empty: nothing."""
        code = settings.get("code", "")
        if not isinstance(code, str) or len(code.strip()) > LONGEST_CODE:
            message = f"code: a text of at most {LONGEST_CODE} characters"
            raise ValueError(message)
        return {**settings, "code": code.strip()}

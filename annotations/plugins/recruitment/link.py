"""An open link: anybody who has it may take part; `?pid=` may name the person, whom a second device then finds."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from annotations.registry import Identity, RecruitmentPlatform, recruitment_platforms

LONGEST_ID = 128


@recruitment_platforms.register
class OpenLink(RecruitmentPlatform):
    """The plain link of a study."""

    name = "link"
    label = "Open link"

    def identity(self, query: Mapping[str, str]) -> Identity:
        """Read `pid` (or Prolific's `PROLIFIC_PID` and `SESSION_ID`, whose links look alike)."""
        person = query.get("pid") or query.get("PROLIFIC_PID") or ""
        return Identity(person=person[:LONGEST_ID], session=query.get("SESSION_ID", "")[:LONGEST_ID])

    def return_url(self, template: str, *, code: str) -> str:
        """Put the completion code where the address says {code}."""
        return template.replace("{code}", quote(code, safe=""))

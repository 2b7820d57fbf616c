"""An invitation list: everybody has a personal link, which is one place in the study on any device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from annotations.registry import Identity, RecruitmentPlatform, each_checked, recruitment_platforms

LONGEST = 12  # of a token


def _number(value: Any, *, highest: int) -> int:
    number = int(value)
    if not 0 <= number <= highest:
        message = f"must lie between 0 and {highest}"
        raise ValueError(message)
    return number


# `reminders` at most, `reminder_days` apart; `subject` and `message` replace the standard words of the letter.
SETTINGS: Mapping[str, tuple[Any, Callable[[Any], Any]]] = {
    "reminders": (2, lambda value: _number(value, highest=5)),
    "reminder_days": (3, lambda value: max(_number(value, highest=60), 1)),
    "subject": ("", lambda value: str(value).strip()[:150]),
    "message": ("", lambda value: str(value).strip()[:5000]),
    "reply_to": ("", str),
    "site": ("", str),
}


@recruitment_platforms.register
class Invitations(RecruitmentPlatform):
    """People whom the researcher knows, by address or by a code."""

    name = "invitations"
    label = "Invitation list"
    personal = True

    def identity(self, query: Mapping[str, str]) -> Identity:
        """Read the token of a personal link: it is who came."""
        token = query.get("i", "")
        return Identity(person=token, code=token) if token.isalnum() and len(token) == LONGEST else Identity()

    def return_url(self, template: str, *, code: str) -> str:
        """Put the completion code where the address says {code}."""
        return template.replace("{code}", quote(code, safe=""))

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Complete and check the settings of the letters; raises ValueError that names the wrong one."""
        return {**settings, **each_checked(SETTINGS, settings)}

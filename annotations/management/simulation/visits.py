"""One visit of one simulated rater: from the open link through consent and instructions to the last trial."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import Literal
from urllib.parse import quote

import httpx

from .minds import CannotAnswer, Mind
from .pages import Page, ShownTrial, read_page

Outcome = Literal["finished", "dropped", "full", "failed"]
FETCH = {"X-Requested-With": "fetch"}  # what the page's own script sends: the answer brings the next trials along


class Unexpected(Exception):
    """The site answered with a page that a rater should not see at this point."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How a visit ended."""

    rater: str
    outcome: Outcome
    judgements: int = 0
    error: str = ""


class Visitor:
    """A rater with a browser of his own. `enter` must come before `judge`."""

    def __init__(
        self, mind: Mind, client: httpx.Client, *, speed: float = 0.0, called_off: Event | None = None
    ) -> None:
        """Take a client without cookies of others. `speed` 0 answers at once, 1 takes as long as a person would."""
        self.mind = mind
        self.speed = speed
        self.called_off = called_off or Event()
        self._client = client
        self._page = Page()
        self._judged = 0

    def enter(self, entrance: str) -> None:
        """Come by the open link, agree, read and begin; somebody known goes straight to his place."""
        self._page = self._read(self._client.get(f"{entrance}?pid={quote(self.mind.name)}"))
        for ending in (entrance, "/begin"):
            action = self._page.form(ending)
            if action is not None:
                self._page = self._read(self._client.post(action))

    def judge(self) -> Visit:
        """Answer trial after trial until the end, or until this rater has had enough."""
        if not self._page.trials:
            return self._end_without_trial()
        rows, address = self._page.rows, self._page.form("/answer")
        if address is None:
            message = "there is a trial, but no form to answer it"
            raise Unexpected(message)
        hand = list(self._page.trials)
        leaves_at = self.mind.leaves_at(hand[0].total)
        while hand:
            trial, *rest = hand
            if self.called_off.is_set() or (leaves_at is not None and trial.number >= leaves_at):
                return Visit(self.mind.name, "dropped", self._judged)
            hand = self._answer(address, trial, rows=rows, rest=rest)
        return Visit(self.mind.name, "finished", self._judged)

    def failed(self, error: Exception) -> Visit:
        """Return the visit as one that went wrong."""
        return Visit(self.mind.name, "failed", self._judged, f"{type(error).__name__}: {error}")

    def _answer(
        self, address: str, trial: ShownTrial, *, rows: dict[str, list[str]], rest: list[ShownTrial]
    ) -> list[ShownTrial]:
        """Send the answers of one trial; returns the trials in hand afterwards, the next one first."""
        answers, timing = self.mind.answers(trial, rows), self.mind.timing(trial, rows=len(rows))
        if self.speed > 0:
            self.called_off.wait(timing["t_submit"] / 1000 / self.speed)
        held = rest[0].token if rest else ""
        data = {"trial": trial.token, "held": held, **answers, **timing}
        response = self._client.post(address, data=data, headers=FETCH)
        more = self._read(response).trials
        self._judged += 1
        hand = {shown.token: shown for shown in (*rest, *more)}
        following = response.headers.get("X-Trial", "")
        step = response.headers.get("X-Step", "")
        if following not in hand and step != "finished":
            message = f"after trial {trial.number} came the step '{step}' without a trial"
            raise Unexpected(message)
        ahead = sorted(hand.values(), key=lambda shown: shown.number)
        return [shown for shown in ahead if following and shown.number >= hand[following].number]

    def _end_without_trial(self) -> Visit:
        if self._page.has_code:
            return Visit(self.mind.name, "finished")
        if self._page.form("/begin"):
            return Visit(self.mind.name, "full")
        message = f"the site says: {self._page.title}"
        raise Unexpected(message)

    def _read(self, response: httpx.Response) -> Page:
        page = read_page(response.text)
        if response.status_code != httpx.codes.OK:
            message = f"{response.status_code} at {response.request.method} {response.request.url.path}: {page.title}"
            raise Unexpected(message)
        return page


ERRORS = (httpx.HTTPError, Unexpected, CannotAnswer)

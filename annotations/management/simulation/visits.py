"""One visit of one simulated rater: from the open link through all the steps of the path to the last page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx

from .minds import CannotAnswer, Mind, Sent
from .pages import Control, Form, Page, Row, ShownTrial, read_page
from .phrases import words_between

Outcome = Literal["finished", "dropped", "full", "failed"]
FETCH = {"X-Requested-With": "fetch"}  # what the page's own script sends: the answer brings the next trials along
ON_THE_WAY = frozenset({"break", "comments", "debriefing", "questionnaire", "practice", "instructions", "quiz"})
MOST_PAGES = 200
PRACTICE = "practice."
SKIP = ".skip"
ANY_NUMBER = "30"
PathAnswers = Mapping[str, tuple[str, ...]]
"""What fits outside the trials, by name of the field: right answers of a quiz, whoever may take part, numbers."""


class Unexpected(Exception):
    """The site answered with a page that a rater should not see at this point."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How a visit ended."""

    rater: str
    outcome: Outcome
    judgements: int = 0
    error: str = ""


@dataclass(slots=True)
class _Hand:
    """The form of the trials, and the trials that the page has in hand, the next one first."""

    address: str
    rows: list[Row]
    trials: list[ShownTrial] = field(default_factory=list)


class Visitor:
    """A rater with a browser of his own. `enter` must come before `judge`."""

    def __init__(
        self,
        mind: Mind,
        client: httpx.Client,
        *,
        speed: float = 0.0,
        called_off: Event | None = None,
        fits: PathAnswers | None = None,
    ) -> None:
        """Take a client without cookies of others. `speed` 0 answers at once, 1 takes as long as a person would."""
        self.mind = mind
        self.speed = speed
        self.called_off = called_off or Event()
        self._fits: PathAnswers = fits or {}
        self._client = client
        self._page = Page()
        self._judged = 0

    def enter(self, entrance: str) -> None:
        """Come by the open link and take every step up to the first trial; who is known goes straight to his place."""
        self._page = self._read(self._client.get(f"{entrance}?pid={quote(self.mind.name)}"))
        self._walk(entrance)

    def _walk(self, entrance: str = "") -> None:
        """Fill in form after form, until there is a trial, or a page that leads nowhere."""
        before: tuple[str, str, str] | None = None
        for _ in range(MOST_PAGES):
            page = self._page
            practising = page.trials and page.trials[0].token.startswith(PRACTICE)
            if page.trials and not practising:
                return
            form = self._form_of_trial() if practising else self._form_onwards(entrance)
            if form is None:
                return
            sent = self._practice(page) if practising else self._filled(form)
            here = (form.action, page.title, repr(sent))
            if here == before:
                return  # the page comes back as it was: there is no going on
            before = here
            self._page = self._read(self._client.post(form.action, data=sent))
        message = f"after {MOST_PAGES} pages there is still no trial, but: {self._page.title}"
        raise Unexpected(message)

    def _form_of_trial(self) -> Form | None:
        return next((form for form in self._page.all_forms if form.action.endswith("/answer")), None)

    def _form_onwards(self, entrance: str) -> Form | None:
        """Return the form that goes on, not one that goes away."""
        for form in self._page.all_forms:
            path = form.action.partition("?")[0]
            if path.endswith("/begin") or "/step/" in path or (entrance and path.endswith(entrance)):
                return form
        return None

    def _practice(self, page: Page) -> Sent:
        """Answer a practice trial with whatever is possible: its texts belong to no system."""
        trial = page.trials[0]
        sent: Sent = {"trial": trial.token}
        for row in page.rows:
            if row.name in self._fits:
                sent[row.name] = self._fits[row.name][0]
            elif row.words:
                sent[row.name] = words_between(*row.words, rng=self.mind.population.generator(self.mind.name, row.name))
            elif row.kind == "ranking" or row.part in ("best", "worst"):
                sent[row.name] = {"best": "1", "worst": "2"}.get(row.part, row.part)
            elif row.ticks:
                sent[row.name] = list(row.ticks[: max(row.at_least, 1)])
            else:
                sent[row.name] = row.values[0] if row.values else f"{(row.span or (0, 0, 0))[0]:g}"
        return sent

    def _filled(self, form: Form) -> Sent:
        """Fill in a form outside the trials as somebody would who has nothing to hide."""
        sent: Sent = {}
        for name, control in form.controls.items():
            value = self._value(name, control)
            if value is not None:
                sent[name] = value
        return sent

    def _value(self, name: str, control: Control) -> str | list[str] | None:
        if name in self._fits:
            return list(self._fits[name])
        if control.type == "hidden":
            return control.values[0]
        if control.type == "radio":
            return self.mind.pick(name, control.values)
        if control.type == "checkbox":
            return None if name.endswith(SKIP) else [self.mind.pick(name, control.values)]
        if control.attrs.get("inputmode") == "decimal" or control.type == "number":
            return ANY_NUMBER
        return words_between(5, 60, rng=self.mind.population.generator(self.mind.name, "path", name))

    # ------------------------------------------------------------------------------------------------------- trials

    def judge(self) -> Visit:
        """Answer trial after trial until the end, or until this rater has had enough."""
        if not self._page.trials:
            return self._end_without_trial()
        leaves_at = self.mind.leaves_at(self._page.trials[0].total)
        hand = self._hand()
        while hand.trials:
            trial = hand.trials[0]
            if self.called_off.is_set() or (leaves_at is not None and trial.number >= leaves_at):
                return Visit(self.mind.name, "dropped", self._judged)
            hand = self._answer(hand)
        return Visit(self.mind.name, "finished", self._judged)

    def failed(self, error: Exception) -> Visit:
        """Return the visit as one that went wrong."""
        return Visit(self.mind.name, "failed", self._judged, f"{type(error).__name__}: {error}")

    def _hand(self) -> _Hand:
        address = self._page.form("/answer")
        if address is None:
            message = "there is a trial, but no form to answer it"
            raise Unexpected(message)
        return _Hand(address, self._page.rows, list(self._page.trials))

    def _answer(self, hand: _Hand) -> _Hand:
        """Send the answers of one trial; returns what is in hand afterwards."""
        trial, *rest = hand.trials
        answers = self.mind.answers(trial, hand.rows)
        written = sum(len(str(answers.get(row.name, ""))) for row in hand.rows if row.words)
        timing = self.mind.timing(trial, rows=len(hand.rows), letters=written)
        if self.speed > 0:
            self.called_off.wait(timing["t_submit"] / 1000 / self.speed)
        held = rest[0].token if rest else ""
        data = {"trial": trial.token, "held": held, **answers, **{name: str(value) for name, value in timing.items()}}
        response = self._client.post(hand.address, data=data, headers=FETCH)
        more = self._read(response).trials
        self._judged += 1
        following, step = response.headers.get("X-Trial", ""), response.headers.get("X-Step", "")
        if step in ON_THE_WAY:
            return self._go_on(hand)
        known = {shown.token: shown for shown in (*rest, *more)}
        if following not in known and step != "finished":
            message = f"after trial {trial.number} came the step '{step}' without a trial"
            raise Unexpected(message)
        ahead = sorted(known.values(), key=lambda shown: shown.number)
        trials = [shown for shown in ahead if following and shown.number >= known[following].number]
        return _Hand(hand.address, hand.rows, trials)

    def _go_on(self, hand: _Hand) -> _Hand:
        """Take the steps that stand between the trials (a break) or after the last one."""
        home = urlsplit(hand.address).path.removesuffix("answer")
        self._page = self._read(self._client.get(home))
        self._walk()
        if self._page.trials:
            return self._hand()
        self._end_without_trial()
        return _Hand(hand.address, hand.rows)

    def _end_without_trial(self) -> Visit:
        if self._page.has_code or self._page.is_end:
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

"""People of the stand-in who walk through the real site over HTTP: most finish, some leave, some come too late."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tests.standins.prolific import StandIn, TooLate
from tests.standins.prolific.platform import NoPlace
from tests.standins.prolific.things import Study, Submission

FORM = re.compile(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
BOX = re.compile(r'<input type="checkbox"[^>]*name="([^"]+)"')
TRIAL = re.compile(r'name="trial" value="([^"]+)"')
RADIO = re.compile(r'<input\b[^>]*type="radio"[^>]*>')
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
LEAVE = re.compile(r"https://app\.prolific\.com/submissions/complete\?cc=([A-Z0-9]+)")
STEPS = ("/s/", "/step/consent", "/begin")  # the forms on the way to the first trial
FETCH = {"X-Requested-With": "fetch"}
TIMING = {"t_submit": "5000", "t_first": "2000", "t_hidden": "0", "t_idle": "0"}
PATIENCE = 60.0  # seconds that somebody tries to reach a site that is being restarted


@dataclass(slots=True)
class Plan:
    """Shares of people who do not simply finish."""

    returns_early: float = 0.05
    returns_late: float = 0.03  # after the end
    times_out: float = 0.03
    no_code: float = 0.02
    two_browsers: float = 0.05

    def role(self, dice: random.Random) -> str:
        """What somebody will do."""
        at = dice.random()
        for name in ("returns_early", "returns_late", "times_out", "no_code", "two_browsers"):
            at -= getattr(self, name)
            if at < 0:
                return name
        return "finishes"


class GaveUp(Exception):
    """The site did not answer as it should for a whole minute."""


@dataclass
class Crowd:
    """`walkers` threads that send one person after another until `over` is set."""

    site: str
    prolific: StandIn
    study: Study
    seed: int = 720
    walkers: int = 8
    plan: Plan = field(default_factory=Plan)
    roles: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    finished: dict[str, str] = field(default_factory=dict)  # session -> role, of those who saw the end page
    returned: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    broken: int = 0  # requests that met a site that was down
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._dice = random.Random(self.seed)
        self._late: list[Submission] = []
        self.threads = [threading.Thread(target=self._walk, daemon=True) for _ in range(self.walkers)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def join(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def _walk(self) -> None:
        while not self.over.is_set():
            try:
                found = self._next()
            except NoPlace:
                time.sleep(0.05)
                continue
            session, role = found
            try:
                end = self._visit(session, role)
            except Exception as error:  # noqa: BLE001 - told by the test
                self.problems.append(f"{role}: {type(error).__name__}: {error}")
                continue
            with self._lock:
                self.ends[f"{role}: {end}"] += 1

    def _next(self) -> tuple[Submission, str]:
        with self._lock:
            ready = next((one for one in self._late if one.status == "TIMED-OUT"), None)
            if ready is not None:
                self._late.remove(ready)
                return ready, "comes_back"
            session = self.prolific.platform.reserve(self.study, f"person-{self._number:04d}")
            self._number += 1
            role = self.plan.role(self._dice)
            self.roles[role] += 1
            return session, role

    def _visit(self, session: Submission, role: str) -> str:
        platform = self.prolific.platform
        address = self.site + urlsplit(platform.start(session))._replace(scheme="", netloc="").geturl()
        with httpx.Client(timeout=20, follow_redirects=True) as browser:
            page = self._enter(browser, address)
            stops_after = {"returns_early": 1, "times_out": 1, "two_browsers": 1}.get(role)
            page = self._judge(browser, page, limit=stops_after)
        if role == "two_browsers" and TRIAL.search(page):
            with httpx.Client(timeout=20, follow_redirects=True) as other:
                again = self._enter(other, address)
                if TRIAL.search(again)[1] != TRIAL.search(page)[1]:
                    return "another trial in another browser"
                page = self._judge(other, again)
        if role == "returns_early":
            platform.give_back(session)
            self.returned.add(session.id)
            return "returned"
        if role == "times_out":
            with self._lock:
                self._late.append(session)
            return "went to sleep"
        return self._leave(session, role, page)

    def _leave(self, session: Submission, role: str, page: str) -> str:
        """Go back to the platform as the last page says."""
        platform = self.prolific.platform
        if 'id="finished"' not in page:
            code = LEAVE.search(page)
            if session.status == "ACTIVE" and code:
                platform.complete(session, code[1])  # "all places are taken", "passed on": a code of its own
                platform.give_back(session)
                self.returned.add(session.id)
                return "left with another code"
            return "not finished"
        self.finished[session.id] = role
        code = None if role == "no_code" else LEAVE.search(page)[1]
        try:
            platform.complete(session, code)
        except TooLate:
            return "too late"
        if role == "returns_late":
            platform.give_back(session)
            if session.status == "RETURNED":  # unless it was approved in between
                self.returned.add(session.id)
            return session.status.lower()
        return "submitted"

    # The site

    def _enter(self, browser: httpx.Client, address: str) -> str:
        """Open the link and leave one page after another until there is a trial, or no way on."""
        page = self._ask(browser, "GET", address).text
        for turn in range(12):
            if TRIAL.search(page):
                return page
            form = next(((at, body) for at, body in FORM.findall(page) if self._is_way_on(at)), None)
            if form is None:
                return page
            data = dict.fromkeys(BOX.findall(form[1]), "1")
            wait = "look again" in page.casefold()
            if wait:
                if LEAVE.search(page) and turn > 3:
                    return page
                time.sleep(0.5)
            page = self._ask(browser, "POST", self.site + form[0].replace("&amp;", "&"), data=data).text
        return page

    def _is_way_on(self, action: str) -> bool:
        return any(step in action for step in STEPS) and "decline" not in action

    def _judge(self, browser: httpx.Client, page: str, *, limit: int | None = None) -> str:
        """Answer trial after trial as the page's script does: the next one comes with the answer."""
        trial, judged = TRIAL.search(page), 0
        if trial is None:
            return page
        action = self.site + next(at for at, _ in FORM.findall(page) if at.endswith("/answer"))
        radios = (dict(ATTRIBUTE.findall(tag)) for tag in RADIO.findall(page))
        rows = {radio["name"]: radio["value"] for radio in radios}
        token = trial[1]
        while token and (limit is None or judged < limit):
            data = {"trial": token, **rows, **TIMING}
            answer = self._ask(browser, "POST", action, data=data, headers=FETCH)
            if answer.status_code != httpx.codes.OK:
                raise GaveUp(f"{answer.status_code} for {data}")
            token = answer.headers["X-Trial"]
            judged += 1
        return self._ask(browser, "GET", action.removesuffix("answer")).text

    def _ask(self, browser: httpx.Client, method: str, url: str, **more: object) -> httpx.Response:
        """Ask again while the site is being restarted, as a person reloads."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = browser.request(method, url, **more)
            except httpx.TransportError:
                self.broken += 1
            else:
                if answer.status_code < 500:
                    return answer
                self.broken += 1
            time.sleep(0.2)
        raise GaveUp(url)

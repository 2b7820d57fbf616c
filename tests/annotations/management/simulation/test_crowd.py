"""Visits of many raters: their summary, and what a single visitor does when something is odd."""

from threading import Event

import httpx
import pytest

from analysis.simulate import PlantedTruth, SimulatedPopulation
from annotations.blind import BlindTrial
from annotations.forms.page import trial_html
from annotations.management.simulation.crowd import Summary, send_raters
from annotations.management.simulation.minds import Known, Mind
from annotations.management.simulation.visits import Unexpected, Visit, Visitor

LIBRARY = {("Prompt", "one"): Known("a", "p/a/0"), ("Prompt", "two"): Known("b", "p/b/0")}
ROWS = '<input type="radio" name="answer-x" value="a"><input type="radio" name="answer-x" value="b">'


class Waits(Event):
    """An event that notes how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = []

    def wait(self, timeout=None):
        self.noted.append(timeout)
        return False


def make_mind(name="r1", **values):
    return Mind(name, SimulatedPopulation(PlantedTruth(effects={}), 1), LIBRARY, **values)


def trial(number):
    return trial_html(BlindTrial(f"t{number}", number, 3, "Prompt", ("one", "two")))


def page(*trials):
    return f'<form action="/r/tok/answer">{"".join(trials)}{ROWS}</form>'


class SmallSite:
    """A site of three trials, spoken over httpx's transport: what a rater's pages answer, without a server."""

    def __init__(self, *, after_last="finished") -> None:
        self.after_last = after_last
        self.posts = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/s/abc/" and request.method == "GET":
            return httpx.Response(200, text=f'<form action="/s/abc/?{request.url.query.decode()}"></form>')
        if request.url.path == "/s/abc/":
            return httpx.Response(303, headers={"Location": "/r/tok/"})
        if request.url.path == "/r/tok/":
            return httpx.Response(200, text='<form action="/r/tok/begin"></form>')
        if request.url.path == "/r/tok/begin":
            return httpx.Response(200, text=page(trial(1), f'<template id="after">{trial(2)}</template>'))
        sent = dict(httpx.QueryParams(request.content.decode()))
        self.posts.append(sent)
        following = int(sent["trial"][1:]) + 1
        if following > 3:
            return httpx.Response(200, text="", headers={"X-Step": self.after_last, "X-Trial": ""})
        more = trial(following + 1) if following < 3 else ""
        return httpx.Response(200, text=more, headers={"X-Step": "trial", "X-Trial": f"t{following}"})


def visitor_of(site, **values):
    mind = values.pop("mind", None) or make_mind()
    client = httpx.Client(transport=httpx.MockTransport(site), base_url="http://site", follow_redirects=True)
    visitor = Visitor(mind, client, **values)
    visitor.enter("/s/abc/")
    return visitor


def test_visitor_answers_every_trial_once_and_says_which_one_it_holds():
    site = SmallSite()

    visit = visitor_of(site).judge()

    assert visit == Visit("r1", "finished", 3)
    assert [(post["trial"], post["held"]) for post in site.posts] == [("t1", "t2"), ("t2", "t3"), ("t3", "")]
    assert {post["answer-x"] for post in site.posts} <= {"a", "b"}


def test_visitor_leaves_before_the_trial_at_which_he_has_had_enough():
    site = SmallSite()
    mind = make_mind(drop_out=1.0)

    visit = visitor_of(site, mind=mind).judge()

    assert visit == Visit("r1", "dropped", mind.leaves_at(3) - 1)
    assert len(site.posts) == visit.judgements


def test_visitor_takes_the_time_that_he_reports_divided_by_the_speed():
    waits = Waits()
    site = SmallSite()

    visitor_of(site, speed=10.0, called_off=waits).judge()

    assert waits.noted == [int(post["t_submit"]) / 1000 / 10 for post in site.posts]


def test_visitor_stops_when_he_is_called_off():
    called_off = Event()
    called_off.set()

    assert visitor_of(SmallSite(), called_off=called_off).judge() == Visit("r1", "dropped", 0)


def test_visitor_is_surprised_by_an_end_without_an_end():
    with pytest.raises(Unexpected, match="after trial 3 came the step 'lapsed' without a trial"):
        visitor_of(SmallSite(after_last="lapsed")).judge()


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<h1>Thank you</h1><code id="code">ABC</code>', "finished"),
        ('<h1>All places are taken</h1><form action="/r/tok/begin"></form>', "full"),
    ],
)
def test_visitor_knows_where_he_is_when_there_is_no_trial(html, expected):
    visitor = visitor_of(lambda _: httpx.Response(200, text=html))

    assert visitor.judge().outcome == expected


def test_visitor_reports_an_error_page_in_its_own_words():
    with pytest.raises(Unexpected, match="404 at GET /s/abc/: Nothing here"):
        visitor_of(lambda _: httpx.Response(404, text="<h1>Nothing here</h1>"))


def test_send_raters_gives_up_when_nobody_gets_through(free_port):
    minds = [make_mind(f"r{n:03d}") for n in range(100)]

    summary = send_raters(minds, base_url=f"http://127.0.0.1:{free_port}", entrance="/s/abc/", concurrency=2)

    assert summary.count("failed") == len(summary.visits) == 3
    assert summary.errors[0].startswith("r000: ConnectError")


def test_summary_counts_visits_by_their_outcome():
    visits = (
        Visit("r1", "finished", 20),
        Visit("r2", "dropped", 5),
        Visit("r3", "full"),
        Visit("r4", "failed", 1, "Oh"),
    )

    summary = Summary(visits, 2.0)

    assert str(summary) == (
        "4 raters: 1 finished, 1 dropped out, 1 found no place, 1 errors; 26 judgements in 2.0 s (13 cycles/s)"
    )
    assert summary.errors == ("r4: Oh",)

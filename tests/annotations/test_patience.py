"""One patient call: what is tried again, how long is waited, what holds back whom, and what no word may hold."""

import datetime as dt
import email.utils
import threading

import httpx
import pytest

from annotations.pace import Bucket, Meter, Pace
from annotations.patience import CallFailed, Interrupted, Patience, patient, quiet, retry_after

KEY = "sk-Dunnart-0123456789abcdef"
NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)


def at(moment):
    return email.utils.format_datetime(moment, usegmt=True)


def answer(code, *, headers=None, **body):
    return httpx.Response(code, headers=headers or {}, json=body)


class Script:
    """Answers or raises what it is told, one after the other, and counts; `waits` are the seconds slept."""

    def __init__(self, *steps):
        self.steps, self.calls, self.waits = list(steps), 0, []

    def __call__(self):
        self.calls += 1
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def ask(self, **more):
        return patient(self, read=lambda response: response.json()["text"], sleep=self.waits.append, **more)


@pytest.mark.parametrize(
    "trouble",
    [
        *(answer(code) for code in (408, 409, 425, 429, 500, 502, 503, 504, 529)),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("no"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"other": 1}),
    ],
    ids=str,
)
def test_passing_trouble_is_tried_again(trouble):
    script = Script(trouble, trouble, answer(200, text="yes"))

    assert script.ask() == "yes"
    assert (script.calls, len(script.waits)) == (3, 2)


@pytest.mark.parametrize(
    ("code", "lasting"), [(400, False), (401, True), (402, True), (403, True), (404, True), (413, False), (422, False)]
)
def test_what_no_second_try_can_mend_is_said_at_once(code, lasting):
    script = Script(answer(code, error={"message": "no"}))

    with pytest.raises(CallFailed) as caught:
        script.ask()

    assert (caught.value.code, caught.value.lasting, script.waits) == (code, lasting, [])


def test_account_without_credit_is_not_asked_again_although_it_says_429():
    script = Script(answer(429, error={"message": "You exceeded your quota", "code": "insufficient_quota"}))

    with pytest.raises(CallFailed, match="no credit") as caught:
        script.ask()

    assert caught.value.lasting


def test_waits_are_drawn_between_nothing_and_a_window_that_doubles_up_to_the_longest():
    draws = []
    for _ in range(300):
        script = Script(*[answer(500)] * 5, answer(200, text="yes"))
        script.ask(patience=Patience(tries=6, first=1, longest=6))
        draws.append(script.waits)

    for column, most in zip(zip(*draws, strict=True), (1, 2, 4, 6, 6), strict=True):
        # 300 uniform draws: the largest lies above 95% of the window but for a chance of 0.95³⁰⁰ = 2e-7, likewise below
        assert 0 <= min(column) < 0.05 * most
        assert 0.95 * most < max(column) <= most


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": at(NOON + dt.timedelta(seconds=40)), "Date": at(NOON)}, 40),
        ({"Retry-After": at(NOON - dt.timedelta(hours=1)), "Date": at(NOON)}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, 0),
        ({"Retry-After": "-3"}, 0),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date_by_the_servers_clock(headers, seconds):
    assert retry_after(httpx.Response(429, headers=headers)) == seconds


def test_retry_after_as_a_date_without_the_servers_clock_is_read_by_ours():
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10)

    told = retry_after(httpx.Response(503, headers={"Retry-After": at(soon)}))

    assert 300 < told <= 600  # the room is for slow machines


def test_what_the_server_asks_for_is_waited_for_and_a_little_more():
    script = Script(answer(429, headers={"Retry-After": "30"}), answer(200, text="yes"))

    script.ask(patience=Patience(first=1))

    (waited,) = script.waits
    assert 30 <= waited <= 30.5


def test_too_long_a_wait_ends_the_call_and_says_how_long():
    script = Script(answer(429, headers={"Retry-After": "3600"}))

    with pytest.raises(CallFailed) as caught:
        script.ask(patience=Patience(told=120))

    assert (caught.value.wait, caught.value.again, script.waits) == (3600, True, [])


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (
            answer(404, error={"message": "model 'm' not found, try pulling it first"}),
            (
                "The server does not know this address or this model (code 404). It says: "
                "model 'm' not found, try pulling it first"
            ),
        ),
        (
            answer(422, detail=[{"loc": ["body", "min_p"], "msg": "extra fields not permitted"}]),
            "The server refused the request (code 422): min_p: extra fields not permitted",
        ),
        (
            httpx.Response(400, text="unknown field min_p"),
            "The server refused the request (code 400): unknown field min_p",
        ),
        (httpx.Response(400, html="<p>no</p>"), "The server refused the request (code 400)."),
        (
            httpx.Response(308, headers={"Location": "https://u:p@new.example/v1/chat?key=abc"}),
            (
                "The server sends to another address (code 308): https://new.example/v1/chat If that is right, "
                "put it in as the address."
            ),
        ),
        (
            answer(429, headers={"Retry-After": "86400"}),
            "The server is busy: too many requests (code 429). It asks to be left in peace for 1,440 minutes.",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_the_servers_words_where_they_help(response, words):
    with pytest.raises(CallFailed) as caught:
        Script(response).ask()

    assert str(caught.value) == words


def test_patience_has_an_end():
    script = Script(*[httpx.ReadTimeout("slow")] * 3)

    with pytest.raises(CallFailed, match="did not answer in time"):
        script.ask(patience=Patience(tries=3))

    assert script.calls == 3


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": f"Incorrect API key provided: {KEY}."}},
        {"error": f"see https://me:{KEY}@api.example/v1?api_key={KEY}#x"},
        {"detail": "key sk-Du*******cdef is not known, Bearer abcdefgh12345678"},
        {"message": f"bad\nrequest\0 {KEY}"},
        {"detail": [{"loc": ["body", "stop"], "msg": f"bad {KEY}"}]},
    ],
)
def test_no_word_of_a_refusal_holds_key_or_query(error):
    script = Script(httpx.Response(400, json=error))

    with pytest.raises(CallFailed) as caught:
        script.ask(hidden=(KEY,))

    said = str(caught.value)
    assert said.startswith("The server refused the request (code 400)")
    assert not any(word in said for word in (KEY, "api_key=", "cdef", "abcdefgh", "\n", "\0"))
    assert caught.value.__cause__ is None


def test_what_the_server_says_is_kept_when_it_is_harmless():
    told = quiet("This model's maximum context length is 4096 tokens. See https://x.example/docs?q=1", hidden=(KEY,))

    assert told == "This model's maximum context length is 4096 tokens. See https://x.example/docs"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def paced(**limits):
    clock = Clock()
    pace = Pace(clock=clock, **limits)

    def sleep(seconds):
        clock.now += max(0.0, seconds)

    pace.sleep = sleep
    return pace, clock


def test_requests_keep_to_their_number_a_minute():
    pace, clock = paced(requests_per_minute=60)
    times = []
    for _ in range(120):
        pace.take()
        times.append(clock.now)

    busiest = max(sum(1 for other in times if 0 <= other - one < 60) for one in times)
    assert 55 <= busiest <= 60
    assert 119 <= times[-1] - times[0] <= 130


@pytest.mark.parametrize("limit", [1, 7, 20, 60])
def test_no_minute_passes_the_limit_even_after_a_rest_or_a_new_start(limit):
    clock = Clock()
    times = []
    for _ in range(3):  # a new process knows nothing of the one before
        pace = Pace(clock=clock, requests_per_minute=limit)
        pace.sleep = lambda seconds: setattr(clock, "now", clock.now + max(0.0, seconds))
        for _ in range(2 * limit):
            pace.take()
            times.append(clock.now)
        clock.now += 30
        for _ in range(limit):
            pace.take()
            times.append(clock.now)

    assert max(sum(1 for other in times if 0 <= other - one < 60) for one in times) <= limit + 1


def test_paces_that_share_a_meter_keep_together_to_the_smaller_limit():
    clock, meter, times = Clock(), Meter(), []
    paces = [Pace(clock=clock, meter=meter, requests_per_minute=limit) for limit in (600, 60, 0)]
    for pace in paces:
        pace.sleep = lambda seconds: setattr(clock, "now", clock.now + max(0.0, seconds))
    for number in range(120):
        paces[number % 3].take()
        times.append(clock.now)

    assert max(sum(1 for other in times if 0 <= other - one < 60) for one in times) <= 60


def test_one_pace_that_is_stopped_or_held_leaves_the_others_of_its_meter_alone():
    clock, meter = Clock(), Meter()
    first, second = (Pace(clock=clock, meter=meter) for _ in range(2))
    first.heard(CallFailed("busy", again=True, wait=20))
    first.stop()

    second.take()

    assert clock.now == 100


def test_tokens_keep_to_their_number_a_minute_and_what_was_not_used_is_given_back():
    pace, clock = paced(tokens_per_minute=6000)
    start = clock.now
    for _ in range(60):
        pace.take(1000)
        pace.settle(reserved=1000, used=100)

    # 60 × 100 tokens take a minute, 64 s at the rate that leaves room for what is saved up; the first call waits for
    # its own 1000 beside them.
    assert clock.now - start == pytest.approx(64 + 10, abs=1.1)


def test_call_larger_than_the_bucket_waits_for_it_and_not_for_ever():
    bucket = Bucket(60)

    # One is there, the other 32 come at 58 in 61 seconds: the two that may be saved up do not come on top.
    assert bucket.take(33, now=1.0) == pytest.approx(32 * 61 / 58)


def test_server_that_asks_one_thread_to_wait_holds_back_all():
    pace, clock = paced(requests_per_minute=0)
    pace.heard(CallFailed("busy", again=True, wait=20))
    pace.heard(CallFailed("busy", again=True, wait=5))

    pace.take()

    assert clock.now == 120


def test_stop_wakes_whoever_waits():
    pace, woken = Pace(requests_per_minute=1), []

    def wait():
        try:
            for _ in range(3):
                pace.take()
        except Interrupted as error:
            woken.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    pace.stop()
    for thread in threads:
        thread.join(10)

    assert len(woken) == 3
    assert not any(thread.is_alive() for thread in threads)

"""Servers as they are: answers in many shapes, errors in many disguises, and a key that must come back from none."""

import contextlib
import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from annotations import pace
from annotations.errors import AskLater, GeneratorFailed
from annotations.plugins.generators import openai_endpoint
from annotations.registry import Ask, generators
from tests.standins.running import running

KEY = "zq9vQuokka0123456789abcdefXYZ"


class OddServer(ThreadingHTTPServer):
    """Sends the same bytes to whoever asks; `calls` holds headers and bodies."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.headers, self.body, self.calls = 200, {}, b"", []
        self.drips = 0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((dict(self.headers), asked))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body) + self.server.drips))
        self.end_headers()
        for _ in range(self.server.drips):
            self.wfile.write(b" ")
            threading.Event().wait(0.05)
        self.wfile.write(self.server.body)

    def log_message(self, *args):
        pass

    def handle(self):
        with contextlib.suppress(ConnectionError):
            super().handle()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(pace.Pace, "sleep", lambda self, seconds: None)
    with running(OddServer()) as one:
        yield one


def choice(content, finish="stop", **more):
    return {"finish_reason": finish, "message": {"content": content, **more}}


def answers(*choices, **more):
    return {"choices": list(choices), **more}


def write(server, body=None, *, count=1, **settings):
    if body is not None:
        server.body = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = generators.get("openai_compatible")
    address = f"http://127.0.0.1:{server.server_port}/v1/"
    clean = kind.clean_settings({"base_url": address, "model": "m", "per_call": count, **settings})
    with kind.open(settings=clean, secrets={"api_key": KEY}) as writing:
        return writing.write([Ask("Why?", number, number) for number in range(count)])


@pytest.mark.parametrize(
    ("one", "text", "mark"),
    [
        (choice([{"type": "text", "text": "Part "}, {"type": "text", "text": "two"}]), "Part two", ""),
        (choice([{"type": "thinking", "text": None}, {"type": "text", "text": "two"}]), "two", ""),
        (choice(["Part ", "two"]), "Part two", ""),
        (choice([{"type": "refusal", "refusal": "I will not."}]), "I will not.", "refusal"),
        (choice(None, "tool_calls", tool_calls=[{"id": "1"}]), "", "empty"),
        (choice(None, "length", reasoning_content="Hm."), "", "empty"),
        (choice("Final.", reasoning_content="Hm."), "Final.", ""),
        (choice("Cut he", "max_tokens"), "Cut he", "truncated"),
        (choice("Cut he", "MODEL_LENGTH"), "Cut he", "truncated"),
        (choice("", "SAFETY"), "", "refusal"),
        ({"message": {"content": "No finish."}}, "No finish.", ""),
        (choice("Odd", {"type": "stop"}), "Odd", ""),
    ],
)
def test_answer_is_read_in_every_shape(server, one, text, mark):
    (written,) = write(server, answers(one))

    assert (written.text, written.mark) == (text, mark)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, (5, 7)),
        ({"prompt_tokens": 5.0, "completion_tokens": "7"}, (5, None)),
        ({"prompt_tokens": 10**30, "completion_tokens": -1}, (None, None)),
        ("n/a", (None, None)),
        (None, (None, None)),
    ],
)
def test_count_of_tokens_is_believed_only_when_it_is_one(server, usage, counted):
    (written,) = write(server, answers(choice("A bell."), usage=usage), price_output=1)

    assert (written.input_tokens, written.output_tokens) == counted
    assert bool(written.provenance.get("cost_is_guessed")) == (None in counted)


def test_all_tokens_of_an_answer_with_more_choices_than_asked_for_are_counted(server):
    body = answers(*[choice(f"No. {n}") for n in range(5)], usage={"prompt_tokens": 5, "completion_tokens": 9})

    found = write(server, body, count=2)

    assert [(one.text, one.input_tokens, one.output_tokens) for one in found] == [("No. 0", 3, 5), ("No. 1", 2, 4)]


@pytest.mark.parametrize(
    ("body", "lasting", "words"),
    [
        (b"<!doctype html><p>Welcome</p>", False, "a web page in place of an answer"),
        (b'data: {"choices": []}\n\n', True, "The server sent a stream, which nobody asked for."),
        ({"error": {"message": "overloaded", "code": 502}}, False, "The server failed (code 502)."),
        ({"error": {"message": "No endpoints found", "code": 404}}, True, "It says: No endpoints found"),
        ({"error": "odd"}, False, "The server failed (code 500)."),
        (answers({**choice("", "error"), "error": {"code": 503}}), False, "The server failed (code 503)."),
        (answers(), False, "The server sent something that is no answer."),
        ({"choices": None}, False, "The server sent something that is no answer."),
        (answers(choice(42)), False, "The server sent something that is no answer."),
        (b"[" * 100_000, False, "The server sent something that is no answer."),
    ],
)
def test_error_that_looks_like_an_answer_is_said_plainly(server, body, lasting, words):
    with pytest.raises(GeneratorFailed) as caught:
        write(server, body)

    assert words in str(caught.value)
    assert (caught.value.lasting, len(server.calls)) == (lasting, 1 if lasting else 5)
    assert isinstance(caught.value, AskLater) != lasting


def test_refusal_that_comes_as_an_error_of_the_request_is_a_refusal(server):
    server.status = 400

    (written,) = write(server, {"error": {"message": "filtered", "code": "content_filter"}})

    assert (written.text, written.mark, written.finish) == ("", "refusal", "content_filter")


def test_redirect_is_told_and_the_key_does_not_follow(server):
    with running(OddServer()) as elsewhere:
        server.status = 307
        server.headers = {"Location": f"http://127.0.0.1:{elsewhere.server_port}/v1/chat/completions?token=abc"}
        with pytest.raises(GeneratorFailed, match="another address") as caught:
            write(server)

    assert caught.value.lasting
    assert "token=abc" not in str(caught.value)
    assert (len(server.calls), elsewhere.calls) == (1, [])


def test_key_that_the_server_sends_back_stands_in_no_text(server):
    body = answers(choice(f"You sent {KEY}"), model=f"m {KEY}", system_fingerprint=KEY)

    (written,) = write(server, body)

    assert server.calls[0][0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(written)
    assert written.text == "You sent ..."


def test_answer_that_drips_is_given_up_after_its_time(server):
    server.drips = 400  # 20 s, and never a pause as long as the time that an answer has
    begun = time.monotonic()

    with pytest.raises(AskLater, match="did not answer in time"):
        generators.get("openai_compatible").try_out(
            [Ask("Why?", 0, 0)], settings=_settings(server, timeout=1), secrets={"api_key": KEY}
        )

    assert time.monotonic() - begun < 15  # it would take 20 s
    assert len(server.calls) == 1


def _settings(server, **more):
    address = f"http://127.0.0.1:{server.server_port}/v1"
    return generators.get("openai_compatible").clean_settings({"base_url": address, "model": "m", **more})


@pytest.mark.parametrize("packed", [False, True])
def test_answer_without_end_is_given_up(server, monkeypatch, *, packed):
    monkeypatch.setattr(openai_endpoint, "LARGEST_ANSWER", 100_000)
    body = b" " * 2_000_000
    server.headers = {"Content-Encoding": "gzip"} if packed else {}

    (failure,) = write(server, gzip.compress(body) if packed else body)

    assert str(failure) == "The server sent far more than an answer."


def test_packed_answer_is_read(server):
    server.headers = {"Content-Encoding": "gzip"}

    (written,) = write(server, gzip.compress(json.dumps(answers(choice("Brücke 桥"))).encode()))

    assert written.text == "Brücke 桥"


def test_key_with_a_letter_that_no_key_has_is_said_to_be_wrong(server):
    kind = generators.get("openai_compatible")

    for key in ("sk-“quoted”", "sk-one\nsk-two"):
        with pytest.raises(GeneratorFailed, match="The key holds a letter") as caught:
            kind.try_out([Ask("Why?", 0, 0)], settings=_settings(server), secrets={"api_key": key})
        assert caught.value.lasting
    assert server.calls == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "http://x.example/v1/chat/completions"}, "must end before /chat/completions"),
        ({"extra_body": {"stream": True}}, "must not hold 'stream'"),
        ({"extra_body": {"n": 4}}, "must not hold 'n'"),
    ],
)
def test_setting_that_cannot_work_is_refused_before_it_is_tried(settings, words):
    with pytest.raises(ValueError, match=words):
        generators.get("openai_compatible").clean_settings(
            {"base_url": "http://x.example/v1", "model": "m", **settings}
        )


def test_server_at_an_ipv6_address_is_asked_there():
    kind = generators.get("openai_compatible")

    clean = kind.clean_settings({"base_url": "http://[::1]:8000/v1", "model": "m"})

    assert kind.destination(clean) == "http://[::1]:8000"
    assert httpx.URL(clean["base_url"]).host == "::1"


def test_systems_of_one_account_share_a_meter_unless_one_does_not_wish_to(server):
    kind = generators.get("openai_compatible")

    def opened(key="k", **more):
        return kind.open(settings=_settings(server, requests_per_minute=600, **more), secrets={"api_key": key})

    with opened() as one, opened(model="other") as two, opened("K") as else_, opened(shared_limits=False) as alone:
        assert one.pace.meter is two.pace.meter
        assert len({id(lane.pace.meter) for lane in (one, else_, alone)}) == 3

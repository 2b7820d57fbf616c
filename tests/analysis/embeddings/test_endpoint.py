"""The embeddings endpoint against a real local server that can be moody."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from analysis.embeddings import EmbeddingError, OpenAIEndpoint, embed
from analysis.embeddings.endpoint import _asked

KEY = "sk-very-secret-123"


class Server(ThreadingHTTPServer):
    """Answers each text with (its length, 1), in reverse order; moods are answered first."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.moods, self.requests, self.headers = [], [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, body))
        self.server.headers.append(self.headers.get("Authorization"))
        status, headers, answer = self.server.moods.pop(0) if self.server.moods else (200, {}, None)
        if status == 0:
            self.connection.close()
            return
        if answer is None:
            rows = [{"index": at, "embedding": [len(text), 1.0]} for at, text in enumerate(body["input"])]
            answer = json.dumps({"object": "list", "data": rows[::-1]})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    found = Server()
    thread = threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def endpoint(server, **options):
    return OpenAIEndpoint(server.url, "mini", KEY, **{"patience": 0.01, "parallel": 1, **options})


def test_texts_go_in_batches_and_vectors_come_back_in_their_order(server):
    texts = ["a", "bb", "ccc", "dddd", "eeeee"]

    vectors = embed(texts, endpoint(server, batch=2, dimensions=2))

    expected = np.array([[1, 1], [2, 1], [3, 1], [4, 1], [5, 1]], float)
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True))
    assert [body["input"] for _, body in server.requests] == [["a", "bb"], ["ccc", "dddd"], ["eeeee"]]
    assert server.requests[0][0] == "/v1/embeddings"
    assert {body["model"] for _, body in server.requests} == {"mini"}
    assert {body["dimensions"] for _, body in server.requests} == {2}
    assert set(server.headers) == {f"Bearer {KEY}"}


def test_busy_server_and_broken_connection_are_tried_again(server):
    server.moods = [(429, {"Retry-After": "0.02"}, "slow down"), (500, {}, "oops"), (0, {}, "")]

    vectors = endpoint(server).embed(["a"])

    assert np.allclose(vectors, [[0.5**0.5, 0.5**0.5]])
    assert len(server.requests) == 4


def test_server_that_stays_busy_is_given_up_without_telling_the_key(server):
    server.moods = [(503, {}, f"your key {KEY} is fine, I am not")] * 5

    with pytest.raises(
        EmbeddingError, match=r"did not answer after 3 attempts \(HTTP 503\): try again later"
    ) as caught:
        endpoint(server, attempts=3).embed(["a"])

    assert len(server.requests) == 3
    assert KEY not in str(caught.value)


def test_refusal_is_told_at_once_without_the_key(server):
    server.moods = [(401, {}, f"the key {KEY} is wrong")]

    with pytest.raises(EmbeddingError, match=r"HTTP 401 \(the key … is wrong\): check the key") as caught:
        endpoint(server).embed(["a"])

    assert len(server.requests) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("<html>hello</html>", "did not answer as OpenAI's API does"),
        ('{"data": []}', "gave 0 vectors for 1 texts"),
        ('{"data": [{"index": 0}]}', "did not answer as OpenAI's API does"),
    ],
)
def test_answer_that_is_none_is_refused(server, answer, reason):
    server.moods = [(200, {}, answer)]

    with pytest.raises(EmbeddingError, match=reason):
        endpoint(server).embed(["a"])


def test_key_is_in_no_description(server):
    found = endpoint(server)

    assert KEY not in repr(found)
    assert KEY not in json.dumps(found.describe())
    assert found.describe()["model"] == "mini"


@pytest.mark.parametrize(
    ("url", "model", "reason"),
    [
        ("ftp://host/v1", "m", "must begin with http"),
        ("http://user:pw@host/v1", "m", "no password"),
        ("http://host/v1?key=abc", "m", "no query"),
        ("http://host/v1", "", "name of a model"),
    ],
)
def test_address_that_cannot_be_used_is_refused(url, model, reason):
    with pytest.raises(EmbeddingError, match=reason) as caught:
        OpenAIEndpoint(url, model)

    assert "pw" not in str(caught.value).replace("password", "")


def test_retry_after_is_read_as_seconds_or_as_a_date():
    assert _asked("2.5") == 2.5
    assert _asked("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert 3e8 < _asked("Wed, 21 Oct 2099 07:28:00 GMT") < 1e10
    assert _asked("") is None
    assert _asked("soon") is None

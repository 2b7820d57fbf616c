"""Generators against a real server: what is sent, what is believed, and what is kept to oneself."""

import pytest

from annotations import pace
from annotations.errors import GeneratorFailed
from annotations.registry import generators
from tests.standins.chat import chat_server


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(pace.Pace, "sleep", lambda self, seconds: None)
    with chat_server() as running:
        yield running


def ask(server, *, count=3, secrets=None, **settings):
    kind = generators.get("openai_compatible")
    clean = kind.clean_settings({"base_url": server.base_url, "model": "m", **settings})
    return kind.generate("Why?", count=count, settings=clean, secrets=secrets or {})


@pytest.mark.parametrize("kind", list(generators), ids=lambda kind: kind.name)
def test_every_generator_refuses_an_unknown_setting_by_name(kind):
    with pytest.raises(ValueError, match="no_such_setting"):
        kind.clean_settings({"no_such_setting": 1})


def test_settings_go_to_the_server(server):
    ask(server, system_prompt="Be bold.", temperature=0.7, max_tokens=50, extra_body={"min_p": 0.1})

    (body,) = server.calls
    assert body["messages"] == [{"role": "system", "content": "Be bold."}, {"role": "user", "content": "Why?"}]
    assert (body["temperature"], body["max_tokens"], body["min_p"], body["n"]) == (0.7, 50, 0.1, 3)
    assert server.keys == [""]


def test_server_that_gives_fewer_is_asked_for_the_rest(server):
    server.most = 3

    texts = ask(server, count=8)

    assert len(set(texts)) == 8
    assert [body["n"] for body in server.calls] == [8, 5, 2]


def test_key_is_sent_and_never_told(server):
    server.failures = [401]

    with pytest.raises(GeneratorFailed) as caught:
        ask(server, secrets={"api_key": "sk-secret"})

    assert server.keys == ["Bearer sk-secret"]
    assert str(caught.value) == "The model's server refused the question (code 401)."


def test_server_that_is_gone_is_a_plain_sentence(monkeypatch):
    monkeypatch.setattr(pace.Pace, "sleep", lambda self, seconds: None)
    with chat_server() as server:
        pass

    with pytest.raises(GeneratorFailed, match="did not answer"):
        ask(server)

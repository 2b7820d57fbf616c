"""A server that can be told what to do, and a study whose systems ask it."""

import pytest

from annotations import pace
from annotations.domain import generating_lanes
from tests.standins.chat import chat_server

from .generations import draft


@pytest.fixture
def server(monkeypatch):
    """A server, and no waiting: what is waited for is tested in tests/annotations/test_patience.py."""
    monkeypatch.setattr(pace.Pace, "sleep", lambda self, seconds: None)
    monkeypatch.setattr(generating_lanes, "LONGEST_REST", 0.0)
    with chat_server() as running:
        yield running


@pytest.fixture
def study(db, server):
    return draft(server)

"""Fixtures for all tests: the embedded servers, a database per worker, a browser."""

import os

from evalplatform import embedded

# Judgements must survive the death of a web worker, not a power cut in the middle of a test.
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")


def pytest_configure() -> None:
    embedded.ensure_running()

"""Folders that may be read, a web server and a store, all real and all here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.annotations.plugins.remote_sources.web import Web, served


@pytest.fixture(autouse=True)
def _open_doors(settings: Any, tmp_path: Path) -> None:
    settings.FETCH_ROOTS = [str(tmp_path)]
    settings.FETCH_PRIVATE_HOSTS = ["127.0.0.1"]


@pytest.fixture
def web() -> Iterator[Web]:
    with served() as found:
        yield found

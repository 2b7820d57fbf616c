"""Fixtures for tests of the machinery: each test has a data directory, and processes, of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = (
    "EVALPLATFORM_",
    "DATABASE_",
    "REDIS_",
    "SECRET_",
    "ALLOWED_HOSTS",
    "DEBUG",
    "PORT",
    "HOST",
    "STATIC_",
    "DJANGO_",
)


@pytest.fixture
def var() -> Iterator[Path]:
    """A data directory that does not exist yet.

    Not below pytest's own directory, which every new run of pytest makes private again: as root our PostgreSQL runs as
    another user, who could then not reach its files.
    """
    with tempfile.TemporaryDirectory(prefix="evalplatform-test-", ignore_cleanup_errors=True) as directory:
        yield Path(directory) / "var"


@pytest.fixture
def own_environment(var: Path) -> Iterator[dict[str, str]]:
    """The environment of a user who has set nothing, but for a data directory of the test; its servers end with it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {**kept, "EVALPLATFORM_VAR": str(var)}
    yield environment
    stop = "from evalplatform import embedded; embedded.stop()"
    subprocess.run([sys.executable, "-c", stop], cwd=ROOT, env=environment, check=True)


@pytest.fixture
def python(own_environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python with arguments in `own_environment`, plus what is given by keyword."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**own_environment, **variables}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def living(var: Path) -> Callable[[], list[str]]:
    """Names of all processes that have to do with the data directory of this test."""

    def find() -> list[str]:
        found = []
        for process in psutil.process_iter(["name", "cmdline", "status", "environ"]):
            about = process.info
            mentions = any(str(var) in part for part in about["cmdline"] or [])
            inherits = str(var) in (about["environ"] or {}).get("EVALPLATFORM_VAR", "")
            if (mentions or inherits) and about["status"] != psutil.STATUS_ZOMBIE:
                found.append(f"{about['name']} {process.pid}")
        return found

    return find

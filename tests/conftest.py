"""Fixtures for all tests: servers, a database per worker, a Celery worker, a web server of our own, a browser.

Servers start with the first test that wants a database, so that tests of pure code do not wait for them.
"""

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.internal.conjecture import providers

# Every run tries the same examples, however slow the machine is: a failure must come from a change, never by chance.
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("suite")
# Nor may examples hang on what other tests have imported: Hypothesis would read the constants of all our modules, which
# took the first such test of each worker 3 to 29 seconds.
providers._get_local_constants = lambda: providers._local_constants
# Playwright's event loop runs in the thread of the test, which Django would otherwise refuse to query from.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
# Data must survive the death of a web worker, not a power cut in the middle of a test.
# A lock that nobody lets go of must fail a test, not hold up the run: emptying the tables after a test waits for every
# transaction that a thread or process of that test left open.
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off -c lock_timeout=120s")

# With half a million objects about, a look for cycles among all of them costs a quarter of a second.
gc.set_threshold(50_000, 20, 20)

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 180  # seconds: a limit for what never happens, not for what takes long
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/e2e needs a browser."""
    for item in items:
        if "e2e" in item.path.relative_to(ROOT).parts:
            item.add_marker(pytest.mark.e2e)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case by its argument when its value is bytes: compressed ones differ from run to run, names must not."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def servers(worker_id: str) -> Iterator[None]:
    """PostgreSQL and Redis run (embedded ones unless DATABASE_URL and REDIS_URL say where), a database of each for us.

    PostgreSQL's is named by `django_db_modify_db_settings`.
    """
    from django.conf import settings
    from django.test import override_settings

    from evalplatform import accounts, celery_app, embedded
    from tests.brokers import database_of, numbered

    embedded.ensure_running()
    broker = numbered(settings.CELERY_BROKER_URL, database_of(worker_id))
    celery_app.conf.broker_url = broker
    with override_settings(CELERY_BROKER_URL=broker, CACHES=accounts.caches(broker)):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    servers: None, django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: Any
) -> None:
    """Before pytest-django makes the test database: start the servers, name the database after the worker.

    A site that a killed run left behind must not keep the old database from going.
    """
    from django.db import connection

    name = connection.creation._get_test_db_name()
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database; at the end a connection that a thread of some test left open must not keep it from going.

    Tests that commit are cleaned up after by TRUNCATE, or faster, which the log and the ledger refuse: their guards
    against that are off here, and on again in the test of it.
    """
    from django.db import connection

    from tests.emptying import empty_quickly

    with pytest.MonkeyPatch.context() as patch:
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE annotations_event DISABLE TRIGGER event_only_grows_truncate")
            cursor.execute("ALTER TABLE annotations_ledgerentry DISABLE TRIGGER ledger_only_grows_truncate")
            empty_quickly(patch)
        yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[], str]], str]:
    """`once(name, make)`: a text that costs much and is made by one process of the run, for all."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder if worker_id == "master" else folder.parent

    def made(name: str, make: Callable[[], str]) -> str:
        path = shared / f"{name}.once"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                path.write_text(make(), encoding="utf-8")
            return path.read_text(encoding="utf-8")

    return made


@pytest.fixture(scope="session", autouse=True)
def _fast_passwords() -> None:
    """Hash quickly here. A process of its own does not know this hash: see `make_password(..., hasher=...)`."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """Environment for a process of its own that works on the test database and with our messages."""
    from urllib.parse import quote

    from django.conf import settings

    database = settings.DATABASES["default"]
    user = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    port = f"&port={database['PORT']}" if database["PORT"] else ""
    address = f"postgresql://{user}@/{quote(database['NAME'])}?host={quote(database['HOST'], safe='/')}{port}"
    ours = {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "evalplatform.settings"}
    if not settings.CELERY_BROKER_URL.startswith("filesystem:"):  # which is named by no URL of anybody's
        ours["REDIS_URL"] = settings.CELERY_BROKER_URL
    return {**os.environ, **ours}


@pytest.fixture
def free_port() -> int:
    """A TCP port that nobody listens on."""
    from tests.standins.running import free_port

    return free_port()


@pytest.fixture
def gunicorn_site(process_environment: dict[str, str], free_port: int, tmp_path: Path) -> Iterator[str]:
    """The site under a real gunicorn (2 processes × 4 threads) on the test database: its base URL."""
    command = [sys.executable, "-m", "gunicorn", "--config", "python:evalplatform.gunicorn_conf"]
    log = tmp_path / "gunicorn.log"
    url = f"http://127.0.0.1:{free_port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**process_environment, "PORT": str(free_port)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_for(lambda: answers(f"{url}/healthz") or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def celery_worker(transactional_db: None, worker_id: str) -> Iterator[Any]:
    """A Celery worker in a thread, on the real broker, with a queue that no other worker reads."""
    from celery.contrib.testing.worker import start_worker

    from evalplatform import celery_app
    from tests.brokers import logging_kept, own_queue

    options = {"pool": "solo", "perform_ping_check": False, "shutdown_timeout": PATIENCE}
    queue = own_queue(f"test-{worker_id}-{os.getpid()}")
    with logging_kept(), queue, start_worker(celery_app, **options) as worker:
        yield worker


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, else the one that Playwright has installed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    system = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **system, "args": BROWSER_FLAGS}


@pytest.fixture
def browser_problems() -> list[str]:
    """What `page` has met; a test that provokes a problem checks this list and clears it."""
    return []


@pytest.fixture
def page(page: Any, live_server: Any, browser_problems: list[str]) -> Iterator[Any]:
    """A page that fails its test when the browser reports an error, a breach of the policy or a foreign request."""

    def note_console(message: Any) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            browser_problems.append(f"console: {message.text}")

    def note_request(request: Any) -> None:
        if not request.url.startswith((live_server.url, "data:", "blob:", "about:")):
            browser_problems.append(f"foreign request: {request.url}")

    page.context.set_default_timeout(1000 * PATIENCE)
    page.context.on("console", note_console)
    page.context.on("weberror", lambda error: browser_problems.append(f"script: {error.error}"))
    page.context.on("request", note_request)
    yield page
    assert browser_problems == []


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """`wait_until(condition)`: for what other processes and threads bring about."""
    return wait_for


def answers(url: str) -> bool:
    """Whether a web server answers there."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def wait_for(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Wait until something is true; fail when it takes too long even for a machine that is ten times slower."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _no_signals_left() -> Iterator[None]:
    """A test that installs signal handlers must not change how the run itself is stopped."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)

"""`python -m evalplatform.serve`: the embedded servers, gunicorn and a Celery worker, until Ctrl-C stops all of it."""

import contextlib
import errno
import fcntl
import http.client
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from evalplatform import embedded, env, place, redis
from evalplatform.embedded import EmbeddedError
from evalplatform.supervise import ChildDied, Stop, Supervisor

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
MANAGE = (sys.executable, str(ROOT / "manage.py"))
GUNICORN = (sys.executable, "-m", "gunicorn", "--config", "python:evalplatform.gunicorn_conf")
CELERY = (sys.executable, "-m", "celery", "--app", "evalplatform", "worker", "--beat", "--concurrency", "2")


class ServeError(Exception):
    """Serving cannot start; the message says what to do."""


def address() -> tuple[str, int]:
    """Where to listen: HOST and PORT."""
    return env.text("HOST", "127.0.0.1"), env.integer("PORT", 8000, least=1, most=65535)


def base_url() -> str:
    """The site's address for a browser on this machine."""
    host, port = address()
    return f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}"  # noqa: S104 (compared, not bound)


def check_port() -> None:
    """Refuse a port that someone else listens on, before anything is started."""
    host, port = address()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            msg = f"port {port} on {host} {reason}. Choose another one, for example: make {_target()} PORT={port + 1}"
            raise ServeError(msg) from error


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one supervisor serve a data directory, and leave its process id in serve.lock for `make demo-reset`."""
    with (place.var() / "serve.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            msg = f"process {file.read().strip()} already serves {place.var()}; stop it first (Ctrl-C)"
            raise ServeError(msg) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def run(work: Callable[[Supervisor], None]) -> int:
    """Start everything, do `work`, serve until asked to stop, stop everything. Returns the exit code."""
    supervisor = Supervisor(ROOT, {**os.environ, "STATIC_COLLECTED": "1", "PYTHONUNBUFFERED": "1"})
    supervisor.signals.install()
    try:
        check_port()
        place.prepare()
        with only_one():
            try:
                _start(supervisor)
                work(supervisor)
                supervisor.wait()
            finally:
                _stop(supervisor)
    except Stop:
        return 0
    except (ServeError, EmbeddedError, ChildDied, ImproperlyConfigured) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _start(supervisor: Supervisor) -> None:
    with supervisor.signals.hold_back():
        embedded.ensure_running()
    if embedded.is_used():
        broker = "Redis" if redis.program() else "no Redis for this machine: Celery passes messages through plain files"
        _say("servers", f"PostgreSQL and {broker}, data in {place.var()}")
    supervisor.run((*MANAGE, "migrate", "--verbosity", "0"), doing="the migration of the database")
    supervisor.run((*MANAGE, "collectstatic", "--noinput", "--verbosity", "0"), doing="collecting the static files")
    supervisor.start("web", GUNICORN)
    schedule = place.var() / "beat" / "schedule"
    supervisor.start("worker", (*CELERY, "--schedule", str(schedule), "--loglevel", "INFO"))
    supervisor.wait_until(_answers, seconds=START_SECONDS, doing="starting the web server")
    _say("web", f"{base_url()} (log: {place.var() / 'log' / 'web.log'})")
    _say("worker", f"Celery with its timetable (log: {place.var() / 'log' / 'worker.log'})")


def _stop(supervisor: Supervisor) -> None:
    if supervisor.children:
        print("\nStopping …", flush=True)
    supervisor.stop()
    embedded.release(patience=5)
    print("Stopped.", flush=True)


def _answers() -> bool:
    host, port = address()
    connection = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=10)  # noqa: S104
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _target() -> str:
    return os.environ.get("MAKE_TARGET", "run")


def _say(part: str, state: str) -> None:
    print(f"{part:<8} {state}", flush=True)


def main() -> int:
    """Serve."""
    return run(lambda _: print("Ctrl-C stops all of it.", flush=True))


if __name__ == "__main__":
    sys.exit(main())

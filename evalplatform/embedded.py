"""A real PostgreSQL and a real Redis without root and without Docker, used when no URL is set.

All processes that share a data directory share the servers. Each holds a shared lock on `users.lock` for as long as
it lives (the kernel drops it even on SIGKILL), and whoever finds at its end that no one else holds it stops both.
Starting and stopping happen under the exclusive `servers.lock`. Addresses follow from the directory alone, so that a
child process needs no handing down.
"""

import atexit
import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from evalplatform import env, place, postgres, redis
from evalplatform.place import EmbeddedError

__all__ = ["EmbeddedError", "ensure_running", "is_used", "release", "stop"]

_held: dict[Path, int] = {}  # directory -> descriptor of its users.lock, which this process holds
_borrowed: set[Path] = set()  # directories whose share the process holds that this one was forked from


def is_used() -> bool:
    """Whether any of the two servers is ours to start."""
    return not (env.is_set("DATABASE_URL") and env.is_set("REDIS_URL"))


def ensure_running() -> None:
    """Start what is missing and keep it running until this process ends. Cheap when everything runs already."""
    if not is_used():
        return
    place.prepare()
    with _exclusively():
        _hold()
        if not env.is_set("DATABASE_URL"):
            postgres.start()
        if not env.is_set("REDIS_URL"):
            redis.start()


def release(*, patience: float = 0) -> bool:
    """Give up this process's share; the last one stops the servers. Returns whether they were stopped.

    With `patience` (seconds) it waits for others to end first: a pool process of a worker that was just stopped may
    still be on its way out, and nobody would be left to stop the servers after it.
    """
    if place.var() not in _held:
        return False
    os.close(_held.pop(place.var()))
    deadline = time.monotonic() + patience
    while True:
        with _exclusively():
            if not _has_users():
                return bool(_stop())
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)


def stop() -> list[int]:
    """Stop the servers of this directory although others may use them. Returns the process ids that ended."""
    if not place.var().exists():
        return []
    with _exclusively():
        return _stop()


def _stop() -> list[int]:
    ended = [pid for pid in (redis.stop(), postgres.stop()) if pid]
    place.remove_sockets()
    return ended


@contextlib.contextmanager
def _exclusively() -> Iterator[None]:
    with (place.var() / "servers.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _hold() -> None:
    if place.var() in _held or place.var() in _borrowed:
        return
    descriptor = os.open(place.var() / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.lockf(descriptor, fcntl.LOCK_SH)  # POSIX: a forked child does not inherit it, not even for a moment
    atexit.register(_release_at_exit)
    _held[place.var()] = descriptor


def _disown() -> None:
    """A forked child has no share and never takes one.

    Pool processes end without a word (os._exit): the last user of the servers, who ends a moment before them, would
    leave the servers to a process that never stops them.
    """
    _borrowed.update(_held)
    for descriptor in _held.values():
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_disown)


def _release_at_exit() -> None:
    with contextlib.suppress(OSError):
        release()


def _has_users() -> bool:
    with (place.var() / "users.lock").open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return True
    return False

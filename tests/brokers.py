"""A Redis database for each process of a run, and a queue for each Celery worker of a test.

Processes of a run share one Redis. A queue that both of them use would hand one's messages to the other's worker, and
`cache.clear()` empties the whole database, messages included.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

DATABASES = 16  # what a Redis has unless told otherwise


def database_of(worker_id: str) -> int:
    """Return the database of a process of the run: `master` is the only one, `gw0`, `gw1`, ... are several."""
    found = re.fullmatch(r"gw(\d+)", worker_id)
    return 1 + (int(found[1]) + 1 if found else 0) % (DATABASES - 1)


def numbered(url: str, database: int) -> str:
    """Return the broker's address with another database; the file broker has none."""
    if "virtual_host=" in url:
        return re.sub(r"virtual_host=\d+", f"virtual_host={database}", url)
    parts = urlsplit(url)
    return parts._replace(path=f"/{database}").geturl() if parts.scheme in ("redis", "rediss") else url


@contextlib.contextmanager
def own_queue(name: str) -> Iterator[str]:
    """What this process sends goes to this queue, and to the usual one again afterwards."""
    from evalplatform import celery_app

    usual = celery_app.conf.task_default_queue

    def send_to(queue: str) -> None:
        celery_app.conf.task_default_queue = queue
        celery_app.__dict__.pop("amqp", None)  # it remembers the queues

    send_to(name)
    try:
        yield name
    finally:
        send_to(usual)


@contextlib.contextmanager
def logging_kept() -> Iterator[None]:
    """What Celery does to the root logger ends with it: the second worker of a process lets errors pass only."""
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers

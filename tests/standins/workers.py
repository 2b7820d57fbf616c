"""Celery workers in processes of their own, which can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# A queue of its own: other runs may use the same Redis.
START = """
import sys
from evalplatform import celery_app
from tests.brokers import own_queue
with own_queue(sys.argv[1]):
    celery_app.worker_main(["worker", "--loglevel", "INFO", *sys.argv[2:]])
"""


class Workers:
    """Starts workers one after the other; `log` takes what all of them say."""

    def __init__(self, environment: Mapping[str, str], *, queue: str, log: Path, options: tuple[str, ...] = ()) -> None:
        self.environment, self.queue, self.log, self.options = dict(environment), queue, log, options
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start one; it and its children are a process group."""
        command = [sys.executable, "-c", START, self.queue, "--concurrency", "2", *self.options]
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL the worker and all its children in one moment."""
        if self.running is not None:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait(30)
            self.running = None

    def kill_children(self) -> None:
        """SIGKILL the processes that do the work; the worker itself stays and gets new ones."""
        if self.running is not None:
            for child in psutil.Process(self.running.pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()

    def is_alive(self) -> bool:
        """Whether the worker's process is there."""
        return self.running is not None and self.running.poll() is None

"""Child processes that live and die together: started in sessions of their own, stopped in order, none left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from evalplatform import place

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 0.1
GRACE_SECONDS = 15
PR_SET_PDEATHSIG = 1


class Stop(BaseException):
    """Someone asked us to stop: Ctrl-C, SIGTERM, or a closed terminal. Like KeyboardInterrupt it is no error."""


class ChildDied(Exception):
    """A process that should run has ended."""


@dataclass
class Signals:
    """Turns the first stop signal into `Stop`; while held back it waits; later ones change nothing."""

    asked: bool = False
    held: bool = False

    def install(self) -> None:
        """Take over the stop signals of this process."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._receive)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        first, self.asked = not self.asked, True
        if first and not self.held:
            raise Stop

    @contextlib.contextmanager
    def hold_back(self) -> Iterator[None]:
        """Let a step finish before we stop, so that nothing is left half-started."""
        outermost, self.held = not self.held, True
        try:
            yield
        finally:
            self.held = not outermost
        if self.asked and outermost:
            raise Stop


@dataclass
class Child:
    """A process and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class Supervisor:
    """Starts processes, waits for any to end, and stops them all."""

    directory: Path
    environment: dict[str, str]
    signals: Signals = field(default_factory=Signals)
    children: list[Child] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str]) -> Child:
        """Start a process that should run until we stop it."""
        log = place.var() / "log" / f"{name}.log"
        with self.signals.hold_back(), log.open("wb") as output:
            child = Child(name, self._popen(command, output.fileno()), log)
            self.children.append(child)
        return child

    def run(self, command: Sequence[str], *, doing: str) -> None:
        """Run a command to its end with our output, while watching the others."""
        with self.signals.hold_back():
            process = self._popen(command, None)
            self.children.append(Child(doing, process, Path(os.devnull)))
        while process.poll() is None:
            self._check(self.children[:-1])
            time.sleep(POLL_SECONDS)
        self.children.pop()
        if process.returncode:
            msg = f"{doing} failed (see above)"
            raise ChildDied(msg)

    def wait_until(self, condition: Callable[[], bool], *, seconds: float, doing: str) -> None:
        """Wait for a condition while watching the processes."""
        deadline = time.monotonic() + seconds
        while not condition():
            self._check(self.children)
            if time.monotonic() > deadline:
                msg = f"{doing} took more than {seconds:.0f} s.\n" + "\n".join(_report(each) for each in self.children)
                raise ChildDied(msg)
            time.sleep(POLL_SECONDS)

    def wait(self) -> None:
        """Watch the processes until one ends (an error) or someone asks to stop."""
        while True:
            self._check(self.children)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask all to end, last started first; after a time of grace insist. No signal interrupts this."""
        self.signals.held = self.signals.asked = True
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in reversed(self.children):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - time.monotonic()))
            with contextlib.suppress(ProcessLookupError):  # whoever is left of its session
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self.children.clear()

    def _popen(self, command: Sequence[str], output: int | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (we have one thread)
        )

    def _check(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.process.poll() is not None:
                raise ChildDied(_report(child))


def _report(child: Child) -> str:
    code = child.process.poll()
    state = "still running" if code is None else f"ended with code {code}"
    return f"{child.name} ({state}); the end of {child.log}:\n{place.tail(child.log)}"


def _die_with_parent() -> None:
    """Be sent SIGTERM when the supervisor is killed without a chance to stop us (Linux only)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

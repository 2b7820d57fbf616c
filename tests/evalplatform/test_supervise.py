"""Processes that live and die together."""

import os
import signal
import sys
import threading

import psutil
import pytest

from evalplatform.supervise import ChildDied, Signals, Stop, Supervisor

SLEEP = (sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
)
PARENT = (sys.executable, "-c", f"import subprocess; subprocess.run({list(SLEEP)!r})")


@pytest.fixture
def supervisor(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALPLATFORM_VAR", str(tmp_path))
    (tmp_path / "log").mkdir()
    supervisor = Supervisor(tmp_path, dict(os.environ))
    yield supervisor
    supervisor.stop()


def _lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_stop_ends_children_and_grandchildren(supervisor, wait_until):
    child = supervisor.start("parent", PARENT)
    process = psutil.Process(child.process.pid)
    wait_until(process.children)
    family = [process, *process.children(recursive=True)]

    supervisor.stop()

    wait_until(lambda: not any(map(_lives, family)))


def test_stop_insists_when_a_child_does_not_listen(supervisor, monkeypatch, wait_until):
    monkeypatch.setattr("evalplatform.supervise.GRACE_SECONDS", 0.2)
    child = supervisor.start("stubborn", STUBBORN)
    wait_until(lambda: child.log.read_text() == "ready\n")

    supervisor.stop()

    assert child.process.returncode == -signal.SIGKILL


def test_child_that_ends_is_reported_with_its_log(supervisor):
    supervisor.start("one", SLEEP)
    supervisor.start("two", (sys.executable, "-c", "import sys; sys.exit('something is wrong')"))

    with pytest.raises(ChildDied) as caught:
        supervisor.wait()

    assert str(caught.value).startswith("two (ended with code 1); the end of ")
    assert str(caught.value).endswith("something is wrong")


def test_run_says_what_failed(supervisor):
    with pytest.raises(ChildDied, match="tidying up failed"):
        supervisor.run((sys.executable, "-c", "raise SystemExit(3)"), doing="tidying up")


def test_run_notices_the_death_of_another(supervisor):
    supervisor.start("one", (sys.executable, "-c", "raise SystemExit(3)"))

    with pytest.raises(ChildDied, match=r"one .ended with code 3"):
        supervisor.run(SLEEP, doing="a long command")


def test_wait_until_gives_up(supervisor):
    supervisor.start("one", SLEEP)

    with pytest.raises(ChildDied, match=r"opening took more than 0 s(.|\n)*one .still running"):
        supervisor.wait_until(lambda: False, seconds=0.1, doing="opening")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_interrupts_waiting(supervisor, number):
    supervisor.signals.install()
    supervisor.start("one", SLEEP)

    def interrupted():
        threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
        supervisor.wait()

    with pytest.raises(Stop):
        interrupted()


def test_signal_waits_while_held_back():
    signals, steps = Signals(), []
    signals.install()

    def step():
        with signals.hold_back():
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append("finished")

    with pytest.raises(Stop):
        step()

    assert steps == ["finished"]


def test_second_signal_changes_nothing():
    signals = Signals()
    signals.install()
    with pytest.raises(Stop):
        os.kill(os.getpid(), signal.SIGTERM)

    os.kill(os.getpid(), signal.SIGTERM)

    assert signals.asked


def test_error_in_a_held_step_is_not_hidden():
    signals = Signals()
    signals.install()

    with pytest.raises(ValueError, match="wrong"), signals.hold_back():
        raise ValueError("wrong")

    assert not signals.held

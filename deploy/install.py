"""Makes the virtual environment from a lock file, and finds or installs Chromium. Needs nothing but Python itself.

python3 deploy/install.py runtime    what `make demo` and `make run` need
python3 deploy/install.py dev        the same, and what the tests need
python3 deploy/install.py chromium   a browser for the tests
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TORCH = ROOT / "requirements-torch.lock"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LEAST_PYTHON = (3, 11)
NO_NETWORK = re.compile(
    r"NewConnectionError|Temporary failure in name resolution|Name or service not known|Network is unreachable|"
    r"ConnectTimeout|ReadTimeout|Max retries exceeded|Connection refused|ProxyError|No matching distribution found"
)
NO_SPACE = re.compile(r"No space left on device|Read-only file system")


class InstallError(Exception):
    """Something is missing that we cannot supply; the message says what to do."""


def install(kind: str) -> None:
    """Bring .venv up to date with a lock; at once when it is already."""
    lock = LOCKS[kind]
    wanted = _digest(lock) if kind == "runtime" else _digest(lock) + _digest(TORCH)
    accepted = {wanted, _digest(LOCKS["dev"]) + _digest(TORCH)}  # the packages for tests include those for running
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8").split()[-1] in accepted and PYTHON.exists():
        return
    whole = stamp.exists() or (VENV / "made").exists()  # its making was not interrupted
    if not (PYTHON.exists() and whole):
        _make_venv()
    packages = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if re.match(r"[A-Za-z0-9]", line))
    print(f"Installing {packages} Python packages into .venv (about a minute) …", flush=True)
    _pip(lock)
    if kind == "dev":
        _torch()
    stamp.write_text(f"{kind} {wanted}\n", encoding="utf-8")


def chromium() -> None:
    """Make sure that there is a browser: of the system, else by apt-get (as root), else Playwright's."""
    if any(shutil.which(name) for name in BROWSERS) or _has_playwright_browser():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing chromium with apt-get …", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _quietly(["apt-get", "update"], environment)
        if _quietly(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"], environment):
            return
    print("Installing Playwright's own Chromium …", flush=True)
    if _quietly([str(PYTHON), "-m", "playwright", "install", "chromium"]) and _has_playwright_browser():
        return
    msg = (
        "the browser tests need Chromium, and it could be neither found nor installed.\n"
        "Install it (Debian: sudo apt install chromium) and run the same again."
    )
    raise InstallError(msg)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _make_venv() -> None:
    """A virtual environment, also where Debian's python3 comes without its python3-venv package."""
    print(f"Making .venv with Python {sys.version.split()[0]} …", flush=True)
    with_pip = importlib.util.find_spec("ensurepip") is not None
    system_pip = importlib.util.find_spec("pip") is not None
    if not with_pip and not system_pip and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing python3-venv with apt-get …", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _quietly(["apt-get", "update"], environment)
        name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        with_pip = _quietly(["apt-get", "install", "--yes", "--no-install-recommends", name], environment)
    if not with_pip and not system_pip:
        msg = "this Python can make no virtual environment. Install its venv package: sudo apt install python3-venv"
        raise InstallError(msg)
    command = [sys.executable, "-m", "venv", "--clear", *([] if with_pip else ["--without-pip"]), str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise InstallError(_explain(done.stdout + done.stderr, "the virtual environment .venv could not be made"))
    (VENV / "made").touch()


def _torch() -> None:
    """PyTorch's build for CPUs is not on every index; without it the tests of steering are skipped and say why."""
    try:
        _pip(TORCH)
    except InstallError:
        print("PyTorch's build for CPUs was not found: the tests that run models will be skipped.", flush=True)


def _pip(lock: Path) -> None:
    """Install what a lock names and nothing else (it names everything, so that nothing need be resolved)."""
    own = VENV / "bin" / "pip"
    pip = [str(PYTHON), "-m", "pip"] if own.exists() else [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2", "--no-compile", "--no-deps"]
    command = [*pip, "install", *options, "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise InstallError(_explain(done.stdout + done.stderr, "the Python packages could not be installed"))


def _explain(output: str, what: str) -> str:
    tail = "\n".join(output.strip().splitlines()[-6:])
    if NO_SPACE.search(output):
        return f"{what}: the disk of {ROOT} is full or read-only.\n{tail}"
    if NO_NETWORK.search(output):
        return f"{what}: no network, or the package index cannot be reached. Connect and run the same again.\n{tail}"
    return f"{what}.\n{tail}"


def _has_playwright_browser() -> bool:
    if not PYTHON.exists():
        return False
    code = (
        "import os, sys; from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: sys.exit(not os.access(p.chromium.executable_path, os.X_OK))"
    )
    return _quietly([str(PYTHON), "-c", code])


def _quietly(command: list[str], environment: dict[str, str] | None = None) -> bool:
    done = subprocess.run(  # noqa: S603
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.returncode == 0


def main() -> int:
    """Do what the first argument names."""
    if sys.version_info < LEAST_PYTHON:
        print(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    kind = sys.argv[1] if len(sys.argv) == 2 else ""  # noqa: PLR2004
    if kind not in {*LOCKS, "chromium"}:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        chromium() if kind == "chromium" else install(kind)
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or ROOT}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

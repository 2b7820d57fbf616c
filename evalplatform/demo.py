"""`python -m evalplatform.demo`: serve the example study that `manage.py load_demo` prepares; `--reset` deletes it.

The seam: `load_demo --base-url URL --links FILE` finds the site running at URL, prepares the data if they are not
there yet, prints the table, and writes FILE as JSON: {"rate": path, "admin": path, "user": …, "password": …,
"results": path}.
"""

import fcntl
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from evalplatform import embedded, place, serve
from evalplatform.embedded import EmbeddedError
from evalplatform.supervise import Supervisor

OURS = ("postgres", "postgres.new", "run", "log", "broker", "beat", "static", "media", "demo.json", "secret_key")
LOCKS = ("serve.lock", "users.lock", "servers.lock")
STOP_SECONDS = 40


def load(supervisor: Supervisor) -> None:
    """Prepare the data through the running site and print where to go."""
    links = place.var() / "demo.json"
    command = (*serve.MANAGE, "load_demo", "--base-url", serve.base_url(), "--links", str(links))
    supervisor.run(command, doing="loading the example study")
    print(f"\n{describe(links)}\n\nCtrl-C stops all of it; `make demo` goes on with the same data.", flush=True)


def describe(links: Path) -> str:
    """The three links, for the terminal."""
    told = json.loads(links.read_text(encoding="utf-8"))
    url = serve.base_url()
    return "\n".join(
        (
            f"  Rate as an annotator   {url}{told['rate']}",
            f"  Admin                  {url}{told['admin']}   user {told['user']}, password {told['password']}",
            f"  Results                {url}{told['results']}",
        )
    )


def reset() -> int:
    """Stop whoever serves this data directory, and delete what we keep there (nothing that we do not know)."""
    directory = place.var()
    if not (directory / "servers.lock").exists():
        print(f"Nothing to reset: there is no demo in {directory}.")
        return 0
    try:
        _stop_server(directory / "serve.lock")
        embedded.stop()
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name in (*OURS, *LOCKS):
        path = directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    print(f"The demo's data in {directory} are deleted. `make demo` starts over.")
    return 0


def _stop_server(lock: Path) -> None:
    """Ask the process that holds the lock to stop, and wait for it."""
    if not lock.exists():
        return
    with lock.open("r", encoding="utf-8") as file:
        deadline = time.monotonic() + STOP_SECONDS
        asked = False
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not asked:
                    file.seek(0)
                    os.kill(int(file.read()), signal.SIGTERM)
                    asked = True
                time.sleep(0.1)
            else:
                return
    msg = f"the process that serves {lock.parent} does not stop"
    raise EmbeddedError(msg)


def main() -> int:
    """Serve the demo, or delete it."""
    if sys.argv[1:] == ["--reset"]:
        return reset()
    return serve.run(load)


if __name__ == "__main__":
    sys.exit(main())

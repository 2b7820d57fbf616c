"""Putting finished files into place, so that a reader never meets half of a report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

PAGE: Final = "index.html"
MANIFEST: Final = "manifest.json"


def publish(scratch: Path, out: Path, names: tuple[str, ...]) -> None:
    """Move finished files into place: a new folder in one rename, into an old one file by file, the page last.

    What an earlier run left there by its manifest, and this one does not have, goes.
    """
    if not out.exists():
        ready = scratch / "ready"
        for name in names:
            (ready / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(scratch / name, ready / name)
        ready.rename(out)
        return
    stale = _of_earlier_run(out) - set(names)
    for name in (*(name for name in names if name != PAGE), PAGE):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).replace(out / name)
    for name in stale:
        (out / name).unlink(missing_ok=True)


def _of_earlier_run(folder: Path) -> set[str]:
    """Return the files that the manifest of an earlier run names, below the folder; never anything else."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        names = {str(name) for name in manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    root = folder.resolve()
    return {name for name in names if root in (folder / name).resolve().parents}

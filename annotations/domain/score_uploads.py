"""Files of scores between the look at them and the import: kept under a name that only a signed token tells."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core import signing
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from annotations.errors import MaterialRefused, Problem, WrongState
from annotations.models import Study

FOLDER = "scores"
SALT = "annotations.scores"
KEPT = dt.timedelta(hours=12)
MOST_BYTES = 100_000_000
GONE = "The file is not kept any more; choose it again."


def keep(*, study: Study, filename: str, content: File[Any]) -> str:
    """Keep a file for a while and return the token under which it is found; raises MaterialRefused when too large."""
    if (content.size or 0) > MOST_BYTES:
        reason = f"has {content.size / 1e6:,.0f} MB; bring at most {MOST_BYTES // 10**6} MB at once"
        raise MaterialRefused([Problem(filename, 0, "", reason)])
    stored = default_storage.save(f"{FOLDER}/{uuid4().hex}", content)
    return signing.dumps({"study": study.pk, "stored": stored, "file": filename}, salt=SALT)


@contextmanager
def opened(*, study: Study, token: str) -> Iterator[tuple[Path, str]]:
    """Yield a path to the file and its name; raises WrongState when the token is of another study, or too old."""
    found = _read(token, study=study)
    with tempfile.NamedTemporaryFile() as copy:
        try:
            with default_storage.open(found["stored"], "rb") as kept:
                shutil.copyfileobj(kept, copy, 1024 * 1024)
        except OSError:
            raise WrongState(GONE) from None
        copy.flush()
        yield Path(copy.name), str(found["file"])


def forget(*, study: Study, token: str) -> None:
    """Delete the file."""
    default_storage.delete(_read(token, study=study)["stored"])


def forget_old() -> int:
    """Delete what nobody imported; returns how many files."""
    try:
        names = default_storage.listdir(FOLDER)[1]
    except OSError:
        return 0
    paths = [f"{FOLDER}/{name}" for name in names]
    old = [path for path in paths if default_storage.get_modified_time(path) < timezone.now() - KEPT]
    for path in old:
        default_storage.delete(path)
    return len(old)


def _read(token: str, *, study: Study) -> dict[str, Any]:
    try:
        found: dict[str, Any] = signing.loads(token, salt=SALT, max_age=KEPT)
    except signing.BadSignature:
        raise WrongState(GONE) from None
    if found["study"] != study.pk:
        raise WrongState(GONE)
    return found

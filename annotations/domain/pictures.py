"""Pictures and papers that a researcher puts into the texts: kept under opaque names and served from our own host."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from annotations.errors import NotReady, StudyNotFound
from annotations.models import Study

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LARGEST = {"image": 3_000_000, "pdf": 10_000_000}
# First bytes, ending, what it is served as. Nothing that can hold a script (SVG, HTML).
KINDS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png", "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "jpg", "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "gif", "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp", "image/webp"),
    (re.compile(rb"%PDF-"), "pdf", "application/pdf"),
)
TYPES = {ending: kind for _, ending, kind in KINDS}


def keep_file(
    *, study: Study, upload: File[Any], title: str, seen: str | None = None, actor: AbstractBaseUser | None = None
) -> str:
    """Keep an uploaded picture or PDF of a draft and return its name; raises NotReady for anything else.

    What it is, is read from its first bytes, whatever its name says.
    """
    from .editing import edit_path

    content = upload.read(LARGEST["pdf"] + 1)
    ending = next((ending for pattern, ending, _ in KINDS if pattern.match(content)), "")
    if not ending:
        message = "This file is neither a picture (PNG, JPEG, GIF, WebP) nor a PDF."
        raise NotReady(message)
    largest = LARGEST["pdf" if ending == "pdf" else "image"]
    if len(content) > largest:
        message = f"This file is too large: {largest // 1_000_000} MB at most."
        raise NotReady(message)
    name = "".join(secrets.choice(ALPHABET) for _ in range(16)) + f".{ending}"
    entry = {"name": name, "title": title[:120], "kind": TYPES[ending], "sha256": hashlib.sha256(content).hexdigest()}
    files = [*study.path.get("files", []), entry]
    edit_path(study=study, path={**study.path, "files": files}, seen=seen, actor=actor)
    default_storage.save(_place(name), ContentFile(content))
    return name


def _place(name: str) -> str:
    return f"path/{name}"


def open_file(*, slug: str, name: str) -> tuple[BinaryIO, str]:
    """Return the content and type of a file that a study's texts may show; raises StudyNotFound."""
    study = Study.objects.filter(slug=slug).only("path").first()
    if study is None or name not in {entry["name"] for entry in files_of(study)}:
        raise StudyNotFound
    try:
        stream: Any = default_storage.open(_place(name), "rb")
    except FileNotFoundError:
        raise StudyNotFound from None
    return stream, TYPES[name.rpartition(".")[2]]


def files_of(study: Study) -> Iterator[Mapping[str, str]]:
    """Yield the uploaded files of a study."""
    yield from study.path.get("files", [])

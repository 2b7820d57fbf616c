"""Bundles: the files of a job as one zip, and one file out of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from django.db.models.fields.files import FieldFile

EPOCH = (2020, 1, 1, 0, 0, 0)


def zip_folder(folder: Path, target: Path) -> Path:
    """Zip a folder with fixed times and order, so that the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                bundle.writestr(info, path.read_bytes())
    return target


def read_member(bundle: FieldFile, name: str) -> bytes:
    """Return one file; raises KeyError for an unknown name, OSError or BadZipFile when the bundle cannot be read."""
    with bundle.open("rb") as stream, zipfile.ZipFile(stream) as packed:
        return packed.read(name)


def members_of(bundle: FieldFile) -> list[str]:
    """Return the names of the files; a bundle that cannot be read has none."""
    try:
        with bundle.open("rb") as stream, zipfile.ZipFile(stream) as packed:
            return packed.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return []

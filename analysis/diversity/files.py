"""Every file of a measurement, written into one folder, all or nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.diversity.table import DiversityError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.diversity.result import Diversity

PAGE = "index.html"
MANIFEST = "manifest.json"


def write(result: Diversity, folder: Path, *, title: str = "") -> Path:
    """Write tables, figures, page, summary and manifest; files of an earlier run in the folder are replaced."""
    if folder.exists() and not folder.is_dir():
        raise DiversityError(f"{folder} is a file: give a folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".diversity-", dir=folder.parent) as scratch:
            names = _write_all(result, Path(scratch), title=title)
            _publish(Path(scratch), folder, names)
    except OSError as error:
        message = f"the files could not be written to {folder} ({error}): check space and permissions"
        raise DiversityError(f"{message}; nothing was left there") from error
    return folder / PAGE


def draw(result: Diversity) -> dict[str, Figure]:
    """Return every figure by name."""
    from analysis.diversity import figures

    found: dict[str, Figure | None] = {
        "differences": figures.differences(result),
        "between": figures.heat_map(result),
        "within": figures.histograms(result),
    }
    for at, shown in enumerate(result.projections, start=1):
        found[f"outputs-{at}"] = figures.scatter(result, shown)
    return {name: figure for name, figure in found.items() if figure is not None}


def _write_all(result: Diversity, folder: Path, *, title: str) -> tuple[str, ...]:
    from analysis.diversity.page import page
    from analysis.figures.canvas import to_pdf, to_png, to_svg

    files: dict[str, bytes] = {}
    svgs: dict[str, str] = {}
    for name, figure in draw(result).items():
        svgs[name] = to_svg(figure, salt=name)
        files[f"figures/{name}.svg"] = svgs[name].encode()
        files[f"figures/{name}.pdf"] = to_pdf(figure)
        files[f"figures/{name}.png"] = to_png(figure)
    files |= {f"{name}.csv": _csv(table) for name, table in result.tables.items()}
    files["summary.json"] = _json(result.summary())
    files["methods.md"] = f"{result.methods}\n".encode()
    files[PAGE] = page(result, svgs, title=title).encode()
    manifest = {
        "title": title,
        "provenance": dict(result.provenance),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    files[MANIFEST] = _json(manifest)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return tuple(sorted(files))


def _csv(table: pd.DataFrame) -> bytes:
    return str(table.to_csv(index=False, float_format="%.10g", lineterminator="\n")).encode("utf-8", "surrogatepass")


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _publish(scratch: Path, out: Path, names: tuple[str, ...]) -> None:
    """Move finished files into place: a new folder in one rename, into an old one file by file, the page last."""
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

"""Every file of a measurement, written into one folder, all or nothing."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.diversity.table import DiversityError
from analysis.page.publishing import MANIFEST, PAGE, publish

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.diversity.result import Diversity


def write(result: Diversity, folder: Path, *, title: str = "") -> Path:
    """Write tables, figures, page, summary and manifest; files of an earlier run in the folder are replaced."""
    if folder.exists() and not folder.is_dir():
        raise DiversityError(f"{folder} is a file: give a folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".diversity-", dir=folder.parent) as scratch:
            names = _write_all(result, Path(scratch), title=title)
            publish(Path(scratch), folder, names)
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

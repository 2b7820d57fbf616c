"""The files of a report: one HTML page that reads from top to bottom, the tables, the figure and the manifest."""

from __future__ import annotations

import html
import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import analysis
from analysis import figures, tables

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.results import StudyResult

LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib")
CSS = """
:root { color-scheme: light; --ink: #1f2933; --muted: #5b6672; --rule: #d5dae0; --soft: #f4f6f8; --accent: #0b6e99; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header p.kicker { margin: 0; color: var(--muted); font-size: .875rem; }
h1 { font-size: 1.65rem; line-height: 1.25; margin: .25rem 0 1.25rem; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
.lead { font-size: 1.2rem; line-height: 1.5; border-left: 4px solid var(--accent); padding-left: 1rem;
  margin: 0 0 1rem; max-width: 52rem; }
p, li { max-width: 52rem; }
.note { color: var(--muted); font-size: .8125rem; margin: .35rem 0; }
.warning { background: #fff8e6; border: 1px solid #ecd9a0; border-radius: 6px;
  padding: .75rem 1rem; margin: 1.25rem 0; }
.warning ul { margin: .25rem 0 0; padding-left: 1.25rem; }
.scroll { overflow-x: auto; margin: 1rem 0 .5rem; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { padding: .4rem .5rem; text-align: left; white-space: nowrap; font-weight: 400; }
thead th { border-bottom: 2px solid var(--ink); font-weight: 600; vertical-align: bottom; white-space: normal; }
tbody tr { border-bottom: 1px solid var(--rule); }
tbody tr:hover { background: var(--soft); }
.number { text-align: right; }
figure { margin: 1rem 0; overflow-x: auto; }
figure svg { width: 100%; height: auto; min-width: 40rem; max-width: 62rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; font-size: .875rem; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
.naive table { color: var(--muted); }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; }
  .lead { font-size: 1.05rem; } }
@media print { main { padding: 0; max-width: none; } h2 { break-after: avoid; } }
""".strip()


def write_files(result: StudyResult, folder: Path) -> tuple[str, ...]:
    """Write every file of the report into a folder and return their names."""
    figure = figures.forest_plot(result)
    svg = figures.to_svg(figure)
    table = tables.significance_table(result)
    texts = {
        "significance.csv": tables.to_csv(result.rows),
        "significance.tex": tables.to_latex(table),
        "significance.md": tables.to_markdown(table),
        "significance.html": _document(_title(result, "Significance table"), tables.to_html(table, captioned=False)),
        "forest.svg": svg,
        "manifest.json": json.dumps(_finite(manifest(result)), indent=2, sort_keys=True, ensure_ascii=False) + "\n",
        "index.html": _document(_title(result), _body(result, svg)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    (folder / "forest.png").write_bytes(figures.to_png(figure))
    return (*texts, "forest.png")


def manifest(result: StudyResult) -> dict[str, Any]:
    """Return what is needed to repeat the report: hashes, versions, options, and the state of each fit."""
    return {
        "input_sha256": result.input_hash,
        "design_hashes": list(result.data.design_hashes),
        "studies": list(result.data.studies),
        "seed": result.seed,
        "options": dict(result.options),
        "versions": versions(),
        "data": asdict(result.data),
        "family": result.family,
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        "title": result.title,
        "fits": {item.dimension: _fit(item.fit) for item in result.dimensions},
    }


def versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of the libraries that compute."""
    return {
        "analysis": analysis.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def _fit(fit: Any) -> dict[str, Any]:
    se = fit.standard_errors()
    return {
        "model": fit.model,
        "formula": fit.formula,
        "fixed": {name: [float(b), float(s)] for name, b, s in zip(fit.names, fit.estimate, se, strict=True)},
        "thresholds": {
            name: [float(t), float(s)]
            for name, t, s in zip(fit.threshold_names, fit.thresholds, fit.threshold_se, strict=False)
        },
        "spreads": {component.factor: [component.sd, component.se] for component in fit.variances},
        "log_likelihood": fit.log_likelihood,
        "rows": fit.rows,
        "convergence": asdict(fit.convergence),
    }


def _finite(value: Any) -> Any:
    """Round to 12 digits and turn what is not a number into null, so that the file is strict JSON."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.12g}") if value - value == 0 else None
    return value


def _title(result: StudyResult, kind: str = "Significance report") -> str:
    name = result.title or ", ".join(result.data.studies)
    return f"{kind}: {name}" if name else kind


def _body(result: StudyResult, svg: str) -> str:
    remarks = "".join(f'<p class="note">Note: {html.escape(text)}.</p>\n' for text in result.notes)
    caution = "".join(f"<li>{html.escape(text)}</li>" for text in result.warnings)
    picture = svg[svg.index("<svg") :]
    label = (
        "Forest plot: log-odds with intervals of each contrast, by dimension; the same numbers stand in the table below"
    )
    parts = [
        f'<p class="lead">{html.escape(result.sentence)}</p>',
        f'<div class="warning" role="note"><strong>Before you report this</strong><ul>{caution}</ul></div>'
        if caution
        else "",
        "<h2>Estimates</h2>",
        f'<figure role="img" tabindex="0" aria-label="{label}">{picture}</figure>',
        "<h2>Significance table</h2>",
        tables.to_html(tables.significance_table(result), captioned=False),
        remarks,
        "<h2>Each contrast in words</h2>",
        "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in result.sentences) + "</ul>",
        "<h2>Variance components</h2>",
        tables.to_html(tables.variance_table(result)),
        tables.to_html(tables.fixed_table(result)),
        "<h2>Data and exclusions</h2>",
        _data(result),
        "<h2>What a naive test would claim</h2>",
        f'<div class="naive">{tables.to_html(tables.naive_table(result), captioned=False)}</div>',
        "<h2>Methods</h2>",
        f"<p>{html.escape(result.methods)}</p>",
        "<h2>Provenance</h2>",
        _provenance(result),
    ]
    return "\n".join(parts)


def _data(result: StudyResult) -> str:
    data = result.data
    kinds = ", ".join(f"{count} {name}" for name, count in data.by_kind.items())
    gone = "; ".join(f"{name}: {count}" for name, count in data.excluded.items()) or "none"
    ties = "; ".join(f"{name}: {100 * share:.1f}%" for name, share in data.ties.items() if share) or "none"
    rows = [
        ("Judgements in the table", f"{data.total} ({kinds})"),
        ("Judgements analysed", str(data.used)),
        ("Excluded main judgements, by reason", gone),
        (
            "Given after the lease had lapsed or the study was closed",
            f"{data.late} ({'kept' if result.options['late'] else 'left out'})",
        ),
        (
            "Ties in forced choices",
            f"{ties} ({'modelled as a middle level' if result.options['ties'] == 'model' else 'dropped'})",
        ),
    ]
    return _definitions(rows)


def _provenance(result: StudyResult) -> str:
    options = ", ".join(f"{name} = {value}" for name, value in sorted(result.options.items()) if value is not None)
    rows = [
        ("Input (SHA-256)", result.input_hash),
        ("Design (SHA-256)", ", ".join(result.data.design_hashes) or "not given"),
        ("Seed", f"{result.seed} (this analysis draws no random numbers)"),
        ("Options", options),
        ("Versions", ", ".join(f"{name} {number}" for name, number in versions().items())),
    ]
    return _definitions(rows)


def _definitions(rows: list[tuple[str, str]]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in rows) + "</dl>"
    )


def _document(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f'<style>\n{CSS}\n</style>\n</head>\n<body>\n<main>\n<header><p class="kicker">Blinded pairwise study</p>'
        f"<h1>{html.escape(title)}</h1></header>\n{body}\n</main>\n</body>\n</html>\n"
    )

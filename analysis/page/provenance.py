"""Where a report comes from: hashes, options, versions; the manifest and the machine-readable results."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import analysis
from analysis.page.parts import definitions, table, text
from analysis.tables import Table

if TYPE_CHECKING:
    from analysis.results import DimensionResult, Fit, StudyResult

LIBRARIES: Final = ("numpy", "scipy", "pandas", "statsmodels", "formulaic", "numba", "matplotlib", "python-docx")
DIGITS: Final = 12
FILES: Final = (
    ("significance.csv", "every number of every contrast, unrounded"),
    ("significance.tex, .md, .html, .docx", "the table for a paper; the Word file holds methods and forest plot too"),
    ("results.json", "all numbers of this page, for machines"),
    (
        "variances.csv, systems.csv, win-rates.csv, effects.csv",
        "spreads and shares, systems, pairs, shrunken estimates",
    ),
    ("agreement.csv, influence.csv, residuals.csv, sensitivity.csv", "what stands behind the trust in the table"),
    ("quality.csv, .tex, .md", "each contrast with and without exclusions, where there are any"),
    ("preparation.tex, .md", "what was done to the texts before raters saw them, where a plan was given"),
    ("rounds.csv, trends.csv", "means by round and trends over rounds, where there are rounds"),
    ("judges.csv, .tex, .md, judge-subsets.md, judge-differences.csv", "automatic judges, where scores were given"),
    ("figures/", "each figure as SVG, PDF and PNG"),
    ("methods.md", "the methods paragraph with its formulas"),
    ("manifest.json", "hashes of input, plan and every file, options, versions, seed"),
)


def versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of the libraries that compute."""
    return {
        "analysis": analysis.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def provenance(result: StudyResult, known: Mapping[str, str]) -> str:
    """Return the last section of the page."""
    options = ", ".join(
        f"{name} = {plain(value)}" for name, value in sorted(result.options.items()) if value not in (None, (), [], "")
    )
    rows = [
        ("Input (SHA-256)", result.input_hash),
        ("Design (SHA-256)", ", ".join(result.data.design_hashes) or "not given"),
        ("Options", options),
        ("Scores (SHA-256)", result.judges.scores_hash if result.judges else ""),
        ("Correction", result.correction),
        ("Otherwise than declared", "; ".join(result.changed)),
        ("Left out", ", ".join(result.left_out)),
        ("Seed", f"{result.seed} (bootstrap of agreement, randomised residuals)"),
        ("Versions", ", ".join(f"{name} {number}" for name, number in known.items())),
    ]
    files = Table("Files of this report", ("File", "What it holds"), FILES, (False, False))
    return "\n".join(
        [
            definitions([(name, value) for name, value in rows if value]),
            table(files, style="prose"),
            text("The same table, plan and options give the same bytes, whatever the order of the rows.", "note"),
        ]
    )


def manifest(result: StudyResult, known: Mapping[str, str], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what is needed to repeat the report, and the SHA-256 of every file of it."""
    return {
        "title": result.title,
        "studies": list(result.data.studies),
        "input_sha256": result.input_hash,
        "design_hashes": list(result.data.design_hashes),
        "scores_sha256": result.judges.scores_hash if result.judges else None,
        "plan_sha256": result.declaration.sha256 if result.declaration else None,
        "seed": result.seed,
        "options": dict(result.options),
        "correction": result.correction,
        "changed": list(result.changed),
        "left_out": list(result.left_out),
        "versions": dict(known),
        "converged": {item.dimension: item.fit.convergence.converged for item in result.dimensions},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }


def machine_readable(result: StudyResult) -> dict[str, Any]:
    """Return all numbers of the page as plain values: arrays as lists, NaN as null."""
    return {
        "title": result.title,
        "sentences": list(result.sentences),
        "methods": result.methods,
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        "confidence": result.confidence,
        "correction": result.correction,
        "family": result.family,
        "contrasts": [plain(row) for row in result.rows],
        "dimensions": [_dimension(item) for item in result.dimensions],
        "data": plain(result.data),
        "account": plain(result.account),
        "agreement": [plain(row) for row in result.agreement],
        "diagnostics": [_check(item) for item in result.checks],
        "sensitivity": [plain(row) for row in result.sensitivity],
        "exclusions": [plain(row) for row in result.exclusions],
        "rounds": plain(result.rounds),
        "judges": plain(result.judges),
    }


def _dimension(item: DimensionResult) -> dict[str, Any]:
    known = ("dimension", "measure", "levels", "question", "scale", "paired", "n_raters", "n_prompts", "n_outputs",
             "n_judgements", "notes", "systems", "shares", "wins", "shrunken")  # fmt: skip
    return {name: plain(getattr(item, name)) for name in known} | {"fit": _fit(item.fit)}


def _fit(fit: Fit) -> dict[str, Any]:
    left_out = ("linear_predictor", "fixed_predictor", "random_effects", "small_sample")
    found = {one.name: plain(getattr(fit, one.name)) for one in fields(fit) if one.name not in left_out}
    return found | {"standard_errors": plain(fit.standard_errors()), "aic": plain(fit.aic)}


def _check(item: Any) -> dict[str, Any]:
    found = {one.name: plain(getattr(item, one.name)) for one in fields(item) if one.name != "residuals"}
    if item.residuals is not None:
        found["residuals"] = {name: plain(getattr(item.residuals, name)) for name in ("sd", "beyond_2", "beyond_3")}
    return found


def plain(value: Any) -> Any:
    """Return plain JSON values: records as objects, arrays as lists, floats to 12 digits, what is no number as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value

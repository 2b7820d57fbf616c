"""A fitted model as text, in the order of lme4's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analysis.inference.statements import Statements
    from analysis.results import Fit


def describe(fit: Fit, coefficients: Statements) -> str:
    """Return model, criterion, spreads, fixed effects, thresholds, convergence and notes in words and numbers."""
    head = (
        f"rows {fit.rows}   log-likelihood {fit.log_likelihood:.4f} ({fit.method})   AIC {fit.aic:.2f}   "
        f"parameters {fit.parameters}"
    )
    parts = [
        f"{fit.model}\n{fit.formula}",
        head,
        _spreads(fit),
        f"Fixed effects\n{coefficients}",
        _thresholds(fit),
        f"Convergence: {fit.convergence.code} ({fit.convergence.message})",
        *(f"Note: {note}" for note in fit.notes),
    ]
    return "\n\n".join(part for part in parts if part)


def _spreads(fit: Fit) -> str:
    rows = [
        (v.factor, v.term, f"{v.levels}", f"{v.sd:.4g}", f"{v.se:.3g}", _linked(fit, v.factor, v.term))
        for v in fit.variances
    ]
    if np.isfinite(fit.residual_sd):
        rows.append(("residual", "", "", f"{fit.residual_sd:.4g}", f"{fit.residual_se:.3g}", ""))
    return _table("Random effects", ("group", "term", "levels", "SD", "SE", "correlations"), rows) if rows else ""


def _linked(fit: Fit, factor: str, term: str) -> str:
    pairs = [c for c in fit.correlations if c.factor == factor and term in (c.first, c.second)]
    return ", ".join(f"{c.value:.2f} with {c.second if term == c.first else c.first}" for c in pairs)


def _thresholds(fit: Fit) -> str:
    if fit.family != "cumulative":
        return ""
    rows = [
        (name, f"{value:.4g}", f"{se:.3g}")
        for name, value, se in zip(fit.threshold_names, fit.thresholds, fit.threshold_se, strict=True)
    ]
    return _table("Thresholds", ("between", "estimate", "SE"), rows)


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Align columns: the first to the left, the others to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    text = [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    ]
    return "\n".join([title, *(line.rstrip() for line in text)])

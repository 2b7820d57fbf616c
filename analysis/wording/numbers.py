"""How numbers read: true minus signs, p values as papers print them, dashes for what does not exist."""

from __future__ import annotations

import math


def format_p(p: float) -> str:
    """Return a p value as papers print it: three digits, "< .001" below, an en dash if there is none."""
    if math.isnan(p):
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 0.9995 else "1.000"  # noqa: PLR2004


def equals_p(p: float) -> str:
    """Return "= .012" or "< .001"."""
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"


def percent(value: float) -> str:
    """Return a share as a percentage with one digit."""
    return "–" if math.isnan(value) else f"{100.0 * value:.1f}%"


def number(value: float, digits: int = 2) -> str:
    """Return a number with a true minus sign; a dash if it does not exist, powers of ten if it is very large."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.1e}"  # noqa: PLR2004
    return text.replace("-", "−") if float(f"{value:.{digits}f}") else text.removeprefix("-")


def degrees(df: float) -> str:
    """Return degrees of freedom: whole numbers as such, others with one digit, a dash if there are none."""
    if math.isnan(df):
        return "–"
    if math.isinf(df):
        return "∞"
    return f"{df:.0f}" if abs(df - round(df)) < 0.05 else f"{df:.1f}"  # noqa: PLR2004


def count(value: int) -> str:
    """Return a count with commas between thousands."""
    return f"{value:,}"


def counted(value: int, word: str) -> str:
    """Return "1 rater", "1,200 raters"."""
    return f"{count(value)} {word}" if value == 1 else f"{count(value)} {word}s"


def interval(low: float, high: float, *, digits: int = 2) -> str:
    """Return "[low, high]", a dash if either does not exist."""
    return "–" if math.isnan(low) or math.isnan(high) else f"[{number(low, digits)}, {number(high, digits)}]"


def percents(low: float, high: float) -> str:
    """Return an interval of shares as percentages."""
    return "–" if math.isnan(low) or math.isnan(high) else f"[{percent(low)}, {percent(high)}]"


def join(words: tuple[str, ...] | list[str], last: str = "and") -> str:
    """Return "a, b and c"."""
    parts = list(words)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""

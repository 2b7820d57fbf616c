"""Small pictures and number formats for the researcher's pages."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone

from annotations.templatetags import curves, pictures

register = template.Library()
PARTS = "annotations/admin/parts"
TOLD = 160  # characters of a value of the log


@register.inclusion_tag(f"{PARTS}/meter.html")
def meter(value: float, total: float, kind: str = "") -> dict[str, Any]:
    """Draw one bar: `value` of `total`."""
    return {"segments": pictures.segments([(float(value or 0), kind)], float(total or 0))}


@register.inclusion_tag(f"{PARTS}/meter.html")
def stacked(parts: Sequence[tuple[float, str]], total: float) -> dict[str, Any]:
    """Draw one bar of several parts: (value, kind) each."""
    return {"segments": pictures.segments(parts, float(total or 0))}


@register.inclusion_tag(f"{PARTS}/bars.html")
def bars(values: Sequence[tuple[str, int, str]], title: str) -> dict[str, Any]:
    """Draw a histogram of (label, count, kind)."""
    return {**pictures.bars(values), "title": title}


@register.inclusion_tag(f"{PARTS}/spark.html")
def spark(counts: Sequence[int], title: str) -> dict[str, Any]:
    """Draw a small histogram without words."""
    return {**pictures.spark(counts), "title": title}


@register.inclusion_tag(f"{PARTS}/forest.html")
def forest(rows: Sequence[Mapping[str, Any]], alpha: float = 0.05, correction: str = "") -> dict[str, Any]:
    """Draw odds ratios with their intervals, filled where the corrected p value is below alpha."""
    return {"forest": pictures.forest(rows, alpha=alpha), "correction": correction or "after Holm’s correction"}


@register.inclusion_tag(f"{PARTS}/matrix.html")
def meetings(pairs: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Draw who meets whom."""
    return pictures.matrix(pairs)


@register.inclusion_tag(f"{PARTS}/power_curve.html")
def power_curve(curve: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Draw power over raters (with what they cost) or prompts."""
    return {"curve": curves.power_curve(curve), "axis": curve["axis"], "currency": currency}


@register.inclusion_tag(f"{PARTS}/plane.html")
def plane(points: Sequence[Sequence[Any]], order: Sequence[str]) -> dict[str, Any]:
    """Draw all outputs to one prompt on two principal components, by system."""
    return {"plane": curves.plane(points, order)}


@register.filter
def station_action(study_id: int, name: str) -> str:
    """Return the address of an action of the station "open"."""
    return reverse(f"admin:annotations_study_open_{name}", args=(study_id,))


@register.filter
def moment(text: str) -> dt.datetime:
    """Return an ISO time of the monitor as a time of the site's zone."""
    return timezone.localtime(dt.datetime.fromisoformat(text))


@register.filter
def words(value: Any) -> str:
    """Return a setting in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{words(key)} {words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(words(item) for item in value)
    return str(value).replace("_", " ")


@register.filter
def number(value: Any, digits: int = 2) -> str:
    """Format a number of the table; a dash stands for what does not exist."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


@register.filter
def p_value(value: Any) -> str:
    """Format a p value as a paper does."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0")  # noqa: PLR2004 - the usual way to print it


@register.filter
def duration(seconds: Any) -> str:
    """Format a time that is still to go, as roughly as one wants to know it."""
    if not isinstance(seconds, int | float):
        return "–"
    minutes = math.ceil(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:  # noqa: PLR2004 - two days
        return f"{hours // 24} days"
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


@register.filter
def money(minor: Any, currency: str = "") -> str:
    """Format minor units (cents, pence) as an amount."""
    if not isinstance(minor, int | float):
        return "–"
    sign = "\N{MINUS SIGN}" if minor < 0 else ""
    return f"{sign}{abs(minor) / 100:,.2f} {currency}".strip()


@register.filter
def percent(value: Any) -> str:
    """Format a share."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "–"
    return f"{100 * value:.0f}%"


@register.filter
def event_words(name: str) -> str:
    """Return a name of code as words: "Role changed"."""
    return str(name).replace("_", " ").capitalize()


@register.filter
def told(value: Any) -> str:
    """Return a value of the log in one short line."""
    if isinstance(value, str):
        return value if len(value) <= TOLD else f"{value[: TOLD - 1]}…"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= TOLD else f"{text[: TOLD - 1]}…"

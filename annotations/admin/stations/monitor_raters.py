"""All raters of a study, page by page: how far, how fast, what the checks found."""

from __future__ import annotations

from django.http import HttpResponse

from annotations.admin.frame import Visit
from annotations.admin.numbers import whole
from annotations.domain import monitoring_people

COLUMNS = (
    ("", "Rater"),
    ("state", "State"),
    ("judged", "Judged"),
    ("seconds", "Seconds a trial"),
    ("findings", "Findings"),
    ("latest", "Last answer"),
)


def show(visit: Visit) -> HttpResponse:
    """Show one page of the table, in the order that the address asks for."""
    query = visit.request.GET
    page = monitoring_people.raters(
        study=visit.study,
        page=whole(query.get("page", "1"), otherwise=1),
        sort=query.get("sort", "latest"),
    )
    slowest = max((row["seconds"] or 0.0 for row in page["rows"]), default=0.0)
    context = {"raters": page, "columns": COLUMNS, "slowest": slowest, "monitor_url": visit.url("monitor")}
    return visit.page("monitor_raters", context)

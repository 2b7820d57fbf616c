"""The first page: the studies that are under way, each with its progress and the way on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from annotations.access import may_create_studies, studies_of
from annotations.enums import LeaseState
from annotations.models import Judgement, Lease, Output, Study

SHOWN = 12


def with_progress(queryset: QuerySet[Study]) -> QuerySet[Study]:
    """Add `finished`, `judged` and `outputs` to each study by subqueries, so that a list costs one query."""
    finished = Lease.objects.filter(plan=OuterRef("plan"), state=LeaseState.COMPLETED)
    judged = Judgement.objects.filter(lease__plan=OuterRef("plan"))
    outputs = Output.objects.filter(prompt__study=OuterRef("pk"), prompt__is_check=False)
    return queryset.select_related("plan", "created_by").annotate(
        finished=_count(finished, "plan"),
        judged=_count(judged, "lease__plan"),
        outputs=_count(outputs, "prompt__study"),
    )


def _count(rows: QuerySet[Any], group: str) -> Coalesce:
    counted = rows.order_by().values(group).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give the first page its studies (called by the theme)."""
    studies = list(with_progress(studies_of(request.user))[: SHOWN + 1])
    return {
        **context,
        "title": "Overview",
        "studies": studies[:SHOWN],
        "more_studies": len(studies) > SHOWN,
        "may_add": may_create_studies(request),
    }


admin.site.index_template = "annotations/admin/home.html"

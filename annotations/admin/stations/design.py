"""Design: the wishes, what they come to (raters, minutes, cost, power), the certificate, and the dimensions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.db import transaction
from django.http import HttpResponse
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, shown
from annotations.design import Clash, DesignError, DesignSpec
from annotations.domain import editing, panel, planning
from annotations.enums import StudyState
from annotations.errors import PlatformError, WrongState
from annotations.models import Study

from .design_form import DesignForm
from .dimension_form import dimension_rows
from .power import power_context
from .power import urls as power_urls
from .rows_preview import rows_preview
from .sketch import sketch_of

APPLICABLE = frozenset(DesignSpec().to_dict())


def show(visit: Visit) -> HttpResponse:
    """Show the saved wishes and what they come to."""
    if panel.is_panel(visit.study):
        return visit.go("panel")
    return _page(visit)


def _page(visit: Visit, *, form: DesignForm | None = None, rows: Any = None, status: int = 200) -> HttpResponse:
    study = visit.study
    may_edit = visit.may_change and study.state == StudyState.DRAFT
    sketch = sketch_of(study)
    context = {
        "form": form or DesignForm(study=study, may_change=may_edit, spec=_saved(study)),
        "rows": rows if rows is not None else dimension_rows(study, may_change=may_edit),
        "may_edit": may_edit,
        "stamp": editing.stamp(study=study),
        "sketch": sketch,
        "clashes": [_offer(clash) for clash in sketch.clashes],
        **power_context(visit, sketch),
    }
    return visit.page("design", context, status=status)


def _saved(study: Study) -> DesignSpec:
    """Return the saved wishes, or the defaults in place of wishes that cannot be read."""
    try:
        return planning.spec_of(study=study)
    except DesignError:
        return DesignSpec()


def _offer(clash: Clash) -> dict[str, Any]:
    """Return a clash with the suggestions that one click can follow (others need new material)."""
    offers = [
        {"text": item.text, "field": item.field, "value": json.dumps(item.value), "can": item.field in APPLICABLE}
        for item in clash.suggestions
    ]
    return {"text": clash.text, "offers": offers}


def save(visit: Visit) -> str | HttpResponse:
    """Save the wishes; whether they can be met is said on the page that follows."""
    post, study = visit.request.POST, visit.study
    form = DesignForm(post, study=study, may_change=True, spec=_saved(study))
    if study.state != StudyState.DRAFT:
        message = "The design is frozen, so this cannot be changed any more."
        raise WrongState(message)
    if not form.is_valid():
        return _page(visit, form=form, status=422)
    with transaction.atomic():
        spec = form.wanted()
        editing.edit_design(study=study, spec=spec, seen=post.get("stamp", ""), actor=_who(visit))
        editing.edit_texts(study=study, values=form.money(), actor=_who(visit))
    sketch = sketch_of(study)
    if sketch.made is None:
        messages.warning(visit.request, "Saved, but this design cannot be made yet. The reasons stand beside the form.")
        return visit.go("design")
    return f"Saved: {len(sketch.made.plan.booklets):,} raters are needed."


def follow(visit: Visit) -> str | HttpResponse:
    """Follow one suggestion of the planner; a suggestion that does not stand any more changes nothing."""
    post, study = visit.request.POST, visit.study
    field, value = post.get("field", ""), post.get("value", "")
    offered = {
        (item.field, json.dumps(item.value)): item for clash in sketch_of(study).clashes for item in clash.suggestions
    }
    chosen = offered.get((field, value))
    if chosen is None or field not in APPLICABLE:
        messages.info(visit.request, "This suggestion does not stand any more; nothing was changed.")
        return visit.go("design")
    changes: dict[str, Any] = {field: chosen.value}
    spec = replace(_saved(study), **changes)
    editing.edit_design(study=study, spec=spec, seen=post.get("stamp", ""), actor=_who(visit))
    return f"Changed as suggested: {chosen.text}."


def save_dimensions(visit: Visit) -> str | HttpResponse:
    """Save all dimensions at once, or none."""
    post, study = visit.request.POST, visit.study
    rows = dimension_rows(study, post, may_change=True)
    if not rows.is_valid():
        return _page(visit, rows=rows, status=422)
    try:
        editing.edit_dimensions(study=study, dimensions=rows.drafts(), seen=post.get("stamp", ""), actor=_who(visit))
    except PlatformError as error:
        messages.error(visit.request, str(error))
        return visit.go("design")
    return "The dimensions are saved."


def rows(visit: Visit) -> HttpResponse:
    """Show the rows of the form as raters will see them, in a window of their own; faults are shown in its place."""
    shown = rows_preview(visit)
    if shown is not None:
        return shown
    return _page(visit, rows=dimension_rows(visit.study, visit.request.POST, may_change=True), status=422)


def _who(visit: Visit) -> Any:
    return visit.request.user


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    return [
        shown(admin, "design", "design/", show),
        done(admin, "design_save", "design/save", save),
        done(admin, "design_follow", "design/follow", follow),
        done(admin, "design_dimensions", "design/dimensions", save_dimensions),
        done(admin, "design_rows", "design/rows", rows),
        *power_urls(admin),
    ]

"""Every sample that was wanted: its text as it came, the answers that were not taken, what went wrong."""

from __future__ import annotations

from django.db.models import QuerySet

from annotations.enums import SampleMark
from annotations.models import Sample, Study

ASKED_AGAIN = "again"  # beside the marks: an answer came that was not taken


def samples_of(*, study: Study, system: int | None = None, state: str = "", mark: str = "") -> QuerySet[Sample]:
    """Return the samples of a study in the order in which they were wanted, narrowed to a system, a state, a mark.

    A mark means that the answer which was taken has it, or one that was not.
    """
    found = Sample.objects.filter(generation__study=study).order_by("pk")
    if system is not None:
        found = found.filter(system=system)
    if state:
        found = found.filter(state=state)
    if mark == ASKED_AGAIN:
        found = found.exclude(answers=[])
    elif mark in SampleMark.values:
        found = found.filter(mark=mark) | found.filter(answers__contains=[{"mark": mark}])
    return found.select_related("system", "prompt", "output")

"""Material, plans, judgements, reports and the log, as lists to look at, each of one's own studies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from annotations.access import Action
from annotations.models import (
    Booklet,
    Event,
    Exclusion,
    Flag,
    Judgement,
    Lease,
    MaterialImport,
    Output,
    Plan,
    PowerCheck,
    Prompt,
    Report,
    System,
    Task,
)

from .readonly import OwnStudies, ReadOnlyAdmin

JOB = {"queued": "info", "running": "info", "done": "success", "refused": "danger", "failed": "danger"}
LEASE = {"available": "info", "leased": "warning", "completed": "success", "lapsed": "danger"}


@admin.register(MaterialImport)
class MaterialImportAdmin(ReadOnlyAdmin):
    """Files that were brought, and what came of each."""

    list_display = ("filename", "study", "show_state", "rows", "added", "unchanged", "created_at")
    list_filter = ("state", ("study", OwnStudies))
    list_select_related = ("study",)
    search_fields = ("filename", "study__title")

    @display(description="State", ordering="state", label=JOB)
    def show_state(self, job: MaterialImport) -> str:
        """The state with its colour."""
        return job.state


@admin.register(System)
class SystemAdmin(ReadOnlyAdmin):
    """What is compared."""

    list_display = ("name", "study", "role")
    list_filter = ("role", ("study", OwnStudies))
    list_select_related = ("study",)
    search_fields = ("name", "study__title")


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    """What every system answered."""

    list_display = ("__str__", "key", "task_family", "is_check", "study")
    list_filter = ("is_check", ("study", OwnStudies))
    list_select_related = ("study",)
    search_fields = ("key", "text", "task_family")


@admin.register(Output)
class OutputAdmin(ReadOnlyAdmin):
    """One text by one system for one prompt."""

    study_path = "prompt__study"
    list_display = ("__str__", "system", "show_prompt", "sample", "show_hash")
    list_filter = (("prompt__study", OwnStudies),)
    list_select_related = ("system", "prompt")
    search_fields = ("text", "system__name", "prompt__key", "content_hash")

    @display(description="Prompt", ordering="prompt")
    def show_prompt(self, output: Output) -> str:
        """The prompt, cut."""
        return str(output.prompt)

    @display(description="SHA-256")
    def show_hash(self, output: Output) -> str:
        """The first 12 digits of the hash."""
        return output.content_hash[:12]


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """Frozen designs with their hashes."""

    list_display = ("study", "version", "sha256", "booklets_planned", "trials_planned", "frozen_at")
    list_filter = (("study", OwnStudies),)
    list_select_related = ("study",)
    search_fields = ("sha256", "study__title")


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Outputs of one prompt to be judged together."""

    study_path = "plan__study"
    list_display = ("key", "prompt", "kind", "plan")
    list_filter = ("kind", ("plan__study", OwnStudies))
    list_select_related = ("prompt", "plan")
    search_fields = ("key", "prompt__key")


@admin.register(Booklet)
class BookletAdmin(ReadOnlyAdmin):
    """The ordered trials of one rater."""

    study_path = "plan__study"
    list_display = ("number", "plan", "length")
    list_filter = (("plan__study", OwnStudies),)
    list_select_related = ("plan",)
    search_fields = ("=number",)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    """Issues of booklets."""

    study_path = "plan__study"
    list_display = ("booklet", "copy", "show_state", "show_rater", "leased_at", "expires_at", "ended_at")
    list_filter = ("state", ("plan__study", OwnStudies))
    list_select_related = ("booklet", "participation__rater")
    search_fields = ("=booklet__number", "participation__rater__pseudonym")

    @display(description="State", ordering="state", label=LEASE)
    def show_state(self, lease: Lease) -> str:
        """The state with its colour."""
        return lease.state

    @display(description="Rater")
    def show_rater(self, lease: Lease) -> str:
        """The pseudonym."""
        return lease.participation.rater.pseudonym if lease.participation else "–"


@admin.register(Judgement)
class JudgementAdmin(ReadOnlyAdmin):
    """Answers; written once, never changed, never deleted."""

    study_path = "lease__plan__study"
    list_display = ("pk", "show_rater", "show_place", "show_answers", "show_seconds", "show_late", "created_at")
    list_filter = ("late", ("lease__plan__study", OwnStudies))
    list_select_related = ("lease__participation__rater", "lease__booklet", "trial")
    search_fields = ("=pk", "lease__participation__rater__pseudonym")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Judgement]:
        """Return the rows with all that a line of the list needs, in one query."""
        return super().get_queryset(request).select_related(*self.list_select_related)

    @display(description="Rater")
    def show_rater(self, judgement: Judgement) -> str:
        """The pseudonym."""
        who = judgement.lease.participation
        return who.rater.pseudonym if who else "–"

    @display(description="Booklet and position")
    def show_place(self, judgement: Judgement) -> str:
        """Where in the plan it stands."""
        return f"{judgement.lease.booklet.number} / {judgement.trial.position}"

    @display(description="Answers")
    def show_answers(self, judgement: Judgement) -> str:
        """What was answered, by dimension."""
        return ", ".join(f"{key}: {value}" for key, value in judgement.answers.items())

    @display(description="Seconds", ordering="submit_ms")
    def show_seconds(self, judgement: Judgement) -> str:
        """Active time, if the page measured it."""
        if judgement.submit_ms is None:
            return "–"
        return f"{(judgement.submit_ms - (judgement.hidden_ms or 0) - (judgement.idle_ms or 0)) / 1000:.1f}"

    @display(description="Remark", ordering="late", label={"late": "warning"})
    def show_late(self, judgement: Judgement) -> str:
        """A word for the answers that came too late; a red cross for those in time would mislead."""
        return "late" if judgement.late else ""


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    """Findings of quality checks."""

    study_path = "participation__study"
    list_display = ("check_name", "participation", "created_at")
    list_filter = ("check_name", ("participation__study", OwnStudies))
    list_select_related = ("participation__rater",)
    search_fields = ("participation__rater__pseudonym",)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    """Decisions to leave somebody out of the analysis."""

    study_path = "participation__study"
    list_display = ("participation", "reason", "author", "created_at", "undone_at")
    list_filter = (("participation__study", OwnStudies),)
    list_select_related = ("participation__rater", "author")
    search_fields = ("reason", "participation__rater__pseudonym")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Runs of the analysis."""

    list_display = ("study", "show_state", "masked", "judgements", "created_at", "finished_at")
    list_filter = ("state", ("study", OwnStudies))
    list_select_related = ("study",)
    search_fields = ("study__title",)

    @display(description="State", ordering="state", label=JOB)
    def show_state(self, report: Report) -> str:
        """The state with its colour."""
        return report.state


@admin.register(PowerCheck)
class PowerCheckAdmin(ReadOnlyAdmin):
    """Checks of the planned power by simulation."""

    list_display = ("study", "show_state", "created_at", "finished_at")
    list_filter = ("state", ("study", OwnStudies))
    list_select_related = ("study",)
    search_fields = ("study__title",)

    @display(description="State", ordering="state", label=JOB)
    def show_state(self, check: PowerCheck) -> str:
        """The state with its colour."""
        return check.state


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened to studies, and who did it; to accounts too, for superusers."""

    needs = Action.LOG
    list_display = ("at", "name", "study", "show_rater", "actor", "address")
    list_filter = ("name", ("study", OwnStudies))
    list_select_related = ("study", "participation__rater", "actor")
    search_fields = ("name", "participation__rater__pseudonym")
    fields: ClassVar[Any] = ("at", "name", "study", "participation", "actor", "address", "data")

    @display(description="Rater")
    def show_rater(self, event: Event) -> str:
        """The pseudonym."""
        return event.participation.rater.pseudonym if event.participation else "–"

"""The plan: tasks, booklets and their trials, written when a design is frozen, and the leases of booklets."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotations.enums import LeaseState, TrialKind

from .material import Prompt
from .rater import Participation
from .study import Study


class Plan(models.Model):
    """A frozen design: its canonical JSON, the SHA-256 of that, and the certificate of balance."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="plans")
    version = models.PositiveIntegerField()
    canonical = models.TextField(help_text="Canonical JSON of design, material hashes and analysis plan.")
    sha256 = models.CharField(max_length=64)
    certificate = models.JSONField()
    booklets_planned = models.PositiveIntegerField()
    trials_planned = models.PositiveIntegerField()
    frozen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Versions of a study in order."""

        ordering = ("study", "version")
        constraints = (models.UniqueConstraint(fields=("study", "version"), name="plan_version_once_per_study"),)

    def __str__(self) -> str:
        return f"version {self.version} ({self.sha256[:12]})"


class Task(models.Model):
    """Outputs of one prompt to be judged together; `output_ids` in canonical order (of systems, then samples)."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="tasks")
    key = models.CharField(max_length=80)
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=10, choices=TrialKind, default=TrialKind.MAIN)
    output_ids = ArrayField(models.BigIntegerField())
    expected = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Of an attention task: what an attentive rater answers."
    )

    class Meta:
        """One key per plan."""

        constraints = (models.UniqueConstraint(fields=("plan", "key"), name="task_key_once_per_plan"),)

    def __str__(self) -> str:
        return self.key


class Booklet(models.Model):
    """The ordered trials of one rater; planned in advance, leased as a whole."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="booklets")
    number = models.PositiveIntegerField()
    length = models.PositiveSmallIntegerField()

    class Meta:
        """Numbered from 1."""

        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("plan", "number"), name="booklet_number_once_per_plan"),)

    def __str__(self) -> str:
        return f"booklet {self.number}"


class Trial(models.Model):
    """One presentation of a task: position in the booklet and order of the outputs (`output_ids`, left to right).

    `dimension_order` holds the indices of the study's dimensions in the order of this page; empty means as they are.
    """

    booklet = models.ForeignKey(Booklet, on_delete=models.CASCADE, related_name="trials", db_index=False)
    position = models.PositiveSmallIntegerField()
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="trials")
    kind = models.CharField(max_length=10, choices=TrialKind, default=TrialKind.MAIN)
    output_ids = ArrayField(models.BigIntegerField())
    dimension_order = ArrayField(models.PositiveSmallIntegerField(), default=list, db_default=[], blank=True)

    class Meta:
        """One trial per position; the constraint's index is also how a booklet's trials are found."""

        constraints = (models.UniqueConstraint(fields=("booklet", "position"), name="trial_once_per_position"),)

    def __str__(self) -> str:
        return f"trial {self.position}"


class Lease(models.Model):
    """One issue of a booklet. When a lease lapses another copy of the booklet becomes available."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="leases", db_index=False)
    booklet = models.ForeignKey(Booklet, on_delete=models.CASCADE, related_name="leases")
    copy = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=LeaseState, default=LeaseState.AVAILABLE)
    participation = models.ForeignKey(
        Participation, null=True, blank=True, on_delete=models.PROTECT, related_name="leases"
    )
    leased_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """The partial indexes keep claiming and expiry independent of the size of the study.

        `expires_at` stands in no index on purpose: renewing a lease is then a heap-only update.
        """

        constraints = (
            models.UniqueConstraint(fields=("booklet", "copy"), name="lease_copy_once_per_booklet"),
            models.UniqueConstraint(
                fields=("participation",), condition=Q(state="leased"), name="lease_one_active_per_participation"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("available", "withdrawn")) | Q(participation__isnull=False),
                name="lease_taken_by_somebody",
            ),
        )
        indexes = (
            models.Index(fields=("plan", "id"), condition=Q(state="available"), name="lease_available"),
            models.Index(fields=("plan", "id"), condition=Q(state="leased"), name="lease_running"),
        )

    def __str__(self) -> str:
        return f"{self.booklet_id}/{self.copy} {self.state}"

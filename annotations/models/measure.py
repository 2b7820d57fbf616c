"""What machines say of the outputs: scores of automatic judges, and measurements of diversity and mode collapse."""

from __future__ import annotations

from django.db import models

from annotations.enums import JobState
from annotations.registry import scorers

from .encrypted import SecretJSON
from .material import Output
from .study import Study


def scorer_choices() -> list[tuple[str, str]]:
    return scorers.choices()


class Judge(models.Model):
    """One automatic judge: a column of scores that was imported (no `scorer`), or that a scorer computes here."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="judges")
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    scorer = models.CharField(max_length=60, choices=scorer_choices, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    secrets = SecretJSON(default=dict)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.DONE)
    stop_asked = models.BooleanField(default=False)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """By name."""

        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("study", "name"), name="judge_name_once_per_study"),)

    def __str__(self) -> str:
        return self.name


class OutputScore(models.Model):
    """What one judge gives one output; `text_digest` tells whether the text is still the one that was scored."""

    judge = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="scores")
    output = models.ForeignKey(Output, on_delete=models.CASCADE, related_name="scores")
    value = models.FloatField()
    text_digest = models.CharField(max_length=16, editable=False)

    class Meta:
        """Once each."""

        constraints = (models.UniqueConstraint(fields=("judge", "output"), name="score_once_per_judge"),)

    def __str__(self) -> str:
        return f"{self.value:g}"


class Measurement(models.Model):
    """One run of the automatic measures over a study's outputs; `bundle` is a zip of its files, as of a report.

    `fingerprint` is that of the texts it measured, so that a page can say when they are others now.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="measurements")
    settings = models.JSONField(default=dict, blank=True)
    secrets = SecretJSON(default=dict)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent.")
    stage = models.CharField(max_length=120, blank=True)
    stop_asked = models.BooleanField(default=False)
    message = models.TextField(blank=True)
    summary = models.JSONField(default=dict, blank=True)
    bundle = models.FileField(upload_to="measurements/%Y/%m/", blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    outputs = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"measurement {self.pk} ({self.state})"


class AuditRun(models.Model):
    """One look of all audits at the texts of a draft; `fingerprint` tells whether the texts are still the same."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="audit_runs")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    settings = models.JSONField(default=dict, blank=True)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent.")
    stage = models.CharField(max_length=120, blank=True)
    message = models.TextField(blank=True)
    findings = models.JSONField(default=list, blank=True)
    profile = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    outputs = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"audit {self.pk} ({self.state})"

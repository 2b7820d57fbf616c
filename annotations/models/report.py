"""A report of a study, made by a background job."""

from __future__ import annotations

from django.db import models

from annotations.enums import JobState

from .study import Study


class Report(models.Model):
    """One run of the analysis; `bundle` is a zip of all its files, `summary` the significance rows for the page."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="reports")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent.")
    stage = models.CharField(max_length=120, blank=True)
    message = models.TextField(blank=True)
    summary = models.JSONField(default=dict, blank=True)
    bundle = models.FileField(upload_to="reports/%Y/%m/", blank=True)
    masked = models.BooleanField(default=False, help_text="Made with letters in place of the systems' names.")
    judgements = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"report of {self.study_id} ({self.state})"

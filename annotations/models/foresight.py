"""A check of the planned power by simulation, made by a background job."""

from __future__ import annotations

from django.db import models

from annotations.enums import JobState

from .study import Study


class PowerCheck(models.Model):
    """One run: `wanted` is what was simulated (design, assumptions, questions), `result` what came of it."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="power_checks")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent.")
    stage = models.CharField(max_length=120, blank=True)
    message = models.TextField(blank=True)
    wanted = models.JSONField(default=dict)
    result = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"power of {self.study_id} ({self.state})"

"""Alerts: what was told to whom, so that nothing is told twice."""

from __future__ import annotations

from django.db import models

from .study import Study


class Alert(models.Model):
    """One thing that researchers were told. `key` names the occasion: the same occasion is told once."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="alerts_sent")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    text = models.TextField()
    sent = models.JSONField(default=dict, blank=True, help_text="By channel: when, or what went wrong.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=("study", "kind", "key"), name="alert_once_per_occasion"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text[:60]}"

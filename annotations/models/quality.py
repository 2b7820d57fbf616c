"""Quality: findings of checks, and recorded, reversible decisions to exclude."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .rater import Participation


class Flag(models.Model):
    """A finding about a participation; it excludes nothing by itself."""

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="flags")
    check_name = models.CharField(max_length=60)
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.check_name


class Exclusion(models.Model):
    """A decision to leave a participation out of the analysis, with reason and author; it can be undone."""

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="exclusions")
    reason = models.CharField(max_length=300)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.reason

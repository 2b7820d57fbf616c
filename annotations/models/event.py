"""The log: what happened to a study, and who did it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from .rater import Participation
from .study import Study


class Event(models.Model):
    """One thing that happened; written by the domain only, never changed."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="events")
    participation = models.ForeignKey(
        Participation, null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    name = models.CharField(max_length=60)
    data = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Newest first."""

        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=("study", "-at"), name="event_by_study"),)

    def __str__(self) -> str:
        return self.name

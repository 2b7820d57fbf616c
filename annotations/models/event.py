"""The log: what happened, to which study, and who did it from where."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from .append_only import AppendOnly
from .rater import Participation
from .study import Study


class Event(models.Model):
    """One thing that happened; written by the domain only, never changed (the database refuses it).

    `study` is empty for what concerns an account and no study (logins, two-factor login). `address` is where a
    researcher's request came from; nothing of the kind is kept of raters.
    """

    study = models.ForeignKey(Study, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    participation = models.ForeignKey(
        Participation, null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    name = models.CharField(max_length=60)
    data = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Newest first."""

        ordering = ("-at", "-pk")
        constraints = (AppendOnly(name="event_only_grows", forgets=("participation", "actor")),)
        indexes = (models.Index(fields=("study", "-at"), name="event_by_study"),)

    def __str__(self) -> str:
        return self.name

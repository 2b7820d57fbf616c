"""The expert panel: rounds in which one expert asks, gets outputs, and ranks them."""

from __future__ import annotations

from django.db import models

from annotations.enums import JobState

from .material import Prompt
from .plan import Lease
from .rater import Participation


class Round(models.Model):
    """One question of an expert. Its prompt, outputs, task and trial are made when the outputs have come."""

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveSmallIntegerField()
    question = models.TextField()
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    message = models.TextField(blank=True)
    prompt = models.OneToOneField(Prompt, null=True, blank=True, on_delete=models.PROTECT, related_name="round")
    lease = models.OneToOneField(Lease, null=True, blank=True, on_delete=models.PROTECT, related_name="round")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Numbered from 1."""

        ordering = ("participation", "number")
        constraints = (models.UniqueConstraint(fields=("participation", "number"), name="round_once_per_number"),)

    def __str__(self) -> str:
        return f"round {self.number}"

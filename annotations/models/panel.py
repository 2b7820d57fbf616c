"""The expert panel: who answers, and the rounds in which one expert asks, gets outputs, and ranks them."""

from __future__ import annotations

from django.db import models

from annotations.enums import JobState
from annotations.registry import generators

from .encrypted import SecretJSON
from .material import Prompt, System
from .plan import Lease
from .rater import Participation


def generator_choices() -> list[tuple[str, str]]:
    return generators.choices()


class Writer(models.Model):
    """How a system is asked for outputs, in a panel or by a generation.

    Its secrets are encrypted at rest and never shown again.
    """

    system = models.OneToOneField(System, on_delete=models.CASCADE, related_name="writer")
    generator = models.CharField(max_length=60, choices=generator_choices, default="openai_compatible")
    settings = models.JSONField(default=dict)
    secrets = SecretJSON(default=dict)

    def __str__(self) -> str:
        return f"writer of {self.system}"


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

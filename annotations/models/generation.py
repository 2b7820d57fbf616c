"""Generations: background jobs that ask systems for outputs, and their work list, a row for each wanted sample."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotations.enums import GenerationState, SampleMark, SampleState

from .material import Output, Prompt, System
from .study import Study


class Generation(models.Model):
    """One job: so many samples of some systems for some prompts. What is there already is not asked for again.

    `rules` says what becomes of refusals, truncated and empty answers; `limits` how fast and for how much it may ask.
    `recipes` holds the settings (never a secret) that were asked with, by the digest that each output carries.
    `beat_at` is renewed by the process at work, so that a page can tell a slow server from a dead worker.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="generations")
    state = models.CharField(max_length=10, choices=GenerationState, default=GenerationState.QUEUED)
    samples_per_cell = models.PositiveIntegerField(default=1)
    rules = models.JSONField(default=dict, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    recipes = models.JSONField(default=dict, blank=True)
    stop_asked = models.BooleanField(default=False)
    message = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"generation {self.pk} ({self.state})"


class Sample(models.Model):
    """One wanted sample; system × prompt × number is its idempotency key, over all generations of a study.

    It is `asked` while a process waits for it; `asked_until` is then the mark of that process's claim, and while it is
    `wanted` the time before which it is not asked for again. `answers` keeps what
    came and was not taken: refusals, truncated and empty answers that were resampled, each with its text and mark.
    Only an `arrived` sample has an output, written in the same transaction.
    """

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="samples")
    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="wanted_samples")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="wanted_samples")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=SampleState, default=SampleState.WANTED)
    mark = models.CharField(max_length=10, choices=SampleMark, blank=True)
    output = models.OneToOneField(Output, null=True, blank=True, on_delete=models.SET_NULL, related_name="asked_as")
    attempts = models.PositiveSmallIntegerField(default=0)
    answers = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True)
    asked_until = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)

    class Meta:
        """The key, and the rows that are still to be done."""

        constraints = (models.UniqueConstraint(fields=("system", "prompt", "number"), name="sample_once_per_key"),)
        indexes = (
            models.Index(
                fields=("generation", "system", "id"),
                condition=Q(state__in=("wanted", "asked")),
                name="sample_to_do",
            ),
        )

    def __str__(self) -> str:
        return f"{self.system_id}/{self.prompt_id}/{self.number} ({self.state})"

"""The path of a participant: the consent that was shown, and what was answered outside the trials."""

from __future__ import annotations

from django.db import models

from annotations.enums import Step

from .rater import Participation
from .study import Study


class ConsentVersion(models.Model):
    """One wording of a study's consent in one language, kept for ever; `number` counts from 1 within the language."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="consents")
    language = models.CharField(max_length=12)
    number = models.PositiveSmallIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One row per wording."""

        ordering = ("study", "language", "number")
        constraints = (
            models.UniqueConstraint(fields=("study", "language", "sha256"), name="consent_once_per_wording"),
            models.UniqueConstraint(fields=("study", "language", "number"), name="consent_number_once"),
        )

    def __str__(self) -> str:
        return f"consent {self.number} ({self.language})"


class PathAnswer(models.Model):
    """What somebody answered at one step (questionnaire, quiz, practice, comments), one row per attempt.

    Personal: withdrawal deletes these rows, and exports hold them only when the researcher asks for them.
    """

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="path_answers")
    step = models.CharField(max_length=40, choices=Step)
    attempt = models.PositiveSmallIntegerField(default=1)
    answers = models.JSONField(default=dict)
    passed = models.BooleanField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """The same POST twice is one row."""

        ordering = ("participation", "pk")
        constraints = (
            models.UniqueConstraint(fields=("participation", "step", "attempt"), name="path_answer_once_per_attempt"),
        )

    def __str__(self) -> str:
        return f"{self.step} {self.attempt}"

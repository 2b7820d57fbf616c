"""Quality: findings of checks, and recorded, reversible decisions to exclude."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .judgement import Judgement
from .rater import Participation


class Flag(models.Model):
    """A finding about a participation, or about one of its judgements; it excludes nothing by itself.

    `key` tells the findings of one check apart, so that a check that runs again writes each once. `gone_at` is set when
    a later look, at more answers, finds it no more.
    """

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="flags")
    judgement = models.ForeignKey(Judgement, null=True, blank=True, on_delete=models.CASCADE, related_name="flags")
    check_name = models.CharField(max_length=60)
    key = models.CharField(max_length=80, blank=True)
    score = models.FloatField(null=True, blank=True, help_text="How strong the finding is, in the check's own measure.")
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("participation", "check_name", "key"), condition=~Q(key=""), name="flag_once_per_key"
            ),
        )

    def __str__(self) -> str:
        return self.check_name


class Exclusion(models.Model):
    """A decision to leave a participation out of the analysis, with reason and author; it can be undone.

    `check_name` names the check whose declared rule decided; a person's decision has an author and a reason.
    """

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="exclusions")
    check_name = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=300)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("participation", "check_name"), condition=~Q(check_name=""), name="exclusion_once_per_check"
            ),
        )

    def __str__(self) -> str:
        return self.reason


class Examination(models.Model):
    """When the checks last looked at a participation; `settled` once those that compare with others have spoken too.

    `verdicts` holds what the declared rules say by what was found then, by name, with the reason.
    """

    participation = models.OneToOneField(Participation, on_delete=models.CASCADE, related_name="examination")
    at = models.DateTimeField()
    judgements = models.PositiveIntegerField(default=0)
    settled = models.BooleanField(default=False)
    verdicts = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"examination of participation {self.participation_id}"

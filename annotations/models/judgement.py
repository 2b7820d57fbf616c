"""The judgement: the answers given on one trial."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from .plan import Lease, Trial


class Judgement(models.Model):
    """The answers given on one trial, keyed by dimension, with timing; written once, never deleted.

    `late` marks an answer that came when the lease had lapsed: it is kept and counted as surplus.
    Times are milliseconds since first paint, as the page measured them (see ``annotations.blind.Timing``).
    """

    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="judgements", db_index=False)
    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="judgements")
    answers = models.JSONField()
    first_answer_ms = models.PositiveIntegerField(null=True, blank=True)
    submit_ms = models.PositiveIntegerField(null=True, blank=True)
    hidden_ms = models.PositiveIntegerField(null=True, blank=True)
    idle_ms = models.PositiveIntegerField(null=True, blank=True)
    evidence = models.JSONField(
        default=dict, blank=True, db_default={}, help_text="What the page noticed: pastes, starts of sliders, …"
    )
    late = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """One judgement per trial of a lease: the same POST twice is one judgement."""

        constraints = (models.UniqueConstraint(fields=("lease", "trial"), name="judgement_once_per_trial"),)

    def __str__(self) -> str:
        return f"judgement {self.pk}"

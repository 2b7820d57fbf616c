"""Money: an append-only ledger per study."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from annotations.enums import LedgerKind

from .append_only import AppendOnly
from .rater import Participation
from .study import Study


class LedgerEntry(models.Model):
    """One amount, in minor units of the study's currency; written once, never changed. A correction is an entry.

    `reference` is unique within the study, so that what is booked twice is there once.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="ledger")
    participation = models.ForeignKey(
        Participation, null=True, blank=True, on_delete=models.SET_NULL, related_name="ledger"
    )
    kind = models.CharField(max_length=10, choices=LedgerKind)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=120)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """In the order of booking."""

        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=("study", "reference"), name="ledger_reference_once"),
            AppendOnly(name="ledger_only_grows", forgets=("participation",)),
        )
        indexes = (models.Index(fields=("study", "kind"), name="ledger_by_kind"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"

"""People: a rater, that person in one study, and, in a table apart, what a recruiter calls them."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from annotations.enums import ParticipationState

from .study import ALPHABET, Study


def new_public_id() -> str:
    """Return 12 random characters, about 59 bits; signed before they leave the server."""
    return "".join(secrets.choice(ALPHABET) for _ in range(12))


def new_code() -> str:
    """Return a completion code, 8 characters that cannot be mistaken for one another."""
    return "".join(secrets.choice("ABCDEFGHJKMNPQRSTUVWXYZ23456789") for _ in range(8))


class Rater(models.Model):
    """A person; the pseudonym stands in exports."""

    pseudonym = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.pseudonym


class Participation(models.Model):
    """A rater in one study: consent, state, completion code."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="participations")
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="participations")
    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    state = models.CharField(max_length=12, choices=ParticipationState, default=ParticipationState.CONSENTED)
    consent_sha256 = models.CharField(max_length=64, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    completion_code = models.CharField(max_length=40, default=new_code)
    simulated = models.BooleanField(default=False, help_text="Sent by simulate_raters.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One participation per person and study."""

        constraints = (models.UniqueConstraint(fields=("study", "rater"), name="participation_once_per_rater"),)
        indexes = (models.Index(fields=("study", "state"), name="participation_by_state"),)

    def __str__(self) -> str:
        return f"{self.rater} ({self.state})"


class RecruitmentIdentity(models.Model):
    """The recruiter's id of a person, apart from the answers; never exported."""

    participation = models.OneToOneField(Participation, on_delete=models.CASCADE, related_name="identity")
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="identities")
    platform = models.CharField(max_length=60)
    person = models.CharField(max_length=128)
    session = models.CharField(max_length=128, blank=True)

    class Meta:
        """A person comes once."""

        constraints = (
            models.UniqueConstraint(
                fields=("study", "platform", "person"), condition=~Q(person=""), name="identity_once_per_study"
            ),
        )
        verbose_name_plural = "recruitment identities"

    def __str__(self) -> str:
        return f"{self.platform} identity of participation {self.participation_id}"

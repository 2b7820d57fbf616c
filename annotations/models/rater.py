"""People: a rater, that person in one study, and, in a table apart and encrypted, what a recruiter calls them."""

from __future__ import annotations

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotations.enums import Outcome, ParticipationState

from .encrypted import SecretText
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
    """A rater in one study: where he stands, what he agreed to, how it ended, completion code.

    `steps_done` names the steps of the path that are behind him (``annotations.enums.Step``, breaks as ``break-10``).
    `browser` is a keyed hash of the browser's own token, by which a second participation is noticed.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="participations")
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="participations")
    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    state = models.CharField(max_length=12, choices=ParticipationState, default=ParticipationState.CONSENTED)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    language = models.CharField(max_length=12, blank=True)
    steps_done = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    browser = models.CharField(max_length=64, blank=True)
    consent_sha256 = models.CharField(max_length=64, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
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
    """The recruiter's id of a person, apart from the answers and encrypted at rest; never exported.

    `digest` is a keyed hash of the person's id (``annotations.domain.identities.digest_of``): how he is found again.
    """

    participation = models.OneToOneField(Participation, on_delete=models.CASCADE, related_name="identity")
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="identities")
    platform = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, blank=True)
    session_digest = models.CharField(max_length=64, blank=True)
    seat_digest = models.CharField(max_length=64, blank=True)
    person = SecretText(null=True, blank=True)
    session = SecretText(null=True, blank=True)
    extra = SecretText(null=True, blank=True, help_text="What the platform needs at the end (MTurk's submit address).")

    class Meta:
        """A person comes once."""

        constraints = (
            models.UniqueConstraint(
                fields=("study", "platform", "digest"), condition=~Q(digest=""), name="identity_once_per_study"
            ),
        )
        indexes = (
            models.Index(fields=("study", "session_digest"), name="identity_by_session"),
            models.Index(fields=("study", "seat_digest"), condition=~Q(seat_digest=""), name="identity_by_seat"),
        )
        verbose_name_plural = "recruitment identities"

    def __str__(self) -> str:
        return f"{self.platform} identity of participation {self.participation_id}"

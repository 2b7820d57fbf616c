"""Recruitment: accounts on platforms, a study there, its sessions, what the platform told us, and invitations."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotations.enums import BonusState, RemoteState, SubmissionState

from .encrypted import SecretJSON, SecretText
from .rater import Participation, new_public_id
from .study import Study, recruitment_platform_choices


class RecruiterAccount(models.Model):
    """An account on a platform. Its secrets are encrypted at rest and never shown again."""

    name = models.CharField(max_length=80)
    platform = models.CharField(max_length=60, choices=recruitment_platform_choices)
    base_url = models.URLField(blank=True, help_text="Empty for the platform's own address.")
    secrets = SecretJSON(default=dict)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recruiter_accounts")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """By name."""

        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="account_name_once_per_owner"),)

    def __str__(self) -> str:
        return self.name


class Recruitment(models.Model):
    """A study on a platform. Amounts are in minor units of the study's currency."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="remote")
    account = models.ForeignKey(RecruiterAccount, on_delete=models.PROTECT, related_name="recruitments")
    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    key = models.UUIDField(default=uuid.uuid4, editable=False, help_text="Makes a repeated creation one study.")
    remote_id = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=RemoteState, default=RemoteState.NONE)
    reward = models.PositiveIntegerField(default=0)
    places = models.PositiveIntegerField(default=0)
    minutes = models.PositiveIntegerField(default=0)
    codes = models.JSONField(default=dict, blank=True, help_text="Completion code by outcome.")
    settings = models.JSONField(default=dict, blank=True)
    auto_approve = models.BooleanField(default=True)
    pause_reason = models.CharField(max_length=200, blank=True)
    committed = models.BigIntegerField(
        default=0, help_text="Paid and promised so far, with fees: the sum of the ledger, kept for the cap."
    )
    site = models.CharField(max_length=200, blank=True, help_text="Address of this site, as raters reach it.")
    listens = models.BooleanField(default=False, help_text="The platform's signed messages are subscribed to.")
    synced_at = models.DateTimeField(null=True, blank=True)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.study_id} on {self.account.platform} ({self.state})"


class Submission(models.Model):
    """One person's session on the platform, as the platform told it last. Ids are encrypted, found by keyed digest."""

    recruitment = models.ForeignKey(Recruitment, on_delete=models.CASCADE, related_name="submissions")
    participation = models.ForeignKey(
        Participation, null=True, blank=True, on_delete=models.SET_NULL, related_name="submissions"
    )
    session_digest = models.CharField(max_length=64)
    session = SecretText(null=True)
    person = SecretText(null=True, blank=True)
    state = models.CharField(max_length=20, choices=SubmissionState, default=SubmissionState.ACTIVE)
    code = models.CharField(max_length=80, blank=True)
    wanted = models.CharField(max_length=20, blank=True, help_text="The decision that is to be sent: approve, …")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One row per session."""

        constraints = (
            models.UniqueConstraint(fields=("recruitment", "session_digest"), name="submission_once_per_session"),
        )
        indexes = (models.Index(fields=("recruitment", "state"), name="submission_by_state"),)

    def __str__(self) -> str:
        return f"submission {self.pk} ({self.state})"


class BonusOrder(models.Model):
    """A payment beside the reward. `sending` is written down before it is sent, so that no crash pays it twice."""

    recruitment = models.ForeignKey(Recruitment, on_delete=models.CASCADE, related_name="bonuses")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="bonuses")
    key = models.CharField(max_length=80, help_text="What it is for; the same key is one payment.")
    amount = models.PositiveIntegerField()
    fee = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=BonusState, default=BonusState.PLANNED)
    message = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One payment per key."""

        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("recruitment", "key"), name="bonus_once_per_key"),)

    def __str__(self) -> str:
        return f"{self.key} {self.amount} ({self.state})"


class RecruiterEvent(models.Model):
    """Something that a platform told us, once: by webhook, or found while polling. Holds no id of a person.

    `session` is what a message names, encrypted, and forgotten once it was asked for.
    """

    recruitment = models.ForeignKey(Recruitment, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    data = models.JSONField(default=dict, blank=True)
    session = SecretText(null=True, blank=True)
    happened_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A repeated delivery is one event."""

        ordering = ("-received_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("recruitment", "event_id"), name="recruiter_event_once"),)
        indexes = (models.Index(fields=("recruitment",), condition=Q(handled_at=None), name="recruiter_event_pending"),)

    def __str__(self) -> str:
        return self.kind


class Invitation(models.Model):
    """One personal link of an invitation list. The address (or code) is encrypted at rest.

    Letters: `queued_at` says that one is wanted, `sending_at` is written before it is sent and `sent_at` after, so that
    a killed worker leaves a letter of which nobody knows whether it went, and sends none twice. A reminder is counted
    before it is sent.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="invitations")
    token = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    digest = models.CharField(max_length=64, help_text="Keyed hash of the address or code.")
    address = SecretText(null=True, blank=True)
    language = models.CharField(max_length=12, blank=True)
    participation = models.OneToOneField(
        Participation, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitation"
    )
    queued_at = models.DateTimeField(null=True, blank=True)
    sending_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    reminded_at = models.DateTimeField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One per address and study."""

        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=("study", "digest"), condition=~Q(digest=""), name="invitation_once"),
        )
        indexes = (
            models.Index(
                fields=("id",), condition=Q(queued_at__isnull=False, sending_at__isnull=True), name="invitation_waiting"
            ),
        )

    def __str__(self) -> str:
        return f"invitation {self.pk}"

"""Who works on a study, in which role; and the tokens by which a researcher's programs call the API."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from annotations.enums import Role

from .study import Study


class StudyMember(models.Model):
    """One researcher in one study. Nobody else sees it, superusers apart."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="studies")
    role = models.CharField(max_length=10, choices=Role, default=Role.EDITOR)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One role per person and study."""

        ordering = ("study", "pk")
        constraints = (models.UniqueConstraint(fields=("study", "user"), name="member_once_per_study"),)

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ApiToken(models.Model):
    """A key to the API in the name of one researcher: it may what he may. Only its hash is kept, it is shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60, help_text="What it is for, e.g. the notebook on the lab's server.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

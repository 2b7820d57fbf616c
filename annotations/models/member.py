"""Who works on a study, and in which role."""

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

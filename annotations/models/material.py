"""Material: systems, prompts, outputs and the imports that brought them."""

from __future__ import annotations

from django.db import models

from annotations.enums import JobState, SystemRole

from .encrypted import SecretJSON
from .study import Study


class System(models.Model):
    """What is compared: a baseline, a steered model, another method, a human; never shown to a rater."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="systems")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=10, choices=SystemRole, default=SystemRole.TREATMENT)
    description = models.TextField(blank=True)

    class Meta:
        """By name."""

        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("study", "name"), name="system_name_once_per_study"),)

    def __str__(self) -> str:
        return self.name


class Prompt(models.Model):
    """What every system answered; `key` is its name in files, by default a hash of the text.

    A `declared` one was brought without outputs (a prompt set, a list of one's own) and stays when none are left.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="prompts")
    key = models.CharField(max_length=200)
    text = models.TextField()
    task_family = models.CharField(max_length=80, blank=True)
    is_check = models.BooleanField(default=False, editable=False)
    declared = models.BooleanField(default=False, db_default=False, editable=False)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        """In the order of import."""

        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("study", "key"), name="prompt_key_once_per_study"),)

    def __str__(self) -> str:
        return self.text[:80]


class MaterialImport(models.Model):
    """One file that was brought, or one remote source that was fetched, with what came of it.

    A remote one has `settings` and, encrypted, `secrets` until they are not needed any more; `filename` then describes
    it. `attempts` counts the processes that began it, so that one that kills its worker is not taken up for ever.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="imports")
    source = models.CharField(max_length=60)
    filename = models.CharField(max_length=255)
    file = models.FileField(upload_to="material/%Y/%m/", blank=True)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    rows = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list, blank=True)
    message = models.TextField(blank=True)
    options = models.JSONField(default=dict, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    secrets = SecretJSON(default=dict)
    stop_asked = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.filename} ({self.state})"


class Output(models.Model):
    """One text by one system for one prompt; the hash covers prompt, system, sample and the text as brought.

    `text` is what raters see; where preparation changed it, `raw_text` holds it as brought.
    `left_out` says why preparation keeps an output away from the design; empty for those that take part.
    `prepared` is the fingerprint of the rules that made `text`; empty for what no rule has seen yet.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="outputs")
    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="outputs")
    sample = models.PositiveIntegerField(default=0)
    text = models.TextField()
    content_hash = models.CharField(max_length=64)
    raw_text = models.TextField(null=True, blank=True)  # noqa: DJ001 - an empty text is one, too
    left_out = models.CharField(max_length=200, blank=True, default="", db_default="")
    prepared = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    metadata = models.JSONField(default=dict, blank=True)
    source = models.ForeignKey(
        MaterialImport, null=True, blank=True, on_delete=models.SET_NULL, related_name="outputs", db_index=True
    )

    class Meta:
        """One text per cell."""

        constraints = (
            models.UniqueConstraint(fields=("prompt", "system", "sample"), name="output_once_per_cell_and_sample"),
        )

    def __str__(self) -> str:
        return self.text[:80]

"""A study and its dimensions."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from annotations.enums import StudyState
from annotations.registry import question_types, recruitment_platforms, study_templates

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_slug() -> str:
    """Return an address that says nothing about the study: 8 characters, about 40 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


def new_mask_key() -> str:
    """Return the secret from which the letters of the systems are drawn for those who may not know who is which."""
    return secrets.token_hex(16)


# Functions of this module, because a migration can name them: a new plug-in then needs no migration.


def study_template_choices() -> list[tuple[str, str]]:
    return study_templates.choices()


def recruitment_platform_choices() -> list[tuple[str, str]]:
    return recruitment_platforms.choices()


def question_type_choices() -> list[tuple[str, str]]:
    return question_types.choices()


class Study(models.Model):
    """One experiment: systems, prompts, dimensions, design, analysis plan; draft → frozen → open ⇄ paused → closed."""

    title = models.CharField(max_length=120, help_text="Shown to raters; do not name the systems here.")
    description = models.TextField(blank=True, help_text="For you and your colleagues only.")
    slug = models.SlugField(unique=True, default=new_slug, editable=False)
    template = models.CharField(max_length=60, choices=study_template_choices, default="pairwise_creativity")
    state = models.CharField(max_length=10, choices=StudyState, default=StudyState.DRAFT, editable=False)

    lead = models.CharField("question above the rows", max_length=120, default="Which is more …")
    welcome = models.TextField(blank=True, help_text="Markdown. What raters read first.")
    consent = models.TextField(blank=True, help_text="Markdown. What raters agree to.")
    instructions = models.TextField(blank=True, help_text="Markdown. With a worked example, if you can.")
    contact = models.EmailField(blank=True, help_text="Where raters can ask.")

    path = models.JSONField(
        default=dict, blank=True, help_text="The steps before and after the trials (see domain/path.py)."
    )
    preparation = models.JSONField(
        default=dict, blank=True, help_text="What was done to the texts before freezing, and what was decided."
    )
    quality = models.JSONField(default=dict, blank=True, help_text="Checks, and the rules by which they exclude.")
    language = models.CharField(max_length=12, default="en", help_text="The language of the rater pages.")
    translations = models.JSONField(
        default=dict, blank=True, help_text="The study's own texts in other languages, by language code."
    )

    design = models.JSONField(default=dict, blank=True, help_text="Settings of the experimental design.")
    analysis = models.JSONField(default=dict, blank=True, help_text="The analysis plan, declared before launch.")
    lease_minutes = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(2), MaxValueValidator(7 * 24 * 60)],
        help_text="After so long without an answer a rater's place is given to somebody else.",
    )
    hourly_rate = models.DecimalField(max_digits=7, decimal_places=2, default=12)
    platform_fee = models.DecimalField(
        max_digits=4, decimal_places=3, default=0, help_text="As a fraction of the pay, e.g. 0.333."
    )
    currency = models.CharField(max_length=3, default="USD", validators=[RegexValidator(r"^[A-Z]{3}$")])

    minimum_hourly_rate = models.DecimalField(
        max_digits=7, decimal_places=2, default=9, help_text="Below this median you are warned."
    )
    budget_cap = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, help_text="Recruitment pauses before this is passed."
    )

    recruitment = models.CharField(max_length=60, choices=recruitment_platform_choices, default="link")
    recruitment_settings = models.JSONField(default=dict, blank=True)
    alerts = models.JSONField(default=dict, blank=True, help_text="Whom to tell what (see domain/alerts.py).")
    completion_code = models.CharField(
        max_length=40, blank=True, help_text="One code for all; empty gives each rater a code of his own."
    )
    return_address = models.CharField(max_length=300, blank=True, help_text="Address after the end; may hold {code}.")

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    unblinded_at = models.DateTimeField(null=True, blank=True, editable=False)
    mask_key = models.CharField(max_length=32, default=new_mask_key, editable=False)
    plan = models.OneToOneField(
        "annotations.Plan",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="frozen_study",
    )

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.title


class Dimension(models.Model):
    """What is judged: originality, surprise, …; with a question type and wording."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="dimensions")
    order = models.PositiveSmallIntegerField(default=0)
    key = models.SlugField(max_length=40, help_text="The name in exports, e.g. originality.")
    label = models.CharField(max_length=60, help_text="The word in the row, e.g. original.")
    definition = models.CharField(max_length=400, help_text="What raters read when they ask what the word means.")
    question_type = models.CharField(max_length=60, choices=question_type_choices, default="graded_preference")
    options = models.JSONField(default=dict, blank=True)

    class Meta:
        """In the order of the page."""

        ordering = ("order", "pk")
        constraints = (models.UniqueConstraint(fields=("study", "key"), name="dimension_key_once_per_study"),)

    def __str__(self) -> str:
        return self.key

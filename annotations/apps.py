"""Django's handle on the app."""

from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    """From outputs to judgements."""

    name = "annotations"
    default_auto_field = "django.db.models.BigAutoField"

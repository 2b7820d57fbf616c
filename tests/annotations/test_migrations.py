"""Migrations say what the models say."""

from django.core.management import call_command


def test_models_have_no_change_without_a_migration(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)

"""Settings: production refuses to start half-configured, and every variable is described."""

import re

import pytest
from django.core.management import call_command

from tests.evalplatform.conftest import ROOT

PRODUCTION = {
    "EVALPLATFORM_ENV": "production",
    "SECRET_KEY": "k7Q2" * 20 + "abcdefgh",
    "DATABASE_URL": "postgresql://user:password@db/name",
    "REDIS_URL": "redis://redis/0",
    "ALLOWED_HOSTS": "eval.example.org",
}
FILES = ("SECRET_KEY_FILE", "DATABASE_URL_FILE", "EMAIL_HOST_PASSWORD_FILE")  # NAME_FILE of what holds a secret
READ = re.compile(r"""(?:env\.(?:text|flag|integer|choice|words)|os\.environ\.get|environ\.get)\(\s*"([A-Z_]+)\"""")


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"])
def test_production_stops_when_a_setting_is_missing(python, missing, var):
    done = python("manage.py", "check", **{**PRODUCTION, missing: ""})

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: in production these must be set: {missing} (or NAME_FILE")
    assert not var.exists()


def test_production_stops_gunicorn_too(python):
    done = python(
        "-m", "gunicorn", "--check-config", "-c", "python:evalplatform.gunicorn_conf", EVALPLATFORM_ENV="production"
    )

    assert done.returncode != 0
    assert "in production these must be set: SECRET_KEY, DATABASE_URL, REDIS_URL, ALLOWED_HOSTS" in done.stderr


def test_deployment_check_is_clean(python):
    done = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "System check identified no issues (0 silenced).\n"


def test_secrets_come_from_files(python, tmp_path):
    variables = dict(PRODUCTION)
    for name in ("SECRET_KEY", "DATABASE_URL"):
        (tmp_path / name).write_text(variables.pop(name) + "\n")
        variables[f"{name}_FILE"] = str(tmp_path / name)
    code = (
        "from evalplatform import settings;"
        "print(settings.SECRET_KEY[:4], settings.DATABASES['default']['PASSWORD'], settings.DEBUG)"
    )

    done = python("-c", code, **variables)

    assert done.stdout == "k7Q2 password False\n", done.stderr


def test_development_needs_nothing(python, var):
    done = python("manage.py", "check")

    assert done.returncode == 0, done.stderr
    assert (var / "secret_key").exists()
    assert not (var / "postgres").exists()


@pytest.mark.django_db
def test_no_migration_is_missing(capsys):
    call_command("makemigrations", check_changes=True, dry_run=True)

    assert capsys.readouterr().out == "No changes detected\n"


def test_every_variable_is_described():
    sources = [*(ROOT / "evalplatform").glob("*.py"), *(ROOT / "annotations").rglob("*.py")]
    read = {name for source in sources for name in READ.findall(source.read_text(encoding="utf-8"))}
    described = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / "deploy" / "env.example").read_text(), re.MULTILINE))

    assert read - described - {"MAKE_TARGET"} == set()
    assert described - read - {*FILES, "POSTGRES_PASSWORD"} == set()


@pytest.mark.django_db
def test_hot_statements_are_prepared_by_the_server():
    from django.db import connection

    with connection.cursor() as cursor:
        for number in range(3):
            cursor.execute("SELECT %s::int + 1", [number])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::int + 1'")

        assert cursor.fetchone() == (1,)

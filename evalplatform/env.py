"""Reading settings from the environment: typed, with NAME_FILE for secrets, and with errors that name the variable."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """The value of NAME, else the content of the file that NAME_FILE names, else the default."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if path := os.environ.get(f"{name}_FILE", "").strip():
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{name}_FILE={path} cannot be read: {error}"
            raise ImproperlyConfigured(msg) from error
        if not value:
            msg = f"{name}_FILE={path} is empty"
            raise ImproperlyConfigured(msg)
        return value
    if default is None:
        msg = f"{name} is not set. Set {name}, or {name}_FILE to a file that holds it (see deploy/env.example)."
        raise ImproperlyConfigured(msg)
    return default


def require(*names: str) -> None:
    """Stop when any of these is set neither directly nor by a file, naming all that are missing."""
    missing = [name for name in names if not is_set(name)]
    if missing:
        msg = (
            f"in production these must be set: {', '.join(missing)} "
            "(or NAME_FILE with the path of a file that holds the value). See deploy/env.example."
        )
        raise ImproperlyConfigured(msg)


def is_set(name: str) -> bool:
    """Whether NAME or NAME_FILE is there and not blank."""
    return any(os.environ.get(key, "").strip() for key in (name, f"{name}_FILE"))


def flag(name: str, *, default: bool) -> bool:
    """A yes or no."""
    value = text(name, str(default)).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    msg = f"{name}={value} is neither yes nor no; write 1 or 0"
    raise ImproperlyConfigured(msg)


def integer(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """A whole number, at least `least` and at most `most`."""
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError as error:
        msg = f"{name}={value} is not a whole number"
        raise ImproperlyConfigured(msg) from error
    if number < least:
        msg = f"{name}={number} is below {least}"
        raise ImproperlyConfigured(msg)
    if most is not None and number > most:
        msg = f"{name}={number} is above {most}"
        raise ImproperlyConfigured(msg)
    return number


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of a few words."""
    value = text(name, default)
    if value not in allowed:
        msg = f"{name}={value} is not one of {', '.join(allowed)}"
        raise ImproperlyConfigured(msg)
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(url: str, **options: object) -> dict[str, object]:
    """Django's DATABASES entry for postgres://user:password@host:port/name?key=value.

    A host given as a query parameter is a directory with a Unix socket. Other parameters go to libpq.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        msg = f"DATABASE_URL must begin with postgresql://, not {parts.scheme or 'nothing'}://: only PostgreSQL will do"
        raise ImproperlyConfigured(msg)
    query = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    if not name:
        msg = "DATABASE_URL names no database: postgresql://user:password@host:5432/name"
        raise ImproperlyConfigured(msg)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {**query, **options},
    }

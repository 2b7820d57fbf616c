"""Settings: from the environment only. Every variable is described in deploy/env.example."""

from pathlib import Path

from evalplatform import env, place, postgres, redis

BASE_DIR = Path(__file__).resolve().parent.parent
PRODUCTION = env.choice("EVALPLATFORM_ENV", "development", ("development", "production")) == "production"
DEBUG = env.flag("DEBUG", default=False)

SECRET_KEY = env.text("SECRET_KEY") if PRODUCTION else env.text("SECRET_KEY", "") or place.secret_key()
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", None if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "annotations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "evalplatform.urls"
WSGI_APPLICATION = "evalplatform.wsgi.application"
ASGI_APPLICATION = "evalplatform.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Parameters are bound by the server and a statement is prepared when a connection meets it for the second time.
DATABASE_URL = env.text("DATABASE_URL", None if PRODUCTION else postgres.url())
DATABASES = {
    "default": {
        **env.database(
            DATABASE_URL,
            server_side_binding=True,
            prepare_threshold=1,
        ),
        "CONN_MAX_AGE": 600,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL", None if PRODUCTION else redis.url())
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
if REDIS_URL.startswith("filesystem:"):
    _folder = str(place.var() / "broker")
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": _folder,
        "data_folder_out": _folder,
        "control_folder": _folder,
    }
CELERY_BEAT_SCHEDULE = {
    "expire-leases": {"task": "annotations.tasks.expire_leases", "schedule": 30.0},
}

LANGUAGE_CODE = "en"
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(place.var() / "static")))
WHITENOISE_USE_FINDERS = not PRODUCTION

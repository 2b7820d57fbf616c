"""Settings, from the environment only. Every variable is described in deploy/env.example (a test checks it)."""

from pathlib import Path

from evalplatform import accounts, env, place, postgres, redis
from evalplatform.accounts import *  # noqa: F403 (settings)
from evalplatform.theme import UNFOLD  # noqa: F401 (a setting)

PRODUCTION = env.choice("EVALPLATFORM_ENV", "development", ("development", "production")) == "production"
if PRODUCTION:
    env.require("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS")

# Core

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY", "") or place.secret_key()
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Keys of the encrypted columns, the current one first. A deployment that sets none uses SECRET_KEY and its fallbacks.
FIELD_ENCRYPTION_KEYS = env.words("FIELD_ENCRYPTION_KEYS") or [SECRET_KEY, *SECRET_KEY_FALLBACKS]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

ROOT_URLCONF = "evalplatform.urls"
WSGI_APPLICATION = "evalplatform.wsgi.application"
ASGI_APPLICATION = "evalplatform.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
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
    "encrypted_fields",
    "annotations",  # before allauth, whose templates it replaces
    "allauth",
    "allauth.account",
    "allauth.mfa",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "evalplatform.middleware.content_security_policy",
    "evalplatform.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "evalplatform.middleware.Authentication",
    "evalplatform.middleware.Messages",
    "allauth.account.middleware.AccountMiddleware",
    "evalplatform.middleware.researchers",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

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

# Database. One connection per thread, kept open. The server binds the parameters and a statement is prepared when its
# connection meets it for the second time, so that the few statements of a rater's cycle are neither parsed nor planned
# anew. (Behind PgBouncer older than 1.21 in transaction mode set DATABASE_PREPARE=0.)

DATABASES = {
    "default": {
        **env.database(
            env.text("DATABASE_URL", postgres.url()),
            server_side_binding=True,
            prepare_threshold=1 if env.flag("DATABASE_PREPARE", default=True) else None,
        ),
        "CONN_MAX_AGE": env.integer("DATABASE_CONN_MAX_AGE", 600),
        "CONN_HEALTH_CHECKS": env.flag("DATABASE_HEALTH_CHECKS", default=False),  # one more query a request
    },
}

# Celery

CELERY_BROKER_URL = env.text("REDIS_URL", redis.url())
CELERY_BROKER_TRANSPORT_OPTIONS = redis.transport_options(CELERY_BROKER_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "evalplatform"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # tasks are idempotent; a killed worker's task is run again
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "expire-leases": {
        "task": "annotations.tasks.expire_leases",
        "schedule": 30.0,
        "options": {"expires": 25.0},  # do not pile up while no worker listens
    },
    "poll-recruitments": {
        "task": "annotations.tasks.poll_recruitments",
        "schedule": 60.0,
        "options": {"expires": 50.0},
    },
    "send-invitations": {
        "task": "annotations.tasks.send_invitations",
        "schedule": 60.0,
        "options": {"expires": 50.0},
    },
    "examine-raters": {
        "task": "annotations.tasks.examine_raters",
        "schedule": 30.0,
        "options": {"expires": 25.0},
    },
    "take-up-generations": {
        "task": "annotations.tasks.take_up_generations",
        "schedule": 15.0,
        "options": {"expires": 14.0},
    },
    "forget-settled": {"task": "annotations.tasks.forget_settled", "schedule": 600.0, "options": {"expires": 500.0}},
    "resume-machines": {"task": "annotations.tasks.resume_machines", "schedule": 60.0, "options": {"expires": 50.0}},
    "resume-fetches": {"task": "annotations.tasks.resume_fetches", "schedule": 60.0, "options": {"expires": 50.0}},
    "watch-studies": {
        "task": "annotations.tasks.watch_studies",
        "schedule": 60.0,
        "options": {"expires": 50.0},
    },
}

CACHES = accounts.caches(CELERY_BROKER_URL)

# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [  # of the rater pages; the admin speaks English
    ("en", "English"),
    ("ru", "Русский"),
    ("zh-hans", "中文"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("ar", "العربية"),
]
LOCALE_PATHS = [Path(__file__).resolve().parent.parent / "annotations" / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

# Mail (invitations, alerts, passwords). Without a server each letter is a file in var/mail.

EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.integer("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=bool(EMAIL_HOST))
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = place.var() / "mail"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", "evalplatform@localhost")

# Files. `STATIC_COLLECTED` says that STATIC_ROOT holds the collected, compressed files with a hash in their names;
# else they are looked up where they lie.

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(place.var() / "static")))
STATIC_COLLECTED = env.flag("STATIC_COLLECTED", default=PRODUCTION)
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(place.var() / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not STATIC_COLLECTED
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Sessions (of researchers; raters carry a signed token). Accounts stand in evalplatform.accounts.

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# Browser security. Referrer `same-origin`: a rater's address holds his token, and it must not leave the site.

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
    if env.flag("BEHIND_PROXY", default=True):  # deploy/nginx.conf overwrites this header
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotations.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

# MTurk's worker site, which shows a study's pages in a frame and takes the end; empty: Amazon's, live and sandbox.
MTURK_WORKER_SITE = env.text("MTURK_WORKER_SITE", "").rstrip("/")

# Fetching outputs: folders of this server from which researchers may fetch, and private hosts, addresses or networks
# that they may reach through it; none of either unless the operator says so.
FETCH_ROOTS = env.words("FETCH_ROOTS")
FETCH_PRIVATE_HOSTS = env.words("FETCH_PRIVATE_HOSTS")

# Measures: vectors that are kept for the next run, and word vectors in GloVe's text format for the DAT.
MEASURES_CACHE = place.var() / "measures"
WORD_VECTORS = env.text("EVALPLATFORM_WORD_VECTORS", "")
WORD_LIST = env.text("EVALPLATFORM_WORD_LIST", "")

# Models that run here (extra `steering`): below which folders they may lie; where masks and directions are kept.
MODEL_ROOTS = [Path(root).expanduser() for root in env.words("EVALPLATFORM_MODEL_ROOTS")] or [place.var() / "models"]
STEERING_STORE = place.var() / "steering"

# Logging: to standard error, one line an event, without raters' tokens.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "evalplatform.logs.MaskingFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True, "level": "INFO"},
        # they would log workers' ids, and what is sent to models
        **{name: {"level": "WARNING"} for name in ("boto3", "botocore", "urllib3", "httpcore")},
        "httpx": {"level": "WARNING"},  # simulated raters make thousands of requests
    },
}

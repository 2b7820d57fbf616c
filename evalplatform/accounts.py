"""Settings of researchers' accounts: login by django-allauth with a second factor; closed to newcomers."""

from evalplatform import env, place, redis

PRODUCTION = env.text("EVALPLATFORM_ENV", "development") == "production"

# Whether staff must set up a second factor before they see anything.
REQUIRE_TWO_FACTOR = env.flag("REQUIRE_TWO_FACTOR", default=PRODUCTION)

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",  # by e-mail address
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"

ACCOUNT_ADAPTER = "annotations.admin.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]  # asked of nobody: sign-up is closed
ACCOUNT_EMAIL_VERIFICATION = "none"  # administrators make the accounts
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Evaluation platform: "
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or second factor is told by mail
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/300s/key", "reset_password": "10/m/ip,3/m/key"}
# nginx overwrites X-Forwarded-For (deploy/nginx.conf); without a proxy it is not believed.
ALLAUTH_TRUSTED_PROXY_COUNT = int(PRODUCTION and env.flag("BEHIND_PROXY", default=True))

MFA_ADAPTER = "annotations.admin.accounts.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Evaluation platform"
MFA_TOTP_TOLERANCE = 1  # half a minute of a wrong clock
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION


def caches(broker: str) -> dict[str, dict[str, object]]:
    """Return the cache that counts failed logins: shared by all processes, beside the messages in Redis."""
    if broker.startswith("filesystem:"):
        backend, where = "filebased.FileBasedCache", str(place.var() / "cache")
    else:
        backend, where = "redis.RedisCache", redis.cache_location(broker)
    return {
        "default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": where, "KEY_PREFIX": "evalplatform"}
    }

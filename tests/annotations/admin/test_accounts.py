"""Logging in: with a second factor where it is required, not too often, never by signing up; all of it in the log."""

import time

import pytest
from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from annotations.models import ApiToken, Event
from tests.annotations.factories import StudyFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_counts():
    """Failed logins are counted in Redis, which knows of no transaction."""
    cache.clear()


@pytest.fixture
def ada(db):
    return UserFactory(username="ada", email="ada@example.org", is_staff=True)


@pytest.fixture
def visitor():
    return Client()


def code_of(secret):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def log_in(visitor, *, login="ada", password=PASSWORD):
    return visitor.post(reverse("account_login"), {"login": login, "password": password})


def events():
    return [(event.name, event.data) for event in Event.objects.filter(study=None).order_by("pk")]


@pytest.mark.parametrize("login", ["ada", "ada@example.org"])
def test_admin_leads_to_the_login_and_back(visitor, ada, login):
    page = visitor.get("/admin/annotations/study/", follow=True)
    form = {"login": login, "password": PASSWORD, "next": "/admin/annotations/study/"}
    answer = visitor.post(reverse("account_login"), form)

    assert page.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2Fannotations%2Fstudy%2F"
    assert answer.headers["Location"] == "/admin/annotations/study/"
    assert events() == [("logged_in", {})]
    assert Event.objects.get(name="logged_in").address == "127.0.0.1"


def test_wrong_password_is_noted_without_it(visitor, ada):
    log_in(visitor, password="not this one")

    assert events() == [("login_failed", {"account": "ada"})]


def test_guessing_passwords_ends_after_five(visitor, ada):
    for _ in range(5):
        log_in(visitor, password="wrong")

    answer = log_in(visitor)

    assert answer.status_code in (200, 429)
    assert "_auth_user_id" not in visitor.session
    assert [name for name, _ in events()] == ["login_failed"] * 5


def test_nobody_signs_up(visitor):
    from django.contrib.auth.models import User

    form = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    page, answer = visitor.get(reverse("account_signup")), visitor.post(reverse("account_signup"), form)

    assert "Nobody signs up here" in page.content.decode()
    assert answer.status_code in (200, 403)
    assert not User.objects.exists()


def test_second_factor_is_asked_for_once_it_is_set_up(visitor, ada):
    secret = generate_totp_secret()
    TOTP.activate(ada, secret)

    first = log_in(visitor)
    before = visitor.get("/admin/").status_code
    wrong = visitor.post(reverse("mfa_authenticate"), {"code": "000000"})
    right = visitor.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    assert first.headers["Location"] == reverse("mfa_authenticate")
    assert before == 302
    assert wrong.status_code == 200
    assert right.headers["Location"] == "/admin/"
    assert visitor.get("/admin/").status_code == 200
    names = [name for name, _ in events()]
    assert names == ["second_factor_failed", "second_factor_used", "logged_in"]


def test_recovery_code_lets_in_once(visitor, ada):
    TOTP.activate(ada, generate_totp_secret())
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]

    log_in(visitor)
    first = visitor.post(reverse("mfa_authenticate"), {"code": code})
    visitor.logout()
    log_in(visitor)
    second = visitor.post(reverse("mfa_authenticate"), {"code": code})

    assert first.headers["Location"] == "/admin/"
    assert second.status_code == 200


def test_secret_of_the_second_factor_is_encrypted_at_rest(ada):
    secret = generate_totp_secret()
    TOTP.activate(ada, secret)

    stored = Authenticator.objects.get(type="totp")

    assert secret not in str(stored.data)
    assert stored.wrap().validate_code(code_of(secret))


def test_staff_set_up_a_second_factor_before_anything_else(visitor, ada, settings, django_capture_on_commit_callbacks):
    settings.REQUIRE_TWO_FACTOR = True
    StudyFactory(title="Bricks", author=ada, prompts=0)
    log_in(visitor)

    for address in ("/admin/", "/admin/annotations/study/", "/admin/annotations/apitoken/add/"):
        answer = visitor.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, reverse("mfa_activate_totp"))
    api = visitor.get("/api/studies/")
    assert (api.status_code, "Bricks" in api.content.decode()) == (403, False)

    visitor.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = visitor.get(reverse("mfa_activate_totp")).context["form"].secret
    with django_capture_on_commit_callbacks() as stored:  # what is told once the factor is stored: log and letter
        visitor.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    with request_context(visitor.get(reverse("mfa_index")).wsgi_request):
        for tell in stored:
            tell()

    assert "Bricks" in visitor.get("/admin/").content.decode()
    assert ("second_factor_added", {"kind": "totp"}) in events()
    assert mail.outbox[0].to == ["ada@example.org"]


def test_demo_and_development_do_not_require_it(visitor, ada, settings):
    assert settings.REQUIRE_TWO_FACTOR is False
    log_in(visitor)

    assert visitor.get("/admin/").status_code == 200


def test_forgotten_password_is_reset_by_mail(visitor, ada):
    visitor.post(reverse("account_reset_password"), {"email": "ada@example.org"})
    letter = mail.outbox[0]
    link = next(word for word in letter.body.split() if "/password/reset/key/" in word)
    form = visitor.get(link, follow=True).redirect_chain[-1][0]
    visitor.post(form, {"password1": "a new horse battery", "password2": "a new horse battery"})

    assert letter.to == ["ada@example.org"]
    ada.refresh_from_db()
    assert ada.check_password("a new horse battery")
    assert "password_reset" in [name for name, _ in events()]


def test_reset_of_an_unknown_address_looks_the_same(visitor, ada):
    known = visitor.post(reverse("account_reset_password"), {"email": "ada@example.org"})
    unknown = visitor.post(reverse("account_reset_password"), {"email": "nobody@example.org"})

    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])


@pytest.mark.parametrize(
    "name", ["account_login", "account_reset_password", "account_signup", "mfa_index", "account_change_password"]
)
def test_page_is_ours_and_needs_nothing_from_elsewhere(visitor, ada, name):
    if name not in ("account_login", "account_reset_password", "account_signup"):
        visitor.force_login(ada)

    response = visitor.get(reverse(name))

    html = response.content.decode()
    assert 'href="/static/annotations/admin/account.css"' in html
    assert "style=" not in html
    assert "https://" not in html
    assert "script-src 'self';" in response.headers["Content-Security-Policy"]


def test_token_is_made_on_the_page_shown_once_and_taken_back(visitor, ada):
    visitor.force_login(ada)

    page = visitor.post(
        reverse("admin:annotations_apitoken_add"), {"name": "notebook", "days": "30"}, follow=True
    ).content.decode()
    text = next(word for word in page.replace("<", " ").split() if word.startswith("evp_"))
    again = visitor.get(reverse("admin:annotations_apitoken_changelist")).content.decode()
    token = ApiToken.objects.get()

    assert Client(headers={"authorization": f"Bearer {text}"}).get("/api/studies/").json() == []
    assert text not in again
    assert "notebook" in again
    visitor.post(reverse("admin:annotations_apitoken_delete", args=[token.pk]), {"post": "yes"})
    assert not ApiToken.objects.exists()
    assert [name for name, _ in events()][1:] == ["token_made", "token_revoked"]


def test_administrator_takes_a_lost_second_factor_off(ada):
    TOTP.activate(ada, generate_totp_secret())
    root = Client()
    root.force_login(UserFactory(superuser=True))

    address = reverse("admin:mfa_authenticator_delete", args=[Authenticator.objects.get().pk])
    root.post(address, {"post": "yes"})

    assert not Authenticator.objects.exists()
    assert events()[-1] == ("second_factor_taken_off", {"account": "ada", "kind": "totp"})


def test_changed_account_is_noted(ada):
    root = Client()
    root.force_login(UserFactory(superuser=True))

    root.post(reverse("admin:auth_user_add"), {"username": "bob", "password1": PASSWORD, "password2": PASSWORD})

    assert events()[-1][0] == "account_made"
    assert events()[-1][1]["account"] == "bob"


def test_accounts_are_closed_to_researchers(visitor, ada):
    from django.contrib.auth.models import Permission

    ada.user_permissions.set(Permission.objects.all())
    visitor.force_login(ada)

    for name in ("auth_user_changelist", "auth_user_add", "auth_group_add", "mfa_authenticator_changelist"):
        assert visitor.get(reverse(f"admin:{name}")).status_code == 403

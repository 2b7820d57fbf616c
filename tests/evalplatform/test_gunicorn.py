"""The site under gunicorn: real processes on the test database."""

import contextlib

import httpx
import psutil
import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_site_works_on_the_test_database(gunicorn_site):
    password = make_password("correct horse battery", hasher="pbkdf2_sha256")
    User.objects.create(username="ada", password=password, is_staff=True)

    with httpx.Client(base_url=gunicorn_site, headers={"Referer": gunicorn_site}) as browser:
        browser.get("/accounts/login/")
        form = {
            "login": "ada",
            "password": "correct horse battery",
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        answer = browser.post("/accounts/login/", data=form)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert User.objects.get().last_login is not None


def is_gunicorn(process):
    """Whether it is; browsers and workers of other tests may end while they are looked at."""
    with contextlib.suppress(psutil.Error):
        return "gunicorn" in " ".join(process.cmdline())
    return False


def test_killed_process_does_not_take_the_site_down(gunicorn_site, wait_until):
    port = gunicorn_site.rpartition(":")[2]
    leader = next(
        each for each in psutil.Process().children() if is_gunicorn(each) and each.environ().get("PORT") == port
    )
    wait_until(lambda: len(leader.children()) == 2)
    first = leader.children()[0]

    first.kill()
    wait_until(lambda: first not in leader.children() and len(leader.children()) == 2)

    assert httpx.get(f"{gunicorn_site}/healthz").text == "ok\n"

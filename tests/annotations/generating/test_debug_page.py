"""What a developer sees of a failure: Django's page with the locals of every frame holds no key."""

import sys

import pytest
from django.test import RequestFactory
from django.views.debug import technical_500_response

from annotations.domain import generating_systems
from annotations.errors import GeneratorFailed
from annotations.models import Writer

from .generations import KEY


def page_of(call):
    with pytest.raises(GeneratorFailed):
        call()
    try:
        call()
    except GeneratorFailed:
        return technical_500_response(RequestFactory().get("/"), *sys.exc_info()).content.decode()


@pytest.mark.parametrize("failure", ["unreachable", "unknown", "odd answer", "odd key"])
def test_debug_page_of_a_failed_call_shows_the_frames_and_no_key(study, server, failure):
    writer = Writer.objects.get(system__name="plain")
    secret = KEY + "\N{CHECK MARK}" if failure == "odd key" else KEY
    address = {"unreachable": "http://127.0.0.1:9/v1", "unknown": f"{server.base_url}/elsewhere"}
    server.failures = [500] * 20 if failure == "odd answer" else []
    Writer.objects.filter(pk=writer.pk).update(
        settings={**writer.settings, "timeout": 1, "base_url": address.get(failure, server.base_url)},
        secrets={"api_key": secret},
    )
    asked = {"study": study, "system_id": writer.system_id, "prompt": "What is it good for?", "count": 1}

    page = page_of(lambda: generating_systems.try_system(**asked))

    assert "openai_endpoint.py" in page  # the frames are there
    assert "(hidden)" in page
    assert secret not in page
    assert KEY not in page

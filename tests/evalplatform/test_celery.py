"""Celery on the real broker."""

import pytest
from django.contrib.auth.models import User

from evalplatform import celery_app

pytestmark = pytest.mark.django_db(transaction=True)


@celery_app.task(name="tests.add_user")
def add_user(name):
    User.objects.create_user(name)


def test_worker_runs_a_task_that_went_through_the_broker(celery_worker, wait_until):
    add_user.delay("grace")

    wait_until(lambda: User.objects.filter(username="grace").exists())

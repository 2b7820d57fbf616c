"""Celery on the real broker."""

import logging

import pytest
from django.contrib.auth.models import User

from evalplatform import celery_app
from tests.brokers import database_of, logging_kept, numbered, own_queue


@celery_app.task(name="tests.add_user")
def add_user(name):
    User.objects.create_user(name)


def test_worker_runs_a_task_that_went_through_the_broker(celery_worker, wait_until):
    add_user.delay("grace")

    wait_until(lambda: User.objects.filter(username="grace").exists())


def test_messages_of_this_process_are_met_by_nobody_elses(worker_id, process_environment, settings):
    usual = celery_app.conf.task_default_queue
    with own_queue("apart"):
        assert list(celery_app.amqp.queues) == ["apart"]
    assert list(celery_app.amqp.queues) == [usual] == ["evalplatform"]
    if not settings.CELERY_BROKER_URL.startswith("filesystem:"):
        assert process_environment["REDIS_URL"] == celery_app.conf.broker_url == settings.CELERY_BROKER_URL
        with celery_app.connection_for_write() as connection:
            used = connection.default_channel.client.connection_pool.connection_kwargs["db"]
        assert used == database_of(worker_id) > 0


def test_worker_of_a_test_leaves_logging_as_it_was(monkeypatch):
    root = logging.getLogger()
    before = root.level, [*root.handlers]

    with logging_kept():
        monkeypatch.setattr(type(celery_app.log), "_setup", False)
        celery_app.log.setup(loglevel="CRITICAL")
        root.addHandler(logging.NullHandler())
        assert root.level == logging.CRITICAL

    assert (root.level, root.handlers) == before


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+socket:///run/redis.sock?virtual_host=0", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("redis://:secret@redis:6379/0", "redis://:secret@redis:6379/3"),
        ("rediss://redis", "rediss://redis/3"),
        ("filesystem://", "filesystem://"),
    ],
)
def test_database_of_a_broker(url, expected):
    assert numbered(url, 3) == expected


def test_processes_have_databases_of_their_own():
    names = ["master", *(f"gw{number}" for number in range(14))]
    assert {database_of(name) for name in names} == set(range(1, 16))

"""The floor to compare with: a bare Django view, no middleware, one SELECT … FOR UPDATE SKIP LOCKED and one INSERT.

Served by the same gunicorn with the same database options as the platform.
"""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from evalplatform import env

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            **env.database(os.environ["DATABASE_URL"], server_side_binding=True, prepare_threshold=1),
            "CONN_MAX_AGE": 600,
        }
    },
    INSTALLED_APPS=[],
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY="floor",
)

CLAIM = "SELECT id, body FROM floor_item WHERE NOT done ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
INSERT = "INSERT INTO floor_answer (item_id, answers) VALUES (%s, %s)"


def cycle(request: HttpRequest) -> HttpResponse:
    """Claim a row, store what was posted, return the row's text."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM)
        item, body = cursor.fetchone()
        cursor.execute(INSERT, (item, '{"originality": 2}'))
    return HttpResponse(body, headers={"Content-Length": str(len(body)), "X-Answers": str(len(request.POST))})


urlpatterns = [path("cycle", cycle)]
django.setup()
application = get_wsgi_application()

"""The Celery application: its settings are Django's, prefixed CELERY_."""

import os

from celery import Celery
from celery.signals import beat_init, celeryd_init

from evalplatform import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
# The models' matrices are small: with a thread per core the demo's report took four to ten times as long. NumPy reads
# this when it loads, so it stands here, before anything imports it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = Celery("evalplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
@beat_init.connect
def start_servers(**_: object) -> None:
    """A worker or a beat started by hand brings the embedded servers up like every other command."""
    embedded.ensure_running()

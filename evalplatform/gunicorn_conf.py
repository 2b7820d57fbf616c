"""How gunicorn serves: a few processes with a few threads each, loaded before they fork."""

import gc
import os
from pathlib import Path

from evalplatform import env

wsgi_app = "evalplatform.wsgi:application"
bind = f"{env.text('HOST', '127.0.0.1')}:{env.integer('PORT', 8000)}"
worker_class = "gthread"
workers = env.integer("WEB_WORKERS", 2, least=1)
threads = env.integer("WEB_THREADS", 4, least=1)
preload_app = True
keepalive = 65  # longer than nginx keeps an idle connection to us
graceful_timeout = 10
timeout = 60
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None  # noqa: S108
accesslog = "-" if env.flag("ACCESS_LOG", default=False) else None
errorlog = "-"
loglevel = "warning"
logger_class = "evalplatform.logs.MaskingLogger"
forwarded_allow_ips = env.text("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")


def when_ready(_server: object) -> None:
    """Take what is loaded out of the garbage collector's rounds, and so share its memory between the workers."""
    gc.collect()
    gc.freeze()

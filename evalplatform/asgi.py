"""For servers that speak ASGI; the platform itself runs on WSGI."""

import os

from django.core.asgi import get_asgi_application

from evalplatform import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
embedded.ensure_running()
application = get_asgi_application()

"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from evalplatform import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
embedded.ensure_running()
application = get_wsgi_application()

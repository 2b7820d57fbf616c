"""Addresses of the whole site: the admin, the health page, the bare address, and everything of the app."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from evalplatform.health import healthz

HOME = RedirectView.as_view(pattern_name="admin:index")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("healthz", healthz),
    path("", HOME),
]
if find_spec("annotations.urls"):
    urlpatterns.append(path("", include("annotations.urls")))

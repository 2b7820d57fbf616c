"""Addresses of the whole site: the admin, the health page, and everything of the app."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

from evalplatform.health import healthz

urlpatterns = [path("admin/", admin.site.urls), path("healthz", healthz)]
if find_spec("annotations.urls"):
    urlpatterns.append(path("", include("annotations.urls")))

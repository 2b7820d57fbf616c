"""Addresses of the whole site: the admin, and whatever the app adds."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls)]
if find_spec("annotations.urls"):
    urlpatterns.append(path("", include("annotations.urls")))

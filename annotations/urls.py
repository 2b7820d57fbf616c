"""Addresses of the app: raters' pages, and whatever other doors bring a list of their own."""

from importlib.util import find_spec

from django.urls import include, path

DOORS = ("annotations.views.urls", "annotations.api.urls")

urlpatterns = [path("", include(door)) for door in DOORS if find_spec(door)]

"""Addresses of the API."""

from django.urls import path

from . import views

urlpatterns = [
    path("api/studies/", views.Studies.as_view(), name="api_studies"),
    path("api/studies/<slug:slug>/", views.OneStudy.as_view(), name="api_study"),
    path("api/studies/<slug:slug>/monitor/", views.Monitor.as_view(), name="api_monitor"),
    path("api/studies/<slug:slug>/results/", views.Results.as_view(), name="api_results"),
    path("api/studies/<slug:slug>/exports/", views.Exports.as_view(), name="api_exports"),
    path("api/studies/<slug:slug>/exports/<slug:name>/", views.OneExport.as_view(), name="api_export"),
]

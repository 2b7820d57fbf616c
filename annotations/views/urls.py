"""Addresses of raters' pages."""

from django.urls import path

from . import entrance, hooks, letters, panel, rater

urlpatterns = [
    path("hooks/<slug:platform>/<slug:public_id>", hooks.message, name="platform_hook"),
    path("s/<slug:slug>/", entrance.study_entrance, name="study_entrance"),
    path("s/<slug:slug>/unsubscribe", letters.unsubscribe, name="study_unsubscribe"),
    path("s/<slug:slug>/decline", entrance.study_decline, name="study_decline"),
    path("r/<str:token>/", rater.page, name="rater_page"),
    path("r/<str:token>/begin", rater.begin, name="rater_begin"),
    path("r/<str:token>/answer", rater.answer, name="rater_answer"),
    path("r/<str:token>/pause", rater.pause, name="rater_pause"),
    path("r/<str:token>/ask", panel.ask, name="rater_ask"),
    path("r/<str:token>/stop", panel.stop, name="rater_stop"),
    path("r/<str:token>/state", panel.state, name="rater_state"),
    path("r/<str:token>/help", rater.instructions, name="rater_help"),
]

"""Addresses of raters' pages."""

from django.urls import path

from . import entrance, files, hooks, letters, panel, rater, rights

urlpatterns = [
    path("hooks/<slug:platform>/<slug:public_id>", hooks.message, name="platform_hook"),
    path("s/<slug:slug>/", entrance.study_entrance, name="study_entrance"),
    path("s/<slug:slug>/unsubscribe", letters.unsubscribe, name="study_unsubscribe"),
    path("s/<slug:slug>/file/<str:name>", files.study_file, name="study_file"),
    path("r/<str:token>/", rater.page, name="rater_page"),
    path("r/<str:token>/step/<slug:step>", rater.step, name="rater_step"),
    path("r/<str:token>/decline", rights.decline, name="rater_decline"),
    path("r/<str:token>/reconsider", rights.reconsider, name="rater_reconsider"),
    path("r/<str:token>/consent", rights.consent, name="rater_consent"),
    path("r/<str:token>/withdraw", rights.withdraw, name="rater_withdraw"),
    path("r/<str:token>/begin", rater.begin, name="rater_begin"),
    path("r/<str:token>/answer", rater.answer, name="rater_answer"),
    path("r/<str:token>/pause", rater.pause, name="rater_pause"),
    path("r/<str:token>/ask", panel.ask, name="rater_ask"),
    path("r/<str:token>/stop", panel.stop, name="rater_stop"),
    path("r/<str:token>/state", panel.state, name="rater_state"),
    path("r/<str:token>/help", rater.instructions, name="rater_help"),
]

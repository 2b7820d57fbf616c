"""Alerts: what researchers are told while a study runs, by e-mail and by webhook, each occasion once."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from annotations.enums import RemoteState, StudyState
from annotations.errors import NotReady
from annotations.models import Alert, Recruitment, Study

from . import monitoring
from .events import log_event

ENOUGH: Final = 20  # people, before a share says anything
OUT_OF_STEP: Final = dt.timedelta(minutes=15)
TIMEOUT: Final = 10.0
MOST_TRIES: Final = 5
DEFAULTS: Final[Mapping[str, Any]] = {
    "emails": [],
    "webhook": "",
    "full": True,
    "dropout": 0.3,
    "attention": 0.2,
    "recruiter": True,
}
ATTENTION: Final = "failed_attention"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something worth telling; `key` tells it from the same thing at another time."""

    kind: str
    key: str
    text: str


def settings_of(*, study: Study) -> dict[str, Any]:
    """Return the alert settings with what is not given."""
    return {**DEFAULTS, **study.alerts}


def edit_alerts(*, study: Study, values: Mapping[str, Any], actor: Any = None) -> Study:
    """Save whom to tell what; may be changed while the study runs. Raises NotReady naming the wrong field."""
    wanted = _checked(values)
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.alerts != wanted:
            locked.alerts = wanted
            locked.save(update_fields=["alerts"])
            log_event(study=locked, name="alerts_edited", data={"fields": sorted(wanted)}, actor=actor)
    study.refresh_from_db()
    return study


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {**DEFAULTS, **values}
    if unknown := set(wanted) - set(DEFAULTS):
        raise NotReady(f"Alerts: there is no setting {', '.join(sorted(unknown))}.")
    for address in wanted["emails"]:
        try:
            validate_email(address)
        except ValidationError:
            raise NotReady(f"Alerts: '{address}' is not an e-mail address.") from None
    parts = urlsplit(wanted["webhook"])
    if wanted["webhook"] and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise NotReady("Alerts: the webhook must be an address that begins with https://.")
    for name in ("dropout", "attention"):
        share = wanted[name]
        if share is not None and not (isinstance(share, int | float) and 0 < share <= 1):
            raise NotReady(f"Alerts: {name} must be a share above 0 and up to 1, or empty, not {share!r}.")
    return wanted


def occasions(*, study: Study) -> Iterator[Occasion]:
    """Yield what should be told now. Shares are judged in steps, so that a worsening study speaks again."""
    wanted = settings_of(study=study)
    numbers = monitoring.monitor(study=study)
    if wanted["full"] and numbers["booklets_planned"] and numbers["booklets_completed"] >= numbers["booklets_planned"]:
        yield Occasion("full", f"plan-{study.plan_id}", "All planned booklets are completed: the study is full.")
    lapsed, done = numbers["leases"]["lapsed"], numbers["booklets_completed"]
    if wanted["dropout"] and lapsed + done >= ENOUGH and numbers["dropout"] >= wanted["dropout"]:
        text = f"{lapsed} of {lapsed + done} booklets lapsed ({numbers['dropout']:.0%})."
        yield Occasion("dropout", _step(numbers["dropout"]), f"Drop-out is high: {text}")
    yield from _attention(study, numbers, wanted["attention"])
    if wanted["recruiter"]:
        yield from _recruiter(study)


def _attention(study: Study, numbers: Mapping[str, Any], limit: float | None) -> Iterator[Occasion]:
    finished = numbers["raters"]["finished"]
    if not limit or finished < ENOUGH:
        return
    found = {"flags__check_name": ATTENTION, "flags__gone_at__isnull": True}
    failed = study.participations.filter(state="finished", **found).distinct().count()
    if failed / finished >= limit:
        text = f"{failed} of {finished} raters who finished failed an attention trial ({failed / finished:.0%})."
        yield Occasion("attention", _step(failed / finished), f"Attention failures are high: {text}")


def _recruiter(study: Study) -> Iterator[Occasion]:
    remote = Recruitment.objects.filter(study=study).first()
    if remote is None or remote.state not in (RemoteState.PUBLISHED, RemoteState.PAUSED):
        return
    if remote.message:
        digest = hashlib.sha256(remote.message.encode()).hexdigest()[:12]
        yield Occasion("recruiter", f"message-{digest}", f"The recruitment platform is out of step: {remote.message}")
    elif remote.synced_at is not None and timezone.now() - remote.synced_at > OUT_OF_STEP:
        last = timezone.localtime(remote.synced_at)
        text = f"The recruitment platform was heard of last at {last:%H:%M} on {last:%d %B}."
        yield Occasion("recruiter", f"silent-{remote.synced_at.isoformat()}", text)


def _step(share: float) -> str:
    return f"{int(share * 10) * 10}%"


def watch(*, study: Study) -> list[Alert]:
    """Write down every occasion that was not told yet; two watchers at once write each one once."""
    made = []
    for occasion in occasions(study=study):
        alert, new = Alert.objects.get_or_create(
            study=study, kind=occasion.kind, key=occasion.key, defaults={"text": occasion.text}
        )
        if new:
            made.append(alert)
            log_event(study=study, name="alert", data={"kind": occasion.kind, "text": occasion.text})
    return made


def watch_all() -> list[int]:
    """Watch every running study, and return the alerts that wait to be sent, old ones that failed included."""
    for study in Study.objects.filter(state__in=(StudyState.OPEN, StudyState.PAUSED)).select_related("plan"):
        watch(study=study)
    week = timezone.now() - dt.timedelta(days=7)
    waiting = Alert.objects.filter(created_at__gt=week).select_related("study")
    return [alert.pk for alert in waiting if _unsent(alert)]


def _unsent(alert: Alert) -> list[str]:
    """Return the channels that have not been served and have tries left."""
    wanted = settings_of(study=alert.study)
    channels = [name for name, given in (("email", wanted["emails"]), ("webhook", wanted["webhook"])) if given]
    return [name for name in channels if 0 <= alert.sent.get(name, {}).get("tries", 0) < MOST_TRIES]


def send(*, alert_id: int) -> Alert:
    """Send an alert through every channel that has not had it; a failure is tried again at the next watch."""
    with transaction.atomic():
        alert = Alert.objects.select_for_update(of=("self",)).select_related("study__plan").get(pk=alert_id)
        for channel in _unsent(alert):
            error = _by_mail(alert) if channel == "email" else _by_webhook(alert)
            tries = alert.sent.get(channel, {}).get("tries", 0) + 1
            told = {"tries": tries, "error": error} if error else {"tries": -1, "at": timezone.now().isoformat()}
            alert.sent = {**alert.sent, channel: told}
        alert.save(update_fields=["sent"])
    return alert


def _by_mail(alert: Alert) -> str:
    lines = [alert.text, "", f"Study: {alert.study.title}", "You get this because the study's alerts name you."]
    try:
        send_mail(
            subject=f"[{alert.study.title}] {alert.text[:80]}",
            message="\n".join(lines),
            from_email=settings.DEFAULT_FROM_EMAIL,
            recipient_list=settings_of(study=alert.study)["emails"],
        )
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _by_webhook(alert: Alert) -> str:
    body = json.dumps(
        {
            "id": alert.pk,
            "kind": alert.kind,
            "text": alert.text,
            "study": alert.study.slug,
            "at": alert.created_at.isoformat(),
        }
    ).encode()
    signature = hmac.digest(webhook_secret(study=alert.study).encode(), body, hashlib.sha256).hex()
    headers = {"Content-Type": "application/json", "X-Signature-SHA256": signature}
    try:
        answer = httpx.post(settings_of(study=alert.study)["webhook"], content=body, headers=headers, timeout=TIMEOUT)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"
    return "" if answer.is_success else f"answered {answer.status_code}"


def webhook_secret(*, study: Study) -> str:
    """Return the key by which the receiver checks ``X-Signature-SHA256`` (HMAC-SHA256 of the body, hex)."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"alerts-{study.slug}".encode(), hashlib.sha256).hex()[:40]

"""Recruitment through a platform: accounts, the study there, and what a researcher moves by hand.

What happens by itself (people come, leave, finish and are paid) stands in ``recruiting_sync``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from annotations.enums import Outcome, RemoteState, StudyState
from annotations.errors import NotReady, PlatformError, RemoteRefused, WrongState
from annotations.models import RecruiterAccount, Recruitment, Study
from annotations.registry import RemoteClient, RemoteDraft, RemotePlatform, recruitment_platforms

from .events import log_event
from .ledger import affordable, cap_of, price_of
from .places import need_of

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
BY_HAND = "Paused by hand."
MONEY = {"budget_cap", "minimum_hourly_rate"}  # of the study


def platform_of(account: RecruiterAccount) -> RemotePlatform:
    """Return the plug-in of an account; raises WrongState for a platform without an API."""
    found = recruitment_platforms.get(account.platform)
    if not isinstance(found, RemotePlatform):
        message = f"{found.label} has no API."
        raise WrongState(message)
    return found


def connect(recruitment: Recruitment) -> RemoteClient:
    """Return a client of the platform for this recruitment's account."""
    account = recruitment.account
    return platform_of(account).connect(base_url=account.base_url, secrets=account.secrets)


def save_account(
    *,
    owner: AbstractBaseUser,
    name: str,
    platform: str,
    base_url: str = "",
    secrets: Mapping[str, str],
    account: RecruiterAccount | None = None,
) -> RecruiterAccount:
    """Keep an account, its secrets encrypted; an empty one keeps what is there, since none is ever shown again.

    Another address gets none of the secrets that were kept for the one before.
    """
    same = account is not None and account.base_url == base_url.rstrip("/")
    kept = dict(account.secrets) if account is not None and same else {}
    given = {key: value.strip() for key, value in secrets.items() if value.strip()}
    made = account or RecruiterAccount(owner_id=owner.pk)
    made.name, made.platform, made.base_url = name, platform, base_url.rstrip("/")
    made.secrets = kept | given
    platform_of(made)
    made.save()
    return made


def configure(
    *,
    study: Study,
    account: RecruiterAccount,
    reward: int,
    minutes: int,
    settings: Mapping[str, Any],
    auto_approve: bool,
    money: Mapping[str, Decimal | None] | None = None,
    actor: AbstractBaseUser | None = None,
) -> Recruitment:
    """Write down how people are recruited; once the study exists on the platform only what it allows can change.

    `money` may hold the study's `budget_cap` and `minimum_hourly_rate`. Raises WrongState, and NotReady naming a
    setting that is wrong.
    """
    platform = platform_of(account)
    if study.recruitment != account.platform and study.participations.exists():
        raise WrongState("People have come by another way already: how they come cannot be changed any more.")
    with transaction.atomic():
        found = Recruitment.objects.select_for_update().filter(study=study).first()
        made = found or Recruitment(study=study, account=account)
        if made.remote_id and (made.account_id != account.pk or made.reward != reward or made.minutes != minutes):
            raise WrongState("The study exists on the platform: account, reward and time cannot be changed any more.")
        try:
            clean = platform.clean_settings({**made.settings, **settings})
        except ValueError as error:
            raise NotReady(str(error)) from None
        made.account, made.reward, made.minutes = account, reward, minutes
        made.settings, made.auto_approve = clean, auto_approve
        made.codes = made.codes or _codes()
        made.save()
        study.recruitment = account.platform
        study.recruitment_settings = {**study.recruitment_settings, "codes": made.codes}
        for name in MONEY & set(money or {}):
            setattr(study, name, (money or {})[name])
        study.save(update_fields=["recruitment", "recruitment_settings", *MONEY])
        log_event(
            study=study,
            name="recruitment_edited",
            data={"platform": account.platform, "reward": reward, "minutes": minutes, "auto_approve": auto_approve},
            actor=actor,
        )
    return made


def _codes() -> dict[str, str]:
    """Return a code for every outcome; one tells nothing about another."""
    return {str(outcome): "".join(secrets.choice(CODE_LETTERS) for _ in range(8)) for outcome in Outcome}


def create_remote(
    *, recruitment: Recruitment, site: str, entrance: str, actor: AbstractBaseUser | None = None
) -> Recruitment:
    """Create the draft on the platform, with as many places as booklets wait and the cap allows.

    `site` is the address of this site, `entrance` that of the study. Doing it twice finds the first one again.
    """
    study = recruitment.study
    if recruitment.remote_id:
        return recruitment
    if study.plan_id is None:
        raise NotReady("Freeze the design first: the number of places follows from it.")
    if not recruitment.reward or not recruitment.minutes:
        raise NotReady("Give the reward and the time first.")
    places = affordable(recruitment, need_of(recruitment).free)
    if places < 1:
        raise NotReady("The cap of this study does not allow a single place.")
    draft = RemoteDraft(
        name=study.title,
        description=str(recruitment.settings.get("description") or study.title),
        url=entrance,
        places=places,
        reward=recruitment.reward,
        minutes=recruitment.minutes,
        currency=study.currency,
        codes={Outcome(name): code for name, code in recruitment.codes.items()},
        settings=recruitment.settings,
    )
    remote_id = connect(recruitment).create(draft, key=str(recruitment.key))
    with transaction.atomic():
        recruitment.remote_id, recruitment.state = remote_id, RemoteState.DRAFT
        recruitment.places, recruitment.site = places, site.rstrip("/")
        recruitment.save(update_fields=["remote_id", "state", "places", "site"])
        log_event(study=study, name="recruitment_created", data={"places": places}, actor=actor)
    return recruitment


def publish(*, recruitment: Recruitment, actor: AbstractBaseUser | None = None) -> Recruitment:
    """Let people in, also after a pause. Listening to the platform's messages is tried; polling works without.

    Raises WrongState while the study is not open, and NotReady when the cap allows nobody more.
    """
    study = recruitment.study
    if study.state != StudyState.OPEN:
        raise WrongState("Open the study first: whoever comes now would find it closed.")
    if not recruitment.remote_id:
        raise NotReady("Create the study on the platform first.")
    cap = cap_of(study)
    if cap is not None and recruitment.committed + price_of(recruitment) > cap:
        raise NotReady("The cap allows nobody more. Raise it, or close the study.")
    client = connect(recruitment)
    _listen(recruitment, client)
    client.publish(recruitment.remote_id)
    return _become(recruitment, RemoteState.PUBLISHED, name="recruitment_published", actor=actor)


def pause(*, recruitment: Recruitment, actor: AbstractBaseUser | None = None, reason: str = BY_HAND) -> Recruitment:
    """Let nobody new in; whoever is at work goes on. A pause by hand ends by hand only."""
    connect(recruitment).pause(recruitment.remote_id)
    return _become(recruitment, RemoteState.PAUSED, name="recruitment_paused", actor=actor, reason=reason)


def stop(*, recruitment: Recruitment, actor: AbstractBaseUser | None = None) -> Recruitment:
    """End it on the platform; who is at work may finish, and everybody who finished is paid."""
    connect(recruitment).stop(recruitment.remote_id)
    return _become(recruitment, RemoteState.ENDED, name="recruitment_stopped", actor=actor)


def _become(
    recruitment: Recruitment, state: RemoteState, *, name: str, actor: AbstractBaseUser | None, reason: str = ""
) -> Recruitment:
    with transaction.atomic():
        recruitment.state, recruitment.pause_reason = state, reason
        recruitment.save(update_fields=["state", "pause_reason"])
        log_event(study=recruitment.study, name=name, data={"reason": reason} if reason else {}, actor=actor)
    return recruitment


def hook_address(recruitment: Recruitment) -> str:
    """Return where the platform's messages are taken."""
    return f"{recruitment.site}/hooks/{recruitment.account.platform}/{recruitment.public_id}"


def _listen(recruitment: Recruitment, client: RemoteClient) -> None:
    """Subscribe to the platform's messages where it can reach us; without them we ask every minute."""
    if recruitment.listens or not platform_of(recruitment.account).hooks or not urlsplit(recruitment.site).netloc:
        return
    try:
        found = client.subscribe(recruitment.remote_id, target=hook_address(recruitment))
    except (RemoteRefused, NotImplementedError) as error:
        recruitment.message = f"The platform's messages are not subscribed to; it is asked every minute. {error}"[:500]
        recruitment.save(update_fields=["message"])
        return
    with transaction.atomic():
        account = RecruiterAccount.objects.select_for_update().get(pk=recruitment.account_id)
        account.secrets = {**account.secrets, **{key: value for key, value in found.items() if value}}
        account.save(update_fields=["secrets"])
        recruitment.account, recruitment.listens = account, True
        recruitment.save(update_fields=["listens"])


def check_account(*, account: RecruiterAccount) -> str:
    """Say whether the platform knows this account; returns a sentence for people."""
    try:
        return platform_of(account).connect(base_url=account.base_url, secrets=account.secrets).whoami()
    except PlatformError as error:
        return str(error)

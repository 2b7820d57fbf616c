"""The family of recruitment platforms: who came, the way out, and what can be asked of a platform's API."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from annotations.enums import Outcome, RemoteState, SubmissionState

from .base import Plugin, Registry

# What every platform's settings may hold beside its own; ``annotations.domain.admission`` checks and keeps them.
ENTRY_SETTINGS = frozenset({"seats", "per_browser", "exclude_participants_of"})


def each_checked(checks: Mapping[str, tuple[Any, Callable[[Any], Any]]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return every setting of `checks` (its default, its check) as given or by default, checked.

    Raises ValueError that names the first wrong one.
    """
    clean = {}
    for name, (default, check) in checks.items():
        try:
            clean[name] = check(settings.get(name, default))
        except (TypeError, ValueError) as error:
            message = f"{name}: {error}"
            raise ValueError(message) from None
    return clean


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came: the recruiter's id of the person and of this session; empty strings when the link carries none.

    `preview` is a look before anything is accepted (MTurk): nothing is stored. `submit_to` is where the platform wants
    the end to be sent, `code` what the person typed or the link carried to be let in. `seat` names the place on the
    platform where that is not the session's: when somebody else comes with it, the one before has given it up.
    """

    person: str = ""
    session: str = ""
    study: str = ""
    preview: bool = False
    submit_to: str = ""
    code: str = ""
    seat: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a rater leaves: nowhere (empty address), by a link, or by a form that is posted.

    `give_back` says that there is nothing to hand in and the task should be returned on the platform's page.
    """

    url: str = ""
    method: Literal["get", "post"] = "get"
    fields: Mapping[str, str] = field(default_factory=dict)
    give_back: bool = False


@dataclass(frozen=True, slots=True)
class Framing:
    """Who may show this study's pages in a frame, and where its pages may send a form: origins; usually nobody."""

    ancestors: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class RecruitmentPlatform(Plugin):
    """Maps a query string to an identity, and an outcome to a way out."""

    remote: ClassVar[bool] = False
    personal: ClassVar[bool] = False  # only a link that names a person lets anybody in

    @abstractmethod
    def identity(self, query: Mapping[str, str]) -> Identity:
        """Return who came by this query string."""

    @abstractmethod
    def return_url(self, template: str, *, code: str) -> str:
        """Return the address that the end page links to, or an empty string."""

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked settings (`Study.recruitment_settings`); raises ValueError naming the wrong one."""
        return dict(settings)

    def leave(
        self,
        *,
        outcome: Outcome,  # noqa: ARG002 - the open link knows one way out
        code: str,
        template: str,
        settings: Mapping[str, Any],  # noqa: ARG002
        identity: Identity,  # noqa: ARG002
    ) -> Exit:
        """Return the way out for this outcome; `code` is the study's or the rater's own completion code."""
        return Exit(self.return_url(template, code=code))

    def framing(self) -> Framing:
        """Return who may frame the pages of a study, and where its end page may post to."""
        return Framing()


# Platforms with an API. Amounts are in minor units of the currency (cents, pence); times are aware.


@dataclass(frozen=True, slots=True)
class RemoteDraft:
    """What a study is created with on a platform; `codes` maps outcomes to completion codes."""

    name: str
    description: str
    url: str
    places: int
    reward: int
    minutes: int
    currency: str = "USD"
    codes: Mapping[Outcome, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """What the platform says of a study now.

    `open` is how many more people could come, where that does not follow from the list of sessions: MTurk says nothing
    of a session before it is handed in, and a rejected one keeps its place. `stopped` is what a person ended there
    although places are free.
    """

    state: RemoteState
    places: int
    places_taken: int
    open: int | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class RemoteSubmission:
    """What the platform says of one person's session now; `bonus` is None where a list does not tell it."""

    session: str
    person: str
    state: SubmissionState
    code: str = ""
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    reward: int = 0
    bonus: int | None = 0


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """What a signed message of the platform says; it only ever makes us ask. `session` is empty for a study's event."""

    id: str
    kind: str
    session: str = ""
    state: str = ""
    happened_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteCharge:
    """One line of the platform's own books; `reference` is unique there."""

    reference: str
    kind: Literal["reward", "bonus", "fee", "refund"]
    amount: int
    session: str = ""


class RemoteClient(ABC):
    """A study's platform, spoken to with one account. Every call may be repeated and then changes nothing more.

    Raises ``PlatformError`` (see ``annotations.errors.RemoteRefused`` and ``RemoteUnreachable``).
    """

    @abstractmethod
    def create(self, draft: RemoteDraft, *, key: str) -> str:
        """Create the study unpublished and return the platform's id; `key` makes a repeated call find the first."""

    @abstractmethod
    def publish(self, remote_id: str) -> None:
        """Let people in (also after a pause)."""

    @abstractmethod
    def pause(self, remote_id: str) -> None:
        """Let nobody in for now."""

    @abstractmethod
    def stop(self, remote_id: str) -> None:
        """End it."""

    @abstractmethod
    def set_places(self, remote_id: str, places: int) -> None:
        """Raise the number of places to this; never lowers it."""

    @abstractmethod
    def facts(self, remote_id: str) -> RemoteFacts:
        """Return what the platform says of the study."""

    @abstractmethod
    def submissions(self, remote_id: str) -> Iterator[RemoteSubmission]:
        """Yield every session, page after page."""

    @abstractmethod
    def approve(self, remote_id: str, sessions: Iterable[str]) -> None:
        """Approve sessions, which pays them."""

    @abstractmethod
    def reject(self, remote_id: str, session: str, *, reason: str, message: str) -> None:
        """Reject one session for a reason that the platform allows."""

    @abstractmethod
    def request_return(self, remote_id: str, session: str, *, reason: str) -> None:
        """Ask the person to return the session."""

    @abstractmethod
    def bonus(self, remote_id: str, *, session: str, person: str, amount: int, key: str) -> None:
        """Pay a bonus once; `key` makes a repeated call one payment."""

    @abstractmethod
    def charges(self, remote_id: str) -> Iterator[RemoteCharge]:
        """Yield the platform's own books of this study."""

    def whoami(self) -> str:
        """Return a sentence about the account for people: whose it is, and what is on it."""
        return "The platform knows this account."

    def submission(self, remote_id: str, session: str) -> RemoteSubmission | None:
        """Return what the platform says of one session now; None when it does not belong to this study."""
        return next((one for one in self.submissions(remote_id) if one.session == session), None)

    def subscribe(self, remote_id: str, *, target: str) -> Mapping[str, str]:
        """Have the platform's messages sent to this address; returns secrets that the account has to keep."""
        raise NotImplementedError


class RemotePlatform(RecruitmentPlatform):
    """A platform that has an API; `reasons` are the ones for which a session may be rejected, with their words."""

    remote = True
    hooks: ClassVar[bool] = False  # whether it sends signed messages
    reasons: ClassVar[tuple[tuple[str, str], ...]] = ()
    addresses: ClassVar[tuple[tuple[str, str], ...]] = ()  # further addresses than the platform's own, with a label

    @abstractmethod
    def connect(self, *, base_url: str, secrets: Mapping[str, str]) -> RemoteClient:
        """Return a client that speaks to this address (empty: the platform's own) with these secrets."""

    @abstractmethod
    def secret_fields(self) -> tuple[tuple[str, str], ...]:
        """Return (name, label) of the secrets that an account has."""

    def read_event(
        self,
        *,
        headers: Mapping[str, str],
        body: bytes,
        secrets: Mapping[str, str],
        now: dt.datetime,
    ) -> RemoteEvent:
        """Return what a message says whose signature is right; raises BadSignature, also for an old message."""
        raise NotImplementedError

    @abstractmethod
    def fee(self, *, reward: int, places: int, settings: Mapping[str, Any]) -> int:
        """Return the platform's fee on this reward for so many places, in minor units."""

    def fee_on_reward(self, *, amount: int, places: int, settings: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Return the fee on one reward of a study with so many places (MTurk takes more from ten on)."""
        return self.fee(reward=amount, places=1, settings=settings)

    def fee_on_bonus(self, *, amount: int, settings: Mapping[str, Any]) -> int:
        """Return the fee on one bonus."""
        return self.fee(reward=amount, places=1, settings=settings)


recruitment_platforms: Registry[RecruitmentPlatform] = Registry("recruitment")

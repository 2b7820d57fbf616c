"""The HITs of a study on MTurk.

A study there is one qualification type ("Took part in …") and one or more HITs that keep out whoever has it; its id is
the study's. HITs come into the world expired; publishing and pausing move their expiry.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

from annotations.enums import RemoteState
from annotations.errors import RemoteRefused
from annotations.registry import RemoteDraft, RemoteFacts

from .mturk_calls import Calls, Refusal, token_of

EXTERNAL: Final = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd"
APPROVED_HITS: Final = "00000000000000000040"
APPROVED_PERCENT: Final = "000000000000000000L0"
LOCALE: Final = "00000000000000000071"
MASTERS: Final = {True: "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", False: "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"}  # live, sandbox
DRAFTED: Final = dt.datetime(2014, 1, 1, tzinfo=dt.UTC)  # the expiry of what was never published …
ENDED: Final = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)  # … and of what was stopped
DAY: Final = 24 * 3600
NINE, SHORTEST_LIFE = 9, 60  # assignments for the lower fee; seconds


def dollars(cents: int) -> str:
    """Return an amount as the API takes it."""
    return f"{cents // 100}.{cents % 100:02d}"


def question(url: str, *, height: int) -> str:
    """Return the ExternalQuestion of an address."""
    return (
        f'<ExternalQuestion xmlns="{EXTERNAL}"><ExternalURL>{escape(url)}</ExternalURL>'
        f"<FrameHeight>{height}</FrameHeight></ExternalQuestion>"
    )


def note_of(hit: dict[str, Any]) -> dict[str, Any]:
    """Return what we wrote on a HIT: key, number, days of its life, size of its group."""
    try:
        note = json.loads(hit.get("RequesterAnnotation", ""))
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


class Hits:
    """The HITs of one account."""

    def __init__(self, call: Calls, *, live: bool) -> None:
        self.call, self.live = call, live

    def create(self, draft: RemoteDraft, *, key: str) -> str:
        """Create the qualification type and the expired HITs; what a broken call has left is found and completed."""
        if draft.currency != "USD":
            raise RemoteRefused("MTurk pays in US dollars. Set the currency of the study to USD.")
        kind = self._qualification(draft, key=key)
        known = {note_of(hit)["n"] for hit in self.of(kind)}
        for number, places in enumerate(self._groups(draft)):
            if number not in known:
                self._create_hit(draft, kind=kind, key=key, number=number, places=places)
        self.expire(kind, DRAFTED)
        return kind

    def _groups(self, draft: RemoteDraft) -> list[int]:
        """Return the places of each HIT: one, or groups of nine for the lower fee."""
        if not draft.settings.get("groups_of_nine"):
            return [draft.places]
        return [min(NINE, draft.places - start) for start in range(0, draft.places, NINE)]

    def _qualification(self, draft: RemoteDraft, *, key: str) -> str:
        """Return the qualification type that says that somebody took part; its name makes it one."""
        name = f"Took part in {draft.name[:150]} ({key.replace('-', '')[:12]})"
        words = "Given to everybody who has taken part, so that nobody takes part twice."
        try:
            made = self.call(
                "create_qualification_type", Name=name, Description=words, QualificationTypeStatus="Active"
            )
            return str(made["QualificationType"]["QualificationTypeId"])
        except Refusal as error:
            if "AlreadyExists" not in error.code:
                raise
        owned = self.call.pages("list_qualification_types", MustBeRequestable=False, MustBeOwnedByCaller=True)
        return next(str(one["QualificationTypeId"]) for one in owned if one["Name"] == name)

    def _create_hit(self, draft: RemoteDraft, *, kind: str, key: str, number: int, places: int) -> None:
        wanted = draft.settings
        group = NINE if wanted.get("groups_of_nine") else 0
        note = {"key": key, "n": number, "days": wanted.get("lifetime_days", 14), "group": group}
        self.call.once(
            "create_hit",
            token=f"{key}-{number}",
            Title=draft.name[:128],
            Description=draft.description[:2000] or draft.name,
            Keywords=wanted.get("keywords", "")[:1000],
            Reward=dollars(draft.reward),
            MaxAssignments=places,
            LifetimeInSeconds=SHORTEST_LIFE,
            AssignmentDurationInSeconds=max(3 * draft.minutes, 30) * 60,
            AutoApprovalDelayInSeconds=int(wanted.get("auto_approval_days", 3)) * DAY,
            Question=question(draft.url, height=int(wanted.get("frame_height", 0))),
            RequesterAnnotation=json.dumps(note),
            QualificationRequirements=self._requirements(draft, kind=kind),
        )

    def _requirements(self, draft: RemoteDraft, *, kind: str) -> list[dict[str, Any]]:
        """Return who may accept; who took part before does not even see it."""
        wanted = draft.settings
        rules: list[dict[str, Any]] = [
            {"QualificationTypeId": one, "Comparator": "DoesNotExist", "ActionsGuarded": "DiscoverPreviewAndAccept"}
            for one in (kind, *wanted.get("exclude", ()))
        ]
        least = ((APPROVED_PERCENT, "approved_percent"), (APPROVED_HITS, "approved_hits"))
        rules += [
            {"QualificationTypeId": ident, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [wanted[name]]}
            for ident, name in least
            if wanted.get(name)
        ]
        if wanted.get("countries"):
            places = [{"Country": country} for country in wanted["countries"]]
            rules.append({"QualificationTypeId": LOCALE, "Comparator": "In", "LocaleValues": places})
        if wanted.get("masters"):
            rules.append({"QualificationTypeId": MASTERS[self.live], "Comparator": "Exists"})
        return rules

    def of(self, remote_id: str) -> list[dict[str, Any]]:
        """Return the study's HITs in the order of their creation."""
        hits = list(self.call.pages("list_hits_for_qualification_type", QualificationTypeId=remote_id))
        own = [hit for hit in hits if self._owned(hit, remote_id)]
        return sorted(own, key=lambda hit: int(note_of(hit)["n"]))

    def _owned(self, hit: dict[str, Any], remote_id: str) -> bool:
        """A later study that keeps out this one's people uses its qualification too, but not as its first."""
        rules = hit.get("QualificationRequirements") or [{}]
        return bool(rules[0].get("QualificationTypeId") == remote_id and "n" in note_of(hit))

    def expire(self, remote_id: str, when: dt.datetime) -> None:
        for hit in self.of(remote_id):
            self.call("update_expiration_for_hit", HITId=hit["HITId"], ExpireAt=when)

    def publish(self, remote_id: str) -> None:
        """Let the HITs run from now on for their days."""
        now = dt.datetime.now(dt.UTC)
        for hit in self.of(remote_id):
            until = now + dt.timedelta(days=int(note_of(hit)["days"]))
            self.call("update_expiration_for_hit", HITId=hit["HITId"], ExpireAt=until)

    def pause(self, remote_id: str) -> None:
        """Expire the HITs; who has accepted one may finish it."""
        self.expire(remote_id, dt.datetime.now(dt.UTC))

    def stop(self, remote_id: str) -> None:
        """Expire the HITs for good."""
        self.expire(remote_id, ENDED)

    def set_places(self, remote_id: str, places: int) -> None:
        """Extend the last HIT, or add one where Amazon forbids that (from nine to ten) or groups are wanted."""
        hits = self.of(remote_id)
        missing = places - sum(hit["MaxAssignments"] for hit in hits)
        if missing <= 0:
            return
        last = hits[-1]
        grown = last["MaxAssignments"] + missing
        if not note_of(last)["group"] and (last["MaxAssignments"] > NINE or grown <= NINE):
            self.call.once(
                "create_additional_assignments_for_hit",
                token=token_of(last["HITId"], str(grown)),
                HITId=last["HITId"],
                NumberOfAdditionalAssignments=missing,
            )
            return
        size = NINE if note_of(last)["group"] else missing
        for number, start in enumerate(range(0, missing, size), start=len(hits)):
            self._another(last, number=number, places=min(size, missing - start))
        runs = last["Expiration"] > dt.datetime.now(dt.UTC)
        for hit in self.of(remote_id)[len(hits) :]:
            self.call("update_expiration_for_hit", HITId=hit["HITId"], ExpireAt=last["Expiration"] if runs else DRAFTED)

    def _another(self, like: dict[str, Any], *, number: int, places: int) -> None:
        """Create one more HIT like this one; it lives for a minute unless its expiry is moved."""
        note = {**note_of(like), "n": number}
        self.call.once(
            "create_hit_with_hit_type",
            token=f"{note['key']}-{number}",
            HITTypeId=like["HITTypeId"],
            MaxAssignments=places,
            LifetimeInSeconds=SHORTEST_LIFE,
            Question=like["Question"],
            RequesterAnnotation=json.dumps(note),
        )

    def facts(self, remote_id: str) -> RemoteFacts:
        """Return state and places: taken are those of people at work and of what was handed in, also if rejected."""
        hits = self.of(remote_id)
        if not hits:
            raise RemoteRefused("MTurk has no HIT of this study any more; it deletes them after 120 days.")
        taken = sum(hit["NumberOfAssignmentsPending"] + len(list(self.handed_in(hit))) for hit in hits)
        places = sum(hit["MaxAssignments"] for hit in hits)
        return RemoteFacts(_state(max(hit["Expiration"] for hit in hits)), places, taken, open=max(places - taken, 0))

    def handed_in(self, hit: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the assignments that workers have submitted, whatever became of them."""
        return self.call.pages("list_assignments_for_hit", HITId=hit["HITId"])


def _state(expiration: dt.datetime) -> RemoteState:
    """Read the state from the expiry that we set: MTurk itself knows running and expired only."""
    if expiration > dt.datetime.now(dt.UTC):
        return RemoteState.PUBLISHED
    if expiration <= DRAFTED:
        return RemoteState.DRAFT
    return RemoteState.ENDED if expiration <= ENDED else RemoteState.PAUSED

"""Our ledger beside the platform's own books: every session, every kind, to the penny."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q

from annotations.enums import LedgerKind
from annotations.models import LedgerEntry, Recruitment, Submission
from annotations.registry import RemoteCharge, RemoteClient

from .events import log_event
from .ledger import book
from .recruiting import connect

KINDS = {"reward": LedgerKind.PAID, "bonus": LedgerKind.BONUS, "fee": LedgerKind.FEE, "refund": LedgerKind.REFUND}
LABELS = {
    LedgerKind.PAID: "Rewards",
    LedgerKind.BONUS: "Bonuses",
    LedgerKind.FEE: "Fees and tax",
    LedgerKind.REFUND: "Refunds",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of payment, here and there, in minor units."""

    kind: str
    label: str
    ours: int
    theirs: int

    @property
    def difference(self) -> int:
        """What they booked more than we."""
        return self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class Gap:
    """One person's session whose payments differ; the person is named by pseudonym, or not known here."""

    rater: str
    kind: str
    ours: int
    theirs: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The comparison: `gaps` are sessions, `lines` are sums."""

    currency: str
    lines: tuple[Line, ...]
    gaps: tuple[Gap, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything is the same to the penny."""
        return not self.gaps and all(line.difference == 0 for line in self.lines)


def compare(*, recruitment: Recruitment, client: RemoteClient | None = None) -> Reconciliation:
    """Ask the platform for its books and compare them with the ledger; nothing is changed."""
    charges = list((client or connect(recruitment)).charges(recruitment.remote_id))
    return Reconciliation(
        currency=recruitment.study.currency, lines=_lines(recruitment, charges), gaps=_gaps(recruitment, charges)
    )


def _lines(recruitment: Recruitment, charges: list[RemoteCharge]) -> tuple[Line, ...]:
    ours: dict[str, int] = defaultdict(int)
    for kind, amount in LedgerEntry.objects.filter(study=recruitment.study_id).values_list("kind", "amount"):
        ours[kind] += amount
    theirs: dict[str, int] = defaultdict(int)
    for charge in charges:
        theirs[KINDS[charge.kind]] += charge.amount
    return tuple(
        Line(str(kind), label, ours[kind], theirs[kind])
        for kind, label in LABELS.items()
        if kind != LedgerKind.REFUND or ours[kind] or theirs[kind]
    )


def _gaps(recruitment: Recruitment, charges: list[RemoteCharge]) -> tuple[Gap, ...]:
    """Return the sessions for which rewards or bonuses differ."""
    theirs: dict[tuple[str, str], int] = defaultdict(int)
    for charge in charges:
        if charge.session and charge.kind in ("reward", "bonus"):
            theirs[charge.session, KINDS[charge.kind]] += charge.amount
    ours, raters = _by_session(recruitment)
    keys = sorted(set(theirs) | set(ours), key=lambda key: (raters.get(key[0], ""), key[1]))
    return tuple(
        Gap(raters.get(key[0], "not known here"), str(key[1]), ours.get(key, 0), theirs.get(key, 0))
        for key in keys
        if ours.get(key, 0) != theirs.get(key, 0)
    )


def _by_session(recruitment: Recruitment) -> tuple[dict[tuple[str, str], int], dict[str, str]]:
    """Return what the ledger booked by session and kind, and whose session each is."""
    booked: dict[tuple[int | None, str], int] = defaultdict(int)
    entries = LedgerEntry.objects.filter(study=recruitment.study_id, kind__in=(LedgerKind.PAID, LedgerKind.BONUS))
    for person, kind, amount in entries.exclude(participation=None).values_list("participation", "kind", "amount"):
        booked[person, kind] += amount
    ours: dict[tuple[str, str], int] = {}
    raters: dict[str, str] = {}
    paid_first = ("participation", "state")
    for one in (
        Submission.objects.filter(~Q(participation=None), recruitment=recruitment)
        .select_related("participation__rater")
        .order_by(*paid_first)
    ):
        session = one.session or ""
        raters[session] = one.participation.rater.pseudonym if one.participation else ""
        for kind in (LedgerKind.PAID, LedgerKind.BONUS):
            amount = booked.pop((one.participation_id, kind), 0)
            if amount:
                ours[session, kind] = amount
    return ours, raters


def adopt_fees(*, recruitment: Recruitment, client: RemoteClient | None = None) -> int:
    """Book the difference between the platform's fees and ours as an entry of its own; returns it in minor units.

    Platforms round in ways they do not publish, so fees may differ by pennies. Rewards and bonuses are never adjusted:
    a difference there is a question to be answered, not to be booked away.
    """
    found = compare(recruitment=recruitment, client=client)
    difference = next((line.difference for line in found.lines if line.kind == LedgerKind.FEE), 0)
    if difference:
        count = LedgerEntry.objects.filter(study=recruitment.study_id, reference__startswith="fee:adopted:").count()
        book(
            recruitment=recruitment,
            kind=LedgerKind.FEE,
            amount=difference,
            reference=f"fee:adopted:{count + 1}",
            note="difference to the platform's own books",
        )
        log_event(study=recruitment.study, name="fees_adopted", data={"difference": difference})
    return difference

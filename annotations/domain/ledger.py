"""Money: an append-only ledger per study, a cap that cannot be passed by accident, what an hour really pays.

Amounts are whole minor units (cents, pence). Every entry has a reference that is unique within its study, so that what
is booked twice is there once. `Recruitment.committed` is the sum of what is paid and what may still have to be paid:
reserved − released + paid + bonus + fee − refund; it is kept beside the ledger so that the cap costs one statement.

| kind | when | reference |
|---|---|---|
| reserved | a rater takes a booklet: reward and fee | reserve:<participation> |
| released | the reservation ends: paid, returned, or silent for a day after a time-out | release:<participation> |
| earned | a rater judged the booklet to its end | earned:<participation> |
| approved | the approval is sent | approved:<participation> |
| earned, negative | the rater gave it up: returned after the end, or rejected | forgone:<participation> |
| paid, or bonus | the platform paid the reward, or a bonus in its place | paid:<participation> |
| bonus | any other payment | bonus:<key of the order> |
| fee | the platform's fee and tax on one payment | fee:<reference of the payment> |
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F, Q, Sum

from annotations.enums import LedgerKind
from annotations.models import LedgerEntry, Participation, Recruitment, Study
from annotations.registry import RemotePlatform, recruitment_platforms

MINOR = 100
SIGNS = {
    LedgerKind.RESERVED: 1,
    LedgerKind.RELEASED: -1,
    LedgerKind.PAID: 1,
    LedgerKind.BONUS: 1,
    LedgerKind.FEE: 1,
    LedgerKind.REFUND: -1,
}
ENOUGH_PEOPLE = 3  # finishers before an hourly rate is shown

# Active time of everybody who finished: the milliseconds of all trials without those hidden or idle.
ACTIVE_HOURS = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) / 3600000.0, count(*) FROM (
  SELECT sum(greatest(j.submit_ms - coalesce(j.hidden_ms, 0) - coalesce(j.idle_ms, 0), 0)) AS ms
  FROM annotations_judgement j
  JOIN annotations_lease l ON l.id = j.lease_id
  JOIN annotations_participation p ON p.id = l.participation_id
  WHERE p.study_id = %s AND l.state = 'completed' AND NOT p.simulated AND j.submit_ms IS NOT NULL
  GROUP BY p.id
) t WHERE t.ms > 0
"""

OWED = """
SELECT coalesce(sum(e.amount), 0) FROM annotations_ledgerentry e
WHERE e.study_id = %s AND e.kind = 'earned' AND NOT EXISTS (
  SELECT FROM annotations_ledgerentry p
  WHERE p.study_id = e.study_id AND p.reference = 'paid:' || split_part(e.reference, ':', 2))
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """A study's money now; `owed` is earned, not given up and not paid."""

    currency: str
    reserved: int = 0
    released: int = 0
    earned: int = 0
    approved: int = 0
    paid: int = 0
    bonus: int = 0
    fee: int = 0
    refund: int = 0
    owed: int = 0
    cap: int | None = None

    @property
    def open(self) -> int:
        """What may still have to be paid."""
        return self.reserved - self.released

    @property
    def spent(self) -> int:
        """What is gone."""
        return self.paid + self.bonus + self.fee - self.refund

    @property
    def committed(self) -> int:
        """Gone, or may still go."""
        return self.open + self.spent

    @property
    def left(self) -> int | None:
        """What the cap still allows."""
        return None if self.cap is None else self.cap - self.committed


@dataclass(frozen=True, slots=True)
class HourlyRate:
    """What an hour of real, active time paid, at the median; `rate` in minor units."""

    people: int
    median_minutes: float
    rate: float
    minimum: float

    @property
    def is_low(self) -> bool:
        """Whether it lies below the study's minimum."""
        return self.rate < self.minimum


def cap_of(study: Study) -> int | None:
    """Return the study's cap in minor units."""
    return None if study.budget_cap is None else int(study.budget_cap * MINOR)


def fee_on(recruitment: Recruitment, amount: int, *, is_bonus: bool = False) -> int:
    """Return the platform's fee and tax on one payment."""
    platform = recruitment_platforms.get(recruitment.account.platform)
    if not isinstance(platform, RemotePlatform):
        return 0
    if is_bonus:
        return platform.fee_on_bonus(amount=amount, settings=recruitment.settings)
    return platform.fee_on_reward(amount=amount, places=recruitment.places, settings=recruitment.settings)


def price_of(recruitment: Recruitment) -> int:
    """Return what one finished rater costs."""
    return recruitment.reward + fee_on(recruitment, recruitment.reward)


def affordable(recruitment: Recruitment, people: int) -> int:
    """Return how many more people of these the cap allows, beside everything that is committed already."""
    cap, price = cap_of(recruitment.study), price_of(recruitment)
    return people if cap is None or price <= 0 else max(min(people, (cap - recruitment.committed) // price), 0)


def book(
    *,
    recruitment: Recruitment,
    kind: LedgerKind,
    amount: int,
    reference: str,
    participation: Participation | None = None,
    note: str = "",
) -> bool:
    """Book one amount once; says whether it was new."""
    with transaction.atomic():
        _, made = LedgerEntry.objects.get_or_create(
            study_id=recruitment.study_id,
            reference=reference,
            defaults={
                "kind": kind,
                "amount": amount,
                "currency": recruitment.study.currency,
                "participation": participation,
                "note": note[:200],
            },
        )
        change = SIGNS.get(kind, 0) * amount
        if made and change:
            Recruitment.objects.filter(pk=recruitment.pk).update(committed=F("committed") + change)
    return made


def reserve(*, participation: Participation) -> bool:
    """Keep reward and fee for a rater who takes a booklet; False when the cap leaves no room for it.

    Called inside the transaction of the claim. Of many claims at once only as many find room as there is: the cap is
    tested by the UPDATE that takes from it. A study without a recruitment has nothing to reserve.
    """
    recruitment = Recruitment.objects.select_related("account", "study").filter(study=participation.study_id).first()
    if recruitment is None or not recruitment.reward:
        return True
    reference = f"reserve:{participation.pk}"
    if LedgerEntry.objects.filter(study=recruitment.study_id, reference=reference).exists():
        return True
    price, cap = price_of(recruitment), cap_of(recruitment.study)
    room = Q() if cap is None else Q(committed__lte=cap - price)
    with transaction.atomic():
        if not Recruitment.objects.filter(room, pk=recruitment.pk).update(committed=F("committed") + price):
            return False
        LedgerEntry.objects.create(
            study=recruitment.study,
            kind=LedgerKind.RESERVED,
            amount=price,
            currency=recruitment.study.currency,
            participation=participation,
            reference=reference,
        )
    return True


def release(*, recruitment: Recruitment, participation: Participation, note: str = "") -> bool:
    """Let go of what was kept for a rater; without a reservation nothing happens."""
    kept = LedgerEntry.objects.filter(study=recruitment.study_id, reference=f"reserve:{participation.pk}").first()
    return kept is not None and book(
        recruitment=recruitment,
        kind=LedgerKind.RELEASED,
        amount=kept.amount,
        reference=f"release:{participation.pk}",
        participation=participation,
        note=note,
    )


def earn(*, recruitment: Recruitment, participation: Participation) -> bool:
    """Note that a rater judged to the end and is owed the reward."""
    return book(
        recruitment=recruitment,
        kind=LedgerKind.EARNED,
        amount=recruitment.reward,
        reference=f"earned:{participation.pk}",
        participation=participation,
    )


def forgo(*, recruitment: Recruitment, participation: Participation, note: str) -> bool:
    """Take back what was noted as earned, from a rater who gave it up or was rejected, and what was kept for it."""
    with transaction.atomic():
        release(recruitment=recruitment, participation=participation, note=note)
        entries = LedgerEntry.objects.filter(study=recruitment.study_id)
        noted = entries.filter(reference=f"earned:{participation.pk}").first()
        paid = entries.filter(reference=f"paid:{participation.pk}").exists()
        return (
            noted is not None
            and not paid
            and book(
                recruitment=recruitment,
                kind=LedgerKind.EARNED,
                amount=-noted.amount,
                reference=f"forgone:{participation.pk}",
                participation=participation,
                note=note,
            )
        )


def is_paid(*, recruitment: Recruitment, participation: Participation) -> bool:
    """Say whether this person has the reward, by whichever way."""
    return LedgerEntry.objects.filter(study=recruitment.study_id, reference=f"paid:{participation.pk}").exists()


def pay(
    *,
    recruitment: Recruitment,
    kind: LedgerKind,
    amount: int,
    reference: str,
    participation: Participation | None,
    note: str = "",
) -> bool:
    """Book a payment that the platform made, with its fee; the first one for `reference` counts."""
    with transaction.atomic():
        made = book(
            recruitment=recruitment,
            kind=kind,
            amount=amount,
            reference=reference,
            participation=participation,
            note=note,
        )
        fee = fee_on(recruitment, amount, is_bonus=kind == LedgerKind.BONUS)
        if made and fee:
            book(
                recruitment=recruitment,
                kind=LedgerKind.FEE,
                amount=fee,
                reference=f"fee:{reference}",
                participation=participation,
            )
    return made


def pay_reward(
    *, recruitment: Recruitment, participation: Participation, kind: LedgerKind, amount: int, note: str = ""
) -> bool:
    """Book the reward as paid and let go of what was kept for it, in one transaction."""
    with transaction.atomic():
        release(recruitment=recruitment, participation=participation, note="paid")
        return pay(
            recruitment=recruitment,
            kind=kind,
            amount=amount,
            reference=f"paid:{participation.pk}",
            participation=participation,
            note=note,
        )


def balance(*, study: Study) -> Balance:
    """Return the study's money now, added up from the ledger."""
    sums = dict(LedgerEntry.objects.filter(study=study).order_by().values_list("kind").annotate(total=Sum("amount")))
    with connection.cursor() as cursor:
        cursor.execute(OWED, [study.pk])
        (owed,) = cursor.fetchone()
    return Balance(
        currency=study.currency,
        owed=int(owed),
        cap=cap_of(study),
        **{str(kind): int(total) for kind, total in sums.items()},
    )


def hourly_rate(*, study: Study) -> HourlyRate | None:
    """Return what an hour pays at the median active time of those who finished; None while they are too few."""
    recruitment = Recruitment.objects.filter(study=study).first()
    with connection.cursor() as cursor:
        cursor.execute(ACTIVE_HOURS, [study.pk])
        hours, people = cursor.fetchone()
    if recruitment is None or people < ENOUGH_PEOPLE or not hours:
        return None
    minimum = Decimal(study.minimum_hourly_rate) * MINOR
    return HourlyRate(people, float(hours) * 60, recruitment.reward / float(hours), float(minimum))

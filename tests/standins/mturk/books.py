"""MTurk's money: prepaid balance, what is held for open assignments, rewards, bonuses and Amazon's fees.

Fees (MTurk's price list): 20% of reward or bonus, 20% more on the reward where a HIT has ten or more assignments, 5%
more for Masters; at least one cent; half a cent is rounded up.
"""

from __future__ import annotations

import dataclasses
from decimal import ROUND_HALF_UP, Decimal

from .errors import Refused

CENT = Decimal("0.01")
BASE, MANY, MASTERS = Decimal("0.20"), Decimal("0.20"), Decimal("0.05")
MANY_FROM = 10


def fee_on(amount: Decimal, *, assignments: int = 1, masters: bool = False) -> Decimal:
    """Return Amazon's fee on one reward (`assignments`: how many the HIT has) or bonus."""
    rate = BASE + (MANY if assignments >= MANY_FROM else 0) + (MASTERS if masters else 0)
    return max((amount * rate).quantize(CENT, ROUND_HALF_UP), CENT) if amount else CENT


@dataclasses.dataclass(frozen=True)
class Entry:
    """One payment out of the account."""

    kind: str  # reward or bonus
    assignment: str
    worker: str
    amount: Decimal
    fee: Decimal
    reason: str = ""
    at: float = 0


class Books:
    """One requester's account."""

    def __init__(self, *, prepaid: Decimal) -> None:
        self.available = prepaid
        self.on_hold = Decimal(0)
        self.entries: list[Entry] = []

    def hold(self, amount: Decimal) -> None:
        """Set money aside for assignments that may be done."""
        if amount > self.available:
            message = (
                "This Requester has insufficient funds in their account to complete this transaction. "
                f"You need ${amount}, but only ${self.available} is available."
            )
            raise Refused(message, code="InsufficientFunds")
        self.available -= amount
        self.on_hold += amount

    def release(self, amount: Decimal) -> None:
        """Give back what is not needed any more."""
        self.on_hold -= amount
        self.available += amount

    def pay(self, entry: Entry, *, held: bool) -> None:
        """Pay and keep the entry."""
        total = entry.amount + entry.fee
        if not held:
            self.hold(total)
        self.on_hold -= total
        self.entries.append(entry)

    def total(self, kind: str) -> Decimal:
        """Return what was paid out as rewards or as bonuses, without fees."""
        return sum((entry.amount for entry in self.entries if entry.kind == kind), Decimal(0))

    @property
    def fees(self) -> Decimal:
        """All fees."""
        return sum((entry.fee for entry in self.entries), Decimal(0))

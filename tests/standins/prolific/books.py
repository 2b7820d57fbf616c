"""The platform's own books, to the penny: what was paid to whom, with fee and tax on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Kind = Literal["reward", "bonus", "screened_out"]


def rounded(amount: Fraction) -> int:
    """Round half up, to whole minor units."""
    return int((amount + Fraction(1, 2)).__floor__())


@dataclass(frozen=True, slots=True)
class Charge:
    """One payment to one participant, in minor units; `fee` is the service fee on it, `tax` the tax on the fee."""

    kind: Kind
    study: str
    submission: str
    participant: str
    amount: int
    fee: int
    tax: int

    @property
    def total(self) -> int:
        """What the researcher's balance loses."""
        return self.amount + self.fee + self.tax


@dataclass(slots=True)
class Books:
    """All charges of a workspace. Fee and tax are rounded per payment."""

    fee: Fraction = Fraction(1, 3)
    tax: Fraction = Fraction(1, 5)
    balance: int = 10_000_000
    charges: list[Charge] = field(default_factory=list)

    def quote(self, amount: int) -> tuple[int, int]:
        """Return fee and tax on an amount."""
        fee = rounded(amount * self.fee)
        return fee, rounded(fee * self.tax)

    def cost(self, amount: int) -> int:
        """Return the amount with fee and tax."""
        return amount + sum(self.quote(amount))

    def charge(self, kind: Kind, *, study: str, submission: str, participant: str, amount: int) -> Charge:
        """Pay somebody."""
        fee, tax = self.quote(amount)
        made = Charge(kind, study, submission, participant, amount, fee, tax)
        self.charges.append(made)
        self.balance -= made.total
        return made

    def of(self, study: str, *kinds: Kind) -> list[Charge]:
        """Return the charges of a study, of these kinds or of all."""
        return [charge for charge in self.charges if charge.study == study and (not kinds or charge.kind in kinds)]

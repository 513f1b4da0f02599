"""What a payer adds to the credit for a provider's own fee. Pure."""

from dataclasses import dataclass

from common.money import MICROS

CENT_MICROS = MICROS // 100
BP_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Fee:
    """`percent_bp` of the credit, rounded up to a cent, and `fixed_micros` on top."""

    percent_bp: int
    fixed_micros: int

    def of(self, amount_micros: int) -> int:
        """Micros for this credit; whole cents."""
        percent_cents = -(-amount_micros * self.percent_bp // (BP_WHOLE * CENT_MICROS))
        return percent_cents * CENT_MICROS + self.fixed_micros

    @property
    def words(self) -> str:
        """Both parts: "4.4 % + 0.30"."""
        whole, rest = divmod(self.percent_bp, 100)
        percent = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
        units, micros = divmod(self.fixed_micros, MICROS)
        return f"{percent} % + {units}.{micros // CENT_MICROS:02d}"


def credit_of(money_micros: int, *, amount_micros: int, total_micros: int) -> int:
    """The credit behind a part of what was paid, rounded up: whoever takes half of it back takes half of the credit."""
    if money_micros >= total_micros:
        return amount_micros
    return -(-money_micros * amount_micros // total_micros)

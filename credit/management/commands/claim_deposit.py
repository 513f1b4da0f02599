"""Give an unclaimed deposit to a user; without a deposit, list those that are unclaimed."""

from django.core.management.base import BaseCommand, CommandError

from common import clock
from common.money import format_exact
from credit import services
from credit.errors import AdjustmentRefused, NotClaimable
from credit.models import Deposit
from credit.operating import operator_named, user_named

LISTED_MAX = 200


class Command(BaseCommand):
    help = "List unclaimed deposits, or give one to a user under the rule of adjustments."

    def add_arguments(self, parser) -> None:
        parser.add_argument("deposit", type=int, nargs="?", help="its number in the list")
        parser.add_argument("user", nargs="?", help="e-mail address or user name")
        parser.add_argument("--operator", help="who decides: e-mail address or user name of an operator")
        parser.add_argument("--reason", default="", help="kept with the decision")

    def handle(self, *, deposit, user, operator, reason, **options) -> None:
        if deposit is None:
            return self.list_unclaimed()
        to, by = user_named(user or ""), operator_named(operator or "", "credit.add_adjustment")
        if to is None:
            raise CommandError(f"There is no user {user or ''}.")
        if by is None:
            raise CommandError("Name an operator who may adjust credit with --operator.")
        self.give(deposit, to, by, reason)

    def list_unclaimed(self) -> None:
        for row in services.unclaimed_deposits().order_by("pk")[:LISTED_MAX]:
            amount = format_exact(row.amount_micros)
            self.stdout.write(
                f"{row.pk:>8}  {amount:>14}  {row.mined_at:%Y-%m-%d %H:%M}  {row.sender or 'sender not told'}  {row}"
            )

    def give(self, deposit_id: int, user, operator, reason: str) -> None:
        now = clock.now()
        try:
            made = services.ask_claim(deposit_id=deposit_id, user=user, reason=reason, operator=operator, now=now)
        except Deposit.DoesNotExist:
            raise CommandError(f"There is no deposit {deposit_id}.") from None
        except NotClaimable:
            raise CommandError(f"Deposit {deposit_id} is not unclaimed.") from None
        except AdjustmentRefused as refused:
            raise CommandError(refused.words) from refused
        done = "waits for a second operator to agree" if made.needs_second else f"is {user}'s"
        self.stdout.write(f"Deposit {deposit_id} of {format_exact(made.amount_micros)} credits {done}.")

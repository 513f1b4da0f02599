"""Corrections of users' credit by operators: list those that wait, ask, agree, refuse."""

from django.core.management.base import BaseCommand, CommandError

from common import clock
from common.money import format_exact, parse_credits
from credit import services
from credit.adjustment_states import AdjustmentStatus
from credit.codes import Bucket
from credit.models import Adjustment
from credit.operating import REFUSALS, operator_named, user_named, why_not

LISTED_MAX = 100


class Command(BaseCommand):
    help = "List adjustments that wait for a second operator; ask for one, agree to it, refuse it."

    def add_arguments(self, parser) -> None:
        parser.add_argument("verb", choices=["list", "ask", "agree", "refuse"])
        parser.add_argument("what", nargs="?", default="", help="with ask: the user; otherwise the number in the list")
        parser.add_argument("amount", nargs="?", default="", help="with ask: credits to add")
        parser.add_argument("--take", action="store_true", help="with ask: take them instead")
        parser.add_argument("--bucket", choices=Bucket.values, default=Bucket.PURCHASED.value)
        parser.add_argument("--operator", default="", help="who decides: e-mail address or user name of an operator")
        parser.add_argument("--reason", default="", help="its user reads it in the history")

    def handle(self, *, verb, what, operator, **options) -> None:
        if verb == "list":
            return self.list_waiting()
        by = operator_named(operator, "credit.add_adjustment" if verb == "ask" else "credit.change_adjustment")
        if by is None:
            raise CommandError("Name an operator who may adjust credit with --operator.")
        try:
            made = self.ask(what, by, options) if verb == "ask" else self.decide(verb, what, by)
        except REFUSALS as error:
            raise CommandError(why_not(error)) from error
        self.stdout.write(f"{self.words(made)}: {made.get_status_display().lower()}.")

    def list_waiting(self) -> None:
        waiting = Adjustment.objects.filter(status=AdjustmentStatus.WAITING).select_related("user", "asked_by")
        for each in waiting.order_by("pk")[:LISTED_MAX]:
            self.stdout.write(f"{each.pk:>6}  {self.words(each)}, asked by {each.asked_by}: {each.reason}")

    def words(self, adjustment: Adjustment) -> str:
        amount = f"{format_exact(adjustment.amount_micros)} {adjustment.get_bucket_display().lower()} credits"
        return f"Adjustment {adjustment.pk} of {adjustment.user}, {amount}"

    def ask(self, name: str, operator, options: dict) -> Adjustment:
        user = user_named(name)
        if user is None:
            raise CommandError(f"There is no user {name}.")
        try:
            micros = parse_credits(options["amount"])
        except ValueError as error:
            raise CommandError(f"{error}.") from error
        return services.ask_adjustment(
            user=user,
            bucket=Bucket(options["bucket"]),
            amount_micros=-micros if options["take"] else micros,
            reason=options["reason"],
            operator=operator,
            now=clock.now(),
        )

    def decide(self, verb: str, number: str, operator) -> Adjustment:
        decide = services.agree_to_adjustment if verb == "agree" else services.refuse_adjustment
        try:
            return decide(int(number), operator=operator, now=clock.now())
        except (ValueError, Adjustment.DoesNotExist):
            raise CommandError(f"There is no adjustment {number}.") from None

"""Revenue taken out of a treasury: list, ask, agree, refuse."""

from django.core.management.base import BaseCommand, CommandError

from common import clock
from common.money import format_exact, parse_credits
from credit.chains import chain_of
from credit.models import Taking
from credit.operating import REFUSALS, operator_named, why_not
from credit.services.takings import agree_to_taking, ask_taking, refuse_taking, revenue_micros

LISTED_MAX = 50


class Command(BaseCommand):
    help = "List what was taken of the network's revenue; take some, agree to it, refuse it."

    def add_arguments(self, parser) -> None:
        parser.add_argument("verb", choices=["list", "ask", "agree", "refuse"])
        parser.add_argument("what", nargs="?", default="", help="with ask: credits; otherwise the number in the list")
        parser.add_argument("--chain", default="", help="with ask: whose treasury, as evm:1")
        parser.add_argument("--operator", default="", help="who decides: e-mail address or user name of an operator")
        parser.add_argument("--reason", default="", help="stays in the books")

    def handle(self, *, verb, what, chain, operator, reason, **options) -> None:
        if verb == "list":
            return self.list_all()
        by = operator_named(operator, "credit.add_taking" if verb == "ask" else "credit.change_taking")
        if by is None:
            raise CommandError("Name an operator who may decide on revenue with --operator.")
        try:
            taking = self.ask(what, chain, reason, by) if verb == "ask" else self.decide(verb, what, by)
        except REFUSALS as error:
            raise CommandError(why_not(error)) from error
        amount = f"{format_exact(taking.amount_micros)} {taking.symbol} of {taking.chain}"
        self.stdout.write(f"Taking {taking.pk}, {amount}: {taking.get_status_display().lower()}.")

    def list_all(self) -> None:
        self.stdout.write(f"The network has {format_exact(revenue_micros())} credits that it earned.")
        for taking in Taking.objects.select_related("asked_by")[:LISTED_MAX]:
            amount = f"{format_exact(taking.amount_micros)} {taking.symbol} of {taking.chain}"
            self.stdout.write(f"{taking.pk:>6}  {amount}, {taking.get_status_display()}, {taking.asked_by}: {taking.reason}")

    def ask(self, amount: str, key: str, reason: str, operator) -> Taking:
        chain = chain_of(key)
        if chain is None:
            raise CommandError("Name the chain with --chain, as the settings have it: aptos:1, evm:1.")
        try:
            micros = parse_credits(amount)
        except ValueError as error:
            raise CommandError(f"{error}.") from error
        (asset,) = chain.assets
        return ask_taking(chain=chain, asset=asset, amount_micros=micros, reason=reason, operator=operator, now=clock.now())

    def decide(self, verb: str, number: str, operator) -> Taking:
        decide = agree_to_taking if verb == "agree" else refuse_taking
        try:
            return decide(int(number), operator=operator, now=clock.now())
        except (ValueError, Taking.DoesNotExist):
            raise CommandError(f"There is no taking {number}.") from None

"""Add credit to a user's account by hand: money received outside (default) or a promotion."""

from django.core.management.base import BaseCommand, CommandError

from common.money import format_credits, parse_credits
from credit import services
from credit.errors import KeyReused
from credit.operating import user_named


class Command(BaseCommand):
    help = "Add credit to a user's account: purchased for money received outside, or promotional with --promotion."

    def add_arguments(self, parser) -> None:
        parser.add_argument("user", help="e-mail address or user name")
        parser.add_argument("credits", help="such as 25 or 12.50")
        parser.add_argument("--reason", required=True, help="shown in the user's history")
        parser.add_argument("--key", required=True, help="names this payment, such as invoice:2031; repeating it adds nothing")
        parser.add_argument("--promotion", action="store_true", help="spend-only credit")

    def handle(self, *, user: str, credits: str, reason: str, key: str, promotion: bool, **options) -> None:
        person = user_named(user)
        if person is None:
            raise CommandError(f"There is no user {user}.")
        try:
            self.add(person, parse_credits(credits), f"operator:{key}", reason, promotion)
        except (ValueError, KeyReused) as error:
            raise CommandError(str(error)) from error
        balance = services.balance_of(person)
        self.stdout.write(f"{person.name} has {format_credits(balance.available_micros)} credits available.")

    def add(self, person, amount_micros: int, key: str, reason: str, promotion: bool) -> None:
        if not amount_micros:
            raise CommandError("The amount must be more than zero.")
        if promotion:
            services.grant_promotion(user=person, amount_micros=amount_micros, key=key, reference=reason)
        else:
            services.top_up_by_operator(user=person, amount_micros=amount_micros, key=key, reason=reason)

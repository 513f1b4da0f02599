"""The withdrawals that wait for an operator: list, approve, refuse, try again; and lanes that have stopped: resume."""

import structlog
from django.core.management.base import BaseCommand, CommandError

from common import clock
from common.money import format_exact
from common.templatetags.pictor import ago
from credit.models import Payout, PayoutLane
from credit.operating import operator_named
from credit.payout_facts import facts_of
from credit.payout_states import PayoutStatus
from credit.services.payouts import resume_lane, try_again
from credit.services.withdrawals import approve_withdrawal, refuse_withdrawal
from credit.withdrawing import TooLate

LISTED_MAX = 100
log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "List withdrawals that wait and lanes that have stopped; approve, refuse, try again, resume."

    def add_arguments(self, parser) -> None:
        parser.add_argument("verb", choices=["list", "approve", "refuse", "try", "resume"])
        parser.add_argument("number", type=int, nargs="?", help="of the withdrawal; with resume, of the lane")
        parser.add_argument("--operator", default="", help="who decides: e-mail address or user name of an operator")
        parser.add_argument("--reason", default="", help="of a refusal; its owner reads it")

    def handle(self, *, verb, number, operator, reason, **options) -> None:
        if verb == "list":
            return self.list_all()
        by = operator_named(operator, "credit.change_payoutlane" if verb == "resume" else "credit.change_payout")
        if by is None:
            raise CommandError("Name an operator who may decide on payouts with --operator.")
        if number is None:
            raise CommandError("Give the number that `payouts list` shows.")
        if verb == "resume":
            return self.resume(number, by)
        if verb == "try":
            return self.try_again(number, by)
        self.decide(verb, number, by, reason.strip())

    def list_all(self) -> None:
        waiting = Payout.objects.filter(status=PayoutStatus.WAITING).select_related("owner", "place").order_by("pk")
        for payout in waiting[:LISTED_MAX]:
            self.print_waiting(payout)
        for lane in PayoutLane.objects.exclude(stopped_at=None):
            self.stdout.write(
                self.style.ERROR(f"lane {lane.pk} ({lane}) stopped {ago(lane.stopped_at)}: {lane.stopped_because}")
            )
        kept = Payout.objects.filter(status=PayoutStatus.APPROVED).exclude(problem="").order_by("pk")
        for payout in kept[:LISTED_MAX]:
            when = ago(payout.try_at)
            again = when if when.startswith("in ") else "with the next look"
            self.stdout.write(self.style.WARNING(f"{payout.pk:>8}  approved, and kept: {payout.problem} It is tried {again}."))

    def print_waiting(self, payout: Payout) -> None:
        facts = facts_of(payout)
        amount = f"{format_exact(payout.amount_micros)} credits as {payout.symbol} on {payout.chain}"
        self.stdout.write(f"{payout.pk:>8}  {payout.owner}: {amount} to {payout.address}, asked {ago(payout.requested_at)}")
        earned = (
            f"earned {format_exact(facts.earned_micros)} from {facts.payers} account(s), most {facts.largest_payer_percent} %"
        )
        ages = f"account {ago(facts.joined_at)}, address {ago(facts.address_verified_at)}"
        owes = ", OWES" if facts.owes else ""
        self.stdout.write(f"          {ages}, {earned}, paid before {facts.paid_before}{owes}")

    def decide(self, verb: str, payout_id: int, operator, reason: str) -> None:
        if verb == "refuse" and not reason:
            raise CommandError("Say why with --reason: its owner reads it.")
        try:
            if verb == "approve":
                approve_withdrawal(operator=operator, payout_id=payout_id, now=clock.now())
            else:
                refuse_withdrawal(operator=operator, payout_id=payout_id, reason=reason, now=clock.now())
        except Payout.DoesNotExist:
            raise CommandError(f"There is no withdrawal {payout_id}.") from None
        except TooLate as late:
            raise CommandError(f"Withdrawal {payout_id} is {late} by now.") from late
        except PermissionError:
            raise CommandError("Nobody approves a withdrawal of their own.") from None
        self.stdout.write(f"Withdrawal {payout_id} is {'approved' if verb == 'approve' else 'refused'}.")

    def try_again(self, payout_id: int, operator) -> None:
        if not try_again(payout_id=payout_id, operator=operator):
            raise CommandError(f"Nothing keeps withdrawal {payout_id}.")
        self.stdout.write(f"Withdrawal {payout_id} is tried with the next look.")

    def resume(self, lane_id: int, operator) -> None:
        if not resume_lane(lane_id=lane_id):
            raise CommandError(f"There is no lane {lane_id}.")
        log.warning("payout_lane_resumed", lane=lane_id, operator=operator.pk)
        self.stdout.write(f"Lane {lane_id} goes on with the next look, and stops again if what stopped it is still so.")

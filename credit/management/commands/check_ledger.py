"""Prove the ledger: print each law and what breaks it; exit 1 on any difference."""

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from common import clock
from credit.models import Hold, Transfer
from credit.proof import LAWS, Difference, differences


class Command(BaseCommand):
    help = "Prove that the ledger is in balance. Exits 1 on any difference."

    def handle(self, *args, **options) -> None:
        found = list(self.look())
        for law in LAWS:
            self.print_law(law, [each.sentence for each in found if each.law == law])
        if found:
            raise CommandError(
                f"The ledger is NOT in order: {len(found)} {'difference' if len(found) == 1 else 'differences'}."
            )
        self.stdout.write(
            self.style.SUCCESS(f"The ledger is in order: {self.transfers:,} transfers, open holds: {self.holds:,}.")
        )

    def look(self) -> list[Difference]:
        """Read everything in one snapshot, so that movements under way are no differences."""
        outermost = not connection.in_atomic_block
        with transaction.atomic():
            if outermost:
                connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self.transfers = Transfer.objects.count()
            self.holds = Hold.objects.filter(closed_at=None).count()
            return list(differences(clock.now()))

    def print_law(self, law: str, sentences: list[str]) -> None:
        mark = self.style.ERROR("wrong") if sentences else self.style.SUCCESS("ok   ")
        self.stdout.write(f"{mark} {law}")
        for sentence in sentences:
            self.stdout.write(f"        {sentence}")

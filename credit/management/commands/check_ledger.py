"""Prove the ledger: print each law and what breaks it; exit 1 on any difference."""

from django.core.management.base import BaseCommand, CommandError

from common import clock
from credit.proof import LAWS, prove


class Command(BaseCommand):
    help = "Prove that the ledger is in balance. Exits 1 on any difference."

    def handle(self, *args, **options) -> None:
        found = prove(clock.now())
        for law in LAWS:
            self.print_law(law, [each.sentence for each in found.differences if each.law == law])
        if wrong := len(found.differences):
            raise CommandError(f"The ledger is NOT in order: {wrong} {'difference' if wrong == 1 else 'differences'}.")
        words = f"The ledger is in order: {found.transfers:,} transfers, open holds: {found.open_holds:,}."
        self.stdout.write(self.style.SUCCESS(words))

    def print_law(self, law: str, sentences: list[str]) -> None:
        mark = self.style.ERROR("wrong") if sentences else self.style.SUCCESS("ok   ")
        self.stdout.write(f"{mark} {law}")
        for sentence in sentences:
            self.stdout.write(f"        {sentence}")

"""Compare books, chains and provider now; exit 1 on a shortage or another difference."""

from django.core.management.base import BaseCommand, CommandError

from common import clock
from credit.reconciliation import Verdict
from credit.reconciling.books import PROVED_ELSEWHERE
from credit.services.reconciliations import reconcile


class Command(BaseCommand):
    help = "Compare books, chains and payment provider. Exits 1 on a difference; what is not known is said, and is not fine."

    def handle(self, *args, **options) -> None:
        found = reconcile(now=clock.now())
        for line in found.lines:
            mark = Verdict(line["verdict"])
            self.stdout.write(f"{self.tone(mark)(f'{mark.label:<12}')} {line['part']:<9} {line['subject']}: {line['words']}")
        self.stdout.write(f"Proved by check_ledger: {'; '.join(PROVED_ELSEWHERE)}.")
        if found.verdict == Verdict.WRONG:
            raise CommandError("Books and money differ.")
        words = "Everything agrees." if found.verdict == Verdict.FINE else "Nothing differs; look at the lines that are marked."
        self.stdout.write(words)

    def tone(self, verdict: Verdict):
        tones = {Verdict.FINE: self.style.SUCCESS, Verdict.WRONG: self.style.ERROR}
        return tones.get(verdict, self.style.WARNING)

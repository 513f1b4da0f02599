"""check_ledger finds what is wrong, grant_app_role binds the app, top_up adds once; and the database's own refusals."""

from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from common import clock
from credit import services
from credit.models import Account, Hold, Transfer
from tests.credit.builders import charge, hold, promote, top_up

pytestmark = pytest.mark.django_db


def output_of(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def sql(statement: str, *values) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


class CheckLedgerTests:
    @pytest.fixture
    def busy(self, alice, wanda):
        promote(alice, 500)
        top_up(alice, 1000)
        charge(hold(alice, 800), 600, wanda, now=clock.now())

    def faults(self) -> str:
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("check_ledger", stdout=out)
        return out.getvalue()

    def test_a_ledger_in_order_says_so(self, busy):
        assert "The ledger is in order: 12 transfers, open holds: 1." in output_of("check_ledger")

    def test_a_balance_that_was_edited_is_found(self, busy, alice):
        Account.objects.filter(owner=alice, kind="spendable", bucket="purchased").update(balance_micros=701)
        said = self.faults()
        assert "keeps 701, its transfers say 700" in said
        assert "wrong All accounts sum to zero" in said

    def test_a_law_that_many_rows_break_names_the_first(self, busy, alice, monkeypatch):
        monkeypatch.setattr("credit.proof.NAMED_MAX", 1)
        Account.objects.filter(owner=alice, kind="spendable").update(balance_micros=7)
        said = self.faults()
        assert said.count("keeps 7, its transfers say") == 1
        assert "and 2 more" in said

    def test_a_hold_that_was_edited_is_found(self, busy):
        Hold.objects.update(purchased_micros=199)
        said = self.faults()
        assert "purchased money is 199, its transfers say 200" in said
        assert "wrong Held accounts equal the holds" in said

    def test_a_settled_earning_that_was_not_paid_is_found(self, busy):
        sql("UPDATE credit_earning SET settled_at = now() WHERE amount_micros > 100")
        assert "wrong Pending accounts equal the open earnings" in self.faults()

    def test_a_hold_past_its_time_is_found(self, busy):
        sql("UPDATE credit_hold SET expires_at = now() - interval '2 hours'")
        assert "wrong No hold is past its time" in self.faults()

    def test_a_transfer_that_was_tampered_with_is_found(self, busy):
        with transaction.atomic():
            sql("SET LOCAL session_replication_role = replica")  # a superuser's way around triggers
            sql(
                "UPDATE credit_transfer SET amount_micros = amount_micros + 1 WHERE code = 'network_share' AND amount_micros > 10"
            )
            sql("SET LOCAL session_replication_role = origin")
        assert "wrong Clearing accounts are at zero" in self.faults()


class DatabaseTests:
    @pytest.mark.parametrize("statement", ["UPDATE credit_transfer SET reference = 'x'", "DELETE FROM credit_transfer"])
    def test_transfers_cannot_be_changed_or_deleted(self, alice, statement):
        top_up(alice, 10)
        with pytest.raises(DatabaseError, match="immutable"):
            sql(statement)

    def test_overdrafts_empty_amounts_and_self_transfers_are_refused(self, alice):
        first = top_up(alice, 10)
        for changes in ({"amount_micros": 0}, {"amount_micros": -1}, {"target": first.source}):
            fields = {"source": first.source, "target": first.target, "amount_micros": 1} | changes
            with pytest.raises(IntegrityError), transaction.atomic():
                Transfer.objects.create(key="bad", code="top_up", **fields)
        with pytest.raises(IntegrityError), transaction.atomic():
            Account.objects.filter(owner=alice).update(balance_micros=-1)

    def test_an_account_exists_once(self, alice):
        top_up(alice, 10)
        for account in (alice.accounts.first(), Account.objects.filter(owner=None).first()):
            account.pk = None
            with pytest.raises(IntegrityError), transaction.atomic():
                account.save()


class TopUpTests:
    def test_repeating_the_key_adds_nothing(self, alice):
        for _ in range(2):
            said = output_of("top_up", "Alice@example.org", "12.5", "--reason", "Invoice 7", "--key", "invoice:7")
        assert said == "Alice has 12.50 credits available.\n"
        assert services.balance_of(alice).purchased_micros == 12_500_000

    def test_a_promotion_is_spend_only(self, alice):
        output_of("top_up", "alice", "3", "--reason", "Hello", "--key", "hello:1", "--promotion")
        assert services.balance_of(alice).promotional_micros == 3_000_000

    @pytest.mark.parametrize("words", [("nobody", "1"), ("alice", "much"), ("alice", "0"), ("alice", "0.0000001")])
    def test_what_it_cannot_do_it_says(self, alice, words):
        with pytest.raises(CommandError):
            output_of("top_up", *words, "--reason", "x", "--key", "x")


@pytest.mark.django_db(transaction=True)
class GrantAppRoleTests:
    @pytest.fixture
    def app(self):
        """A connection as an ordinary role, as the web and background processes have it."""
        role, password = f"app_of_{connection.settings_dict['NAME']}", "of-tests-only"  # roles are shared by all databases
        with connection.cursor() as cursor:
            cursor.execute(f"DROP ROLE IF EXISTS {role}")
            cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        output_of("grant_app_role", role)
        here = connection.get_connection_params()
        with psycopg.connect(
            host=here["host"], port=here["port"], dbname=here["dbname"], user=role, password=password, autocommit=True
        ) as app:
            yield app
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {role}")
            cursor.execute(f"DROP ROLE {role}")

    def test_the_app_writes_transfers_and_cannot_change_them(self, app, alice):
        first = top_up(alice, 10)
        app.execute(
            "INSERT INTO credit_transfer (key, code, source_id, target_id, amount_micros, owner_id, reference, created_at)"
            " VALUES ('by the app', 'top_up', %s, %s, 1, %s, '', now())",
            [first.source_id, first.target_id, alice.pk],
        )
        for statement in (
            "UPDATE credit_transfer SET reference = 'x'",
            "DELETE FROM credit_transfer",
            "TRUNCATE credit_transfer",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)

    def test_the_app_reads_and_writes_other_tables_and_cannot_alter_them(self, app, alice):
        top_up(alice, 10)
        assert app.execute("UPDATE credit_account SET clears_at = now() WHERE owner_id = %s", [alice.pk]).rowcount == 9
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("ALTER TABLE credit_transfer DISABLE TRIGGER ALL")

    def test_a_role_that_does_not_exist_is_named(self):
        with pytest.raises(CommandError, match="no role nobody_here"):
            output_of("grant_app_role", "nobody_here")

    def test_a_superuser_is_refused(self):
        with pytest.raises(CommandError, match="superuser"):
            output_of("grant_app_role", connection.settings_dict["USER"])

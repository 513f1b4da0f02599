"""The ledger and money at the border. Transfers and invoices stay as written, whoever asks."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import common.clock
from common.create_models import CreateModels

CODES = [
    ("top_up", "Payment"),
    ("unclaimed", "Deposit of an unknown sender"),
    ("claim", "Deposit claimed"),
    ("promotion", "Promotion"),
    ("probe", "Probe frame"),
    ("hold", "Hold"),
    ("release", "Hold released"),
    ("charge", "Charge"),
    ("earning", "Earning"),
    ("checkers_share", "Checkers' share"),
    ("network_share", "Network's share"),
    ("maturity", "Earnings available"),
    ("refund", "Refund"),
    ("earning_reversed", "Earning reversed"),
    ("share_reversed", "Share reversed"),
    ("dispute", "Payment disputed"),
    ("dispute_won", "Dispute settled"),
    ("chargeback", "Chargeback"),
    ("debt_paid", "Debt paid"),
    ("adjusted_up", "Adjustment"),
    ("adjusted_down", "Adjustment"),
    ("withdrawal", "Withdrawal"),
    ("paid_out", "Paid out"),
    ("withdrawal_fee", "Withdrawal fee"),
    ("withdrawal_returned", "Withdrawal returned"),
    ("revenue_taken", "Revenue taken"),
]

REFUSE = """
CREATE FUNCTION credit_transfer_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transfers are immutable: correct one by a reversing transfer' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER credit_transfer_immutable BEFORE UPDATE OR DELETE ON credit_transfer
    FOR EACH ROW EXECUTE FUNCTION credit_transfer_is_immutable();

CREATE FUNCTION credit_invoice_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'invoices are immutable: correct one by a credit note' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER credit_invoice_immutable BEFORE UPDATE OR DELETE ON credit_invoice
    FOR EACH ROW EXECUTE FUNCTION credit_invoice_is_immutable();
"""
ALLOW = """
DROP TRIGGER credit_invoice_immutable ON credit_invoice;
DROP FUNCTION credit_invoice_is_immutable();
DROP TRIGGER credit_transfer_immutable ON credit_transfer;
DROP FUNCTION credit_transfer_is_immutable();
"""


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("credit", "0001_first"),
        ("credit", "0002_transfers_are_immutable"),
        ("credit", "0003_probe_frames_are_paid"),
        ("credit", "0004_withdrawals"),
        ("credit", "0005_invoices_budgets_and_history_by_time"),
        ("credit", "0006_invoices_are_immutable"),
        ("credit", "0007_deposits_by_chain"),
        ("credit", "0008_payments_disputes_and_debts"),
        ("credit", "0009_top_ups_that_fail_say_more"),
        ("credit", "0010_adjustments"),
        ("credit", "0011_claims_and_reconciliations"),
        ("credit", "0012_sums_by_day"),
        ("credit", "0013_provider_events_are_tried_again"),
        ("credit", "0014_takings"),
        ("credit", "0015_payouts_that_cannot_go_are_tried_later"),
    ]
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        # Not needed, but sooner done before our models: each of their steps renders anew whatever refers to people.
        ("mfa", "0003_authenticator_type_uniq"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
        ("usersessions", "0001_initial"),
    ]
    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Transfer",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("key", models.CharField(max_length=200, unique=True)),
                        ("code", models.CharField(choices=CODES, max_length=20)),
                        ("amount_micros", models.BigIntegerField()),
                        ("reference", models.CharField(blank=True, max_length=200)),
                        ("created_at", models.DateTimeField(default=common.clock.now)),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "reverses",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="reversed_by",
                                to="credit.transfer",
                            ),
                        ),
                        (
                            "source",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="credit.account",
                            ),
                        ),
                        (
                            "target",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="credit.account",
                            ),
                        ),
                        (
                            "hold",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="transfers",
                                to="credit.hold",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(condition=models.Q(("hold__isnull", False)), fields=["hold"], name="transfer_by_hold"),
                            models.Index(fields=["owner", "-created_at", "-id"], name="transfer_of_owner"),
                            models.Index(fields=["owner", "code", "-created_at", "-id"], name="transfer_of_owner_by_code"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("amount_micros__gt", 0)), name="transfer_amount_positive"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("source", models.F("target")), _negated=True),
                                name="transfer_between_two_accounts",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("code__in", [code for code, _ in CODES])), name="transfer_code_known"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Hold",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("key", models.CharField(max_length=160, unique=True)),
                        ("purpose", models.CharField(max_length=200)),
                        ("promotional_micros", models.BigIntegerField(default=0)),
                        ("purchased_micros", models.BigIntegerField(default=0)),
                        ("earned_micros", models.BigIntegerField(default=0)),
                        ("clears_at", models.DateTimeField(blank=True, null=True)),
                        ("opened_at", models.DateTimeField(default=common.clock.now)),
                        ("expires_at", models.DateTimeField()),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="holds", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("closed_at", None)), fields=["expires_at"], name="hold_open_by_expiry"
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("earned_micros__gte", 0), ("promotional_micros__gte", 0), ("purchased_micros__gte", 0)
                                ),
                                name="hold_not_over_settled",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("closed_at", None),
                                    models.Q(("earned_micros", 0), ("promotional_micros", 0), ("purchased_micros", 0)),
                                    _connector="OR",
                                ),
                                name="hold_empty_when_closed",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Account",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("spendable", "Spendable"),
                                    ("holding", "Held"),
                                    ("pending", "Pending"),
                                    ("disputed", "Disputed"),
                                    ("clearing", "Clearing"),
                                    ("checkers", "Checkers' pool"),
                                    ("network", "Network"),
                                    ("promotion", "Promotions given"),
                                    ("operator", "Operator top-ups"),
                                    ("chain", "Chains"),
                                    ("provider", "Payment providers"),
                                    ("unclaimed", "Unclaimed deposits"),
                                    ("payout", "Withdrawals under way"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "bucket",
                            models.CharField(
                                choices=[("promotional", "Promotional"), ("purchased", "Purchased"), ("earned", "Earned")],
                                max_length=12,
                            ),
                        ),
                        ("balance_micros", models.BigIntegerField(null=True)),
                        ("clears_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="accounts",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("in_debt", models.BooleanField(db_default=False, default=False)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("owner", "kind", "bucket"), name="account_once", nulls_distinct=False
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("bucket__in", ["promotional", "purchased", "earned"])),
                                name="account_bucket_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("balance_micros", None), ("balance_micros__gte", 0), _connector="OR"),
                                name="account_not_overdrawn",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("balance_micros__isnull", False),
                                        ("kind__in", ("spendable", "holding", "pending", "disputed")),
                                        ("owner__isnull", False),
                                    ),
                                    models.Q(
                                        ("balance_micros", None),
                                        (
                                            "kind__in",
                                            (
                                                "clearing",
                                                "checkers",
                                                "network",
                                                "promotion",
                                                "operator",
                                                "chain",
                                                "provider",
                                                "unclaimed",
                                                "payout",
                                            ),
                                        ),
                                        ("owner", None),
                                    ),
                                    _connector="OR",
                                ),
                                name="account_keeps_a_balance_if_owned",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CreditRule",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("begins_at", models.DateTimeField(unique=True)),
                        ("pending_seconds", models.PositiveIntegerField(default=259200)),
                        ("welcome_micros", models.BigIntegerField(default=5000000)),
                    ],
                    options={
                        "ordering": ["-begins_at"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("welcome_micros__gte", 0)), name="rule_welcome_not_negative"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Earning",
                    fields=[
                        (
                            "transfer",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                primary_key=True,
                                related_name="earning",
                                serialize=False,
                                to="credit.transfer",
                            ),
                        ),
                        ("amount_micros", models.BigIntegerField()),
                        ("matures_at", models.DateTimeField(blank=True, null=True)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="earnings", to="credit.account"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("matures_at__isnull", False), ("settled_at", None)),
                                fields=["matures_at"],
                                name="earning_open_by_maturity",
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("amount_micros__gt", 0)), name="earning_amount_positive")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Payout",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("key", models.CharField(max_length=40)),
                        ("chain", models.CharField(max_length=20)),
                        ("asset", models.CharField(max_length=66)),
                        ("symbol", models.CharField(max_length=12)),
                        ("address", models.CharField(max_length=66)),
                        ("amount_micros", models.BigIntegerField()),
                        ("fee_micros", models.BigIntegerField()),
                        ("units", models.DecimalField(decimal_places=0, max_digits=39)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("requested", "Requested"),
                                    ("waiting", "Waiting for approval"),
                                    ("approved", "Approved"),
                                    ("sending", "Sending"),
                                    ("sent", "Sent"),
                                    ("confirmed", "Confirmed"),
                                    ("cancelled", "Cancelled"),
                                    ("refused", "Refused"),
                                    ("returned", "Returned"),
                                ],
                                default="requested",
                                max_length=10,
                            ),
                        ),
                        ("requested_at", models.DateTimeField(default=common.clock.now)),
                        ("due_at", models.DateTimeField()),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        ("reason", models.CharField(blank=True, max_length=300)),
                        ("problem", models.CharField(blank=True, max_length=300)),
                        ("number", models.DecimalField(blank=True, decimal_places=0, max_digits=20, null=True)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "decided_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="payouts", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        (
                            "place",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="payouts", to="credit.payoutaddress"
                            ),
                        ),
                        (
                            "batch",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="payouts",
                                to="credit.payoutbatch",
                            ),
                        ),
                        (
                            "lane",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="payouts",
                                to="credit.payoutlane",
                            ),
                        ),
                        (
                            "try_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(), default=common.clock.now
                            ),
                        ),
                        ("refusals", models.PositiveSmallIntegerField(db_default=0, default=0)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["owner", "-id"], name="payout_newest_of_owner"),
                            models.Index(
                                condition=models.Q(("status__in", ["requested", "waiting", "approved", "sending", "sent"])),
                                fields=["status", "id"],
                                name="payout_open",
                            ),
                            models.Index(
                                condition=models.Q(("lane", None), ("status", "approved")),
                                fields=["chain", "asset", "try_at"],
                                name="payout_to_try",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("owner", "key"), name="payout_once_per_form"),
                            models.UniqueConstraint(fields=("lane", "number"), name="payout_number_once"),
                            models.CheckConstraint(
                                condition=models.Q(("amount_micros__gt", models.F("fee_micros")), ("fee_micros__gte", 0)),
                                name="payout_amounts",
                            ),
                            models.CheckConstraint(condition=models.Q(("units__gt", 0)), name="payout_units_positive"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "status__in",
                                        [
                                            "requested",
                                            "waiting",
                                            "approved",
                                            "sending",
                                            "sent",
                                            "confirmed",
                                            "cancelled",
                                            "refused",
                                            "returned",
                                        ],
                                    )
                                ),
                                name="payout_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("batch", None), ("lane", None), ("number", None)),
                                    models.Q(("batch__isnull", False), ("lane__isnull", False), ("number__isnull", False)),
                                    _connector="OR",
                                ),
                                name="payout_number_in_a_lane",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("number", None),
                                    models.Q(
                                        ("status__in", ["requested", "waiting", "approved", "cancelled", "refused"]),
                                        _negated=True,
                                    ),
                                    _connector="OR",
                                ),
                                name="payout_with_a_number_is_not_taken_back",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PayoutAddress",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("network", models.CharField(choices=[("aptos", "Aptos"), ("evm", "EVM")], max_length=10)),
                        ("address", models.CharField(max_length=66)),
                        ("label", models.CharField(blank=True, max_length=60)),
                        ("verified_at", models.DateTimeField(default=common.clock.now)),
                        ("usable_at", models.DateTimeField()),
                        ("removed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="payout_addresses",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["pk"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("removed_at", None)),
                                fields=("owner", "network", "address"),
                                name="payout_address_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PayoutBatch",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("created_at", models.DateTimeField(default=common.clock.now)),
                        ("count", models.PositiveIntegerField()),
                        ("amount_micros", models.BigIntegerField()),
                        ("asset_units", models.DecimalField(decimal_places=0, max_digits=78)),
                        ("gas_units", models.DecimalField(decimal_places=0, max_digits=78)),
                        (
                            "lane",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="credit.payoutlane"
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="PayoutLane",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("chain", models.CharField(max_length=20)),
                        ("sender", models.CharField(max_length=66)),
                        ("next_number", models.DecimalField(decimal_places=0, max_digits=20)),
                        ("stopped_at", models.DateTimeField(blank=True, null=True)),
                        ("stopped_because", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("chain", "sender"), name="lane_once")],
                    },
                ),
                migrations.CreateModel(
                    name="PayoutTransaction",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("attempt", models.PositiveSmallIntegerField()),
                        ("hash", models.CharField(max_length=66, unique=True)),
                        ("signed", models.BinaryField()),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        ("gas_price", models.DecimalField(decimal_places=0, max_digits=30)),
                        ("made_at", models.DateTimeField(default=common.clock.now)),
                        ("sent_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "outcome",
                            models.CharField(blank=True, choices=[("paid", "Paid"), ("failed", "Failed")], max_length=10),
                        ),
                        (
                            "payout",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="transactions", to="credit.payout"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["attempt"],
                        "constraints": [
                            models.UniqueConstraint(fields=("payout", "attempt"), name="transaction_attempt_once"),
                            models.UniqueConstraint(
                                condition=models.Q(("outcome", ""), _negated=True),
                                fields=("payout",),
                                name="transaction_counts_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BillingDetails",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("name", models.CharField(blank=True, max_length=120)),
                        ("address", models.TextField(blank=True, max_length=400)),
                        ("tax_number", models.CharField(blank=True, max_length=40)),
                        (
                            "owner",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="billing_details",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "billing details",
                    },
                ),
                migrations.CreateModel(
                    name="Budget",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("monthly_micros", models.BigIntegerField(blank=True, null=True)),
                        ("stops_new_jobs", models.BooleanField(default=False)),
                        ("low_balance_micros", models.BigIntegerField(blank=True, null=True)),
                        (
                            "owner",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="budget", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("monthly_micros", None), ("monthly_micros__gt", 0), _connector="OR"),
                                name="budget_above_zero",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("low_balance_micros", None), ("low_balance_micros__gt", 0), _connector="OR"
                                ),
                                name="low_above_zero",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CreditAlert",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "kind",
                            models.CharField(choices=[("budget", "Budget"), ("low_balance", "Low balance")], max_length=12),
                        ),
                        ("month", models.DateField(blank=True, null=True)),
                        ("percent", models.PositiveSmallIntegerField(default=0)),
                        ("amount_micros", models.BigIntegerField()),
                        ("limit_micros", models.BigIntegerField()),
                        ("created_at", models.DateTimeField(default=common.clock.now)),
                        ("mailed_at", models.DateTimeField(blank=True, null=True)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="credit_alerts",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(condition=models.Q(("mailed_at", None)), fields=["created_at"], name="alert_to_mail")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("kind", "budget")),
                                fields=("owner", "month", "percent"),
                                name="alert_of_a_budget_once",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None), ("kind", "low_balance")),
                                fields=("owner",),
                                name="alert_of_a_low_balance_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Invoice",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "series",
                            models.CharField(
                                choices=[("INV", "Invoice"), ("CN", "Credit note"), ("REC", "Receipt")], max_length=3
                            ),
                        ),
                        ("year", models.PositiveSmallIntegerField()),
                        ("number", models.PositiveIntegerField()),
                        ("issued_at", models.DateTimeField(default=common.clock.now)),
                        ("pdf", models.BinaryField()),
                        ("sha256", models.CharField(max_length=64)),
                        (
                            "corrects",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="corrected_by",
                                to="credit.invoice",
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="invoices",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "transfer",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT, related_name="invoice", to="credit.transfer"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("series", "year", "number"), name="invoice_number_once"),
                            models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="invoice_number_from_one"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="InvoiceCounter",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "series",
                            models.CharField(
                                choices=[("INV", "Invoice"), ("CN", "Credit note"), ("REC", "Receipt")], max_length=3
                            ),
                        ),
                        ("year", models.PositiveSmallIntegerField()),
                        ("last_number", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("series", "year"), name="invoice_counter_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Deposit",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("chain", models.CharField(max_length=24)),
                        ("asset", models.CharField(max_length=66)),
                        ("tx_hash", models.CharField(max_length=66)),
                        ("log_index", models.PositiveIntegerField()),
                        ("sender", models.CharField(blank=True, max_length=66)),
                        ("units", models.CharField(max_length=78)),
                        ("amount_micros", models.BigIntegerField()),
                        ("block_number", models.BigIntegerField()),
                        ("block_hash", models.CharField(blank=True, max_length=66)),
                        ("mined_at", models.DateTimeField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("seen", "Seen"),
                                    ("gone", "Gone"),
                                    ("credited", "Credited"),
                                    ("unclaimed", "Unclaimed"),
                                    ("claimed", "Claimed"),
                                ],
                                default="seen",
                                max_length=12,
                            ),
                        ),
                        ("seen_at", models.DateTimeField(default=common.clock.now)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="deposits",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "transfer",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="deposit",
                                to="credit.transfer",
                            ),
                        ),
                        (
                            "top_up",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="deposits",
                                to="credit.topup",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("status__in", ["seen", "gone"])),
                                fields=["chain", "asset"],
                                name="deposit_not_settled",
                            ),
                            models.Index(
                                condition=models.Q(("status", "unclaimed")),
                                fields=["chain", "sender"],
                                name="deposit_unclaimed",
                            ),
                            models.Index(fields=["tx_hash"], name="deposit_by_transaction"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("chain", "asset", "tx_hash", "log_index"), name="deposit_once"),
                            models.CheckConstraint(
                                condition=models.Q(("amount_micros__gt", 0)), name="deposit_amount_positive"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("settled_at", None), ("status__in", ["seen", "gone"]), ("transfer", None)),
                                    models.Q(
                                        ("settled_at__isnull", False),
                                        ("status__in", ["credited", "unclaimed", "claimed"]),
                                        ("transfer__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="deposit_settled_with_its_transfer",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status__in", ["credited", "claimed"]), _negated=True),
                                    ("owner__isnull", False),
                                    _connector="OR",
                                ),
                                name="deposit_credited_to_somebody",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DepositCursor",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("chain", models.CharField(max_length=24)),
                        ("asset", models.CharField(max_length=66)),
                        ("position", models.BigIntegerField()),
                        ("head", models.BigIntegerField()),
                        ("final", models.BigIntegerField()),
                        ("read_at", models.DateTimeField(default=common.clock.now)),
                        ("problem", models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("chain", "asset"), name="cursor_once")],
                    },
                ),
                migrations.CreateModel(
                    name="TopUp",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("key", models.CharField(max_length=40)),
                        ("chain", models.CharField(max_length=24)),
                        ("asset", models.CharField(max_length=66)),
                        (
                            "recognised_by",
                            models.CharField(
                                choices=[("sender", "a wallet linked to your account"), ("amount", "the exact amount")],
                                max_length=8,
                            ),
                        ),
                        ("asked_micros", models.BigIntegerField()),
                        ("payable_micros", models.BigIntegerField()),
                        ("received_micros", models.BigIntegerField(default=0)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting for your payment"),
                                    ("submitted", "Submitted"),
                                    ("confirming", "Confirming"),
                                    ("credited", "Credited"),
                                    ("underpaid", "Underpaid"),
                                    ("late", "Paid late"),
                                    ("expired", "Expired"),
                                    ("failed", "Failed"),
                                    ("rejected", "Rejected"),
                                ],
                                default="waiting",
                                max_length=12,
                            ),
                        ),
                        (
                            "failure",
                            models.CharField(
                                blank=True,
                                choices=[
                                    (
                                        "reverted",
                                        "The transaction failed on the chain. Nothing was paid but its fee. Start a new top-up.",
                                    ),
                                    (
                                        "other_asset",
                                        "The transaction pays no accepted asset to the address shown. Nothing was credited. If it was sent to the right address on the wrong network or as another asset, ask the operator of this network.",
                                    ),
                                    (
                                        "not_found",
                                        "The chain never showed the transaction. If your wallet still shows it as sent, ask the operator.",
                                    ),
                                    (
                                        "unknown",
                                        "The payment arrived from an address that is linked to no account. Link that wallet in your profile and it is credited within a minute; if it came from an exchange, ask the operator of this network.",
                                    ),
                                    (
                                        "not_yours",
                                        "The payment was credited to another account, to which its sender is linked.",
                                    ),
                                    ("repeated", "This payment was credited before: see your history."),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("tx_hash", models.CharField(blank=True, max_length=66)),
                        ("created_at", models.DateTimeField(default=common.clock.now)),
                        ("expires_at", models.DateTimeField()),
                        ("changed_at", models.DateTimeField(default=common.clock.now)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="top_ups", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["owner", "-id"], name="top_up_newest_of_owner"),
                            models.Index(
                                condition=models.Q(("status__in", ("waiting", "submitted", "confirming"))),
                                fields=["status", "expires_at"],
                                name="top_up_open_by_expiry",
                            ),
                            models.Index(
                                condition=models.Q(("tx_hash", ""), _negated=True),
                                fields=["tx_hash"],
                                name="top_up_by_transaction",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("owner", "key"), name="top_up_once_per_form"),
                            models.UniqueConstraint(
                                condition=models.Q(
                                    ("recognised_by", "amount"), ("status__in", ("waiting", "submitted", "confirming"))
                                ),
                                fields=("chain", "asset", "payable_micros"),
                                name="top_up_amount_tells_whose",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("asked_micros__gt", 0),
                                    ("payable_micros__gte", models.F("asked_micros")),
                                    ("received_micros__gte", 0),
                                ),
                                name="top_up_amounts_make_sense",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Dispute",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("key", models.CharField(max_length=100, unique=True)),
                        (
                            "kind",
                            models.CharField(
                                choices=[("dispute", "Dispute"), ("reversal", "Reversal"), ("refund", "Refund")], max_length=10
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=10
                            ),
                        ),
                        ("amount_micros", models.BigIntegerField()),
                        ("purchased_micros", models.BigIntegerField(default=0)),
                        ("earned_micros", models.BigIntegerField(default=0)),
                        ("opened_at", models.DateTimeField(default=common.clock.now)),
                        ("resolved_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "payment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="credit.payment"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("amount_micros__gte", 0), ("earned_micros__gte", 0), ("purchased_micros__gte", 0)
                                ),
                                name="dispute_not_negative",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status", "open"), models.Q(("earned_micros", 0), ("purchased_micros", 0)), _connector="OR"
                                ),
                                name="dispute_resolved_holds_nothing",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="FrozenEarning",
                    fields=[
                        (
                            "earning",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                primary_key=True,
                                related_name="frozen",
                                serialize=False,
                                to="credit.earning",
                            ),
                        ),
                        ("matures_at", models.DateTimeField(blank=True, null=True)),
                        ("taken_at", models.DateTimeField(blank=True, null=True)),
                        ("restored_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "dispute",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="frozen_earnings", to="credit.dispute"
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Payment",
                    fields=[
                        ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                        ("provider", models.CharField(max_length=12)),
                        ("form_key", models.CharField(max_length=64)),
                        ("amount_micros", models.BigIntegerField()),
                        ("fee_micros", models.BigIntegerField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("starting", "Starting"),
                                    ("awaiting", "Waiting for you"),
                                    ("capturing", "Being collected"),
                                    ("pending", "Under review"),
                                    ("credited", "Credited"),
                                    ("denied", "Declined"),
                                    ("cancelled", "Cancelled"),
                                    ("expired", "Expired"),
                                    ("mismatched", "In doubt"),
                                    ("failed", "Failed"),
                                ],
                                default="starting",
                                max_length=12,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, max_length=200)),
                        ("order_id", models.CharField(blank=True, max_length=64, null=True, unique=True)),
                        ("approve_url", models.URLField(blank=True, max_length=500)),
                        ("capture_id", models.CharField(blank=True, max_length=64, null=True, unique=True)),
                        ("provider_fee_micros", models.BigIntegerField(blank=True, null=True)),
                        ("opened_at", models.DateTimeField(default=common.clock.now)),
                        ("ask_at", models.DateTimeField(default=common.clock.now)),
                        ("credited_at", models.DateTimeField(blank=True, null=True)),
                        ("clears_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="payments",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "transfer",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="payment",
                                to="credit.transfer",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-opened_at"],
                        "indexes": [
                            models.Index(fields=["owner", "-opened_at"], name="payment_newest_of_owner"),
                            models.Index(
                                condition=models.Q(("status__in", ("starting", "awaiting", "capturing", "pending"))),
                                fields=["ask_at"],
                                name="payment_open_by_ask",
                            ),
                            models.Index(
                                condition=models.Q(("status", "credited")), fields=["ask_at"], name="payment_credited_by_ask"
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("owner", "form_key"), name="payment_once_per_form"),
                            models.CheckConstraint(
                                condition=models.Q(("amount_micros__gt", 0), ("fee_micros__gte", 0)),
                                name="payment_amounts_positive",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("capture_id__isnull", False), ("status", "credited"), ("transfer__isnull", False)
                                    ),
                                    models.Q(models.Q(("status", "credited"), _negated=True), ("transfer", None)),
                                    _connector="OR",
                                ),
                                name="payment_credited_by_a_transfer",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ProviderEvent",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("provider", models.CharField(max_length=12)),
                        ("event_id", models.CharField(max_length=64)),
                        ("kind", models.CharField(max_length=64)),
                        ("order_id", models.CharField(blank=True, max_length=64)),
                        ("capture_id", models.CharField(blank=True, max_length=64)),
                        ("dispute_id", models.CharField(blank=True, max_length=64)),
                        ("reversal_id", models.CharField(blank=True, max_length=64)),
                        ("reversed_micros", models.BigIntegerField(blank=True, null=True)),
                        ("sent_at", models.DateTimeField()),
                        ("received_at", models.DateTimeField(default=common.clock.now)),
                        ("handled_at", models.DateTimeField(blank=True, null=True)),
                        ("outcome", models.CharField(blank=True, max_length=200)),
                        (
                            "try_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(), default=common.clock.now
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("handled_at", None)), fields=["try_at"], name="provider_event_waiting"
                            )
                        ],
                        "constraints": [models.UniqueConstraint(fields=("provider", "event_id"), name="provider_event_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Debt",
                    fields=[
                        (
                            "dispute",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                primary_key=True,
                                related_name="debt",
                                serialize=False,
                                to="credit.dispute",
                            ),
                        ),
                        ("owed_micros", models.BigIntegerField()),
                        ("opened_at", models.DateTimeField(default=common.clock.now)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="debts", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(condition=models.Q(("settled_at", None)), fields=["owner"], name="debt_open_of_owner")
                        ],
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("owed_micros__gte", 0)), name="debt_not_negative"),
                            models.CheckConstraint(
                                condition=models.Q(("settled_at", None), ("owed_micros", 0), _connector="OR"),
                                name="debt_settled_owes_nothing",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Adjustment",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "bucket",
                            models.CharField(
                                choices=[("promotional", "Promotional"), ("purchased", "Purchased"), ("earned", "Earned")],
                                max_length=12,
                            ),
                        ),
                        ("amount_micros", models.BigIntegerField()),
                        ("reason", models.CharField(max_length=200)),
                        (
                            "status",
                            models.CharField(
                                choices=[("waiting", "Waits for a second operator"), ("made", "Made"), ("refused", "Refused")],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("needs_second", models.BooleanField()),
                        ("asked_at", models.DateTimeField(default=common.clock.now)),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "asked_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        (
                            "decided_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "transfer",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="adjustment",
                                to="credit.transfer",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="adjustments",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "deposit",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="adjustments",
                                to="credit.deposit",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-pk"],
                        "indexes": [
                            models.Index(condition=models.Q(("status", "waiting")), fields=["id"], name="adjustment_waiting"),
                            models.Index(fields=["asked_by", "asked_at"], name="adjustment_by_operator"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("amount_micros", 0), _negated=True), name="adjustment_not_zero"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="adjustment_has_a_reason"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "made"), _negated=True),
                                    models.Q(("decided_by__isnull", False), ("transfer__isnull", False)),
                                    _connector="OR",
                                ),
                                name="adjustment_made_by_a_transfer",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("needs_second", True), ("status", "made"), _negated=True),
                                    models.Q(("decided_by", models.F("asked_by")), _negated=True),
                                    _connector="OR",
                                ),
                                name="adjustment_made_by_two_people",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("asked_by", models.F("user")), _negated=True),
                                name="adjustment_of_somebody_else",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("status", "refused"), _negated=True),
                                fields=("deposit",),
                                name="adjustment_gives_a_deposit_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Reconciliation",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("started_at", models.DateTimeField(default=common.clock.now)),
                        ("ended_at", models.DateTimeField(default=common.clock.now)),
                        (
                            "verdict",
                            models.CharField(
                                choices=[
                                    ("fine", "Agrees"),
                                    ("look", "Needs a look"),
                                    ("unknown", "Not known"),
                                    ("wrong", "Differs"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("lines", models.JSONField()),
                        ("payments_asked_to", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="DaySum",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("day", models.DateField()),
                        ("code", models.CharField(choices=CODES, max_length=20)),
                        ("amount_micros", models.BigIntegerField()),
                        ("entries", models.PositiveIntegerField()),
                        (
                            "hold",
                            models.ForeignKey(
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="credit.hold",
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "source",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="credit.account",
                            ),
                        ),
                        (
                            "target",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="credit.account",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["day"], name="day_sum_by_day")],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("owner", "day", "code", "source", "target", "hold"),
                                name="day_sum_once",
                                nulls_distinct=False,
                            ),
                            models.CheckConstraint(condition=models.Q(("amount_micros__gt", 0)), name="day_sum_positive"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Taking",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("chain", models.CharField(max_length=24)),
                        ("asset", models.CharField(max_length=66)),
                        ("symbol", models.CharField(max_length=12)),
                        ("amount_micros", models.BigIntegerField()),
                        ("units", models.DecimalField(decimal_places=0, max_digits=39)),
                        ("reason", models.CharField(max_length=200)),
                        (
                            "status",
                            models.CharField(
                                choices=[("waiting", "Waits for a second operator"), ("made", "Made"), ("refused", "Refused")],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("needs_second", models.BooleanField()),
                        ("asked_at", models.DateTimeField(default=common.clock.now)),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "asked_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        (
                            "decided_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-pk"],
                        "indexes": [models.Index(fields=["asked_by", "asked_at"], name="taking_by_operator")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("amount_micros__gt", 0), ("units__gt", 0)), name="taking_positive"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("reason", ""), _negated=True), name="taking_has_a_reason"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("status", "made"), _negated=True), ("decided_by__isnull", False), _connector="OR"
                                ),
                                name="taking_made_by_somebody",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("needs_second", True), ("status", "made"), _negated=True),
                                    models.Q(("decided_by", models.F("asked_by")), _negated=True),
                                    _connector="OR",
                                ),
                                name="taking_made_by_two_people",
                            ),
                        ],
                    },
                ),
            ]
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]

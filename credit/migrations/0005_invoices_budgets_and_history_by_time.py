import common.clock
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credit", "0004_withdrawals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BillingDetails",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=120)),
                ("address", models.TextField(blank=True, max_length=400)),
                ("tax_number", models.CharField(blank=True, max_length=40)),
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
            ],
        ),
        migrations.CreateModel(
            name="CreditAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("budget", "Budget"), ("low_balance", "Low balance")], max_length=12)),
                ("month", models.DateField(blank=True, null=True)),
                ("percent", models.PositiveSmallIntegerField(default=0)),
                ("amount_micros", models.BigIntegerField()),
                ("limit_micros", models.BigIntegerField()),
                ("created_at", models.DateTimeField(default=common.clock.now)),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "series",
                    models.CharField(choices=[("INV", "Invoice"), ("CN", "Credit note"), ("REC", "Receipt")], max_length=3),
                ),
                ("year", models.PositiveSmallIntegerField()),
                ("number", models.PositiveIntegerField()),
                ("issued_at", models.DateTimeField(default=common.clock.now)),
                ("pdf", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="InvoiceCounter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "series",
                    models.CharField(choices=[("INV", "Invoice"), ("CN", "Credit note"), ("REC", "Receipt")], max_length=3),
                ),
                ("year", models.PositiveSmallIntegerField()),
                ("last_number", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="transfer",
            name="transfer_newest_of_owner",
        ),
        migrations.RemoveIndex(
            model_name="transfer",
            name="transfer_newest_by_code",
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["owner", "-created_at", "-id"], name="transfer_of_owner"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["owner", "code", "-created_at", "-id"], name="transfer_of_owner_by_code"),
        ),
        migrations.AddField(
            model_name="billingdetails",
            name="owner",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="billing_details", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="budget",
            name="owner",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="budget", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="creditalert",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="credit_alerts", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="invoice",
            name="corrects",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="corrected_by",
                to="credit.invoice",
            ),
        ),
        migrations.AddField(
            model_name="invoice",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="invoice",
            name="transfer",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="invoice", to="credit.transfer"
            ),
        ),
        migrations.AddConstraint(
            model_name="invoicecounter",
            constraint=models.UniqueConstraint(fields=("series", "year"), name="invoice_counter_once"),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("monthly_micros", None), ("monthly_micros__gt", 0), _connector="OR"),
                name="budget_above_zero",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("low_balance_micros", None), ("low_balance_micros__gt", 0), _connector="OR"),
                name="low_above_zero",
            ),
        ),
        migrations.AddIndex(
            model_name="creditalert",
            index=models.Index(condition=models.Q(("mailed_at", None)), fields=["created_at"], name="alert_to_mail"),
        ),
        migrations.AddConstraint(
            model_name="creditalert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "budget")), fields=("owner", "month", "percent"), name="alert_of_a_budget_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="creditalert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None), ("kind", "low_balance")),
                fields=("owner",),
                name="alert_of_a_low_balance_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("series", "year", "number"), name="invoice_number_once"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="invoice_number_from_one"),
        ),
    ]

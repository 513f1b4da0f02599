"""People and what belongs to them."""

import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import common.clock
from common.create_models import CreateModels


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("users", "0001_first"),
        ("users", "0002_what_wallets_are_asked_to_sign"),
        ("users", "0003_keys_events_and_choices"),
        ("users", "0004_notices"),
        ("users", "0005_what_was_told_before_is_read"),
        ("users", "0006_addresses_are_proven"),
    ]
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="User",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("password", models.CharField(max_length=128, verbose_name="password")),
                        ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                        (
                            "is_superuser",
                            models.BooleanField(
                                default=False,
                                help_text="Designates that this user has all permissions without explicitly assigning them.",
                                verbose_name="superuser status",
                            ),
                        ),
                        (
                            "username",
                            models.CharField(
                                error_messages={"unique": "A user with that username already exists."},
                                help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                                max_length=150,
                                unique=True,
                                validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                                verbose_name="username",
                            ),
                        ),
                        ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                        ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                        ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                        (
                            "is_staff",
                            models.BooleanField(
                                default=False,
                                help_text="Designates whether the user can log into this admin site.",
                                verbose_name="staff status",
                            ),
                        ),
                        (
                            "is_active",
                            models.BooleanField(
                                default=True,
                                help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                                verbose_name="active",
                            ),
                        ),
                        ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                        ("display_name", models.CharField(blank=True, max_length=80)),
                        (
                            "groups",
                            models.ManyToManyField(
                                blank=True,
                                help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                                related_name="user_set",
                                related_query_name="user",
                                to="auth.group",
                                verbose_name="groups",
                            ),
                        ),
                        (
                            "user_permissions",
                            models.ManyToManyField(
                                blank=True,
                                help_text="Specific permissions for this user.",
                                related_name="user_set",
                                related_query_name="user",
                                to="auth.permission",
                                verbose_name="user permissions",
                            ),
                        ),
                        ("closed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        (
                            "muted",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                            ),
                        ),
                        (
                            "theme",
                            models.CharField(
                                blank=True,
                                choices=[("", "As the system"), ("light", "Light"), ("dark", "Dark")],
                                default="",
                                max_length=5,
                            ),
                        ),
                        ("time_zone", models.CharField(blank=True, max_length=64)),
                        (
                            "unlisted",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=20), blank=True, db_default=[], default=list, size=None
                            ),
                        ),
                        ("wants_no_mail", models.BooleanField(db_default=False, default=False)),
                    ],
                    options={
                        "verbose_name": "user",
                        "verbose_name_plural": "users",
                        "abstract": False,
                    },
                    managers=[
                        ("objects", django.contrib.auth.models.UserManager()),
                    ],
                ),
                migrations.CreateModel(
                    name="WalletChallenge",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("nonce", models.CharField(max_length=40, unique=True)),
                        ("session_key", models.CharField(max_length=40)),
                        (
                            "purpose",
                            models.CharField(
                                choices=[
                                    ("sign_in", "Sign in"),
                                    ("link", "Link a wallet"),
                                    ("payout", "Confirm a payout address"),
                                    ("confirm", "Confirm that it is still you"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("network", models.CharField(choices=[("aptos", "Aptos"), ("evm", "EVM")], max_length=10)),
                        ("address", models.CharField(blank=True, max_length=66)),
                        (
                            "form",
                            models.CharField(
                                choices=[("siwa", "Sign in with Aptos"), ("message", "signMessage"), ("eip4361", "EIP-4361")],
                                max_length=10,
                            ),
                        ),
                        ("next", models.CharField(blank=True, max_length=500)),
                        ("issued_at", models.DateTimeField(default=common.clock.now)),
                        ("expires_at", models.DateTimeField()),
                        ("used_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["expires_at"], name="challenge_by_expiry")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("purpose", "sign_in"), ("user__isnull", False), _connector="XOR"),
                                name="challenge_of_a_user_unless_signing_in",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ApiToken",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("name", models.CharField(max_length=80)),
                        ("start", models.CharField(max_length=20)),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        (
                            "scopes",
                            django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None),
                        ),
                        ("created_at", models.DateTimeField(default=common.clock.now)),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                        ("revoked_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="api_tokens",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-created_at"],
                    },
                ),
                migrations.CreateModel(
                    name="KnownDevice",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("digest", models.CharField(max_length=64)),
                        ("first_at", models.DateTimeField(default=common.clock.now)),
                        ("last_at", models.DateTimeField(default=common.clock.now)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="known_devices",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("user", "digest"), name="device_once_per_user")],
                    },
                ),
                migrations.CreateModel(
                    name="SshKey",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("name", models.CharField(max_length=80)),
                        ("kind", models.CharField(max_length=60)),
                        ("bits", models.PositiveIntegerField()),
                        ("fingerprint", models.CharField(max_length=60)),
                        ("text", models.TextField()),
                        ("created_at", models.DateTimeField(default=common.clock.now)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="ssh_keys",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["created_at"],
                        "constraints": [models.UniqueConstraint(fields=("user", "fingerprint"), name="ssh_key_once_per_user")],
                    },
                ),
                migrations.CreateModel(
                    name="Notice",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("kind", models.CharField(max_length=20)),
                        ("words", models.CharField(max_length=300)),
                        ("ip", models.GenericIPAddressField(blank=True, null=True)),
                        ("browser", models.CharField(blank=True, max_length=60)),
                        ("at", models.DateTimeField(default=common.clock.now)),
                        ("mail_to", models.EmailField(blank=True, max_length=254)),
                        ("mail_due_at", models.DateTimeField(blank=True, null=True)),
                        ("mail_tries", models.PositiveSmallIntegerField(default=0)),
                        ("mailed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="notices", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        ("text", models.TextField(blank=True, db_default="")),
                        ("url", models.CharField(blank=True, db_default="", max_length=300)),
                        ("is_listed", models.BooleanField(db_default=True)),
                        ("seen_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-at"],
                        "indexes": [
                            models.Index(fields=["user", "-at"], name="security_event_of_user"),
                            models.Index(
                                condition=models.Q(("mail_due_at__isnull", False)),
                                fields=["mail_due_at"],
                                name="security_mail_due",
                            ),
                            models.Index(
                                condition=models.Q(("is_listed", True), ("seen_at", None)),
                                fields=["user"],
                                name="notice_unseen",
                            ),
                        ],
                        "db_table": "users_securityevent",
                    },
                ),
                migrations.CreateModel(
                    name="AddressClaim",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("email", models.EmailField(max_length=254)),
                        ("digest", models.CharField(max_length=64)),
                        ("asked_at", models.DateTimeField(default=common.clock.now)),
                        ("expires_at", models.DateTimeField()),
                        ("tries", models.PositiveSmallIntegerField(default=0)),
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="address_claim",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
            ]
        ),
    ]

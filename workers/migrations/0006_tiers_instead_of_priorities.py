"""What stood in `priority` as -10, 0 and 10 is the tier now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0005_fair_shares_and_learned_fit"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE workers_work SET tier = sign(priority) + 1, priority = 0 WHERE priority <> 0",
            "UPDATE workers_work SET priority = (tier - 1) * 10 WHERE tier <> 1",
        )
    ]

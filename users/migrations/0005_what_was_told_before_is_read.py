from django.db import migrations
from django.db.models import F


def mark_as_read(apps, schema_editor) -> None:
    """Nobody is to find years of old news as unread."""
    apps.get_model("users", "Notice").objects.filter(seen_at=None).update(seen_at=F("at"))


class Migration(migrations.Migration):
    dependencies = [("users", "0004_notices")]

    operations = [migrations.RunPython(mark_as_read, migrations.RunPython.noop)]

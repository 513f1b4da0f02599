"""Who was in a team without having been asked is invited, and is in it no more."""

from django.db import migrations
from django.utils import timezone


def ask(apps, schema_editor) -> None:
    Controls, Invitation = apps.get_model("workers", "Controls"), apps.get_model("workers", "Invitation")
    User, now = apps.get_model("users", "User"), timezone.now()
    for controls in Controls.objects.exclude(team_ids=[]).select_related("worker").iterator():
        people = User.objects.filter(pk__in=controls.team_ids, is_active=True).exclude(email="")
        emails = sorted({email.lower() for email in people.values_list("email", flat=True)})
        Controls.objects.filter(pk=controls.pk).update(team_emails=emails, team_ids=[])
        asked = [Invitation(owner_id=controls.worker.owner_id, email=email, invited_at=now) for email in emails]
        Invitation.objects.bulk_create(asked, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("workers", "0015_people_are_asked_into_teams")]
    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]

"""Whom owners ask into the team of their nodes: rows of workers.models that workers.teams alone writes."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from workers.states import InvitationStatus


class InvitationQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Those that this person answered, or may answer: a proven address of theirs was named. Never their owner's list."""
        asked = Q(person=None, email=user.email.lower()) if user.email else Q()
        return self.filter(Q(person=user) | asked).exclude(owner=user)


class Invitation(models.Model):
    """An address that an owner named on some of their nodes. It counts once the person behind it said yes (status accepted)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="team_invitations")
    email = models.EmailField()  # as its owner wrote it, in lower case; whether it is anybody's they do not learn
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")  # who answered
    status = models.CharField(max_length=8, choices=InvitationStatus, default=InvitationStatus.INVITED)
    invited_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "email"], name="invitation_once_per_address"),
            models.CheckConstraint(condition=Q(status__in=InvitationStatus.values), name="invitation_status_known"),
            models.CheckConstraint(
                condition=Q(status=InvitationStatus.INVITED) | Q(person__isnull=False, answered_at__isnull=False),
                name="invitation_answered_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["email"], name="invitation_by_address")]

    def __str__(self) -> str:
        return f"Invitation {self.pk}"

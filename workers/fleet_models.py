"""Tokens with which several machines each become a node. `used` grows in workers.fleet_tokens alone, never past `nodes_max`."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import F, Q

FLEET_UID_PREFIX = "f_"


def new_fleet_uid() -> str:
    return FLEET_UID_PREFIX + secrets.token_urlsafe(12)


class FleetTokenQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def living(self, now):
        """Neither revoked nor past their end; some may be used up."""
        return self.filter(revoked_at=None, expires_at__gt=now)


class FleetToken(models.Model):
    """A token in one configuration file that makes nodes of several machines; only its hash is kept."""

    uid = models.CharField(max_length=32, unique=True, default=new_fleet_uid, editable=False)  # in the file
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="fleet_tokens")
    name_prefix = models.CharField(max_length=40)  # its nodes are numbered after it
    nodes_max = models.PositiveSmallIntegerField()
    used = models.PositiveSmallIntegerField(default=0)  # nodes that were made
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = FleetTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(nodes_max__gte=1, nodes_max__lte=100), name="fleet_token_limit_known"),
            models.CheckConstraint(condition=Q(used__lte=F("nodes_max")), name="fleet_token_within_limit"),
        ]

    def __str__(self) -> str:
        return f"Fleet token {self.name_prefix}"

    def standing(self, now) -> tuple[str, str]:
        """Tone and words of its badge."""
        if self.revoked_at:
            return "quiet", "Revoked"
        if self.expires_at <= now:
            return "quiet", "Past its end"
        return ("quiet", "Used up") if self.used >= self.nodes_max else ("ok", "Works")

"""What a person is told; each row is also the order to mail it."""

from django.db import models

from common import clock
from users.models.people import User


class NoticeQuerySet(models.QuerySet):
    def listed(self) -> "NoticeQuerySet":
        """Wanted on the page."""
        return self.filter(is_listed=True)

    def unseen_by(self, user_id: int) -> "NoticeQuerySet":
        return self.listed().filter(user=user_id, seen_at=None)


class Notice(models.Model):
    """Something that happened, told once: on the page, by mail, or both. `mail_to` is empty where nobody is mailed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20)  # users.notice_kinds
    words = models.CharField(max_length=300)  # what happened, in one sentence
    text = models.TextField(blank=True, db_default="")  # what it means, and what can be done
    url = models.CharField(max_length=300, blank=True, db_default="")  # of a page of this site
    ip = models.GenericIPAddressField(null=True, blank=True)
    browser = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField(default=clock.now)
    is_listed = models.BooleanField(db_default=True)  # on the page
    seen_at = models.DateTimeField(null=True, blank=True)
    mail_to = models.EmailField(blank=True)
    mail_due_at = models.DateTimeField(null=True, blank=True)  # null: nothing to send (any more)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        db_table = "users_securityevent"  # as it was called when it told of safety alone
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["user", "-at"], name="security_event_of_user"),
            models.Index(fields=["mail_due_at"], name="security_mail_due", condition=models.Q(mail_due_at__isnull=False)),
            models.Index(fields=["user"], name="notice_unseen", condition=models.Q(is_listed=True, seen_at=None)),
        ]

    def __str__(self) -> str:
        return self.words

"""What wallets were asked to sign."""

from django.db import models

from common import clock
from users.models.people import User


class Purpose(models.TextChoices):
    """What a wallet's signature is asked for. A signature for one is never taken for another: the text says which."""

    SIGN_IN = "sign_in", "Sign in"
    LINK = "link", "Link a wallet"
    PAYOUT = "payout", "Confirm a payout address"
    CONFIRM = "confirm", "Confirm that it is still you"


class WalletChallenge(models.Model):
    """What one browser was asked to sign; good once, for minutes. Its text is made from these fields, never stored."""

    nonce = models.CharField(max_length=40, unique=True)
    session_key = models.CharField(max_length=40)  # of the browser that asked
    purpose = models.CharField(max_length=10, choices=Purpose)
    network = models.CharField(max_length=10, choices=[("aptos", "Aptos"), ("evm", "EVM")])
    address = models.CharField(max_length=66, blank=True)  # EVM: the text names it
    form = models.CharField(
        max_length=10, choices=[("siwa", "Sign in with Aptos"), ("message", "signMessage"), ("eip4361", "EIP-4361")]
    )
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")  # who asked, unless signing in
    next = models.CharField(max_length=500, blank=True)  # a page of this site
    issued_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose="sign_in") ^ models.Q(user__isnull=False),
                name="challenge_of_a_user_unless_signing_in",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="challenge_by_expiry")]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} ({self.network})"

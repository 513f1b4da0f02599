"""The address book of withdrawals. An address enters it by a fresh signature alone (credit.views.payout_addresses)."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest

from credit.events import credit_changed
from credit.models import PayoutAddress
from credit.withdrawing import address_delay
from users.models import User
from users.notices import tell
from users.wording import short_address


@transaction.atomic
def add_payout_address(
    *, owner: User, network: str, address: str, now: datetime, request: HttpRequest | None = None
) -> PayoutAddress:
    """An address that its owner has just signed for; usable after a delay. One that is in the book already stays as it is."""
    User.objects.select_for_update().get(pk=owner.pk)
    known = PayoutAddress.objects.filter(owner=owner, network=network, address=address, removed_at=None).first()
    if known:
        return known
    made = PayoutAddress.objects.create(
        owner=owner, network=network, address=address, verified_at=now, usable_at=now + address_delay()
    )
    words = f"A payout address was added ({short_address(address)}). It can be used from {made.usable_at:%d %b %Y, %H:%M} UTC."
    tell(user=owner, kind="payout", words=words, now=now, request=request)
    credit_changed([owner.pk])
    return made


def label_payout_address(*, owner: User, address_id: int, label: str) -> bool:
    """False: there is no such address of this person."""
    return bool(PayoutAddress.objects.filter(owner=owner, pk=address_id, removed_at=None).update(label=label[:60]))


@transaction.atomic
def remove_payout_address(*, owner: User, address_id: int, now: datetime, request: HttpRequest | None = None) -> bool:
    """It is offered no more; what is already on its way there goes on. False: there is no such address of this person."""
    place = PayoutAddress.objects.select_for_update().filter(owner=owner, pk=address_id, removed_at=None).first()
    if place is None:
        return False
    place.removed_at = now
    place.save(update_fields=["removed_at"])
    words = f"A payout address was removed ({short_address(place.address)})."
    tell(user=owner, kind="payout", words=words, now=now, request=request)
    credit_changed([owner.pk])
    return True

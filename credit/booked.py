"""What must be in a chain's wallets by the books, in an asset's smallest units."""

from django.db.models import DecimalField, Sum
from django.db.models.functions import Cast

from credit.adjustment_states import AdjustmentStatus
from credit.chains import Asset, Chain
from credit.deposit_states import DepositStatus
from credit.models import Deposit, Payout, Taking
from credit.payout_states import PayoutStatus

SETTLED = (DepositStatus.CREDITED, DepositStatus.UNCLAIMED, DepositStatus.CLAIMED)
UNITS = DecimalField(max_digits=78, decimal_places=0)


def booked_units(chain: Chain, asset: Asset) -> int:
    """What came in by this asset, less what was paid out and what operators took."""
    here = {"chain": chain.key, "asset": asset.contract}
    came = Deposit.objects.filter(status__in=SETTLED, **here).aggregate(units=Sum(Cast("units", UNITS)))["units"]
    paid = Payout.objects.filter(status=PayoutStatus.CONFIRMED, **here).aggregate(units=Sum("units"))["units"]
    taken = Taking.objects.filter(status=AdjustmentStatus.MADE, **here).aggregate(units=Sum("units"))["units"]
    return int(came or 0) - int(paid or 0) - int(taken or 0)

"""The price of a tier and the split of its charges at a moment: the newest dated rule, else the defaults."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from common.written import written_once
from rendering.choices import Tier
from rendering.models import RateRule
from rendering.pricing import DEFAULT_RATES_MICROS, DEFAULT_SHARES_BP


class Rate(NamedTuple):
    rate_micros: int  # per reference second
    worker_bp: int
    checkers_bp: int
    network_bp: int


def rate_at(tier: str, now: datetime) -> Rate:
    return _rate(tier, RateRule.objects.filter(tier=tier, begins_at__lte=now).first())


@written_once
def newest_rules(now: datetime) -> QuerySet[RateRule]:
    return RateRule.objects.filter(begins_at__lte=now).order_by("tier", "-begins_at").distinct("tier")


def rates_at(now: datetime) -> dict[Tier, Rate]:
    """Those of all tiers, in one query."""
    rules = {rule.tier: rule for rule in newest_rules(now)}
    return {tier: _rate(tier, rules.get(tier)) for tier in Tier}


def _rate(tier: str, rule: RateRule | None) -> Rate:
    if rule:
        return Rate(rule.rate_micros, rule.worker_bp, rule.checkers_bp, rule.network_bp)
    return Rate(DEFAULT_RATES_MICROS[tier], *DEFAULT_SHARES_BP.values())

"""Chains as the settings name them."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from credit.chains import Asset, all_chains, chain_of, deposit_chains
from tests.credit.deposits.builders import APTOS_USDT, HASH


def test_nothing_is_offered_that_is_not_set(settings):
    settings.APTOS_ASSET = settings.EVM_ASSET = ""
    assert all_chains() == ()


def test_a_chain_without_a_treasury_takes_no_payments(evm_settings):
    evm_settings.EVM_TREASURY = ""
    assert [chain.key for chain in all_chains()] == ["evm:31337"]
    assert deposit_chains() == ()


@pytest.mark.parametrize("name", ["EVM_TREASURY", "EVM_ASSET"])
@pytest.mark.parametrize("value", ["0x12", "treasury.eth", "0x" + "zz" * 20])
def test_a_wrong_address_is_named(evm_settings, name, value):
    setattr(evm_settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        all_chains()


def test_links_lead_to_the_right_network(aptos_settings):
    aptos_settings.APTOS_CHAIN_ID = 2
    (chain,) = deposit_chains()
    assert chain.transaction_url(HASH) == f"https://explorer.aptoslabs.com/txn/{HASH}?network=testnet"
    assert chain_of("aptos:2").asset(APTOS_USDT).symbol == "USDT"
    assert chain_of("aptos:1") is None


@pytest.mark.parametrize(("decimals", "units", "micros"), [(6, 7, 7), (18, 10**12, 1), (18, 10**12 - 1, 0), (2, 1, 10_000)])
def test_units_are_rounded_down_to_micros(decimals, units, micros):
    assert Asset("T", "0x0", decimals).micros(units) == micros


@pytest.mark.parametrize(("decimals", "micros", "units"), [(6, 7, 7), (18, 7, 7 * 10**12), (2, 10_000, 1), (2, 10_001, 2)])
def test_what_is_to_be_paid_is_rounded_up_to_the_tokens_units(decimals, micros, units):
    assert Asset("USDT", "0x1", decimals).units_worth(micros) == units

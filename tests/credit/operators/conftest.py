"""Two operators, and what waits for them."""

import pytest

from tests.credit.builders import person
from tests.credit.deposits.conftest import evm_settings, usdt  # noqa: F401 -- fixtures of the neighbours
from tests.credit.payments.conftest import paypal  # noqa: F401
from tests.credit.payouts.conftest import aptos_pays, earner, offered, rules  # noqa: F401


@pytest.fixture
def alice(db):
    return person("alice")


@pytest.fixture
def wanda(db):
    return person("wanda")


@pytest.fixture
def sam(db):
    return person("sam", is_staff=True, is_superuser=True)


@pytest.fixture
def rita(db):
    return person("rita", is_staff=True, is_superuser=True)


@pytest.fixture
def console(client, sam):
    client.force_login(sam)
    return client

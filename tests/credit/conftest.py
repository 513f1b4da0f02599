"""The people of the ledger's tests, and the proof that every test leaves the ledger in order."""

import pytest

from credit.proof import differences
from tests.credit.builders import NOW, person


@pytest.fixture
def alice(db):
    return person("alice")


@pytest.fixture
def wanda(db):
    return person("wanda")


@pytest.fixture
def in_order(db):
    """Proves the ledger after the test."""
    yield
    assert list(differences(NOW)) == []

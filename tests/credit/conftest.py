"""The proof that every test leaves the ledger in order."""

import pytest

from credit.proof import differences
from tests.credit.builders import NOW


@pytest.fixture
def in_order(db):
    """Proves the ledger after the test."""
    yield
    assert list(differences(NOW)) == []

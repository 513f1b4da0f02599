import pytest

from credit.proof import differences
from tests.builders import NOW


@pytest.fixture
def ledger_in_order(db):
    """Proves the ledger after the test."""
    yield
    assert list(differences(NOW)) == []

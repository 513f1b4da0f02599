import pytest

from credit.proof import differences
from rendering import looks
from tests.builders import NOW


@pytest.fixture
def ledger_in_order(db):
    """Proves the ledger after the test."""
    yield
    assert list(differences(NOW)) == []


@pytest.fixture
def ended_while_looking():
    """`ended_while_looking("film", 7)`: what processes leave behind that are killed in the middle of a look."""
    kept = []  # one that is forgotten would clear its mark

    def leave(kind: str, pk: int, *, times: int = looks.LOOKS_MAX) -> None:
        for _ in range(times):
            kept.append(looks.looking(kind, pk))
            kept[-1].__enter__()

    return leave

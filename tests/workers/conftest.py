import pytest

from tests.workers.toy import Toy


@pytest.fixture(autouse=True)
def toy(settings):
    """The queue knows one product, which remembers nothing of earlier tests."""
    settings.WORK_KINDS = "tests.workers.toy.WORK_KINDS"
    Toy.forget()
    yield Toy
    Toy.forget()

"""The people of every test: alice creates, wanda owns nodes, chen checks, sam operates, mallory is signed in and owns nothing."""

from pathlib import Path

import hypothesis
import pytest

from tests.chains.fixtures import evm_chain, evm_process
from tests.stories.whole import stack, stack_aptos, stack_evm, stack_google, stack_paypal, tiny_scene

__all__ = [
    "evm_chain",
    "evm_process",
    "stack",
    "stack_aptos",
    "stack_evm",
    "stack_google",
    "stack_paypal",
    "tiny_scene",
]  # fixtures: one definition, so one stack for a whole run

# The same examples every time, however slow the machine: a test fails for what it tests, or not at all.
hypothesis.settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")


def pytest_addoption(parser) -> None:
    parser.addoption("--vectors", type=Path, help="another file of sign-in vectors for tests/users/test_aptos_vectors.py")


@pytest.fixture(autouse=True)
def empty_redis():
    """Counters, telemetry and queues of one test are not the next one's."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def person(db):
    """Make a person by name. Operators come with their second step."""
    from tests.users.browsers import equip
    from users.models import User

    def make(name: str, **fields) -> User:
        user = User.objects.create(username=name, email=f"{name}@example.org", display_name=name.title(), **fields)
        if user.is_staff:
            equip(user)
        return user

    return make


@pytest.fixture
def alice(person):
    return person("alice")


@pytest.fixture
def wanda(person):
    return person("wanda")


@pytest.fixture
def chen(person):
    return person("chen")


@pytest.fixture
def sam(person):
    return person("sam", is_staff=True, is_superuser=True)


@pytest.fixture
def mallory(person):
    return person("mallory")


@pytest.fixture
def signed_in():
    """`signed_in(alice)` is a browser with alice's session."""
    from django.test import Client

    def sign_in(user) -> Client:
        browser = Client()
        browser.force_login(user)
        return browser

    return sign_in
